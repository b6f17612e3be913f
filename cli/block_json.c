/* SPDX-License-Identifier: Apache-2.0 */
/* Not read with a JSON library: these have neither NaN nor integers beyond int64, and both can be
 * samples. */
#include "block_json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, NAME_MAX_SIZE = 4096, FIRST_CAPACITY = 1024 };

struct text {
    const char *begin, *at, *end;
    arrakis_error *err;
};

__attribute__((format(printf, 3, 4))) static arrakis_status
refuse(struct text *t, arrakis_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = snprintf(t->err->message, sizeof t->err->message, "at %td: ", t->at - t->begin + 1);
    vsnprintf(t->err->message + n, sizeof t->err->message - (size_t)n, format, args);
    va_end(args);
    t->err->status = status;
    return status;
}

static arrakis_status fail_expected(struct text *t, const char *what)
{
    if (t->at >= t->end)
        return refuse(t, ARRAKIS_EFORMAT, "the line ends, expected %s", what);
    return refuse(t, ARRAKIS_EFORMAT, "found '%.12s', expected %s", t->at, what);
}

/* ---------------------------------------------------------------- tokens */

static char peek_char(struct text *t)
{
    t->at += strspn(t->at, " \t\r\n");
    return *t->at; /* zero at the end */
}

static bool take_char(struct text *t, char c)
{
    if (peek_char(t) != c || t->at >= t->end)
        return false;
    t->at++;
    return true;
}

static bool take_word(struct text *t, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(t->at, word, n) != 0)
        return false;
    t->at += n;
    return true;
}

/* Skip to the end of a string. */
static arrakis_status skip_string(struct text *t)
{
    if (!take_char(t, '"'))
        return fail_expected(t, "a string");
    for (;;) {
        t->at += strcspn(t->at, "\"\\");
        if (t->at >= t->end || !*t->at)
            return fail_expected(t, "'\"'");
        if (*t->at++ == '"')
            return ARRAKIS_OK;
        if (!*t->at++)
            return fail_expected(t, "'\"'");
    }
}

/* Read a string; json_decref() the value. */
static arrakis_status read_string(struct text *t, json_t **value)
{
    peek_char(t);
    const char *begin = t->at;
    arrakis_status rc = skip_string(t);
    if (rc < 0)
        return rc;
    size_t size = (size_t)(t->at - begin);
    json_error_t error;
    *value = size > NAME_MAX_SIZE ? NULL : json_loadb(begin, size, JSON_DECODE_ANY, &error);
    if (*value)
        return ARRAKIS_OK;
    t->at = begin;
    return refuse(t, ARRAKIS_EFORMAT, "not a string of UTF-8 of at most %d bytes", NAME_MAX_SIZE);
}

/* Skip a value of any type. It is not used, so it is not checked strictly. */
static arrakis_status skip_value(struct text *t)
{
    int depth = 0;
    do {
        char c = peek_char(t);
        if (t->at >= t->end)
            return fail_expected(t, "a value");
        if (c == '"') {
            arrakis_status rc = skip_string(t);
            if (rc < 0)
                return rc;
        } else if (c == '{' || c == '[') {
            t->at++;
            if (++depth > DEPTH_MAX)
                return refuse(t, ARRAKIS_EFORMAT, "nested deeper than %d", DEPTH_MAX);
        } else if (c == '}' || c == ']') {
            if (depth-- == 0)
                return fail_expected(t, "a value");
            t->at++;
        } else if (depth && (c == ',' || c == ':')) {
            t->at++;
        } else {
            size_t n = strcspn(t->at, " \t\r\n,:\"{}[]");
            if (!n)
                return fail_expected(t, "a value");
            t->at += n;
        }
    } while (depth);
    return ARRAKIS_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether a number begins as in JSON: without leading zeros, and not hexadecimal, which strtod()
 * reads, too. */
static bool begins_number(const char *text)
{
    const char *digits = text + (*text == '-');
    return is_digit(*digits) &&
           (*digits != '0' || (!is_digit(digits[1]) && digits[1] != 'x' && digits[1] != 'X'));
}

static arrakis_status read_integer(struct text *t, int64_t *value)
{
    char *end;
    peek_char(t);
    errno = 0;
    long long v = strtoll(t->at, &end, 10);
    if (!begins_number(t->at) || end == t->at || errno || strspn(end, ".eE"))
        return fail_expected(t, "a whole number");
    *value = v;
    t->at = end;
    return ARRAKIS_OK;
}

/* ---------------------------------------------------------------- samples */

static bool is_unsigned(arrakis_dtype type)
{
    return type == ARRAKIS_UINT8 || type == ARRAKIS_UINT16 || type == ARRAKIS_UINT32 ||
           type == ARRAKIS_UINT64;
}

/* This is also right for negative numbers: their low bytes are the number in fewer bytes. */
static void put_low_bytes(char *to, size_t size, uint64_t v)
{
    const uint8_t byte = (uint8_t)v;
    const uint16_t half = (uint16_t)v;
    const uint32_t word = (uint32_t)v;
    memcpy(to,
           size == 1   ? (const void *)&byte
           : size == 2 ? (const void *)&half
           : size == 4 ? (const void *)&word
                       : (const void *)&v,
           size);
}

static const char *read_unsigned(char *to, size_t size, const char *text)
{
    char *end;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno || *text == '-' || (size < 8 && v >> (8 * size)))
        return NULL;
    put_low_bytes(to, size, v);
    return end;
}

static const char *read_signed(char *to, size_t size, const char *text)
{
    char *end;
    long long v = strtoll(text, &end, 10);
    long long limit = size < 8 ? 1LL << (8 * size - 1) : 0;
    if (errno || (limit && (v < -limit || v >= limit)))
        return NULL;
    put_low_bytes(to, size, (uint64_t)v);
    return end;
}

/* The digits may be those of a double, or the fewest that identify a float32: in both cases the
 * nearest float32 is meant. */
static const char *read_real(char *to, size_t size, const char *text)
{
    char *end;
    double v = strtod(text, &end);
    float narrow = strtof(text, NULL);
    if (size == 4 ? !isfinite(narrow) : !isfinite(v))
        return NULL;
    memcpy(to, size == 4 ? (const void *)&narrow : (const void *)&v, size);
    return end;
}

static bool read_special(char *to, size_t size, struct text *t)
{
    double v = take_word(t, "NaN")         ? (double)NAN
               : take_word(t, "Infinity")  ? (double)INFINITY
               : take_word(t, "-Infinity") ? -(double)INFINITY
                                           : 0;
    float narrow = (float)v;
    memcpy(to, size == 4 ? (const void *)&narrow : (const void *)&v, size);
    return !isfinite(v);
}

static arrakis_status read_number(struct text *t, char *to, arrakis_dtype type)
{
    size_t size = arrakis_dtype_size(type);
    bool real = type == ARRAKIS_FLOAT32 || type == ARRAKIS_FLOAT64;
    if (real && read_special(to, size, t))
        return ARRAKIS_OK;
    const char *end = NULL;
    errno = 0;
    if (begins_number(t->at))
        end = real                ? read_real(to, size, t->at)
              : is_unsigned(type) ? read_unsigned(to, size, t->at)
                                  : read_signed(to, size, t->at);
    /* strtod() also reads a point without digits after it, which JSON does not have. */
    const char *point = end ? memchr(t->at, '.', (size_t)(end - t->at)) : NULL;
    if (!end || !strchr(" \t\r\n,]", *end) || (point && !is_digit(point[1]))) {
        char what[64];
        snprintf(what, sizeof what, "a sample of %s, or null", arrakis_dtype_name(type));
        return fail_expected(t, what);
    }
    t->at = end;
    return ARRAKIS_OK;
}

static bool reserve_samples(struct block_column *column, size_t size)
{
    if (column->count < column->capacity)
        return true;
    size_t capacity = column->capacity ? 2 * column->capacity : FIRST_CAPACITY;
    char *samples = realloc(column->samples, capacity * sizeof(uint64_t));
    if (samples)
        column->samples = samples;
    bool *present = realloc(column->present, capacity);
    if (present)
        column->present = present;
    if (!samples || !present)
        return false;
    memset(column->samples + column->count * size, 0, (capacity - column->count) * size);
    column->capacity = capacity;
    return true;
}

static arrakis_status read_sample(struct text *t, struct block_column *column, arrakis_dtype type)
{
    size_t size = arrakis_dtype_size(type);
    if (!reserve_samples(column, size))
        return refuse(t, ARRAKIS_ENOMEM, "out of memory after %zu samples", column->count);
    peek_char(t);
    char *to = column->samples + column->count * size;
    bool missing = take_word(t, "null");
    arrakis_status rc = missing ? ARRAKIS_OK : read_number(t, to, type);
    if (rc < 0)
        return rc;
    if (missing)
        memset(to, 0, size);
    column->missing += missing;
    column->present[column->count++] = !missing;
    return ARRAKIS_OK;
}

static arrakis_status read_samples(struct text *t, struct block_column *column, arrakis_dtype type)
{
    column->count = column->missing = 0;
    if (!take_char(t, '['))
        return fail_expected(t, "an array of samples");
    if (take_char(t, ']'))
        return ARRAKIS_OK;
    do {
        arrakis_status rc = read_sample(t, column, type);
        if (rc < 0)
            return rc;
    } while (take_char(t, ','));
    return take_char(t, ']') ? ARRAKIS_OK : fail_expected(t, "',' or ']'");
}

/* ---------------------------------------------------------------- the block */

static arrakis_status add_column(struct text *t, struct block_text *block)
{
    if (block->count < block->capacity)
        return ARRAKIS_OK;
    size_t capacity = block->capacity ? 2 * block->capacity : 16;
    struct block_column *columns = realloc(block->columns, capacity * sizeof *columns);
    if (!columns)
        return refuse(t, ARRAKIS_ENOMEM, "out of memory after %zu channels", block->count);
    memset(columns + block->capacity, 0, (capacity - block->capacity) * sizeof *columns);
    block->columns = columns;
    block->capacity = capacity;
    return ARRAKIS_OK;
}

static arrakis_status read_column(struct text *t, struct block_text *block, const char *name,
                                  const arrakis_channels *known)
{
    int64_t index = arrakis_channels_index(known, name);
    if (index < 0)
        return refuse(t, ARRAKIS_ENOTFOUND, "channel '%.200s' is not one of the publisher's",
                      name);
    arrakis_status rc = add_column(t, block);
    if (rc < 0)
        return rc;
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(arrakis_channels_get(known, (size_t)index), &info);
    struct block_column *column = &block->columns[block->count++];
    column->index = (size_t)index;
    return read_samples(t, column, info.dtype);
}

/* Called for each member of an object. */
typedef arrakis_status (*member_fn)(struct text *t, struct block_text *block, const char *name,
                                    const arrakis_channels *known);

static arrakis_status read_object(struct text *t, struct block_text *block, member_fn member,
                                  const arrakis_channels *known)
{
    if (!take_char(t, '{'))
        return fail_expected(t, "an object");
    if (take_char(t, '}'))
        return ARRAKIS_OK;
    do {
        json_t *name = NULL;
        arrakis_status rc = read_string(t, &name);
        if (rc == ARRAKIS_OK)
            rc = take_char(t, ':') ? member(t, block, json_string_value(name), known)
                                   : fail_expected(t, "':'");
        json_decref(name);
        if (rc < 0)
            return rc;
    } while (take_char(t, ','));
    return take_char(t, '}') ? ARRAKIS_OK : fail_expected(t, "',' or '}'");
}

static arrakis_status read_member(struct text *t, struct block_text *block, const char *name,
                                  const arrakis_channels *known)
{
    if (strcmp(name, "time_ns") == 0)
        return read_integer(t, &block->time_ns);
    if (strcmp(name, "_duration_ns") == 0)
        return read_integer(t, &block->duration_ns);
    if (strcmp(name, "data") == 0)
        return read_object(t, block, read_column, known);
    return skip_value(t);
}

arrakis_status block_text_read(struct block_text *block, const char *text, size_t size,
                               const arrakis_channels *known, arrakis_error *err)
{
    struct text t = {text, text, text + size, err};
    block->time_ns = block->duration_ns = ARRAKIS_UNSET;
    block->count = 0;
    arrakis_status rc = read_object(&t, block, read_member, known);
    if (rc < 0)
        return rc;
    peek_char(&t);
    if (t.at < t.end)
        return fail_expected(&t, "the end of the line");
    if (block->time_ns == ARRAKIS_UNSET)
        return refuse(&t, ARRAKIS_EFORMAT, "the block has no \"time_ns\"");
    if (!block->count)
        return refuse(&t, ARRAKIS_EFORMAT, "the block has no \"data\"");
    return ARRAKIS_OK;
}

/* ---------------------------------------------------------------- from a block */

static arrakis_status copy_column(struct text *t, struct block_column *column, arrakis_series s)
{
    size_t size = arrakis_dtype_size(s.dtype);
    column->count = 0;
    while (column->count < s.length) {
        if (!reserve_samples(column, size))
            return refuse(t, ARRAKIS_ENOMEM, "out of memory for %zu samples", s.length);
        column->count = column->capacity < s.length ? column->capacity : s.length;
    }
    memcpy(column->samples, s.samples, s.length * size);
    for (size_t i = 0; i < s.length; i++)
        column->present[i] = !s.valid || (s.valid[i / 8] >> i % 8 & 1);
    column->missing = arrakis_series_missing(s);
    return ARRAKIS_OK;
}

arrakis_status block_text_copy(struct block_text *block, const arrakis_block *from,
                               const arrakis_channels *known, arrakis_error *err)
{
    const arrakis_channels *channels = arrakis_block_channels(from);
    struct text t = {"", "", "", err};
    arrakis_status rc = ARRAKIS_OK;
    block->time_ns = arrakis_block_start_ns(from);
    block->duration_ns = arrakis_block_duration_ns(from);
    block->count = 0;
    for (size_t i = 0; rc >= 0 && i < arrakis_channels_count(channels); i++) {
        const char *name = arrakis_channel_name(arrakis_channels_get(channels, i));
        int64_t index = arrakis_channels_index(known, name);
        if (index < 0)
            return refuse(&t, ARRAKIS_ENOTFOUND, "channel '%.200s' is not one of the publisher's",
                          name);
        if ((rc = add_column(&t, block)) < 0)
            return rc;
        struct block_column *column = &block->columns[block->count++];
        column->index = (size_t)index;
        rc = copy_column(&t, column, arrakis_block_series(from, i));
    }
    return rc;
}

void block_text_free(struct block_text *block)
{
    for (size_t i = 0; i < block->capacity; i++) {
        free(block->columns[i].samples);
        free(block->columns[i].present);
    }
    free(block->columns);
    *block = (struct block_text){0};
}
