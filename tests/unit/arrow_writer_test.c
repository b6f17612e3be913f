/* SPDX-License-Identifier: Apache-2.0 */
/* The public writer of aligned blocks. */
#include "arrow_ipc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct spec {
    const char *name;
    arrakis_dtype dtype;
    double rate;
} spec;

static arrakis_channels *make_channels(const spec *specs, size_t count)
{
    arrakis_channels *channels;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = specs[i].name;
        info.data_type = specs[i].dtype;
        info.sample_rate = specs[i].rate;
        arrakis_channel *channel;
        assert_int_equal(arrakis_channel_new(&channel, &info, NULL), ARRAKIS_OK);
        assert_int_equal(arrakis_channels_add(channels, channel, NULL), ARRAKIS_OK);
        arrakis_channel_free(channel);
    }
    return channels;
}

static arrakis_arrow_writer *make_writer(const spec *specs, size_t count)
{
    arrakis_channels *channels = make_channels(specs, count);
    arrakis_arrow_writer *writer;
    assert_int_equal(arrakis_arrow_writer_new(&writer, channels, NULL), ARRAKIS_OK);
    arrakis_channels_free(channels);
    return writer;
}

static ark_schema *schema_of(arrakis_arrow_writer *writer)
{
    const void *data;
    size_t size;
    ark_ipc_message message;
    ark_schema *schema;
    assert_int_equal(arrakis_arrow_writer_schema(writer, &data, &size, NULL), ARRAKIS_OK);
    assert_int_equal(ark_ipc_cut(&message, data, size, NULL), ARRAKIS_OK);
    assert_int_equal(message.size, size);
    assert_int_equal(ark_schema_read(&schema, &message, NULL), ARRAKIS_OK);
    return schema;
}

static const spec two[] = {{"H1:B", ARRAKIS_INT16, 4}, {"H1:A", ARRAKIS_FLOAT64, 2}};
static const spec three[] = {
    {"H1:A", ARRAKIS_FLOAT64, 2}, {"H1:C", ARRAKIS_INT8, 1}, {"H1:B", ARRAKIS_INT16, 4}};

static void columns_are_sorted_by_name_and_carry_their_rate(void **state)
{
    (void)state;
    static const spec specs[] = {
        {"H1:Z", ARRAKIS_INT8, 16},         {"H1:A-b", ARRAKIS_INT8, 0.5},
        {"H1:A-B", ARRAKIS_INT8, 1.0 / 3},  {"H1:A_B", ARRAKIS_INT8, 1e-5},
        {"H1:\xc3\xbc", ARRAKIS_INT8, 1e6}, {"G1:Z", ARRAKIS_INT8, 16384.25},
    };
    static const char *const wanted[][2] = {
        {"time", NULL},
        {"G1:Z", "16384.25"},
        {"H1:A-B", "0.3333333333333333"},
        {"H1:A-b", "0.5"},
        {"H1:A_B", "1e-05"},
        {"H1:Z", "16"},
        {"H1:\xc3\xbc", "1000000"},
    };
    arrakis_arrow_writer *writer = make_writer(specs, 6);
    ark_schema *schema = schema_of(writer);
    assert_int_equal(schema->count, 7);
    assert_false(schema->fields[0].nullable);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(schema->fields[i].name, wanted[i][0]);
        if (i > 0)
            assert_string_equal(schema->fields[i].rate, wanted[i][1]);
    }
    ark_schema_free(schema);
    arrakis_arrow_writer_free(writer);
}

static const double doubles[] = {1.5, 2.5};
static const int8_t bytes[] = {3};
static const int16_t shorts[] = {4, 5, 6, 7};
static const uint8_t shorts_valid[] = {0x0d};

static arrakis_block *make_block(const spec *specs, size_t count, int64_t start_ns)
{
    arrakis_channels *channels = make_channels(specs, count);
    arrakis_series series[3];
    for (size_t i = 0; i < count; i++)
        series[i] = specs[i].dtype == ARRAKIS_FLOAT64
                        ? (arrakis_series){doubles, NULL, 2, ARRAKIS_FLOAT64}
                    : specs[i].dtype == ARRAKIS_INT16
                        ? (arrakis_series){shorts, shorts_valid, 4, ARRAKIS_INT16}
                        : (arrakis_series){bytes, NULL, 1, ARRAKIS_INT8};
    arrakis_block *block;
    arrakis_error err;
    if (arrakis_block_new(&block, channels, start_ns, ARRAKIS_SECOND_NS, series, &err) < 0)
        fail_msg("%s", err.message);
    arrakis_channels_free(channels);
    return block;
}

static void assert_block(arrakis_arrow_writer *writer, const arrakis_block *block, int64_t start)
{
    const void *data;
    size_t size;
    arrakis_error err;
    if (arrakis_arrow_writer_block(writer, block, &data, &size, &err) < 0)
        fail_msg("%s", err.message);
    ark_ipc_message message;
    assert_int_equal(ark_ipc_cut(&message, data, size, NULL), ARRAKIS_OK);
    assert_int_equal(message.size, size);
    uint8_t copy[1024];
    assert_true(size <= sizeof copy);
    memcpy(copy, data, size); /* the schema replaces it */
    assert_int_equal(ark_ipc_cut(&message, copy, size, NULL), ARRAKIS_OK);
    ark_schema *schema = schema_of(writer);
    ark_column columns[3];
    int64_t rows;
    assert_int_equal(ark_batch_read(columns, &rows, schema, &message, NULL), ARRAKIS_OK);
    assert_int_equal(rows, 1);
    assert_memory_equal(columns[0].values, &start, 8);
    assert_memory_equal(columns[1].values, doubles, sizeof doubles);
    assert_null(columns[1].child_valid);
    static const int16_t masked[] = {4, 0, 6, 7};
    assert_memory_equal(columns[2].values, masked, sizeof masked);
    assert_int_equal(columns[2].child_valid[0], 0x0d);
    assert_int_equal(columns[2].child_null_count, 1);
    ark_schema_free(schema);
}

static void a_block_s_channels_are_found_by_name(void **state)
{
    (void)state;
    arrakis_arrow_writer *writer = make_writer(two, 2);
    arrakis_block *other_order = make_block(three, 3, 7);
    arrakis_block *same_order = make_block(two, 2, 8);
    assert_block(writer, other_order, 7);
    assert_block(writer, same_order, 8);
    assert_block(writer, same_order, 8);
    assert_block(writer, other_order, 7);
    arrakis_block_free(other_order);
    arrakis_block_free(same_order);
    arrakis_arrow_writer_free(writer);
}

static void a_block_of_other_channels_is_refused(void **state)
{
    (void)state;
    const void *data = "";
    size_t size = 1;
    arrakis_error err;
    arrakis_arrow_writer *writer = make_writer(three, 3);
    arrakis_block *block = make_block(two, 2, 7);
    assert_int_equal(arrakis_arrow_writer_block(writer, block, &data, &size, &err),
                     ARRAKIS_ENOTFOUND);
    assert_string_equal(err.message, "the block has no channel H1:C");
    assert_null(data);
    arrakis_block_free(block);
    static const spec other[] = {
        {"H1:A", ARRAKIS_INT8, 1}, {"H1:B", ARRAKIS_INT8, 1}, {"H1:C", ARRAKIS_INT8, 1}};
    block = make_block(other, 3, 7);
    assert_int_equal(arrakis_arrow_writer_block(writer, block, &data, &size, &err),
                     ARRAKIS_EMISMATCH);
    assert_string_equal(err.message, "channel H1:A is int8 in the block, float64 in the schema");
    arrakis_block_free(block);
    arrakis_arrow_writer_free(writer);
}

static void a_writer_of_no_channels_writes_times(void **state)
{
    (void)state;
    const void *data;
    size_t size;
    arrakis_arrow_writer *writer = make_writer(NULL, 0);
    ark_schema *schema = schema_of(writer);
    assert_int_equal(schema->count, 1);
    ark_schema_free(schema);
    arrakis_arrow_writer_end(writer, &data, &size);
    ark_ipc_message message;
    assert_int_equal(ark_ipc_cut(&message, data, size, NULL), ARRAKIS_OK);
    assert_int_equal(message.kind, ARK_IPC_END);
    assert_int_equal(size, 8);
    arrakis_arrow_writer_free(writer);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    arrakis_arrow_writer *writer = (arrakis_arrow_writer *)&state;
    const void *data;
    size_t size;
    arrakis_error err;
    assert_int_equal(arrakis_arrow_writer_new(&writer, NULL, &err), ARRAKIS_EINVAL);
    assert_null(writer);
    assert_int_equal(arrakis_arrow_writer_new(NULL, NULL, &err), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_arrow_writer_schema(NULL, &data, &size, &err), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_arrow_writer_block(NULL, NULL, &data, &size, &err), ARRAKIS_EINVAL);
    arrakis_arrow_writer_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_sorted_by_name_and_carry_their_rate),
        cmocka_unit_test(a_block_s_channels_are_found_by_name),
        cmocka_unit_test(a_block_of_other_channels_is_refused),
        cmocka_unit_test(a_writer_of_no_channels_writes_times),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests_name("arrow_writer", tests, NULL, NULL);
}
