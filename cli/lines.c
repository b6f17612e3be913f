/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include "interrupt.h"
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 65536, LINE_MAX_MIB = 256 };

/* Make room for one more piece and a zero byte. */
static int make_room(struct lines *l)
{
    if (l->from) {
        memmove(l->data, l->data + l->from, l->size - l->from);
        l->size -= l->from;
        l->from = 0;
    }
    if (l->size > (size_t)LINE_MAX_MIB << 20)
        return fail("stdin, line %zu: longer than %d MiB", l->number + 1, LINE_MAX_MIB);
    if (l->capacity - l->size > READ_SIZE)
        return 0;
    size_t capacity = 2 * l->capacity + 2 * READ_SIZE;
    char *data = realloc(l->data, capacity);
    if (!data)
        return fail("out of memory");
    l->data = data;
    l->capacity = capacity;
    return 0;
}

static int read_more(struct lines *l)
{
    int code = make_room(l);
    if (code)
        return code;
    ssize_t n;
    do
        n = interrupt_wait(STDIN_FILENO) ? read(STDIN_FILENO, l->data + l->size, READ_SIZE) : 0;
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail("reading stdin: %s", strerror(errno));
    l->ended = n == 0;
    l->size += (size_t)n;
    return 0;
}

int lines_next(struct lines *l, char **line, size_t *size)
{
    size_t looked_at = 0; /* bytes of the line at `from` that were searched for its end */
    for (;;) {
        char *begin = l->data + l->from;
        size_t left = l->size - l->from;
        char *end = left > looked_at ? memchr(begin + looked_at, '\n', left - looked_at) : NULL;
        if (!end && !l->ended) {
            looked_at = left;
            int code = read_more(l);
            if (code)
                return code;
            continue;
        }
        *line = NULL;
        if (interrupt_seen() || (!end && !left))
            return 0;
        *line = begin;
        *size = end ? (size_t)(end - begin) : left;
        begin[*size] = '\0';
        l->from += *size + (end != NULL);
        l->number++;
        return 0;
    }
}

void lines_free(struct lines *l)
{
    free(l->data);
    *l = (struct lines){0};
}
