/* SPDX-License-Identifier: Apache-2.0 */
#include "properties.h"

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX_KIB = 1024, PROPERTIES_MAX = 1000 };

static int add_property(struct properties *p, const char *name, size_t name_size,
                        const char *value, size_t value_size)
{
    if (p->count == PROPERTIES_MAX)
        return fail("over %d properties of librdkafka", PROPERTIES_MAX);
    char *text = calloc(1, name_size + value_size + 2);
    if (!text)
        return fail("out of memory");
    memcpy(text, name, name_size);
    memcpy(text + name_size + 1, value, value_size);
    p->texts[p->count] = text;
    p->items[p->count++] = (arrakis_property){text, text + name_size + 1};
    return 0;
}

/* ---------------------------------------------------------------- files */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Errors do not quote the line: it may have a password. */
static int take_line(struct properties *p, const char *path, size_t number, const char *line,
                     size_t size)
{
    const char *end = line + size;
    if (end > line && end[-1] == '\r')
        end--;
    for (const char *at = line; at < end; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
            return fail("%s, line %zu: a control character", path, number);
    while (line < end && is_blank(*line))
        line++;
    while (end > line && is_blank(end[-1]))
        end--;
    if (line == end || *line == '#' || *line == '!')
        return 0;
    if (end[-1] == '\\')
        return fail("%s, line %zu: it ends in '\\', and a property is one line", path, number);
    const char *equals = memchr(line, '=', (size_t)(end - line)), *key_end = equals;
    while (equals && key_end > line && is_blank(key_end[-1]))
        key_end--;
    if (!equals || key_end == line)
        return fail("%s, line %zu: expected KEY=VALUE", path, number);
    const char *value = equals + 1;
    while (value < end && is_blank(*value))
        value++;
    return add_property(p, line, (size_t)(key_end - line), value, (size_t)(end - value));
}

/* @return how many bytes were read, or -1 with errno */
static ssize_t read_all(int fd, char *data, size_t capacity)
{
    size_t size = 0;
    ssize_t n;
    while (size < capacity && (n = read(fd, data + size, capacity - size)) != 0) {
        if (n < 0)
            return -1;
        size += (size_t)n;
    }
    return (ssize_t)size;
}

static int take_file(struct properties *p, const char *path)
{
    const size_t most = (size_t)FILE_MAX_KIB << 10;
    char *data = malloc(most + 1);
    if (!data)
        return fail("out of memory");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read_all(fd, data, most + 1);
    int code = 0;
    if (size < 0)
        code = fail("properties of %s: %s", path, strerror(errno));
    else if ((size_t)size > most)
        code = fail("properties of %s: over %d KiB", path, FILE_MAX_KIB);
    size_t number = 0;
    for (const char *line = data, *next; !code && size > 0 && line < data + size; line = next) {
        size_t left = (size_t)(data + size - line);
        const char *end = memchr(line, '\n', left);
        next = end ? end + 1 : line + left;
        code = take_line(p, path, ++number, line, end ? (size_t)(end - line) : left);
    }
    if (fd >= 0)
        close(fd);
    free(data);
    return code;
}

/* ---------------------------------------------------------------- all of them */

static int take_option(struct properties *p, const struct options *o, const char *text)
{
    if (*text == '@')
        return take_file(p, text + 1);
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return fail_usage(o->command, "invalid --property '%s': expected KEY=VALUE or @FILE",
                          text);
    return add_property(p, text, (size_t)(equals - text), equals + 1, strlen(equals + 1));
}

int properties_load(struct properties *p, const struct options *o)
{
    const char *environment = getenv("ARRAKIS_PROPERTIES");
    *p = (struct properties){calloc(PROPERTIES_MAX, sizeof *p->items),
                             calloc(PROPERTIES_MAX, sizeof *p->texts), 0};
    int code = p->items && p->texts ? 0 : fail("out of memory");
    if (!code && environment && *environment)
        code = take_file(p, environment);
    for (size_t i = 0; !code && i < o->properties.count; i++)
        code = take_option(p, o, o->properties.items[i]);
    return code;
}

void properties_free(struct properties *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->texts[i]);
    free(p->texts);
    free(p->items);
}
