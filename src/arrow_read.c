/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow_ipc.h"
#include "arrow_fields.h"
#include "error.h"
#include "flatbuffer.h"

#include <inttypes.h>

/* ---- cutting messages */

static arrakis_status torn(arrakis_error *err, const char *what, size_t found, uint64_t wanted)
{
    return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message is torn: %zu bytes where %s has %" PRIu64,
                    found, what, wanted);
}

static arrakis_status other_kind(arrakis_error *err, unsigned kind)
{
    static const char *const names[] = {
        [ARK_HEADER_DICTIONARY] = "dictionary batch",
        [ARK_HEADER_TENSOR] = "tensor",
        [ARK_HEADER_SPARSE_TENSOR] = "sparse tensor",
    };
    if (kind < sizeof names / sizeof *names && names[kind])
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "Arrow message is a %s, not a schema or record batch", names[kind]);
    return ark_fail(err, ARRAKIS_EFORMAT,
                    "Arrow message is of kind %u, not a schema (1) or record batch (3)", kind);
}

/* The kind of message and the size of its body, out of the header that is in `out` already. */
static arrakis_status read_message(ark_ipc_message *out, uint64_t *body_size, arrakis_error *err)
{
    ark_flat flat = {out->header, out->header_size, false};
    ark_flat_table message = ark_flat_root(&flat);
    int version = ark_flat_i16(&flat, message, ARK_MESSAGE_VERSION);
    unsigned kind = ark_flat_u8(&flat, message, ARK_MESSAGE_HEADER_TYPE);
    int64_t size = ark_flat_i64(&flat, message, ARK_MESSAGE_BODY_LENGTH);
    if (flat.bad)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message: header leads outside its %zu bytes",
                        out->header_size);
    if (version != ARK_VERSION_4 && version != ARK_VERSION_5)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED, "Arrow metadata version %d, not 4 or 5",
                        version + 1);
    if (kind != ARK_HEADER_SCHEMA && kind != ARK_HEADER_BATCH)
        return other_kind(err, kind);
    if (size < 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message: a body of %" PRId64 " bytes", size);
    out->kind = kind == ARK_HEADER_SCHEMA ? ARK_IPC_SCHEMA : ARK_IPC_BATCH;
    *body_size = (uint64_t)size;
    return ARRAKIS_OK;
}

arrakis_status ark_ipc_cut(ark_ipc_message *out, const uint8_t *data, size_t size,
                           arrakis_error *err)
{
    *out = (ark_ipc_message){.kind = ARK_IPC_END};
    if (size == 0)
        return ARRAKIS_OK;
    size_t prefix = 4; /* the framing of old is the header's length alone */
    if (size < prefix)
        return torn(err, "its framing", size, prefix);
    if (ark_load_u32(data) == UINT32_MAX) {
        prefix = 8;
        if (size < prefix)
            return torn(err, "its framing", size, prefix);
    }
    int32_t header_size = ark_load_i32(data + prefix - 4);
    if (header_size == 0) {
        out->size = prefix;
        return ARRAKIS_OK;
    }
    if (header_size < 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message: a header of %" PRId32 " bytes",
                        header_size);
    if ((size_t)header_size > size - prefix)
        return torn(err, "its header", size - prefix, (uint64_t)header_size);
    out->header = data + prefix;
    out->header_size = (size_t)header_size;
    out->body = out->header + out->header_size;
    size_t left = size - prefix - out->header_size;
    uint64_t body_size = 0;
    arrakis_status rc = read_message(out, &body_size, err);
    if (rc < 0)
        return rc;
    if (body_size > left)
        return torn(err, "its body", left, body_size);
    out->body_size = (size_t)body_size;
    out->size = prefix + out->header_size + out->body_size;
    return ARRAKIS_OK;
}

arrakis_status ark_ipc_split(ark_ipc_message *out, const uint8_t *header, size_t header_size,
                             const uint8_t *body, size_t body_size, arrakis_error *err)
{
    *out = (ark_ipc_message){.kind = ARK_IPC_END};
    if (header_size == 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message without a header");
    out->header = header;
    out->header_size = header_size;
    out->body = body ? body : header; /* a place to count from, when nothing is there */
    uint64_t wanted = 0;
    arrakis_status rc = read_message(out, &wanted, err);
    if (rc < 0)
        return rc;
    if (wanted > body_size)
        return torn(err, "its body", body_size, wanted);
    out->body_size = (size_t)wanted;
    out->size = header_size + out->body_size;
    return ARRAKIS_OK;
}

/* ---- reading batches */

/* The nodes and buffers of a batch, taken one after the other as the columns want them. */
typedef struct batch {
    const uint8_t *nodes, *buffers; /* next to take; counted before the first is taken */
    const uint8_t *body;
    int64_t body_size;
    const ark_field *field; /* whose turn it is */
    arrakis_error *err;
} batch;

typedef struct node {
    int64_t length, null_count;
} node;

/* How many nodes and buffers a column of each kind has. */
static const struct shape {
    unsigned char nodes, buffers;
} shapes[] = {
    [ARK_TYPE_PRIMITIVE] = {1, 2}, /* validity, values */
    [ARK_TYPE_UTF8] = {1, 3},      /* validity, offsets, text */
    [ARK_TYPE_LIST] = {2, 4},      /* validity, offsets; the child's validity, values */
    [ARK_TYPE_MAP] = {4, 9},       /* validity, offsets; the entries' validity; twice UTF8 */
};

static arrakis_status take_node(batch *b, node *out)
{
    out->length = ark_load_i64(b->nodes);
    out->null_count = ark_load_i64(b->nodes + 8);
    b->nodes += 16;
    if (out->length < 0 || out->null_count < 0 || out->null_count > out->length)
        return ark_fail(b->err, ARRAKIS_EFORMAT,
                        "column \"%s\": %" PRId64 " nulls in a length of %" PRId64, b->field->name,
                        out->null_count, out->length);
    return ARRAKIS_OK;
}

/* A buffer that must hold `count` elements of `element_bits`. */
static arrakis_status take_buffer(batch *b, const char *what, int64_t count, int64_t element_bits,
                                  const uint8_t **out, int64_t *size)
{
    int64_t offset = ark_load_i64(b->buffers);
    int64_t length = ark_load_i64(b->buffers + 8);
    b->buffers += 16;
    if (offset < 0 || length < 0 || offset > b->body_size || length > b->body_size - offset)
        return ark_fail(b->err, ARRAKIS_EFORMAT,
                        "column \"%s\": %s of %" PRId64 " bytes at %" PRId64
                        " of a body of %" PRId64,
                        b->field->name, what, length, offset, b->body_size);
    int64_t bits; /* of a body that lies in memory eight times the length cannot overflow */
    if (__builtin_mul_overflow(count, element_bits, &bits) || bits > 8 * length)
        return ark_fail(b->err, ARRAKIS_EFORMAT,
                        "column \"%s\": %s has %" PRId64 " bytes, too few for %" PRId64
                        " elements of %" PRId64 " bits",
                        b->field->name, what, length, count, element_bits);
    *out = b->body + offset;
    if (size)
        *size = length;
    return ARRAKIS_OK;
}

/* NULL where nothing is null, whatever the buffer has. */
static arrakis_status take_validity(batch *b, const node *n, const uint8_t **out)
{
    const uint8_t *bits = NULL;
    arrakis_status rc = take_buffer(b, "validity", n->null_count ? n->length : 0, 1, &bits, NULL);
    *out = n->null_count ? bits : NULL;
    return rc;
}

/* NULL where there are no elements: the buffer may then be empty. */
static arrakis_status take_offsets(batch *b, int64_t length, const uint8_t **out)
{
    const uint8_t *offsets = NULL;
    int64_t count = length > 0 ? length + (length < INT64_MAX) : 0;
    arrakis_status rc = take_buffer(b, "offsets", count, 32, &offsets, NULL);
    *out = length > 0 ? offsets : NULL;
    return rc;
}

static arrakis_status locate_list(batch *b, ark_column *column)
{
    node child;
    arrakis_status rc;
    if ((rc = take_offsets(b, column->length, &column->offsets)) < 0 ||
        (rc = take_node(b, &child)) < 0 ||
        (rc = take_validity(b, &child, &column->child_valid)) < 0)
        return rc;
    column->child_length = child.length;
    column->child_null_count = child.null_count;
    return take_buffer(b, "values", child.length, 8 * (int64_t)arrakis_dtype_size(b->field->dtype),
                       &column->values, NULL);
}

static arrakis_status locate_text(batch *b, int64_t length, const uint8_t **offsets,
                                  const uint8_t **text, int64_t *size)
{
    arrakis_status rc = take_offsets(b, length, offsets);
    return rc < 0 ? rc : take_buffer(b, "text", 0, 8, text, size);
}

/* One of the two text columns of a map, which has one element an entry. */
static arrakis_status locate_half(batch *b, int64_t entries, const uint8_t **valid,
                                  const uint8_t **offsets, const uint8_t **text, int64_t *size)
{
    node n;
    arrakis_status rc;
    if ((rc = take_node(b, &n)) < 0 || (rc = take_validity(b, &n, valid)) < 0)
        return rc;
    if (n.length < entries)
        return ark_fail(b->err, ARRAKIS_EFORMAT,
                        "column \"%s\": %" PRId64 " keys or items for %" PRId64 " entries",
                        b->field->name, n.length, entries);
    return locate_text(b, entries, offsets, text, size);
}

static arrakis_status locate_map(batch *b, ark_column *column)
{
    node entries;
    const uint8_t *entries_valid, *keys_valid;
    arrakis_status rc;
    if ((rc = take_offsets(b, column->length, &column->offsets)) < 0 ||
        (rc = take_node(b, &entries)) < 0 ||
        (rc = take_validity(b, &entries, &entries_valid)) < 0 ||
        (rc = locate_half(b, entries.length, &keys_valid, &column->key_offsets, &column->key_text,
                          &column->key_text_size)) < 0 ||
        (rc = locate_half(b, entries.length, &column->item_valid, &column->item_offsets,
                          &column->item_text, &column->item_text_size)) < 0)
        return rc;
    if (entries_valid || keys_valid)
        return ark_fail(b->err, ARRAKIS_EFORMAT, "column \"%s\": a map with null %s",
                        b->field->name, entries_valid ? "entries" : "keys");
    column->child_length = entries.length;
    return ARRAKIS_OK;
}

/* Where a column's parts lie. A function of the header alone. */
static arrakis_status locate(batch *b, ark_column *column, int64_t rows)
{
    node n;
    arrakis_status rc;
    *column = (ark_column){0};
    if ((rc = take_node(b, &n)) < 0)
        return rc;
    if (n.length != rows)
        return ark_fail(b->err, ARRAKIS_EFORMAT,
                        "column \"%s\": %" PRId64 " rows in a batch of %" PRId64, b->field->name,
                        n.length, rows);
    column->length = n.length;
    column->null_count = n.null_count;
    if ((rc = take_validity(b, &n, &column->valid)) < 0)
        return rc;
    switch (b->field->kind) {
    case ARK_TYPE_PRIMITIVE:
        return take_buffer(b, "values", rows, 8 * (int64_t)arrakis_dtype_size(b->field->dtype),
                           &column->values, NULL);
    case ARK_TYPE_UTF8:
        return locate_text(b, rows, &column->offsets, &column->values, &column->child_length);
    case ARK_TYPE_LIST:
        return locate_list(b, column);
    case ARK_TYPE_MAP:
        break;
    }
    return locate_map(b, column);
}

typedef uint32_t lanes __attribute__((vector_size(16)));

bool ark_offsets_ok(const uint8_t *offsets, int64_t length, int64_t child_length)
{
    if (length <= 0)
        return length == 0;
    /* Bit 31 gets set by a negative offset; between two that are not, only by a step down. */
    uint32_t wrong = ark_load_u32(offsets);
    lanes some = {0, 0, 0, 0}, more = {0, 0, 0, 0};
    int64_t i = 0;
    for (; i + 8 <= length; i += 8) {
        lanes from[2], to[2];
        memcpy(from, offsets + 4 * i, sizeof from);
        memcpy(to, offsets + 4 * i + 4, sizeof to);
        some |= to[0] | (to[0] - from[0]);
        more |= to[1] | (to[1] - from[1]);
    }
    some |= more;
    wrong |= some[0] | some[1] | some[2] | some[3];
    for (; i < length; i++) {
        uint32_t to = ark_load_u32(offsets + 4 * i + 4);
        wrong |= to | (to - ark_load_u32(offsets + 4 * i));
    }
    return wrong >> 31 == 0 && (int64_t)ark_load_u32(offsets + 4 * length) <= child_length;
}

static arrakis_status check_offsets(const ark_column *column, const ark_field *field,
                                    arrakis_error *err)
{
    if (field->kind == ARK_TYPE_PRIMITIVE)
        return ARRAKIS_OK;
    if (!ark_offsets_ok(column->offsets, column->length, column->child_length))
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "column \"%s\": offsets decrease or leave the %" PRId64 " elements",
                        field->name, column->child_length);
    if (field->kind == ARK_TYPE_MAP &&
        (!ark_offsets_ok(column->key_offsets, column->child_length, column->key_text_size) ||
         !ark_offsets_ok(column->item_offsets, column->child_length, column->item_text_size)))
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "column \"%s\": a key's or item's offsets decrease or leave the text",
                        field->name);
    return ARRAKIS_OK;
}

/* Refuse what changes the meaning of the buffers. */
static arrakis_status check_plain(ark_flat *flat, ark_flat_table header, arrakis_error *err)
{
    if (ark_flat_has(flat, header, ARK_BATCH_COMPRESSION)) {
        ark_flat_table compression = ark_flat_child(flat, header, ARK_BATCH_COMPRESSION);
        unsigned codec = ark_flat_u8(flat, compression, ARK_COMPRESSION_CODEC);
        return ark_fail(err, ARRAKIS_EUNSUPPORTED, "record batch is compressed (%s)",
                        codec == 0   ? "LZ4"
                        : codec == 1 ? "ZSTD"
                                     : "unknown codec");
    }
    ark_flat_vector variadic = ark_flat_elements(flat, header, ARK_BATCH_VARIADIC_COUNTS, 8);
    if (variadic.count > 0)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "record batch has columns of a varying number of buffers (views)");
    return ARRAKIS_OK;
}

/* Open the header: the batch's nodes and buffers, as many as the schema wants. */
static arrakis_status open_batch(batch *b, int64_t *length, const ark_schema *schema,
                                 const ark_ipc_message *message, arrakis_error *err)
{
    if (message->kind != ARK_IPC_BATCH)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow stream: %s where a record batch was wanted",
                        message->kind == ARK_IPC_SCHEMA ? "a schema" : "the end");
    ark_flat flat = {message->header, message->header_size, false};
    ark_flat_table root = ark_flat_root(&flat);
    ark_flat_table header = ark_flat_child(&flat, root, ARK_MESSAGE_HEADER);
    *length = ark_flat_i64(&flat, header, ARK_BATCH_LENGTH);
    ark_flat_vector nodes = ark_flat_elements(&flat, header, ARK_BATCH_NODES, 16);
    ark_flat_vector buffers = ark_flat_elements(&flat, header, ARK_BATCH_BUFFERS, 16);
    arrakis_status rc = check_plain(&flat, header, err);
    if (rc < 0)
        return rc;
    if (flat.bad || header.at == 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "record batch: header %s its %zu bytes",
                        flat.bad ? "leads outside" : "is missing in", message->header_size);
    size_t node_count = 0, buffer_count = 0;
    for (size_t i = 0; i < schema->count; i++) {
        node_count += shapes[schema->fields[i].kind].nodes;
        buffer_count += shapes[schema->fields[i].kind].buffers;
    }
    if (*length < 0 || nodes.count != node_count || buffers.count != buffer_count)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "record batch of %" PRId64 " rows has %zu nodes and %zu buffers; "
                        "its schema wants %zu and %zu",
                        *length, nodes.count, buffers.count, node_count, buffer_count);
    *b = (batch){nodes.data, buffers.data, message->body, (int64_t)message->body_size, NULL, err};
    return ARRAKIS_OK;
}

arrakis_status ark_batch_read(ark_column *columns, int64_t *length, const ark_schema *schema,
                              const ark_ipc_message *message, arrakis_error *err)
{
    batch b;
    int64_t rows = 0;
    *length = 0;
    arrakis_status rc = open_batch(&b, &rows, schema, message, err);
    for (size_t i = 0; rc >= 0 && i < schema->count; i++) {
        b.field = &schema->fields[i];
        rc = locate(&b, &columns[i], rows);
    }
    for (size_t i = 0; rc >= 0 && i < schema->count; i++)
        rc = check_offsets(&columns[i], &schema->fields[i], err);
    if (rc >= 0)
        *length = rows;
    return rc;
}
