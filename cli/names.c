/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"
#include "out.h"
#include "report.h"
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All of stdin, with a terminating zero. @return 0, or the exit code after a message. */
static int read_stdin(char **text)
{
    struct out all = {.fd = -1};
    ssize_t n = 0;
    do {
        char piece[4096];
        n = read(STDIN_FILENO, piece, sizeof piece);
        if (n > 0)
            out_bytes(&all, piece, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR && !interrupt_seen()));
    int error = n < 0 ? errno : 0;
    out_char(&all, '\0');
    *text = all.data;
    if (all.error)
        return fail("out of memory");
    return error && error != EINTR ? fail("reading stdin: %s", strerror(error)) : 0;
}

static char *trim_line(char *line)
{
    line += strspn(line, " \t\r\f\v");
    size_t n = strlen(line);
    while (n && strchr(" \t\r\f\v", line[n - 1]))
        line[--n] = '\0';
    return line;
}

static bool add_lines(struct arg_list *list, char *text)
{
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        line = trim_line(line);
        if (*line && *line != '#' && !arg_list_add(list, line))
            return false;
    }
    return true;
}

static int add_names(struct names *names, const struct options *o)
{
    for (size_t i = 0; i < o->arguments.count; i++) {
        const char *argument = o->arguments.items[i];
        bool added = true;
        if (strcmp(argument, "-") != 0) {
            added = arg_list_add(&names->list, argument);
        } else if (!names->text) { /* a second "-" finds nothing more to read */
            int code = read_stdin(&names->text);
            if (code)
                return code;
            added = add_lines(&names->list, names->text);
        }
        if (!added)
            return fail("out of memory");
    }
    return 0;
}

struct place {
    const char *name;
    size_t position;
};

static int by_name(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->position > y->position) - (x->position < y->position);
}

/* Drop all but the first of each name, and keep the order. */
static int drop_repeated(struct arg_list *list)
{
    if (list->count < 2)
        return 0;
    struct place *places = calloc(list->count, sizeof *places);
    if (!places)
        return fail("out of memory");
    for (size_t i = 0; i < list->count; i++)
        places[i] = (struct place){list->items[i], i};
    qsort(places, list->count, sizeof *places, by_name);
    for (size_t i = 1; i < list->count; i++)
        if (strcmp(places[i].name, places[i - 1].name) == 0)
            list->items[places[i].position] = NULL;
    free(places);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i])
            list->items[kept++] = list->items[i];
    list->count = kept;
    return 0;
}

int names_load(struct names *names, const struct options *o)
{
    *names = (struct names){{NULL, 0}, NULL};
    int code = add_names(names, o);
    if (!code)
        code = drop_repeated(&names->list);
    if (!code && !names->list.count && !interrupt_seen())
        code = fail("no channel was named");
    return code;
}

void names_free(struct names *names)
{
    arg_list_free(&names->list);
    free(names->text);
}
