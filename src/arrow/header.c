/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/header.h"

#include "arrow/format.h"
#include "base/error.h"

/* ---- schemas */

static bool is_float(arrakis_dtype dtype)
{
    return dtype == ARRAKIS_FLOAT32 || dtype == ARRAKIS_FLOAT64;
}

static bool is_signed(arrakis_dtype dtype)
{
    return dtype == ARRAKIS_INT8 || dtype == ARRAKIS_INT16 || dtype == ARRAKIS_INT32 ||
           dtype == ARRAKIS_INT64;
}

static uint8_t kind_of(arrakis_dtype dtype, ark_flatbuffer_offset child)
{
    return child                         ? ARK_ARROW_LIST
           : dtype == ARRAKIS_DTYPE_NONE ? ARK_ARROW_UTF8
           : is_float(dtype)             ? ARK_ARROW_FLOAT
                                         : ARK_ARROW_INT;
}

static ark_flatbuffer_offset add_type(ark_flatbuffer_builder *b, uint8_t kind, arrakis_dtype dtype)
{
    ark_flatbuffer_table_begin(b);
    if (kind == ARK_ARROW_FLOAT) {
        ark_flatbuffer_put_i16(b, ARK_FLOAT_PRECISION,
                               dtype == ARRAKIS_FLOAT64 ? ARK_PRECISION_DOUBLE
                                                        : ARK_PRECISION_SINGLE);
    } else if (kind == ARK_ARROW_INT) {
        ark_flatbuffer_put_i32(b, ARK_INT_BITS, (int32_t)(8 * arrakis_dtype_size(dtype)));
        ark_flatbuffer_put_u8(b, ARK_INT_SIGNED, is_signed(dtype));
    }
    return ark_flatbuffer_table_end(b);
}

static ark_flatbuffer_offset add_metadata(ark_flatbuffer_builder *b, const char *key,
                                          const char *value)
{
    ark_flatbuffer_offset key_offset = ark_flatbuffer_add_string(b, key, strlen(key));
    ark_flatbuffer_offset value_offset = ark_flatbuffer_add_string(b, value, strlen(value));
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_PAIR_VALUE, value_offset);
    ark_flatbuffer_put_offset(b, ARK_PAIR_KEY, key_offset);
    ark_flatbuffer_offset pair = ark_flatbuffer_table_end(b);
    return ark_flatbuffer_add_offsets(b, &pair, 1);
}

ark_flatbuffer_offset ark_header_field(ark_flatbuffer_builder *b, const char *name, bool nullable,
                                       arrakis_dtype dtype, ark_flatbuffer_offset child,
                                       const char *rate)
{
    uint8_t kind = kind_of(dtype, child);
    ark_flatbuffer_offset type = add_type(b, kind, dtype);
    ark_flatbuffer_offset metadata = rate ? add_metadata(b, "rate", rate) : 0;
    ark_flatbuffer_offset name_offset = ark_flatbuffer_add_string(b, name, strlen(name));
    ark_flatbuffer_offset children = ark_flatbuffer_add_offsets(b, &child, child ? 1 : 0);
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_FIELD_METADATA, metadata);
    ark_flatbuffer_put_offset(b, ARK_FIELD_CHILDREN, children);
    ark_flatbuffer_put_offset(b, ARK_FIELD_TYPE, type);
    ark_flatbuffer_put_offset(b, ARK_FIELD_NAME, name_offset);
    ark_flatbuffer_put_u8(b, ARK_FIELD_TYPE_TYPE, kind);
    ark_flatbuffer_put_u8(b, ARK_FIELD_NULLABLE, nullable);
    return ark_flatbuffer_table_end(b);
}

ark_flatbuffer_offset ark_header_list(ark_flatbuffer_builder *b, const char *name,
                                      arrakis_dtype dtype, const char *rate)
{
    ark_flatbuffer_offset item = ark_header_field(b, "item", true, dtype, 0, NULL);
    return ark_header_field(b, name, true, dtype, item, rate);
}

ark_flatbuffer_offset ark_header_schema(ark_flatbuffer_builder *b,
                                        const ark_flatbuffer_offset *fields, size_t count)
{
    ark_flatbuffer_offset list = ark_flatbuffer_add_offsets(b, fields, count);
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_SCHEMA_FIELDS, list);
    return ark_flatbuffer_table_end(b);
}

/* ---- batches */

void ark_header_nodes(ark_header_batch *batch, ark_flatbuffer_builder *b, size_t count)
{
    *batch = (ark_header_batch){.builder = b, .left = count, .node_count = count};
    batch->next = ark_flatbuffer_vector_begin(b, count, 16, 8);
}

void ark_header_buffers(ark_header_batch *batch, size_t count)
{
    assert(!batch->left);
    batch->nodes = ark_flatbuffer_vector_end(batch->builder, batch->node_count);
    batch->left = batch->buffer_count = count;
    batch->next = ark_flatbuffer_vector_begin(batch->builder, count, 16, 8);
}

ark_flatbuffer_offset ark_header_batch_end(ark_header_batch *batch, size_t rows)
{
    ark_flatbuffer_builder *b = batch->builder;
    assert(!batch->left);
    ark_flatbuffer_offset buffers = ark_flatbuffer_vector_end(b, batch->buffer_count);
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_i64(b, ARK_BATCH_LENGTH, (int64_t)rows);
    ark_flatbuffer_put_offset(b, ARK_BATCH_BUFFERS, buffers);
    ark_flatbuffer_put_offset(b, ARK_BATCH_NODES, batch->nodes);
    return ark_flatbuffer_table_end(b);
}

/* ---- messages */

arrakis_status ark_header_status(const ark_flatbuffer_builder *b, arrakis_error *err)
{
    return b->status == ARRAKIS_OK ? ARRAKIS_OK
           : b->status == ARRAKIS_ENOMEM
               ? ark_no_memory(err, "an Arrow header")
               : ark_fail(err, b->status, "an Arrow header of over 2 GiB");
}

const uint8_t *ark_header_message(ark_flatbuffer_builder *b, uint8_t kind,
                                  ark_flatbuffer_offset header, size_t body_size,
                                  arrakis_error *err)
{
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_i64(b, ARK_MESSAGE_BODY_LENGTH, (int64_t)body_size);
    ark_flatbuffer_put_offset(b, ARK_MESSAGE_HEADER, header);
    ark_flatbuffer_put_i16(b, ARK_MESSAGE_VERSION, ARK_VERSION_5);
    ark_flatbuffer_put_u8(b, ARK_MESSAGE_HEADER_TYPE, kind);
    const uint8_t *data = ark_flatbuffer_finish(b, ark_flatbuffer_table_end(b));
    ark_header_status(b, err);
    return data;
}
