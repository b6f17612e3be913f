/* SPDX-License-Identifier: Apache-2.0 */
#include "output_text.h"

#include "json_number.h"

#include <string.h>

static bool put_missing(arrakis_series s, size_t i)
{
    return s.valid && !(s.valid[i / 8] >> (i % 8) & 1);
}

static char *put_sample(char *p, arrakis_series s, size_t i)
{
    switch (s.dtype) {
    case ARRAKIS_INT8:
        return put_signed(p, ((const int8_t *)s.samples)[i]);
    case ARRAKIS_INT16:
        return put_signed(p, ((const int16_t *)s.samples)[i]);
    case ARRAKIS_INT32:
        return put_signed(p, ((const int32_t *)s.samples)[i]);
    case ARRAKIS_INT64:
        return put_signed(p, ((const int64_t *)s.samples)[i]);
    case ARRAKIS_UINT8:
        return put_unsigned(p, ((const uint8_t *)s.samples)[i]);
    case ARRAKIS_UINT16:
        return put_unsigned(p, ((const uint16_t *)s.samples)[i]);
    case ARRAKIS_UINT32:
        return put_unsigned(p, ((const uint32_t *)s.samples)[i]);
    case ARRAKIS_UINT64:
        return put_unsigned(p, ((const uint64_t *)s.samples)[i]);
    case ARRAKIS_FLOAT32:
        return put_float(p, ((const float *)s.samples)[i]);
    case ARRAKIS_FLOAT64:
        return put_double(p, ((const double *)s.samples)[i]);
    case ARRAKIS_DTYPE_NONE:
        break;
    }
    return p;
}

void text_sample(struct out *out, arrakis_series s, size_t i)
{
    char *p = out_reserve(out, NUMBER_SIZE);
    if (!p)
        return;
    if (put_missing(s, i)) {
        *p++ = '-';
        *p++ = '-';
    } else {
        p = put_sample(p, s, i);
    }
    out_advance(out, p);
}

void text_samples(struct out *out, arrakis_series s, size_t limit, size_t edge)
{
    bool all = s.length <= limit;
    out_char(out, '[');
    for (size_t i = 0; i < s.length; i++) {
        if (i)
            out_text(out, ", ");
        if (!all && i == edge) {
            out_text(out, "..., ");
            i = s.length - edge;
        }
        text_sample(out, s, i);
    }
    out_char(out, ']');
}

/* ---------------------------------------------------------------- Python's notation */

static void put_quoted(struct out *out, const char *text)
{
    char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
    unsigned code;
    out_char(out, quote);
    while (*text) {
        size_t n = control_at(text, &code);
        if (n)
            out_format(out, code > 0xff ? "\\u%04x" : "\\x%02x", code);
        else if (*text == quote || *text == '\\')
            out_format(out, "\\%c", *text);
        else
            out_char(out, *text);
        text += n ? n : 1;
    }
    out_char(out, quote);
}

/* 1_000_000 */
static void put_grouped(struct out *out, int64_t value)
{
    char digits[NUMBER_SIZE];
    size_t n =
        (size_t)(put_unsigned(digits, value < 0 ? 0 - (uint64_t)value : (uint64_t)value) - digits);
    if (value < 0)
        out_char(out, '-');
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            out_char(out, '_');
        out_char(out, digits[i]);
    }
}

static void put_rate(struct out *out, double hz)
{
    char *p = out_reserve(out, NUMBER_SIZE);
    if (p)
        out_advance(out, put_double(p, hz));
}

static void text_field(struct out *out, const char *name, const char *value)
{
    if (!value)
        return;
    out_format(out, ", %s=", name);
    put_quoted(out, value);
}

static void number_field(struct out *out, const char *name, int64_t value)
{
    if (value == ARRAKIS_UNSET)
        return;
    out_format(out, ", %s=", name);
    put_grouped(out, value);
}

void text_channel(struct out *out, const arrakis_channel *channel)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    out_char(out, '<');
    out_plain(out, info.name);
    out_text(out, ", ");
    put_rate(out, info.sample_rate);
    out_format(out, " Hz, '%s'", arrakis_dtype_name(info.dtype));
    number_field(out, "time", info.time_ns);
    text_field(out, "publisher", info.publisher);
    text_field(out, "partition_id", info.partition_id);
    number_field(out, "partition_index", info.partition_index);
    number_field(out, "stride", info.stride_ns);
    number_field(out, "max_latency", info.max_latency_ns);
    text_field(out, "replay_id", info.replay_id);
    out_char(out, '>');
}

static void put_array(struct out *out, arrakis_series s)
{
    out_text(out, "array(");
    text_samples(out, s, 16, 3);
    out_format(out, ", dtype=%s)", arrakis_dtype_name(s.dtype));
}

void text_block(struct out *out, const arrakis_block *block)
{
    const arrakis_channels *channels = arrakis_block_channels(block);
    size_t n = arrakis_channels_count(channels);
    out_format(out, "SeriesBlock(time_ns=%lld, data={", (long long)arrakis_block_start_ns(block));
    for (size_t i = 0; i < n; i++) {
        out_text(out, i ? ", " : "");
        put_quoted(out, arrakis_channel_name(arrakis_channels_get(channels, i)));
        out_text(out, ": ");
        put_array(out, arrakis_block_series(block, i));
    }
    out_text(out, "}, channels={");
    for (size_t i = 0; i < n; i++) {
        const arrakis_channel *channel = arrakis_channels_get(channels, i);
        out_text(out, i ? ", " : "");
        put_quoted(out, arrakis_channel_name(channel));
        out_text(out, ": ");
        text_channel(out, channel);
    }
    out_format(out, "}, _duration_ns=%lld)\n", (long long)arrakis_block_duration_ns(block));
}

/* ---------------------------------------------------------------- pprint */

/* A mapping of at most ten members, sorted by key: on one line if it fits into 80 columns,
 * otherwise one per line, `indent` columns in. */
struct members {
    struct out text; /* "'key': value", each ended by a zero byte */
    size_t count;
};

static void put_member(struct members *m, const char *name, const char *text, int64_t number)
{
    if (!text && number == ARRAKIS_UNSET)
        return;
    out_format(&m->text, "'%s': ", name);
    if (text)
        put_quoted(&m->text, text);
    else
        out_format(&m->text, "%lld", (long long)number);
    out_char(&m->text, '\0');
    m->count++;
}

static void put_members(struct out *out, const struct members *m, size_t indent)
{
    bool fits = indent + m->text.size + m->count <= 80;
    const char *text = m->text.data ? m->text.data : "";
    out_char(out, '{');
    for (size_t i = 0; i < m->count; i++) {
        if (i)
            out_char(out, ',');
        if (i && fits)
            out_char(out, ' ');
        if (i && !fits) {
            out_char(out, '\n');
            out_pad(out, ' ', indent + 1);
        }
        out_text(out, text);
        text += strlen(text) + 1;
    }
    out_char(out, '}');
}

static void pretty_channel(struct out *out, const arrakis_channel *channel, size_t indent)
{
    struct members m = {.text = {.fd = -1}};
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    put_member(&m, "data_type", arrakis_dtype_name(info.dtype), 0);
    put_member(&m, "max_latency", NULL, info.max_latency_ns);
    put_member(&m, "name", info.name, 0);
    put_member(&m, "partition_id", info.partition_id, ARRAKIS_UNSET);
    put_member(&m, "partition_index", NULL, info.partition_index);
    put_member(&m, "publisher", info.publisher, ARRAKIS_UNSET);
    put_member(&m, "replay_id", info.replay_id, ARRAKIS_UNSET);
    out_text(&m.text, "'sample_rate': ");
    put_rate(&m.text, info.sample_rate);
    out_char(&m.text, '\0');
    m.count++;
    put_member(&m, "stride", NULL, info.stride_ns);
    put_member(&m, "time", NULL, info.time_ns);
    if (m.text.error)
        out->error = m.text.error;
    else
        put_members(out, &m, indent);
    out_free(&m.text);
}

void text_channel_pretty(struct out *out, const arrakis_channel *channel)
{
    pretty_channel(out, channel, 0);
}

/* The start of entry i of a mapping whose brace stands in column `indent`. */
static size_t put_entry(struct out *out, const char *name, size_t i, size_t indent)
{
    if (i) {
        out_text(out, ",\n");
        out_pad(out, ' ', indent);
    }
    put_quoted(out, name);
    out_text(out, ": ");
    return indent + strlen(name) + strlen("'': ");
}

void text_block_pretty(struct out *out, const arrakis_block *block)
{
    const arrakis_channels *channels = arrakis_block_channels(block);
    size_t n = arrakis_channels_count(channels);
    out_format(out, "{'_duration_ns': %lld,\n 'channels': {",
               (long long)arrakis_block_duration_ns(block));
    for (size_t i = 0; i < n; i++) {
        const arrakis_channel *channel = arrakis_channels_get(channels, i);
        size_t column = put_entry(out, arrakis_channel_name(channel), i, 14);
        pretty_channel(out, channel, column);
    }
    out_text(out, "},\n 'data': {");
    for (size_t i = 0; i < n; i++) {
        put_entry(out, arrakis_channel_name(arrakis_channels_get(channels, i)), i, 10);
        put_array(out, arrakis_block_series(block, i));
    }
    out_format(out, "},\n 'time_ns': %lld}\n", (long long)arrakis_block_start_ns(block));
}
