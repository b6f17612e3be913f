/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow_make.h"

#include "arrow/header.h"
#include "arrow/flatbuffer.h"
#include "arrow/format.h"
#include "arrow/ipc.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 12, PARTS = 256, BODY = 32768 };

/* A type, kept so that batches can be made of it. */
typedef struct type {
    unsigned char arrow;
    arrakis_dtype dtype;
    int32_t
        width; /* of numbers in bits, or bytes of fixed-size binary, or a fixed-size list's length */
    size_t child, child_count;
} type;

typedef struct column {
    const char *name;
    const ark_make_column *usual; /* NULL: of another type */
    size_t type;
} column;

typedef struct maker {
    size_t (*below)(size_t);
    ark_flatbuffer_builder flat;
    column columns[COLUMNS];
    size_t column_count;
    type types[PARTS];
    size_t type_count;
    /* of a batch */
    int64_t nodes[2 * PARTS], buffers[2 * PARTS], counts[PARTS];
    size_t node_count, buffer_count, count_count;
    uint8_t body[BODY];
    size_t body_size;
    int64_t time_ns;
    /* the stream */
    uint8_t *out;
    size_t size, room;
    bool full;
} maker;

/* ---- types */

static type simple_type(const maker *m)
{
    static const unsigned char kinds[] = {
        ARK_ARROW_NULL, ARK_ARROW_INT,       ARK_ARROW_FLOAT,     ARK_ARROW_BOOL,
        ARK_ARROW_UTF8, ARK_ARROW_BINARY,    ARK_ARROW_TIMESTAMP, ARK_ARROW_LARGE_UTF8,
        ARK_ARROW_DATE, ARK_ARROW_UTF8_VIEW, ARK_ARROW_DECIMAL,   ARK_ARROW_FIXED_BINARY,
    };
    static const int32_t bits[] = {8, 16, 32, 64};
    type t = {.arrow = kinds[m->below(sizeof kinds)]};
    t.width = t.arrow == ARK_ARROW_INT            ? bits[m->below(4)]
              : t.arrow == ARK_ARROW_FLOAT        ? bits[1 + m->below(3)]
              : t.arrow == ARK_ARROW_FIXED_BINARY ? (int32_t)m->below(5)
                                                  : 64;
    return t;
}

static size_t add_type(maker *m, int depth);

static size_t add_children(maker *m, size_t count, int depth)
{
    size_t first = m->type_count;
    m->type_count += count;
    for (size_t i = 0; i < count; i++) {
        size_t child = add_type(m, depth);
        m->types[first + i] = m->types[child];
    }
    return first;
}

static size_t add_type(maker *m, int depth)
{
    static const unsigned char kinds[] = {ARK_ARROW_LIST, ARK_ARROW_STRUCT, ARK_ARROW_FIXED_LIST,
                                          ARK_ARROW_LARGE_LIST, ARK_ARROW_LIST_VIEW};
    size_t at = m->type_count++;
    type t = simple_type(m);
    if (depth > 0 && m->type_count < PARTS / 4 && m->below(3) == 0) {
        t = (type){.arrow = kinds[m->below(sizeof kinds)], .width = (int32_t)m->below(3)};
        t.child_count = t.arrow == ARK_ARROW_STRUCT ? m->below(3) : 1;
        t.child = add_children(m, t.child_count, depth - 1);
    }
    m->types[at] = t;
    return at;
}

static type type_of_dtype(arrakis_dtype dtype)
{
    bool real = dtype == ARRAKIS_FLOAT32 || dtype == ARRAKIS_FLOAT64;
    return (type){.arrow = real ? ARK_ARROW_FLOAT : ARK_ARROW_INT,
                  .dtype = dtype,
                  .width = 8 * (int32_t)arrakis_dtype_size(dtype)};
}

static size_t add_usual_type(maker *m, const ark_make_column *usual)
{
    size_t at = m->type_count++;
    m->types[at] = type_of_dtype(usual->dtype);
    if (usual->is_list) {
        size_t child = m->type_count++;
        m->types[child] = m->types[at];
        m->types[at] = (type){.arrow = ARK_ARROW_LIST, .child = child, .child_count = 1};
    }
    return at;
}

static void add_column(maker *m, const char *name, const ark_make_column *usual)
{
    if (m->column_count == COLUMNS)
        return;
    column *c = &m->columns[m->column_count++];
    *c = (column){name, usual, usual ? add_usual_type(m, usual) : add_type(m, 2)};
    size_t other = m->below(8) ? m->column_count - 1 : m->below(m->column_count);
    column swapped = *c;
    *c = m->columns[other];
    m->columns[other] = swapped;
}

static void add_columns(maker *m, const ark_make_column *usual, size_t count)
{
    static const char *const others[] = {"x", "y", "", "time", "x"};
    for (size_t i = 0; i < count; i++)
        if (m->below(16))
            add_column(m, usual[i].name, m->below(8) ? &usual[i] : NULL);
    for (size_t more = m->below(4); more > 0; more--) {
        const ark_make_column *again = &usual[m->below(count)];
        if (m->below(2))
            add_column(m, others[m->below(5)], NULL);
        else if (m->below(4) == 0)
            add_column(m, again->name, m->below(2) ? again : NULL);
    }
}

/* ---- the schema */

static bool is_signed(const maker *m, const type *t)
{
    if (t->dtype == ARRAKIS_DTYPE_NONE)
        return m->below(2);
    return t->dtype >= ARRAKIS_INT8 && t->dtype <= ARRAKIS_INT64;
}

static ark_flatbuffer_offset put_type(maker *m, const type *t)
{
    ark_flatbuffer_builder *b = &m->flat;
    ark_flatbuffer_table_begin(b);
    if (t->arrow == ARK_ARROW_INT) {
        ark_flatbuffer_put_i32(b, ARK_INT_BITS, t->width);
        ark_flatbuffer_put_u8(b, ARK_INT_SIGNED, is_signed(m, t));
    } else if (t->arrow == ARK_ARROW_FLOAT) {
        ark_flatbuffer_put_i16(b, ARK_FLOAT_PRECISION,
                               t->width == 64   ? ARK_PRECISION_DOUBLE
                               : t->width == 32 ? ARK_PRECISION_SINGLE
                                                : ARK_PRECISION_HALF);
    } else if (t->arrow == ARK_ARROW_DECIMAL) {
        ark_flatbuffer_put_i32(b, ARK_DECIMAL_PRECISION, 18);
        ark_flatbuffer_put_i32(b, ARK_DECIMAL_BITS, 64);
    } else if (t->arrow == ARK_ARROW_FIXED_BINARY || t->arrow == ARK_ARROW_FIXED_LIST) {
        ark_flatbuffer_put_i32(b, ARK_TYPE_WIDTH, t->width);
    }
    return ark_flatbuffer_table_end(b);
}

static ark_flatbuffer_offset put_field(maker *m, const char *name, size_t at)
{
    ark_flatbuffer_builder *b = &m->flat;
    const type *t = &m->types[at];
    ark_flatbuffer_offset children[3];
    for (size_t i = 0; i < t->child_count; i++)
        children[i] = put_field(m, "item", t->child + i);
    ark_flatbuffer_offset list = ark_flatbuffer_add_offsets(b, children, t->child_count);
    ark_flatbuffer_offset text = ark_flatbuffer_add_string(b, name, strlen(name)),
                          detail = put_type(m, t);
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_FIELD_NAME, text);
    ark_flatbuffer_put_offset(b, ARK_FIELD_TYPE, detail);
    ark_flatbuffer_put_offset(b, ARK_FIELD_CHILDREN, list);
    ark_flatbuffer_put_u8(b, ARK_FIELD_TYPE_TYPE, t->arrow);
    ark_flatbuffer_put_u8(b, ARK_FIELD_NULLABLE, 1);
    return ark_flatbuffer_table_end(b);
}

/* ---- the stream */

static void append(maker *m, const void *data, size_t size)
{
    m->full |= size > m->room - m->size;
    if (m->full || size == 0)
        return;
    memcpy(m->out + m->size, data, size);
    m->size += size;
}

/* Framing, header and body. */
static void append_message(maker *m, uint8_t kind, ark_flatbuffer_offset header)
{
    static const uint8_t zeros[8];
    const uint8_t *data = ark_header_message(&m->flat, kind, header, m->body_size, NULL);
    uint32_t size = (uint32_t)m->flat.size, padding = (8 - size % 8) % 8;
    uint32_t framing[2] = {UINT32_MAX, size + padding};
    if (data) {
        append(m, framing, sizeof framing);
        append(m, data, size);
        append(m, zeros, padding);
        append(m, m->body, m->body_size);
    }
    ark_flatbuffer_clear(&m->flat);
}

static void append_schema(maker *m)
{
    ark_flatbuffer_offset fields[COLUMNS];
    ark_flatbuffer_init(&m->flat);
    for (size_t i = 0; i < m->column_count; i++)
        fields[i] = put_field(m, m->columns[i].name, m->columns[i].type);
    ark_flatbuffer_offset list = ark_flatbuffer_add_offsets(&m->flat, fields, m->column_count);
    ark_flatbuffer_table_begin(&m->flat);
    ark_flatbuffer_put_offset(&m->flat, ARK_SCHEMA_FIELDS, list);
    m->body_size = 0;
    append_message(m, ARK_HEADER_SCHEMA, ark_flatbuffer_table_end(&m->flat));
}

/* ---- batches */

/* Room for a buffer of the body; NULL: there is none. */
static uint8_t *add_buffer(maker *m, size_t size)
{
    size_t padded = (size + 7) / 8 * 8;
    m->full |= padded > BODY - m->body_size || m->buffer_count == PARTS;
    if (m->full)
        return NULL;
    m->buffers[2 * m->buffer_count] = (int64_t)m->body_size;
    m->buffers[2 * m->buffer_count++ + 1] = (int64_t)size;
    uint8_t *at = m->body + m->body_size;
    memset(at, 0, padded);
    m->body_size += padded;
    return at;
}

/* A node, with a bitmap and a count that agrees with it, or without. */
static void add_node(maker *m, size_t length, bool has_bitmap)
{
    m->full |= m->node_count == PARTS;
    if (m->full)
        return;
    int64_t *node = &m->nodes[2 * m->node_count++];
    node[0] = (int64_t)length;
    node[1] = has_bitmap ? 0 : (int64_t)length;
    bool nulls = has_bitmap && m->below(6) == 0;
    uint8_t *bits = has_bitmap ? add_buffer(m, nulls ? length / 8 + 1 : 0) : NULL;
    for (size_t i = 0; nulls && bits && i < length; i++) {
        bool there = m->below(3);
        bits[i / 8] = (uint8_t)(bits[i / 8] | there << i % 8);
        node[1] += !there;
    }
}

static void add_numbers(maker *m, const type *t, size_t length, const ark_make_column *usual)
{
    size_t width = (size_t)t->width / 8;
    add_node(m, length, true);
    uint8_t *at = add_buffer(m, length * width);
    for (size_t i = 0; at && i < length; i++) {
        int64_t value = (int64_t)m->below(100);
        if (usual && usual->value_count)
            value = usual->values[(i + m->below(16) / 15) % usual->value_count];
        if (usual && !usual->is_list && !usual->value_count)
            value = m->time_ns;
        memcpy(at + i * width, &value, width < 8 ? width : 8);
    }
}

/* Offsets of lists or texts with `each` elements, mostly. @return where the last one ends */
static size_t add_offsets(maker *m, size_t length, size_t each, size_t width)
{
    uint64_t last = 0;
    uint8_t *at = add_buffer(m, (length + 1) * width);
    for (size_t i = 0; at && i < length; i++) {
        last += m->below(16) ? each : m->below(4);
        memcpy(at + (i + 1) * width, &last, width);
    }
    return (size_t)last;
}

static void add_text(maker *m, size_t length, size_t width)
{
    add_node(m, length, true);
    size_t size = add_offsets(m, length, 3, width);
    uint8_t *at = add_buffer(m, size);
    if (at)
        memset(at, 'a', size);
}

static void add_array(maker *m, size_t at, size_t length, const ark_make_column *usual);

static void add_list(maker *m, const type *t, size_t length, const ark_make_column *usual)
{
    size_t width = t->arrow == ARK_ARROW_LARGE_LIST ? 8 : 4, last = 0;
    add_node(m, length, true);
    if (t->arrow == ARK_ARROW_LIST_VIEW) {
        add_buffer(m, 4 * length); /* all of them empty */
        add_buffer(m, 4 * length);
    } else {
        last = add_offsets(m, length, usual ? usual->samples : 2, width);
    }
    add_array(m, t->child, last, NULL);
}

static void add_views(maker *m, size_t length)
{
    m->full |= m->count_count == PARTS;
    if (m->full)
        return;
    m->counts[m->count_count++] = 0;
    add_node(m, length, true);
    add_buffer(m, 16 * length);
}

static void add_array(maker *m, size_t at, size_t length, const ark_make_column *usual)
{
    const type *t = &m->types[at];
    switch (t->arrow) {
    case ARK_ARROW_NULL:
        add_node(m, length, false);
        break;
    case ARK_ARROW_BOOL:
        add_node(m, length, true);
        add_buffer(m, length / 8 + 1);
        break;
    case ARK_ARROW_FIXED_BINARY:
        add_node(m, length, true);
        add_buffer(m, length * (size_t)t->width);
        break;
    case ARK_ARROW_DATE: /* days in milliseconds: all of them the first */
        add_node(m, length, true);
        add_buffer(m, length * 8);
        break;
    case ARK_ARROW_UTF8:
    case ARK_ARROW_BINARY:
        add_text(m, length, 4);
        break;
    case ARK_ARROW_LARGE_UTF8:
        add_text(m, length, 8);
        break;
    case ARK_ARROW_UTF8_VIEW:
        add_views(m, length);
        break;
    case ARK_ARROW_LIST:
    case ARK_ARROW_LARGE_LIST:
    case ARK_ARROW_LIST_VIEW:
        add_list(m, t, length, usual);
        break;
    case ARK_ARROW_STRUCT:
    case ARK_ARROW_FIXED_LIST:
        add_node(m, length, true);
        for (size_t i = 0; i < t->child_count; i++)
            add_array(m, t->child + i,
                      t->arrow == ARK_ARROW_STRUCT ? length : length * (size_t)t->width, NULL);
        break;
    default:
        add_numbers(m, t, length, usual);
        break;
    }
}

static ark_flatbuffer_offset put_vector(maker *m, const int64_t *numbers, size_t count,
                                        size_t size)
{
    uint8_t *at = ark_flatbuffer_vector_begin(&m->flat, count, size, 8);
    if (at && count)
        memcpy(at, numbers, count * size);
    return ark_flatbuffer_vector_end(&m->flat, count);
}

static void append_batch(maker *m)
{
    size_t rows = m->below(5);
    m->node_count = m->buffer_count = m->count_count = m->body_size = 0;
    for (size_t i = 0; i < m->column_count && !m->full; i++)
        add_array(m, m->columns[i].type, rows, m->columns[i].usual);
    if (m->full)
        return;
    ark_flatbuffer_init(&m->flat);
    ark_flatbuffer_offset counts = put_vector(m, m->counts, m->count_count, 8);
    ark_flatbuffer_offset buffers = put_vector(m, m->buffers, m->buffer_count, 16);
    ark_flatbuffer_offset nodes = put_vector(m, m->nodes, m->node_count, 16);
    ark_flatbuffer_table_begin(&m->flat);
    ark_flatbuffer_put_offset(&m->flat, ARK_BATCH_NODES, nodes);
    ark_flatbuffer_put_offset(&m->flat, ARK_BATCH_BUFFERS, buffers);
    ark_flatbuffer_put_offset(&m->flat, ARK_BATCH_VARIADIC_COUNTS, counts);
    ark_flatbuffer_put_i64(&m->flat, ARK_BATCH_LENGTH, (int64_t)rows);
    append_message(m, ARK_HEADER_BATCH, ark_flatbuffer_table_end(&m->flat));
    m->time_ns += 62500000;
}

size_t ark_make_stream(uint8_t *out, size_t room, const ark_make_column *usual, size_t count,
                       size_t (*below)(size_t))
{
    static const uint8_t end[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    maker *m = calloc(1, sizeof *m);
    if (!m)
        return 0;
    m->below = below;
    m->out = out;
    m->room = room;
    m->time_ns = (INT64_C(1400000000) + (int64_t)below(2)) * ARRAKIS_SECOND_NS;
    add_columns(m, usual, count);
    append_schema(m);
    for (size_t batches = below(4); batches > 0 && !m->full; batches--)
        append_batch(m);
    if (below(4))
        append(m, end, sizeof end);
    size_t size = m->full ? 0 : m->size;
    free(m);
    return size;
}
