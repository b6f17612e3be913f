/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/partition.h"

#include "arrow/flatbuffer.h"
#include "arrow/format.h"
#include "arrow/write.h"
#include "base/error.h"

#include <math.h>

enum { COLUMNS = 5, BUFFERS = 13, CHANNELS_MAX = 1 << 20 };

static arrakis_status append(ark_buffer *to, const void *data, size_t size, arrakis_error *err)
{
    arrakis_status rc = ark_buffer_reserve(to, size + 1, err);
    if (rc == ARRAKIS_OK && size) {
        memcpy(to->data + to->size, data, size);
        to->size += size;
    }
    return rc;
}

static arrakis_status append_zeros(ark_buffer *to, size_t size, arrakis_error *err)
{
    arrakis_status rc = ark_buffer_reserve(to, size + 1, err);
    if (rc == ARRAKIS_OK) {
        memset(to->data + to->size, 0, size);
        to->size += size;
    }
    return rc;
}

/* ------------------------------------------------------------------ headers */

/* Wrap as a Message; frees the builder. */
static arrakis_status finish(ark_buffer *out, ark_flatbuffer_builder *b, uint8_t kind,
                             ark_flatbuffer_offset header, size_t body_size, arrakis_error *err)
{
    const uint8_t *data = ark_write_message(b, kind, header, body_size);
    arrakis_status rc = data ? append(out, data, b->size, err)
                             : ark_fail(err, b->status, "a table of channels: out of memory");
    ark_flatbuffer_clear(b);
    return rc;
}

/* bits 0: text. */
static ark_flatbuffer_offset add_field(ark_flatbuffer_builder *b, const char *name, bool nullable,
                                       int32_t bits, bool is_signed)
{
    ark_flatbuffer_table_begin(b);
    if (bits) {
        ark_flatbuffer_put_i32(b, ARK_INT_BITS, bits);
        ark_flatbuffer_put_u8(b, ARK_INT_SIGNED, is_signed);
    }
    ark_flatbuffer_offset type = ark_flatbuffer_table_end(b);
    ark_flatbuffer_offset name_place = ark_flatbuffer_add_string(b, name, strlen(name));
    ark_flatbuffer_offset children = ark_flatbuffer_add_offsets(b, NULL, 0);
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_FIELD_CHILDREN, children);
    ark_flatbuffer_put_offset(b, ARK_FIELD_TYPE, type);
    ark_flatbuffer_put_offset(b, ARK_FIELD_NAME, name_place);
    ark_flatbuffer_put_u8(b, ARK_FIELD_TYPE_TYPE, bits ? ARK_ARROW_INT : ARK_ARROW_UTF8);
    ark_flatbuffer_put_u8(b, ARK_FIELD_NULLABLE, nullable);
    return ark_flatbuffer_table_end(b);
}

static arrakis_status write_schema(ark_buffer *out, arrakis_error *err)
{
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    const ark_flatbuffer_offset fields[COLUMNS] = {
        add_field(&b, "channel", false, 0, false),
        add_field(&b, "data_type", false, 0, false),
        add_field(&b, "sample_rate", false, 32, true),
        add_field(&b, "partition_id", true, 0, false),
        add_field(&b, "partition_index", true, 32, false),
    };
    ark_flatbuffer_offset list = ark_flatbuffer_add_offsets(&b, fields, COLUMNS);
    ark_flatbuffer_table_begin(&b);
    ark_flatbuffer_put_offset(&b, ARK_SCHEMA_FIELDS, list);
    return finish(out, &b, ARK_HEADER_SCHEMA, ark_flatbuffer_table_end(&b), 0, err);
}

/* ------------------------------------------------------------------ the batch */

/* A body in the making, and where its buffers lie. */
typedef struct making {
    ark_buffer *body;
    int64_t places[BUFFERS][2]; /* offset, size */
    size_t count;
    arrakis_status status;
    arrakis_error *err;
} making;

static void begin_buffer(making *m)
{
    m->places[m->count][0] = (int64_t)m->body->size;
}

static void end_buffer(making *m)
{
    size_t size = m->body->size - (size_t)m->places[m->count][0];
    m->places[m->count++][1] = (int64_t)size;
    if (m->status == ARRAKIS_OK)
        m->status = append_zeros(m->body, (0 - size) & 7, m->err);
}

static void put(making *m, const void *data, size_t size)
{
    if (m->status == ARRAKIS_OK)
        m->status = append(m->body, data, size, m->err);
}

static void put_zeros_buffer(making *m, size_t size)
{
    begin_buffer(m);
    if (m->status == ARRAKIS_OK)
        m->status = append_zeros(m->body, size, m->err);
    end_buffer(m);
}

static const char *text_of(const arrakis_channel *channel, bool type)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    return type ? arrakis_dtype_name(info.dtype) : info.name;
}

static void put_texts(making *m, arrakis_channel *const *channels, size_t count, bool type)
{
    put_zeros_buffer(m, 0);
    begin_buffer(m);
    uint64_t end = 0;
    for (size_t i = 0; i <= count; i++) {
        uint32_t offset = (uint32_t)end;
        put(m, &offset, sizeof offset);
        if (i < count)
            end += strlen(text_of(channels[i], type));
    }
    end_buffer(m);
    if (end > INT32_MAX && m->status == ARRAKIS_OK)
        m->status =
            ark_fail(m->err, ARRAKIS_EINVAL, "%zu channels have over 2 GiB of names", count);
    begin_buffer(m);
    for (size_t i = 0; i < count; i++)
        put(m, text_of(channels[i], type), strlen(text_of(channels[i], type)));
    end_buffer(m);
}

static void put_rates(making *m, arrakis_channel *const *channels, size_t count)
{
    put_zeros_buffer(m, 0);
    begin_buffer(m);
    for (size_t i = 0; i < count && m->status == ARRAKIS_OK; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(channels[i], &info);
        bool whole = info.sample_rate >= 1 && info.sample_rate <= INT32_MAX &&
                     !(floor(info.sample_rate) < info.sample_rate);
        int32_t rate = whole ? (int32_t)info.sample_rate : 0;
        if (!whole)
            m->status = ark_fail(m->err, ARRAKIS_EINVAL,
                                 "channel %s: sample_rate is %.17g Hz, and servers register whole "
                                 "rates only",
                                 info.name, info.sample_rate);
        put(m, &rate, sizeof rate);
    }
    end_buffer(m);
}

static arrakis_status write_header(ark_buffer *out, const making *m, size_t count,
                                   arrakis_error *err)
{
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    uint8_t *at = ark_flatbuffer_vector_begin(&b, COLUMNS, 16, 8);
    for (size_t i = 0; at && i < COLUMNS; i++) {
        int64_t node[2] = {(int64_t)count, i < 3 ? 0 : (int64_t)count};
        memcpy(at + 16 * i, node, sizeof node);
    }
    ark_flatbuffer_offset nodes = ark_flatbuffer_vector_end(&b, COLUMNS);
    if ((at = ark_flatbuffer_vector_begin(&b, BUFFERS, 16, 8)))
        memcpy(at, m->places, sizeof m->places);
    ark_flatbuffer_offset buffers = ark_flatbuffer_vector_end(&b, BUFFERS);
    ark_flatbuffer_table_begin(&b);
    ark_flatbuffer_put_i64(&b, ARK_BATCH_LENGTH, (int64_t)count);
    ark_flatbuffer_put_offset(&b, ARK_BATCH_BUFFERS, buffers);
    ark_flatbuffer_put_offset(&b, ARK_BATCH_NODES, nodes);
    return finish(out, &b, ARK_HEADER_BATCH, ark_flatbuffer_table_end(&b), m->body->size, err);
}

arrakis_status ark_partition_write(ark_partition_table *out, arrakis_channel *const *channels,
                                   size_t count, arrakis_error *err)
{
    *out = (ark_partition_table){0};
    if (count > CHANNELS_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "%zu channels to be registered at once, expected %d",
                        count, CHANNELS_MAX);
    making m = {.body = &out->body, .err = err};
    put_texts(&m, channels, count, false);
    put_texts(&m, channels, count, true);
    put_rates(&m, channels, count);
    put_zeros_buffer(&m, (count + 7) / 8); /* no partition_id */
    put_zeros_buffer(&m, 4 * (count + 1));
    put_zeros_buffer(&m, 0);
    put_zeros_buffer(&m, (count + 7) / 8); /* no partition_index */
    put_zeros_buffer(&m, 4 * count);
    if (m.status == ARRAKIS_OK)
        m.status = write_schema(&out->schema, err);
    return m.status == ARRAKIS_OK ? write_header(&out->header, &m, count, err) : m.status;
}

void ark_partition_clear(ark_partition_table *table)
{
    ark_buffer_clear(&table->schema);
    ark_buffer_clear(&table->header);
    ark_buffer_clear(&table->body);
}
