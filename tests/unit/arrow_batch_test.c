/* SPDX-License-Identifier: Apache-2.0 */
/* Batches and schemas that no writer makes: limits, and what Arrow's reader has as special cases. */
#include "arrow/batch.h"
#include "arrow/flatbuffer.h"
#include "arrow/format.h"
#include "arrow/ipc.h"
#include "arrow/schema.h"
#include "arrow/type.h"
#include "support.h"

typedef struct made {
    ark_buffer bytes;
    ark_ipc_message message;
} made;

/* A message of that header, read back. */
static arrakis_status cut(made *m, ark_flatbuffer_builder *b, ark_flatbuffer_offset header,
                          uint8_t kind, int16_t version, ark_flatbuffer_offset metadata,
                          size_t body, arrakis_error *err)
{
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_i16(b, ARK_MESSAGE_VERSION, version);
    ark_flatbuffer_put_u8(b, ARK_MESSAGE_HEADER_TYPE, kind);
    ark_flatbuffer_put_i64(b, ARK_MESSAGE_BODY_LENGTH, (int64_t)body);
    ark_flatbuffer_put_offset(b, ARK_MESSAGE_HEADER, header);
    ark_flatbuffer_put_offset(b, ARK_MESSAGE_METADATA, metadata);
    const uint8_t *data = ark_flatbuffer_finish(b, ark_flatbuffer_table_end(b));
    assert_non_null(data);
    uint32_t size = (uint32_t)b->size;
    m->bytes = (ark_buffer){NULL, 0, 0};
    assert_int_equal(ark_buffer_reserve(&m->bytes, 4 + size + body, err), ARRAKIS_OK);
    memcpy(m->bytes.data, &size, 4);
    memcpy(m->bytes.data + 4, data, size);
    memset(m->bytes.data + 4 + size, 0, body);
    m->bytes.size = 4 + size + body;
    ark_flatbuffer_clear(b);
    return ark_ipc_parse(&m->message, m->bytes.data, m->bytes.size, err);
}

/* A batch of `count` int64 columns of two rows, whose buffers are all the same 16 bytes. */
static ark_flatbuffer_offset same_buffers(ark_flatbuffer_builder *b, size_t count)
{
    ark_flatbuffer_init(b);
    int64_t *at = (int64_t *)(void *)ark_flatbuffer_vector_begin(b, 2 * count, 16, 8);
    for (size_t i = 0; i < count; i++) {
        const int64_t two[] = {0, 0, 0, 16};
        memcpy(at + 4 * i, two, sizeof two);
    }
    ark_flatbuffer_offset buffers = ark_flatbuffer_vector_end(b, 2 * count);
    at = (int64_t *)(void *)ark_flatbuffer_vector_begin(b, count, 16, 8);
    for (size_t i = 0; i < count; i++) {
        const int64_t node[] = {2, 0};
        memcpy(at + 2 * i, node, sizeof node);
    }
    ark_flatbuffer_offset nodes = ark_flatbuffer_vector_end(b, count);
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_BATCH_NODES, nodes);
    ark_flatbuffer_put_offset(b, ARK_BATCH_BUFFERS, buffers);
    ark_flatbuffer_put_i64(b, ARK_BATCH_LENGTH, 2);
    return ark_flatbuffer_table_end(b);
}

enum { MOST = 17 };
static ark_schema_field fields[MOST];
static ark_type types[MOST];

static ark_schema numbers(size_t count)
{
    static char name[] = "x";
    for (size_t i = 0; i < count; i++) {
        fields[i] = (ark_schema_field){.name = name, .dtype = ARRAKIS_INT64};
        types[i] = (ark_type){.storage = ARK_STORE_NUMBERS, .dtype = ARRAKIS_INT64, .width = 8};
    }
    return (ark_schema){count, fields, types, count};
}

static arrakis_status read_same(size_t count, int16_t version, bool with_metadata,
                                arrakis_error *err)
{
    ark_schema schema = numbers(count);
    ark_flatbuffer_builder b;
    ark_column columns[MOST];
    int64_t rows;
    made m;
    ark_flatbuffer_offset header = same_buffers(&b, count), metadata = 0;
    if (with_metadata)
        metadata = ark_flatbuffer_add_offsets(&b, NULL, 0);
    arrakis_status rc = cut(&m, &b, header, ARK_HEADER_BATCH, version, metadata, 16, err);
    assert_int_equal(rc, ARRAKIS_OK);
    rc = ark_batch_read(columns, &rows, &schema, &m.message, err);
    ark_buffer_clear(&m.bytes);
    return rc;
}

static void buffers_may_overlap_to_16_times_the_body(void **state)
{
    (void)state;
    arrakis_error err;
    assert_int_equal(read_same(16, ARK_VERSION_5, false, &err), ARRAKIS_OK);
    assert_int_equal(read_same(17, ARK_VERSION_5, false, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, "overlap to over 16 times its body"));
}

static void an_old_batch_with_metadata_may_be_compressed(void **state)
{
    (void)state;
    arrakis_error err;
    assert_int_equal(read_same(1, ARK_VERSION_4, false, &err), ARRAKIS_OK);
    assert_int_equal(read_same(1, ARK_VERSION_5, true, &err), ARRAKIS_OK);
    assert_int_equal(read_same(1, ARK_VERSION_4, true, &err), ARRAKIS_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "may be compressed"));
}

/* ---- schemas */

static ark_flatbuffer_offset field_of(ark_flatbuffer_builder *b, uint8_t kind,
                                      ark_flatbuffer_offset type, ark_flatbuffer_offset children)
{
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_FIELD_TYPE, type);
    ark_flatbuffer_put_offset(b, ARK_FIELD_CHILDREN, children);
    ark_flatbuffer_put_u8(b, ARK_FIELD_TYPE_TYPE, kind);
    return ark_flatbuffer_table_end(b);
}

static ark_flatbuffer_offset empty_table(ark_flatbuffer_builder *b)
{
    ark_flatbuffer_table_begin(b);
    return ark_flatbuffer_table_end(b);
}

static arrakis_status read_fields(ark_flatbuffer_builder *b, ark_flatbuffer_offset list,
                                  arrakis_error *err)
{
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_SCHEMA_FIELDS, list);
    made m;
    ark_schema *schema = NULL;
    arrakis_status rc =
        cut(&m, b, ark_flatbuffer_table_end(b), ARK_HEADER_SCHEMA, ARK_VERSION_5, 0, 0, err);
    if (rc == ARRAKIS_OK)
        rc = ark_schema_read(&schema, &m.message, err);
    ark_schema_free(schema);
    ark_buffer_clear(&m.bytes);
    return rc;
}

/* `count` structs of `members` bools each, all of them the same two tables. */
static arrakis_status read_structs(size_t count, size_t members, arrakis_error *err)
{
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    size_t most = count > members ? count : members;
    ark_flatbuffer_offset *places = calloc(most, sizeof *places);
    assert_non_null(places);
    ark_flatbuffer_offset type = empty_table(&b);
    ark_flatbuffer_offset member = field_of(&b, ARK_ARROW_BOOL, type, 0);
    for (size_t i = 0; i < members; i++)
        places[i] = member;
    ark_flatbuffer_offset children = ark_flatbuffer_add_offsets(&b, places, members);
    ark_flatbuffer_offset one = field_of(&b, ARK_ARROW_STRUCT, type, children);
    for (size_t i = 0; i < count; i++)
        places[i] = one;
    arrakis_status rc = read_fields(&b, ark_flatbuffer_add_offsets(&b, places, count), err);
    free(places);
    return rc;
}

static void a_schema_has_no_more_fields_than_its_limits(void **state)
{
    (void)state;
    arrakis_error err;
    assert_int_equal(read_structs(3, 50000, &err), ARRAKIS_EFORMAT); /* 300,006 tables, 200 kB */
    assert_non_null(strstr(err.message, "not a valid flatbuffer"));
    assert_int_equal(read_structs(1, 262143, &err), ARRAKIS_OK);
    assert_int_equal(read_structs(1, 262144, &err), ARRAKIS_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "over 262144 fields with those inside fields"));
}

static arrakis_status read_lists(size_t depth, arrakis_error *err)
{
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    ark_flatbuffer_offset type = empty_table(&b), field = field_of(&b, ARK_ARROW_BOOL, type, 0);
    for (size_t i = 0; i < depth; i++) {
        ark_flatbuffer_offset children = ark_flatbuffer_add_offsets(&b, &field, 1);
        field = field_of(&b, ARK_ARROW_LIST, type, children);
    }
    return read_fields(&b, ark_flatbuffer_add_offsets(&b, &field, 1), err);
}

static void tables_are_nested_128_deep_at_most(void **state)
{
    (void)state;
    arrakis_error err;
    assert_int_equal(read_lists(124, &err), ARRAKIS_OK); /* message, schema, 125 fields, a type */
    assert_int_equal(read_lists(125, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, "not a valid flatbuffer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_may_overlap_to_16_times_the_body),
        cmocka_unit_test(an_old_batch_with_metadata_may_be_compressed),
        cmocka_unit_test(a_schema_has_no_more_fields_than_its_limits),
        cmocka_unit_test(tables_are_nested_128_deep_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
