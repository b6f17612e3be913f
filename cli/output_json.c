/* SPDX-License-Identifier: Apache-2.0 */
#include "output_json.h"

#include "json_number.h"
#include "output_text.h"

#include <string.h>

/* The text after an opening bracket, between items and before the closing one, by depth. */
struct layout {
    const char *open[4], *between[4], *close[4];
};

#define I1 "\n    "
#define I2 I1 "    "
#define I3 I2 "    "
static const struct layout on_one_line = {
    {"", "", "", ""}, {"", ", ", ", ", ", "}, {"", "", "", ""}};
static const struct layout indented = {
    {"", I1, I2, I3}, {"", "," I1, "," I2, "," I3}, {"", "\n", I1, I2}};

static const struct layout *layout_of(enum json_style style)
{
    return style == JSON_LINE ? &on_one_line : &indented;
}

/* How many bytes at the begin of a text need no escapes: mostly all of them. */
static size_t plain_length(const char *text)
{
    size_t n = 0;
    while (text[n] >= ' ' && text[n] <= '~' && text[n] != '"' && text[n] != '\\')
        n++;
    return n;
}

/* Escapes what JSON requires, and all that a terminal could take for a command. */
static void json_text(struct out *out, const char *text)
{
    unsigned code;
    out_char(out, '"');
    while (*text) {
        size_t plain = plain_length(text);
        out_bytes(out, text, plain);
        text += plain;
        if (!*text)
            break;
        size_t n = control_at(text, &code);
        if (n)
            out_format(out, "\\u%04x", code);
        else if (*text == '"' || *text == '\\')
            out_format(out, "\\%c", *text);
        else
            out_char(out, *text);
        text += n ? n : 1;
    }
    out_char(out, '"');
}

/* ---------------------------------------------------------------- channels */

struct object {
    struct out *out;
    const struct layout *layout;
    int depth;
    bool begun;
};

static void put_key(struct object *o, const char *name)
{
    out_text(o->out, o->begun ? o->layout->between[o->depth] : o->layout->open[o->depth]);
    o->begun = true;
    out_char(o->out, '"');
    out_text(o->out, name);
    out_text(o->out, "\": ");
}

static void text_member(struct object *o, const char *name, const char *value)
{
    if (!value)
        return;
    put_key(o, name);
    json_text(o->out, value);
}

static void number_member(struct object *o, const char *name, int64_t value)
{
    if (value == ARRAKIS_UNSET)
        return;
    put_key(o, name);
    char *p = out_reserve(o->out, NUMBER_SIZE);
    if (p)
        out_advance(o->out, put_signed(p, value));
}

static void rate_member(struct object *o, const char *name, double value)
{
    put_key(o, name);
    char *p = out_reserve(o->out, NUMBER_SIZE);
    if (p)
        out_advance(o->out, put_json_double(p, value));
}

/* `depth` is the depth of its members. */
static void channel_object(struct out *out, const arrakis_channel *channel,
                           const struct layout *layout, int depth)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    struct object o = {out, layout, depth, false};
    out_char(out, '{');
    text_member(&o, "name", info.name);
    text_member(&o, "data_type", arrakis_dtype_name(info.dtype));
    rate_member(&o, "sample_rate", info.sample_rate);
    number_member(&o, "time", info.time_ns);
    text_member(&o, "publisher", info.publisher);
    text_member(&o, "partition_id", info.partition_id);
    number_member(&o, "partition_index", info.partition_index);
    number_member(&o, "stride", info.stride_ns);
    number_member(&o, "max_latency", info.max_latency_ns);
    text_member(&o, "replay_id", info.replay_id);
    out_text(out, layout->close[depth]);
    out_char(out, '}');
}

void json_channel(struct out *out, const arrakis_channel *channel, enum json_style style)
{
    channel_object(out, channel, layout_of(style), 1);
    out_char(out, '\n');
}

/* ---------------------------------------------------------------- samples */

static bool is_present(const uint8_t *valid, size_t i)
{
    return !valid || (valid[i / 8] >> (i % 8) & 1);
}

static char *put_bytes(char *p, const char *text, size_t size)
{
    memcpy(p, text, size);
    return p + size;
}

/* One loop per data type: per sample, only its validity is checked. */
#define PUT_SAMPLES(name, type, put)                                                              \
    static char *put_##name(char *p, arrakis_series s, size_t from, size_t to,                    \
                            const char *between, size_t between_size)                             \
    {                                                                                             \
        const type *samples = s.samples;                                                          \
        for (size_t i = from; i < to; i++) {                                                      \
            if (i)                                                                                \
                p = put_bytes(p, between, between_size);                                          \
            p = is_present(s.valid, i) ? put(p, samples[i]) : put_bytes(p, "null", 4);            \
        }                                                                                         \
        return p;                                                                                 \
    }

PUT_SAMPLES(int8, int8_t, put_signed)
PUT_SAMPLES(int16, int16_t, put_signed)
PUT_SAMPLES(int32, int32_t, put_signed)
PUT_SAMPLES(int64, int64_t, put_signed)
PUT_SAMPLES(uint8, uint8_t, put_unsigned)
PUT_SAMPLES(uint16, uint16_t, put_unsigned)
PUT_SAMPLES(uint32, uint32_t, put_unsigned)
PUT_SAMPLES(uint64, uint64_t, put_unsigned)
PUT_SAMPLES(float32, float, put_json_double)
PUT_SAMPLES(float64, double, put_json_double)

typedef char *(*put_fn)(char *p, arrakis_series s, size_t from, size_t to, const char *between,
                        size_t between_size);

static put_fn put_of(arrakis_dtype type)
{
    static const put_fn functions[] = {
        [ARRAKIS_INT8] = put_int8,       [ARRAKIS_INT16] = put_int16,
        [ARRAKIS_INT32] = put_int32,     [ARRAKIS_INT64] = put_int64,
        [ARRAKIS_UINT8] = put_uint8,     [ARRAKIS_UINT16] = put_uint16,
        [ARRAKIS_UINT32] = put_uint32,   [ARRAKIS_UINT64] = put_uint64,
        [ARRAKIS_FLOAT32] = put_float32, [ARRAKIS_FLOAT64] = put_float64,
    };
    return functions[type];
}

static void json_samples(struct out *out, arrakis_series s, const struct layout *layout)
{
    enum { PIECE = 1024 };
    const char *between = layout->between[3];
    size_t between_size = strlen(between);
    put_fn put = put_of(s.dtype);
    out_char(out, '[');
    out_text(out, s.length ? layout->open[3] : "");
    for (size_t from = 0; from < s.length; from += PIECE) {
        size_t n = s.length - from < PIECE ? s.length - from : PIECE;
        char *p = out_reserve(out, n * (NUMBER_SIZE + between_size));
        if (!p)
            return;
        out_advance(out, put(p, s, from, from + n, between, between_size));
    }
    out_text(out, s.length ? layout->close[3] : "");
    out_char(out, ']');
}

static void json_short_samples(struct out *out, arrakis_series s)
{
    struct out text = {.fd = -1};
    text_samples(&text, s, 16, 3);
    out_format(out, "\"array(data=%.*s, dtype=%s)\"", (int)text.size, text.data ? text.data : "",
               arrakis_dtype_name(s.dtype));
    out_free(&text);
}

/* ---------------------------------------------------------------- blocks */

/* Keep `"H1:NAME": `, with the text before it, for each channel. */
static void keep_names(struct json_blocks *w, const struct layout *layout)
{
    w->names.fd = -1;
    w->names.size = 0;
    for (size_t i = 0; i < arrakis_channels_count(w->channels); i++) {
        out_text(&w->names, i ? layout->between[2] : layout->open[2]);
        json_text(&w->names, arrakis_channel_name(arrakis_channels_get(w->channels, i)));
        out_text(&w->names, ": ");
        out_char(&w->names, '\0');
    }
}

static void keep_metadata(struct json_blocks *w, const struct layout *layout)
{
    struct out *out = &w->metadata;
    size_t n = arrakis_channels_count(w->channels);
    out->fd = -1;
    out->size = 0;
    out_text(out, layout->between[1]);
    out_text(out, "\"channels\": {");
    for (size_t i = 0; i < n; i++) {
        const arrakis_channel *channel = arrakis_channels_get(w->channels, i);
        out_text(out, i ? layout->between[2] : layout->open[2]);
        json_text(out, arrakis_channel_name(channel));
        out_text(out, ": ");
        channel_object(out, channel, layout, 3);
    }
    out_text(out, n ? layout->close[2] : "");
    out_char(out, '}');
    out_text(out, layout->between[1]);
    out_text(out, "\"_duration_ns\": ");
}

static void json_data(struct json_blocks *w, struct out *out, const arrakis_block *block,
                      const struct layout *layout)
{
    const char *name = w->names.data;
    size_t n = arrakis_channels_count(w->channels);
    for (size_t i = 0; i < n; i++) {
        arrakis_series s = arrakis_block_series(block, i);
        size_t size = strlen(name);
        out_bytes(out, name, size);
        name += size + 1;
        if (w->style == JSON_ABBREVIATED)
            json_short_samples(out, s);
        else
            json_samples(out, s, layout);
    }
    out_text(out, n ? layout->close[2] : "");
}

void json_block(struct json_blocks *w, struct out *out, const arrakis_block *block)
{
    const struct layout *layout = layout_of(w->style);
    if (w->channels != arrakis_block_channels(block)) {
        arrakis_channels_unref(w->channels);
        w->channels = arrakis_channels_ref(arrakis_block_channels(block));
        keep_names(w, layout);
        keep_metadata(w, layout);
    }
    if (w->names.error || w->metadata.error) {
        out->error = w->names.error ? w->names.error : w->metadata.error;
        return;
    }
    out_format(out, "{%s\"time_ns\": %lld%s\"data\": {", layout->open[1],
               (long long)arrakis_block_start_ns(block), layout->between[1]);
    json_data(w, out, block, layout);
    out_char(out, '}');
    out_bytes(out, w->metadata.data, w->metadata.size);
    out_format(out, "%lld%s}\n", (long long)arrakis_block_duration_ns(block), layout->close[1]);
}

void json_blocks_free(struct json_blocks *w)
{
    out_free(&w->names);
    out_free(&w->metadata);
    arrakis_channels_unref(w->channels);
}
