/* SPDX-License-Identifier: Apache-2.0 */
/* Reading. The messages come from the fuzz corpus, where arrow_oracle.py put them with pyarrow. */
#include "arrow/batch.h"
#include "arrow/check.h"
#include "arrow/flatbuffer.h"
#include "arrow/format.h"
#include "arrow/ipc.h"
#include "arrow/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CORPUS ARRAKIS_TEST_DATA "/../../fuzz/corpus/arrow_ipc/"

/* ---- a stream in memory, and what has been read of it */

typedef struct stream {
    uint8_t *data;
    size_t size, at;
    ark_schema *schema;
    ark_column *columns;
    int64_t rows;
    arrakis_error err;
} stream;

static stream load(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, CORPUS "%s", name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("no %s", path);
    uint8_t room[8192];
    stream s = {0};
    s.size = fread(room, 1, sizeof room, file);
    fclose(file);
    s.data = malloc(s.size); /* to the byte: what is read behind it is seen */
    memcpy(s.data, room, s.size);
    return s;
}

static void unload(stream *s)
{
    ark_schema_free(s->schema);
    free(s->columns);
    free(s->data);
}

/* Read the next message. DONE at the end. */
static arrakis_status step(stream *s)
{
    ark_ipc_message message;
    arrakis_status rc = ark_ipc_parse(&message, s->data + s->at, s->size - s->at, &s->err);
    if (rc < 0)
        return rc;
    s->at += message.size;
    if (message.kind == ARK_IPC_END)
        return ARRAKIS_DONE;
    if (message.kind == ARK_IPC_BATCH && s->schema)
        return ark_batch_read(s->columns, &s->rows, s->schema, &message, &s->err);
    ark_schema_free(s->schema);
    free(s->columns);
    s->columns = NULL;
    if ((rc = ark_schema_read(&s->schema, &message, &s->err)) < 0)
        return rc;
    s->columns = calloc(s->schema->count + 1, sizeof *s->columns);
    return rc;
}

static arrakis_status read_all(stream *s)
{
    arrakis_status rc;
    while ((rc = step(s)) == ARRAKIS_OK)
        ;
    return rc;
}

static stream opened(const char *name, int messages)
{
    stream s = load(name);
    while (messages-- > 0)
        if (step(&s) < 0)
            fail_msg("%s: %s", name, s.err.message);
    return s;
}

static bool bit(const uint8_t *bits, int64_t i)
{
    return !bits || (bits[i / 8] >> i % 8 & 1);
}

static int32_t offset(const ark_column *column, int64_t i)
{
    return ark_load_i32(column->offsets + 4 * i);
}

static void assert_text(const uint8_t *offsets, const uint8_t *text, int64_t i, const char *wanted)
{
    int32_t from = ark_load_i32(offsets + 4 * i), to = ark_load_i32(offsets + 4 * i + 4);
    assert_int_equal(to - from, strlen(wanted));
    assert_memory_equal(text + from, wanted, strlen(wanted));
}

static float sample(const ark_column *column, int64_t i)
{
    float value;
    memcpy(&value, column->values + 4 * i, sizeof value);
    return value;
}

/* ---- what is read */

/* [1, null], null, [2.5] with ids 3, 4, 5 */
static void assert_null_lists(const stream *s)
{
    assert_int_equal(s->rows, 3);
    assert_true(ark_load_i64(s->columns[0].values + 16) == INT64_C(1000000000000000000));
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(ark_load_u32(s->columns[1].values + 4 * i), 3 + i);
    const ark_column *data = &s->columns[2];
    assert_int_equal(data->null_count, 1);
    assert_true(bit(data->valid, 0) && !bit(data->valid, 1) && bit(data->valid, 2));
    assert_int_equal(offset(data, 0), 0);
    assert_int_equal(offset(data, 1), 2);
    assert_int_equal(offset(data, 2), 2);
    assert_int_equal(offset(data, 3), 3);
    assert_int_equal(data->child_length, 3);
    assert_int_equal(data->child_null_count, 1);
    assert_true(bit(data->child_valid, 0) && !bit(data->child_valid, 1));
    assert_true(sample(data, 0) == 1.0f && sample(data, 2) == 2.5f);
}

static void rows_with_nulls_in_both_places(void **state)
{
    (void)state;
    stream s = opened("rows-null-lists", 2);
    assert_int_equal(s.schema->count, 3);
    assert_string_equal(s.schema->fields[2].name, "data");
    assert_int_equal(s.schema->fields[2].kind, ARK_TYPE_LIST);
    assert_int_equal(s.schema->fields[2].dtype, ARRAKIS_FLOAT32);
    assert_int_equal(s.schema->fields[1].dtype, ARRAKIS_UINT32);
    assert_true(s.schema->fields[0].nullable);
    assert_null(s.schema->fields[0].rate);
    assert_null_lists(&s);
    assert_int_equal(step(&s), ARRAKIS_DONE);
    assert_int_equal(s.at, s.size);
    unload(&s);
}

static void old_framing_and_old_version_read_alike(void **state)
{
    (void)state;
    static const char *const names[] = {"rows-old-framing", "rows-v4"};
    for (size_t i = 0; i < 2; i++) {
        stream s = opened(names[i], 2);
        assert_null_lists(&s);
        assert_int_equal(step(&s), ARRAKIS_DONE);
        unload(&s);
    }
}

static void messages_lie_at_any_address(void **state)
{
    (void)state;
    stream s = load("rows-null-lists");
    uint8_t *room = malloc(s.size + 16);
    for (size_t shift = 0; shift < 16; shift++) {
        stream moved = {0};
        moved.data = room + shift;
        moved.size = s.size;
        memcpy(moved.data, s.data, s.size);
        assert_int_equal(step(&moved), ARRAKIS_OK);
        assert_int_equal(step(&moved), ARRAKIS_OK);
        assert_null_lists(&moved);
        moved.data = NULL;
        unload(&moved);
    }
    free(room);
    unload(&s);
}

static void two_batches_follow_each_other(void **state)
{
    (void)state;
    stream s = opened("rows-two-batches", 2);
    assert_null_lists(&s);
    assert_int_equal(step(&s), ARRAKIS_OK);
    assert_int_equal(s.rows, 1);
    assert_true(sample(&s.columns[2], 1) == 8.0f);
    assert_null(s.columns[2].valid);
    assert_int_equal(step(&s), ARRAKIS_DONE);
    unload(&s);
}

static void a_stream_may_end_without_its_marker(void **state)
{
    (void)state;
    stream s = load("rows-float32");
    s.size -= 8;
    assert_int_equal(read_all(&s), ARRAKIS_DONE);
    assert_int_equal(s.rows, 3);
    unload(&s);
}

static void an_empty_batch_has_no_offsets(void **state)
{
    (void)state;
    stream s = opened("rows-empty-batch", 2);
    assert_int_equal(s.rows, 0);
    assert_null(s.columns[2].offsets);
    assert_int_equal(s.columns[2].child_length, 0);
    unload(&s);
}

static void ids_may_be_signed(void **state)
{
    (void)state;
    stream s = opened("rows-int32-ids", 2);
    assert_int_equal(s.schema->fields[1].dtype, ARRAKIS_INT32);
    assert_int_equal(ark_load_i32(s.columns[1].values + 4), -2);
    unload(&s);
}

static void texts_with_nulls(void **state)
{
    (void)state;
    stream s = opened("metadata", 2);
    assert_int_equal(s.schema->fields[0].kind, ARK_TYPE_UTF8);
    assert_false(s.schema->fields[0].nullable);
    assert_int_equal(s.rows, 2);
    assert_text(s.columns[0].offsets, s.columns[0].values, 0, "H1:SYS-A");
    assert_text(s.columns[0].offsets, s.columns[0].values, 1, "L1:\xc3\xbc_\xce\xa9");
    assert_text(s.columns[3].offsets, s.columns[3].values, 0, "p0");
    assert_false(bit(s.columns[3].valid, 1));
    assert_int_equal(s.columns[8].null_count, 2);
    unload(&s);
}

static void maps_of_text(void **state)
{
    (void)state;
    stream s = opened("properties", 2);
    const ark_column *map = &s.columns[0];
    assert_int_equal(s.schema->fields[0].kind, ARK_TYPE_MAP);
    assert_int_equal(s.rows, 3);
    assert_int_equal(map->child_length, 3);
    assert_int_equal(offset(map, 1), 2);
    assert_int_equal(offset(map, 3), 3);
    assert_text(map->key_offsets, map->key_text, 0, "bootstrap.servers");
    assert_text(map->item_offsets, map->item_text, 0, "127.0.0.1:9092");
    assert_text(map->item_offsets, map->item_text, 1, "");
    assert_text(map->key_offsets, map->key_text, 2, "null");
    assert_true(bit(map->item_valid, 1) && !bit(map->item_valid, 2));
    unload(&s);
}

/* Nodes and buffers of `properties`: map, entries, keys, items; each entry has text. */
static void a_map_with_null_or_too_few_keys_is_refused(void **state)
{
    (void)state;
    static const struct {
        int node;
        int64_t length, nulls;
        const char *said;
    } cases[] = {
        {1, 3, 3, "a map with null entries or keys"},
        {2, 3, 3, "a map with null entries or keys"},
        {2, 2, 0, "3 structs, 2 of a child"},
        {3, 2, 0, "3 structs, 2 of a child"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stream s = opened("properties", 1);
        ark_ipc_message message;
        assert_int_equal(ark_ipc_parse(&message, s.data + s.at, s.size - s.at, NULL), ARRAKIS_OK);
        ark_flatbuffer flat = {message.header, message.header_size, false};
        ark_flatbuffer_table header =
            ark_flatbuffer_child(&flat, ark_flatbuffer_root(&flat), ARK_MESSAGE_HEADER);
        ark_flatbuffer_vector nodes = ark_flatbuffer_elements(&flat, header, ARK_BATCH_NODES, 16);
        ark_flatbuffer_vector buffers =
            ark_flatbuffer_elements(&flat, header, ARK_BATCH_BUFFERS, 16);
        assert_int_equal(nodes.count, 4);
        assert_int_equal(buffers.count, 9);
        int64_t node[2] = {cases[i].length, cases[i].nulls}, one[2] = {0, 1};
        uint8_t *at = s.data + (nodes.data - s.data), *validity = s.data + (buffers.data - s.data);
        memcpy(at + 16 * cases[i].node, node, sizeof node);
        if (cases[i].nulls)
            memcpy(validity + 16 * (cases[i].node == 1 ? 2 : 3), one, sizeof one);
        assert_int_equal(step(&s), ARRAKIS_EFORMAT);
        if (!strstr(s.err.message, cases[i].said))
            fail_msg("'%s' does not have '%s'", s.err.message, cases[i].said);
        unload(&s);
    }
}

static void columns_of_every_type_with_their_rates(void **state)
{
    (void)state;
    stream s = opened("dtypes", 2);
    assert_int_equal(s.schema->count, 11);
    assert_false(s.schema->fields[0].nullable);
    for (size_t i = 1; i < 11; i++) {
        assert_int_equal(s.schema->fields[i].dtype, ARRAKIS_INT8 + (int)i - 1);
        assert_string_equal(s.schema->fields[i].rate, "32");
        assert_int_equal(s.columns[i].child_length, 2);
    }
    unload(&s);
}

static void header_and_body_may_come_apart(void **state)
{
    (void)state;
    stream s = opened("rows-null-lists", 1);
    ark_ipc_message whole, apart;
    assert_int_equal(ark_ipc_parse(&whole, s.data + s.at, s.size - s.at, NULL), ARRAKIS_OK);
    assert_int_equal(ark_ipc_parse_parts(&apart, whole.header, whole.header_size, whole.body,
                                         whole.body_size, &s.err),
                     ARRAKIS_OK);
    assert_int_equal(apart.kind, ARK_IPC_BATCH);
    assert_int_equal(ark_batch_read(s.columns, &s.rows, s.schema, &apart, &s.err), ARRAKIS_OK);
    assert_null_lists(&s);
    assert_int_equal(ark_ipc_parse_parts(&apart, whole.header, whole.header_size, whole.body,
                                         whole.body_size - 1, &s.err),
                     ARRAKIS_EFORMAT);
    assert_int_equal(ark_ipc_parse_parts(&apart, NULL, 0, NULL, 0, &s.err), ARRAKIS_EFORMAT);
    assert_int_equal(ark_ipc_parse_parts(&apart, whole.header, 3, NULL, 0, &s.err),
                     ARRAKIS_EFORMAT);
    assert_int_equal(ark_ipc_parse_parts(&apart, s.data + 8, 280, NULL, 0, &s.err), ARRAKIS_OK);
    assert_int_equal(apart.kind, ARK_IPC_SCHEMA);
    unload(&s);
}

static void a_schema_is_no_batch_and_a_batch_no_schema(void **state)
{
    (void)state;
    stream s = opened("rows-float32", 2);
    ark_ipc_message schema, batch, end;
    ark_schema *other;
    assert_int_equal(ark_ipc_parse(&schema, s.data, s.size, NULL), ARRAKIS_OK);
    assert_int_equal(ark_ipc_parse(&batch, s.data + schema.size, s.size - schema.size, NULL),
                     ARRAKIS_OK);
    assert_int_equal(ark_ipc_parse(&end, s.data + s.at, s.size - s.at, NULL), ARRAKIS_OK);
    assert_int_equal(end.kind, ARK_IPC_END);
    assert_int_equal(end.size, 8);
    assert_int_equal(ark_schema_read(&other, &batch, &s.err), ARRAKIS_EFORMAT);
    assert_int_equal(ark_schema_read(&other, &end, &s.err), ARRAKIS_EFORMAT);
    assert_null(other);
    assert_int_equal(ark_batch_read(s.columns, &s.rows, s.schema, &schema, &s.err),
                     ARRAKIS_EFORMAT);
    unload(&s);
}

/* ---- what is refused by name */

static void what_is_not_supported_is_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"refused-compressed-lz4", "LZ4"},
        {"refused-compressed-zstd", "ZSTD"},
        {"refused-dictionary", "\"coded\" is dictionary-encoded"},
        {"refused-big-endian", "big-endian"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stream s = load(cases[i][0]);
        assert_int_equal(read_all(&s), ARRAKIS_EUNSUPPORTED);
        if (!strstr(s.err.message, cases[i][1]))
            fail_msg("'%s' does not have '%s'", s.err.message, cases[i][1]);
        unload(&s);
    }
}

static void other_types_are_read_and_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"other-float16", "float16"},     {"other-bool", "bool"},     {"other-nested", "list"},
        {"other-timestamp", "timestamp"}, {"other-struct", "struct"}, {"other-view", "utf8 view"},
        {"other-map-numbers", "map"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stream s = load(cases[i][0]);
        assert_int_equal(read_all(&s), ARRAKIS_DONE);
        assert_int_equal(s.schema->fields[0].kind, ARK_TYPE_OTHER);
        assert_string_equal(s.schema->fields[0].type_name, cases[i][1]);
        unload(&s);
    }
}

/* ---- torn and twisted messages */

/* The schema that a stream begins with, as a flatbuffer, and the vector of its fields. */
static ark_flatbuffer_vector fields_of(const stream *s, ark_flatbuffer *flat)
{
    ark_ipc_message message;
    assert_int_equal(ark_ipc_parse(&message, s->data, s->size, NULL), ARRAKIS_OK);
    *flat = (ark_flatbuffer){message.header, message.header_size, false};
    ark_flatbuffer_table schema =
        ark_flatbuffer_child(flat, ark_flatbuffer_root(flat), ARK_MESSAGE_HEADER);
    return ark_flatbuffer_elements(flat, schema, ARK_SCHEMA_FIELDS, 4);
}

static void a_map_without_entries_is_refused(void **state)
{
    (void)state;
    stream s = load("properties");
    ark_flatbuffer flat;
    ark_flatbuffer_table map = ark_flatbuffer_element(&flat, fields_of(&s, &flat), 0);
    ark_flatbuffer_table entries = ark_flatbuffer_element(
        &flat, ark_flatbuffer_elements(&flat, map, ARK_FIELD_CHILDREN, 4), 0);
    size_t slot = entries.vtable + 4 + 2 * ARK_FIELD_TYPE_TYPE;
    s.data[8 + entries.at + ark_load_u16(flat.data + slot)] = ARK_ARROW_LIST;
    assert_int_equal(step(&s), ARRAKIS_EFORMAT);
    assert_non_null(strstr(s.err.message, "list with children 2"));
    unload(&s);
}

static void a_column_that_leads_outside_is_refused(void **state)
{
    (void)state;
    stream s = load("metadata");
    ark_flatbuffer flat;
    ark_flatbuffer_vector fields = fields_of(&s, &flat);
    ark_flatbuffer_table text = ark_flatbuffer_element(&flat, fields, 0);
    s.data[8 + (fields.data - flat.data) - 4] = 1; /* no column behind it that could notice */
    assert_int_equal(step(&s), ARRAKIS_OK);
    memcpy(s.data + 8 + text.vtable + 4 + 2 * ARK_FIELD_NULLABLE, "\xff\xff", 2);
    s.at = 0;
    assert_int_equal(step(&s), ARRAKIS_EFORMAT);
    assert_non_null(strstr(s.err.message, "is not a valid flatbuffer"));
    unload(&s);
}

static void every_prefix_of_a_stream_ends_cleanly(void **state)
{
    (void)state;
    static const char *const names[] = {"rows-nulls", "metadata", "properties", "dtypes",
                                        "rows-old-framing"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        stream whole = load(names[i]);
        for (size_t size = 0; size < whole.size; size++) {
            stream s = {0};
            s.data = malloc(size + 1);
            s.data = realloc(s.data, size ? size : 1);
            memcpy(s.data, whole.data, size);
            s.size = size;
            arrakis_status rc = read_all(&s);
            if (rc == ARRAKIS_DONE)
                assert_int_equal(s.at, size); /* between two messages */
            else
                assert_int_equal(rc, ARRAKIS_EFORMAT);
            unload(&s);
        }
        unload(&whole);
    }
}

/* Whatever stands at any place of the headers, reading ends with a status. The sanitizers watch. */
static void every_number_of_a_header_may_be_anything(void **state)
{
    (void)state;
    static const uint32_t odd[] = {0,          1,          4,          0x7f,       0xff,
                                   0xffff,     0x7fff,     0x10000,    0x7fffffff, 0x80000000,
                                   0xfffffff8, 0xfffffffe, 0xffffffff, 648,        280};
    static const char *const names[] = {"rows-nulls", "properties", "columns"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        stream whole = load(names[i]);
        for (size_t at = 0; at + 4 <= whole.size; at++) {
            for (size_t k = 0; k < 3 * (sizeof odd / sizeof *odd); k++) {
                size_t width = (size_t)1 << k % 3;
                stream s = {0};
                s.data = malloc(whole.size);
                s.size = whole.size;
                memcpy(s.data, whole.data, whole.size);
                memcpy(s.data + at, &odd[k / 3], width);
                arrakis_status rc = read_all(&s);
                assert_true(rc == ARRAKIS_DONE || rc == ARRAKIS_EFORMAT ||
                            rc == ARRAKIS_EUNSUPPORTED);
                unload(&s);
            }
        }
        unload(&whole);
    }
}

/* pyarrow's header of a batch of rows: places counted from its start. */
enum {
    ROOT_VTABLE = 8,
    BODY_LENGTH = 32,
    ROWS = 64,
    BUFFER_COUNT = 76,
    BUFFERS = 80,
    NODE_COUNT = 212,
    NODES = 216,
};

/* Put `value` in the header of the batch of a stream of rows and read it. */
static void refuse_patched_in(const char *name, size_t place, int64_t value, size_t width,
                              const char *said)
{
    stream s = opened(name, 1);
    memcpy(s.data + s.at + 8 + place, &value, width);
    arrakis_status rc = step(&s);
    if (rc != ARRAKIS_EFORMAT || !strstr(s.err.message, said))
        fail_msg("%lld at %zu: status %d, '%s' does not have '%s'", (long long)value, place, rc,
                 rc < 0 ? s.err.message : "", said);
    unload(&s);
}

static void refuse_patched(size_t place, int64_t value, size_t width, const char *said)
{
    refuse_patched_in("rows-nulls", place, value, width, said);
}

static void a_batch_that_leads_outside_is_refused(void **state)
{
    (void)state;
    refuse_patched(0, 100000, 4, "header of 280 bytes is not a valid flatbuffer");
    refuse_patched(0, -1, 4, "not a valid flatbuffer");
    refuse_patched(ROOT_VTABLE, 0xffff, 2, "not a valid flatbuffer");
    refuse_patched(ROOT_VTABLE, 2, 2, "not a valid flatbuffer");
    refuse_patched(BODY_LENGTH, -1, 8, "a body of -1 bytes");
    refuse_patched(BODY_LENGTH, INT64_MAX, 8, "torn");
    refuse_patched(BODY_LENGTH, 8, 8, "of a body of 8");
    refuse_patched(ROWS, -1, 8, "-1 rows");
    refuse_patched(ROWS, 5, 8, "\"time\": 4 rows in a batch of 5");
    refuse_patched(NODE_COUNT, 3, 4, "\"data\": the batch has 3 nodes, too few");
    refuse_patched(NODE_COUNT, 0xffffffff, 4, "not a valid flatbuffer");
    refuse_patched(BUFFER_COUNT, 7, 4, "\"data\": the batch has 7 buffers, too few");
    refuse_patched(BUFFER_COUNT, 0x10000000, 4, "not a valid flatbuffer");
    refuse_patched(NODES, -1, 8, "\"time\": a length of -1");
    refuse_patched(NODES + 8, 5, 8,
                   "\"time\": a buffer of 0 bytes, too few for 4 elements of 1 bit");
    refuse_patched(NODES + 8, -1, 8, "\"time\": a buffer of 0 bytes");
    refuse_patched(NODES + 8, 1, 8, "\"time\": a buffer of 0 bytes");
    refuse_patched(NODES + 16, 3, 8, "\"id\": 3 rows in a batch of 4");
    refuse_patched(NODES + 48, INT64_MAX, 8, "\"data\": a buffer");
    refuse_patched(NODES + 56, 1, 8, "\"data\": 1 nulls, and a bitmap of ");
    refuse_patched(NODES + 56, 21, 8, "\"data\": 21 nulls in a length of 20");
    refuse_patched(NODES + 56, -2, 8, "\"data\": -2 nulls in a length of 20");
    refuse_patched(NODES + 48, 21, 8, "\"data\": ");
    /* 2^59 samples of 32 bits: the product is 0 unless the overflow is checked */
    refuse_patched_in("rows-float32", NODES + 48, INT64_C(1) << 59, 8,
                      "\"data\": a buffer of 24 bytes, too few");
    for (int i = 1; i < 8; i += 2) {
        size_t at = BUFFERS + 16 * (size_t)i;
        refuse_patched(at, -8, 8, "at -8 of a body");
        refuse_patched(at, 1 << 20, 8, "at 1048576 of a body");
        refuse_patched(at, INT64_MAX, 8, "of a body");
        refuse_patched(at, 1, 8, "a buffer at 1, no multiple of 8");
        refuse_patched(at + 8, -1, 8, "of -1 bytes");
        refuse_patched(at + 8, INT64_MAX, 8, "of a body");
    }
    refuse_patched(BUFFERS + 16 + 8, 31, 8, "\"time\": a buffer of 31 bytes, too few for 4");
    refuse_patched(BUFFERS + 48 + 8, 15, 8, "\"id\": a buffer of 15 bytes");
    refuse_patched(BUFFERS + 80 + 8, 19, 8, "\"data\": 19 bytes of offsets, too few for 4");
    refuse_patched(BUFFERS + 96 + 8, 2, 8, "\"data\": a buffer of 2 bytes, too few for 20");
}

/* As Arrow's own reader has it. */
static void what_is_not_looked_at_may_be_anything(void **state)
{
    (void)state;
    static const struct {
        size_t place;
        int64_t value;
        size_t width;
    } cases[] = {
        {BUFFERS, 1 << 20, 8}, /* a bitmap where nothing is null */
        {BUFFERS + 8, -1, 8},
        {BUFFERS + 32, 1, 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stream s = opened("rows-nulls", 1);
        memcpy(s.data + s.at + 8 + cases[i].place, &cases[i].value, cases[i].width);
        assert_int_equal(step(&s), ARRAKIS_OK);
        unload(&s);
    }
}

static void offsets_that_leave_their_child_are_refused(void **state)
{
    (void)state;
    static const int32_t bad[][4] = {
        {-1, 2, 4, 6},        {0, 4, 2, 6},         {0, 2, 4, 7},
        {0, 2, 4, 3},         {0, 2, INT32_MIN, 6}, {0, INT32_MAX, INT32_MIN, 6},
        {0, 2, 4, INT32_MAX},
    };
    static const int32_t good[][4] = {{0, 2, 4, 6}, {3, 3, 3, 3}, {2, 4, 6, 6}, {1, 1, 5, 6}};
    stream s = opened("rows-float32", 2);
    uint8_t *offsets = s.data + (s.columns[2].offsets - s.data);
    size_t batch = 288; /* behind the schema */
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        memcpy(offsets, good[i], 16);
        s.at = batch;
        assert_int_equal(step(&s), ARRAKIS_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(offsets, bad[i], 16);
        s.at = batch;
        assert_int_equal(step(&s), ARRAKIS_EFORMAT);
        assert_non_null(strstr(s.err.message, "\"data\": offsets decrease or leave"));
    }
    unload(&s);
}

static bool plainly_ok(const int32_t *offsets, int64_t length, int64_t child_length)
{
    for (int64_t i = 0; length > 0 && i <= length; i++)
        if (offsets[i] < 0 || offsets[i] > child_length || (i > 0 && offsets[i] < offsets[i - 1]))
            return false;
    return true;
}

static void offsets_are_judged_as_one_by_one(void **state)
{
    (void)state;
    uint64_t seed = 1;
    uint8_t room[4 * 41 + 3];
    int refused = 0;
    for (int round = 0; round < 200000; round++) {
        int32_t offsets[41], last = 0;
        int64_t length = round % 41;
        for (int64_t i = 0; i <= length; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            last += (int32_t)(seed >> 62);
            offsets[i] = last;
        }
        if (round % 3 == 0)
            offsets[(seed >> 40) % (uint64_t)(length + 1)] = (int32_t)(seed >> 20);
        int64_t child = round % 5 ? last : last - 1;
        uint8_t *at = room + round % 4;
        memcpy(at, offsets, sizeof offsets[0] * (size_t)(length + 1));
        bool ok = plainly_ok(offsets, length, child);
        refused += !ok;
        assert_int_equal(ark_check_offsets(at, length, child), ok);
    }
    assert_true(refused > 10000);
    for (size_t at = 0; at < 38; at++) { /* once round the circle, never a step down modulo 2^32 */
        int32_t offsets[41] = {0};
        offsets[at] = INT32_MAX;
        offsets[at + 1] = INT32_MIN;
        offsets[at + 2] = -1;
        memcpy(room, offsets, sizeof offsets);
        assert_false(ark_check_offsets(room, 40, 5));
    }
    assert_true(ark_check_offsets(NULL, 0, 0));
    assert_false(ark_check_offsets(NULL, -1, 0));
}

static void validity_is_ignored_where_nothing_is_null(void **state)
{
    (void)state;
    stream s = opened("rows-null-lists", 1);
    int64_t none = 0;
    memcpy(s.data + s.at + 8 + NODES + 32 + 8, &none, 8);
    assert_int_equal(step(&s), ARRAKIS_OK);
    assert_null(s.columns[2].valid);
    assert_non_null(s.columns[2].child_valid);
    unload(&s);
}

static void framing_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const uint8_t negative[] = {0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff};
    static const uint8_t long_one[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    static const uint8_t marker[] = {0, 0, 0, 0, 7};
    ark_ipc_message message;
    arrakis_error err;
    assert_int_equal(ark_ipc_parse(&message, negative, 8, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, "a header of -2 bytes"));
    assert_int_equal(ark_ipc_parse(&message, long_one, 8, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, "0 bytes where its header has 2147483647"));
    assert_int_equal(ark_ipc_parse(&message, marker, 5, &err), ARRAKIS_OK);
    assert_int_equal(message.kind, ARK_IPC_END);
    assert_int_equal(message.size, 4);
    assert_int_equal(ark_ipc_parse(&message, NULL, 0, &err), ARRAKIS_OK);
    assert_int_equal(message.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_with_nulls_in_both_places),
        cmocka_unit_test(old_framing_and_old_version_read_alike),
        cmocka_unit_test(messages_lie_at_any_address),
        cmocka_unit_test(two_batches_follow_each_other),
        cmocka_unit_test(a_stream_may_end_without_its_marker),
        cmocka_unit_test(an_empty_batch_has_no_offsets),
        cmocka_unit_test(ids_may_be_signed),
        cmocka_unit_test(texts_with_nulls),
        cmocka_unit_test(maps_of_text),
        cmocka_unit_test(a_map_with_null_or_too_few_keys_is_refused),
        cmocka_unit_test(columns_of_every_type_with_their_rates),
        cmocka_unit_test(header_and_body_may_come_apart),
        cmocka_unit_test(a_schema_is_no_batch_and_a_batch_no_schema),
        cmocka_unit_test(what_is_not_supported_is_named),
        cmocka_unit_test(other_types_are_read_and_named),
        cmocka_unit_test(a_map_without_entries_is_refused),
        cmocka_unit_test(a_column_that_leads_outside_is_refused),
        cmocka_unit_test(every_prefix_of_a_stream_ends_cleanly),
        cmocka_unit_test(every_number_of_a_header_may_be_anything),
        cmocka_unit_test(a_batch_that_leads_outside_is_refused),
        cmocka_unit_test(what_is_not_looked_at_may_be_anything),
        cmocka_unit_test(offsets_that_leave_their_child_are_refused),
        cmocka_unit_test(offsets_are_judged_as_one_by_one),
        cmocka_unit_test(validity_is_ignored_where_nothing_is_null),
        cmocka_unit_test(framing_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("arrow_ipc: reading", tests, NULL, NULL);
}
