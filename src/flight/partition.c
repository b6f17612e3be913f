/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/partition.h"

#include "arrow/header.h"
#include "arrow/format.h"
#include "base/error.h"
#include "channel/channel.h"

#include <math.h>

enum { COLUMNS = 5, BUFFERS = 13, CHANNELS_MAX = 1 << 20 };

/* ------------------------------------------------------------------ headers */

/* Wrap as a Message; frees the builder. */
static arrakis_status finish_message(ark_buffer *out, ark_flatbuffer_builder *b, uint8_t kind,
                                     ark_flatbuffer_offset header, size_t body_size,
                                     arrakis_error *err)
{
    const uint8_t *data = ark_header_message(b, kind, header, body_size, err);
    arrakis_status rc = data ? ark_buffer_reserve(out, b->size, err) : b->status;
    if (rc == ARRAKIS_OK) {
        memcpy(out->data, data, b->size);
        out->size = b->size;
    }
    ark_flatbuffer_clear(b);
    return rc;
}

static arrakis_status write_schema(ark_buffer *out, arrakis_error *err)
{
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    const ark_flatbuffer_offset fields[COLUMNS] = {
        ark_header_field(&b, "channel", false, ARRAKIS_DTYPE_NONE, 0, NULL),
        ark_header_field(&b, "data_type", false, ARRAKIS_DTYPE_NONE, 0, NULL),
        ark_header_field(&b, "sample_rate", false, ARRAKIS_INT32, 0, NULL),
        ark_header_field(&b, "partition_id", true, ARRAKIS_DTYPE_NONE, 0, NULL),
        ark_header_field(&b, "partition_index", true, ARRAKIS_UINT32, 0, NULL),
    };
    return finish_message(out, &b, ARK_HEADER_SCHEMA, ark_header_schema(&b, fields, COLUMNS), 0,
                          err);
}

/* Where the contents of a body lie; the rest of it is 0. */
typedef struct body_places {
    size_t name_ends, names, type_ends, types, rates, size;
} body_places;

/* A column of text with this many bytes. */
static void place_texts(ark_header_batch *batch, size_t rows, size_t size, size_t *ends,
                        size_t *texts)
{
    ark_header_buffer(batch, 0);
    *ends = ark_header_buffer(batch, 4 * (rows + 1));
    *texts = ark_header_buffer(batch, size);
}

static arrakis_status write_header(ark_buffer *out, size_t rows, size_t name_bytes,
                                   size_t type_bytes, body_places *at, arrakis_error *err)
{
    ark_flatbuffer_builder b;
    ark_header_batch batch;
    ark_flatbuffer_init(&b);
    ark_header_nodes(&batch, &b, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++)
        ark_header_node(&batch, rows, i < 3 ? 0 : rows);
    ark_header_buffers(&batch, BUFFERS);
    place_texts(&batch, rows, name_bytes, &at->name_ends, &at->names);
    place_texts(&batch, rows, type_bytes, &at->type_ends, &at->types);
    ark_header_buffer(&batch, 0);
    at->rates = ark_header_buffer(&batch, 4 * rows);
    ark_header_buffer(&batch, (rows + 7) / 8); /* no partition_id */
    ark_header_buffer(&batch, 4 * (rows + 1));
    ark_header_buffer(&batch, 0);
    ark_header_buffer(&batch, (rows + 7) / 8); /* no partition_index */
    ark_header_buffer(&batch, 4 * rows);
    at->size = batch.body_size;
    return finish_message(out, &b, ARK_HEADER_BATCH, ark_header_batch_end(&batch, rows), at->size,
                          err);
}

/* ------------------------------------------------------------------ the body */

static const char *text_of(const arrakis_channel *channel, bool type)
{
    return type ? arrakis_dtype_name(ark_info(channel).dtype) : arrakis_channel_name(channel);
}

static size_t text_bytes(arrakis_channel *const *channels, size_t count, bool type)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += strlen(text_of(channels[i], type));
    return size;
}

static void write_texts(uint8_t *ends, uint8_t *texts, arrakis_channel *const *channels,
                        size_t count, bool type)
{
    uint32_t end = 0;
    for (size_t i = 0; i < count; i++) {
        const char *text = text_of(channels[i], type);
        memcpy(texts + end, text, strlen(text));
        end += (uint32_t)strlen(text);
        memcpy(ends + 4 * (i + 1), &end, sizeof end);
    }
}

static arrakis_status write_rates(uint8_t *to, arrakis_channel *const *channels, size_t count,
                                  arrakis_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const arrakis_channel_info info = ark_info(channels[i]);
        if (info.sample_rate < 1 || info.sample_rate > INT32_MAX ||
            floor(info.sample_rate) < info.sample_rate)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "channel %s: sample_rate is %.17g Hz, and servers register whole "
                            "rates only",
                            info.name, info.sample_rate);
        int32_t rate = (int32_t)info.sample_rate;
        memcpy(to + 4 * i, &rate, sizeof rate);
    }
    return ARRAKIS_OK;
}

arrakis_status ark_partition_write(ark_partition_table *out, arrakis_channel *const *channels,
                                   size_t count, arrakis_error *err)
{
    *out = (ark_partition_table){0};
    if (count > CHANNELS_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "%zu channels to be registered at once, expected %d",
                        count, CHANNELS_MAX);
    size_t name_bytes = text_bytes(channels, count, false);
    if (name_bytes > INT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "%zu channels have over 2 GiB of names", count);
    body_places at;
    ARK_TRY(write_schema(&out->schema, err));
    ARK_TRY(write_header(&out->header, count, name_bytes, text_bytes(channels, count, true), &at,
                         err));
    ARK_TRY(ark_buffer_reserve(&out->body, at.size + 1, err));
    uint8_t *body = out->body.data;
    out->body.size = at.size;
    memset(body, 0, at.size);
    write_texts(body + at.name_ends, body + at.names, channels, count, false);
    write_texts(body + at.type_ends, body + at.types, channels, count, true);
    return write_rates(body + at.rates, channels, count, err);
}

void ark_partition_clear(ark_partition_table *table)
{
    ark_buffer_clear(&table->schema);
    ark_buffer_clear(&table->header);
    ark_buffer_clear(&table->body);
}
