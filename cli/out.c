/* SPDX-License-Identifier: Apache-2.0 */
#include "out.h"

#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Long texts are written in pieces of this size. */
enum { PIECE_SIZE = 1 << 20 };

static bool out_grow(struct out *out, size_t n)
{
    size_t capacity = out->capacity ? out->capacity : 4096;
    while (capacity - out->size < n) {
        if (capacity > SIZE_MAX / 2) {
            out->error = ENOMEM;
            return false;
        }
        capacity *= 2;
    }
    char *data = realloc(out->data, capacity);
    if (!data) {
        out->error = ENOMEM;
        return false;
    }
    out->data = data;
    out->capacity = capacity;
    return true;
}

char *out_reserve(struct out *out, size_t n)
{
    if (out->fd >= 0 && out->size > PIECE_SIZE)
        out_flush(out);
    if (out->error || (out->capacity - out->size < n && !out_grow(out, n)))
        return NULL;
    return out->data + out->size;
}

void out_advance(struct out *out, const char *end)
{
    out->size = (size_t)(end - out->data);
}

void out_bytes(struct out *out, const void *data, size_t size)
{
    char *p = out_reserve(out, size);
    if (!p)
        return;
    memcpy(p, data, size);
    out->size += size;
}

void out_text(struct out *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}

void out_char(struct out *out, char c)
{
    out_bytes(out, &c, 1);
}

void out_pad(struct out *out, char c, size_t n)
{
    char *p = out_reserve(out, n);
    if (!p)
        return;
    memset(p, c, n);
    out->size += n;
}

void out_format(struct out *out, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *p = n < 0 ? NULL : out_reserve(out, (size_t)n + 1);
    if (p) {
        vsnprintf(p, (size_t)n + 1, format, again);
        out->size += (size_t)n;
    }
    va_end(again);
}

/* Characters of three bytes in UTF-8 that change the direction of text or break a line: with them
 * a name could make a row of a table look like another. */
static bool turns_text(unsigned code)
{
    return code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

size_t control_at(const char *text, unsigned *code)
{
    const unsigned char *s = (const unsigned char *)text;
    *code = *s;
    if (*s < 0x20 || *s == 0x7f)
        return 1;
    if ((s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f) || (s[0] == 0xd8 && s[1] == 0x9c)) {
        *code = (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
        return 2;
    }
    if (s[0] != 0xe2 || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80)
        return 0;
    *code = 0x2000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    return turns_text(*code) ? 3 : 0;
}

/* The size of the UTF-8 sequence at `text`; 0: it is not UTF-8. Names are UTF-8, but a message may
 * quote what a server sent, and may be cut. */
static size_t sequence_at(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t size = *s < 0x80   ? 1
                  : *s < 0xc2 ? 0
                  : *s < 0xe0 ? 2
                  : *s < 0xf0 ? 3
                  : *s < 0xf5 ? 4
                              : 0;
    for (size_t i = 1; i < size; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
        (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
        return 0;
    return size;
}

void out_plain(struct out *out, const char *text)
{
    unsigned code;
    while (*text) {
        size_t control = control_at(text, &code), size = sequence_at(text);
        if (control || !size)
            out_char(out, '?');
        else
            out_bytes(out, text, size);
        text += control ? control : size ? size : 1;
    }
}

size_t text_width(const char *text, size_t size)
{
    size_t width = 0;
    for (size_t i = 0; i < size; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

static void write_all(struct out *out, const char *data, size_t size)
{
    while (!out->error && size) {
        ssize_t n = write(out->fd, data, size);
        if (n >= 0) {
            data += n;
            size -= (size_t)n;
        } else if (errno != EINTR) { /* interrupted: the text is written to its end first */
            out->error = errno;
        }
    }
}

bool out_flush(struct out *out)
{
    write_all(out, out->data, out->size);
    out->size = 0;
    return !out->error;
}

bool out_through(struct out *out, const void *data, size_t size)
{
    out_flush(out);
    write_all(out, data, size);
    return !out->error;
}

int out_finish(struct out *out, int code)
{
    if (out->fd >= 0)
        out_flush(out);
    int error = out->error;
    out_free(out);
    if (!error)
        return code;
    if (error == EPIPE)
        return code; /* the reader of the pipe has closed it */
    return fail("writing the output: %s", strerror(error));
}

void out_free(struct out *out)
{
    free(out->data);
    out->data = NULL;
    out->size = out->capacity = 0;
}
