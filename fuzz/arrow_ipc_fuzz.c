/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of Arrow messages. All that is read from it is touched; headers and bodies are in
 * allocations of their own, so that the sanitizers see every access outside. */
#include "arrow/batch.h"
#include "arrow/ipc.h"
#include "arrow/schema.h"
#include "arrow/write.h"
#include "base/buffer.h"
#include "arrow_make.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void touch(const uint8_t *bytes, uint64_t count)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + bytes[i]);
    sink = sum;
}

static void touch_bits(const uint8_t *bits, int64_t count)
{
    if (bits)
        touch(bits, (uint64_t)count / 8 + (count % 8 != 0));
}

static int32_t offset_at(const uint8_t *offsets, int64_t i)
{
    int32_t value = 0;
    if (offsets)
        memcpy(&value, offsets + 4 * i, sizeof value);
    return value;
}

/* Follow each pair of offsets, as a user of them would. */
static void touch_spans(const uint8_t *offsets, int64_t length, const uint8_t *values, size_t size)
{
    for (int64_t i = 0; i < length; i++) {
        int32_t from = offset_at(offsets, i), to = offset_at(offsets, i + 1);
        require(0 <= from && from <= to);
        if (values && to > from)
            touch(values + (size_t)from * size, (uint64_t)(to - from) * size);
    }
}

static void touch_column(const ark_schema_field *field, const ark_column *c)
{
    size_t size = arrakis_dtype_size(field->dtype);
    require(c->length >= 0 && c->child_length >= 0);
    touch_bits(c->valid, c->length);
    switch (field->kind) {
    case ARK_TYPE_PRIMITIVE:
        touch(c->values, (uint64_t)c->length * size);
        break;
    case ARK_TYPE_UTF8:
        touch_spans(c->offsets, c->length, c->values, 1);
        break;
    case ARK_TYPE_LIST:
        touch_bits(c->child_valid, c->child_length);
        touch(c->values, (uint64_t)c->child_length * size);
        touch_spans(c->offsets, c->length, c->values, size);
        break;
    case ARK_TYPE_MAP:
        touch_spans(c->offsets, c->length, NULL, 0);
        touch_spans(c->key_offsets, c->child_length, c->key_text, 1);
        touch_spans(c->item_offsets, c->child_length, c->item_text, 1);
        touch_bits(c->item_valid, c->child_length);
        break;
    case ARK_TYPE_OTHER:
        break;
    }
}

static bool same_place(const uint8_t *a, const uint8_t *a_body, const uint8_t *b,
                       const uint8_t *b_body)
{
    return (!a && !b) || (a && b && a - a_body == b - b_body);
}

/* With equal headers and sizes of the body, the columns lie at the same offsets in both bodies. */
static void require_same_places(const ark_column *a, const uint8_t *a_body, const ark_column *b,
                                const uint8_t *b_body)
{
    require(same_place(a->valid, a_body, b->valid, b_body));
    require(same_place(a->offsets, a_body, b->offsets, b_body));
    require(same_place(a->values, a_body, b->values, b_body));
    require(same_place(a->child_valid, a_body, b->child_valid, b_body));
    require(a->length == b->length && a->child_length == b->child_length);
}

static bool is_rows(const ark_schema *schema)
{
    return schema->count == 3 && schema->fields[0].kind == ARK_TYPE_PRIMITIVE &&
           schema->fields[0].dtype == ARRAKIS_INT64 &&
           schema->fields[1].kind == ARK_TYPE_PRIMITIVE &&
           schema->fields[1].dtype == ARRAKIS_UINT32 && schema->fields[2].kind == ARK_TYPE_LIST;
}

/* What is written of a batch of rows reads back as the same samples. */
static void write_again(const ark_column *columns, int64_t rows, arrakis_dtype dtype)
{
    size_t count = (size_t)rows, size = arrakis_dtype_size(dtype);
    arrakis_series *series = calloc(count + 1, sizeof *series);
    uint32_t *ids = calloc(count + 1, sizeof *ids);
    require(series && ids);
    for (size_t i = 0; i < count; i++) {
        int32_t from = offset_at(columns[2].offsets, (int64_t)i);
        int32_t to = offset_at(columns[2].offsets, (int64_t)i + 1);
        memcpy(&ids[i], columns[1].values + 4 * i, 4);
        series[i].samples = columns[2].values + (size_t)from * size;
        series[i].length = (size_t)(to - from);
        series[i].dtype = dtype;
    }
    ark_buffer out = {NULL, 0, 0};
    require(ark_write_rows(&out, dtype, 7, count, ids, series, NULL) == ARRAKIS_OK);
    ark_ipc_message message;
    ark_schema *schema;
    ark_column again[3];
    int64_t rows_again;
    require(ark_ipc_parse(&message, out.data, out.size, NULL) == ARRAKIS_OK);
    require(ark_schema_read(&schema, &message, NULL) == ARRAKIS_OK);
    require(ark_ipc_parse(&message, out.data + message.size, out.size - message.size, NULL) ==
            ARRAKIS_OK);
    require(ark_batch_read(again, &rows_again, schema, &message, NULL) == ARRAKIS_OK);
    require(rows_again == rows);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *samples =
            again[2].values + (size_t)offset_at(again[2].offsets, (int64_t)i) * size;
        require(memcmp(samples, series[i].samples, series[i].length * size) == 0);
    }
    ark_schema_free(schema);
    ark_buffer_clear(&out);
    free(series);
    free(ids);
}

static void read_batch(const ark_schema *schema, const ark_ipc_message *message,
                       const ark_ipc_message *apart)
{
    ark_column *columns = calloc(2 * schema->count + 1, sizeof *columns);
    require(columns != NULL);
    ark_column *others = columns + schema->count;
    int64_t rows, other_rows;
    arrakis_error err;
    arrakis_status rc = ark_batch_read(columns, &rows, schema, apart, &err);
    require(ark_batch_read(others, &other_rows, schema, message, &err) == rc);
    if (rc == ARRAKIS_OK) {
        require(rows == other_rows);
        for (size_t i = 0; i < schema->count; i++) {
            require(columns[i].length == rows);
            touch_column(&schema->fields[i], &columns[i]);
            require_same_places(&columns[i], apart->body, &others[i], message->body);
        }
        if (is_rows(schema))
            write_again(columns, rows, schema->fields[2].dtype);
    }
    free(columns);
}

static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    require(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

/* One message of a stream whose schema, once read, is in *schema. */
static void read_message(ark_schema **schema, const ark_ipc_message *message)
{
    uint8_t *header = copy_of(message->header, message->header_size);
    uint8_t *body = copy_of(message->body, message->body_size);
    ark_ipc_message apart;
    require(ark_ipc_parse_parts(&apart, header, message->header_size, body, message->body_size,
                                NULL) == ARRAKIS_OK);
    require(apart.kind == message->kind && apart.body_size == message->body_size);
    if (apart.kind == ARK_IPC_SCHEMA) {
        ark_schema *other;
        if (ark_schema_read(&other, &apart, NULL) == ARRAKIS_OK) {
            ark_schema_free(*schema);
            *schema = other;
            for (size_t i = 0; i < other->count; i++)
                touch((const uint8_t *)other->fields[i].name, strlen(other->fields[i].name));
        }
    } else if (*schema) {
        read_batch(*schema, message, &apart);
    }
    free(header);
    free(body);
}

static const int64_t ids[] = {0, 1, 2, 70000, 4294967295};

size_t ark_fuzz_make(uint8_t *out, size_t room, size_t (*below)(size_t))
{
    static const ark_make_column usual[] = {
        {"time", ARRAKIS_INT64, false, 0, NULL, 0},
        {"id", ARRAKIS_UINT32, false, 0, ids, 5},
        {"data", ARRAKIS_FLOAT32, true, 4, NULL, 0},
    };
    return ark_make_stream(out, room, usual, 3, below);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ark_schema *schema = NULL;
    ark_ipc_message message;
    arrakis_error err;
    while (ark_ipc_parse(&message, data, size, &err) == ARRAKIS_OK &&
           message.kind != ARK_IPC_END) {
        require(message.size > 0 && message.size <= size);
        read_message(&schema, &message);
        data += message.size;
        size -= message.size;
    }
    ark_schema_free(schema);
    return 0;
}
