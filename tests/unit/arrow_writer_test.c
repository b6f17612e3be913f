/* SPDX-License-Identifier: Apache-2.0 */
/* The public writer of aligned blocks. */
#include "arrow/batch.h"
#include "arrow/schema.h"
#include "arrow/writer.h"
#include "base/buffer.h"

#include <arrakis/reader.h>
#include <arrakis/arrow.h>

#include "support.h"

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
        info.dtype = specs[i].dtype;
        info.sample_rate = specs[i].rate;
        arrakis_channel *channel;
        assert_int_equal(arrakis_channel_new(&channel, &info, NULL), ARRAKIS_OK);
        assert_int_equal(arrakis_channels_add(channels, channel, NULL), ARRAKIS_OK);
        arrakis_channel_unref(channel);
    }
    return channels;
}

static arrakis_arrow_writer *make_writer(const spec *specs, size_t count)
{
    arrakis_channels *channels = make_channels(specs, count);
    arrakis_arrow_writer *writer;
    assert_int_equal(arrakis_arrow_writer_new(&writer, channels, NULL), ARRAKIS_OK);
    arrakis_channels_unref(channels);
    return writer;
}

static ark_schema *schema_of(arrakis_arrow_writer *writer)
{
    const void *data;
    size_t size;
    ark_ipc_message message;
    ark_schema *schema;
    assert_int_equal(arrakis_arrow_writer_schema(writer, &data, &size, NULL), ARRAKIS_OK);
    assert_int_equal(ark_ipc_parse(&message, data, size, NULL), ARRAKIS_OK);
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
    arrakis_channels_unref(channels);
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
    assert_int_equal(ark_ipc_parse(&message, data, size, NULL), ARRAKIS_OK);
    assert_int_equal(message.size, size);
    uint8_t copy[1024];
    assert_true(size <= sizeof copy);
    memcpy(copy, data, size); /* the schema replaces it */
    assert_int_equal(ark_ipc_parse(&message, copy, size, NULL), ARRAKIS_OK);
    ark_schema *schema = schema_of(writer);
    ark_column columns[4];
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
    arrakis_block_unref(other_order);
    arrakis_block_unref(same_order);
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
    arrakis_block_unref(block);
    static const spec other[] = {
        {"H1:A", ARRAKIS_INT8, 1}, {"H1:B", ARRAKIS_INT8, 1}, {"H1:C", ARRAKIS_INT8, 1}};
    block = make_block(other, 3, 7);
    assert_int_equal(arrakis_arrow_writer_block(writer, block, &data, &size, &err),
                     ARRAKIS_EMISMATCH);
    assert_string_equal(err.message, "channel H1:A is int8 in the block, float64 in the schema");
    arrakis_block_unref(block);
    arrakis_arrow_writer_free(writer);
}

/* Two partitions of 2 Hz, and one that has a stride of each second at a time. */
static const channel_spec streamed[] = {
    {"H1:A", ARRAKIS_INT32, 2, "p", 0, SECOND, UNSET},
    {"H1:C", ARRAKIS_INT32, 2, "q", 0, SECOND, UNSET},
    {"H1:B", ARRAKIS_INT32, 2, "p", 1, SECOND, UNSET},
};
enum { STRIDES = 7, START = 1000 };

/* A stream's blocks, in which the row of H1:B is missing in the third, all of `q` in the fifth. */
static void read_blocks(arrakis_block **blocks)
{
    arrakis_channels *channels = channels_of(streamed, 3);
    arrakis_reader *reader;
    arrakis_stream *stream;
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    options.start_ns = START * SECOND;
    options.end_ns = (START + STRIDES) * SECOND;
    PASS(arrakis_memory_reader_new(&reader, channels, err));
    for (int32_t i = 0; i < STRIDES; i++) {
        const uint32_t ids[] = {0, 1};
        const int32_t first[] = {100 * i, 100 * i + 10}, of_q[] = {100 * i + 20};
        ark_buffer p = int32_message((START + i) * SECOND, i == 2 ? 1 : 2, ids, first, 2);
        ark_buffer q = int32_message((START + i) * SECOND, 1, ids, of_q, 2);
        PASS(arrakis_memory_reader_push(reader, 0, p.data, p.size, err));
        if (i != 4)
            PASS(arrakis_memory_reader_push(reader, 1, q.data, q.size, err));
        ark_buffer_clear(&p);
        ark_buffer_clear(&q);
    }
    arrakis_memory_reader_finish(reader);
    PASS(arrakis_stream_open(&stream, reader, &options, err));
    for (size_t i = 0; i < STRIDES; i++)
        PASS(arrakis_stream_next(stream, 5000, &blocks[i], err));
    arrakis_stream_close(stream);
    arrakis_channels_unref(channels);
}

static void assert_equal_blocks(const arrakis_block *found, const arrakis_block *wanted)
{
    assert_int_equal(arrakis_block_start_ns(found), arrakis_block_start_ns(wanted));
    assert_int_equal(arrakis_block_duration_ns(found), arrakis_block_duration_ns(wanted));
    for (size_t i = 0; i < 3; i++) {
        int64_t at = arrakis_channels_index(arrakis_block_channels(found), streamed[i].name);
        int64_t in = arrakis_channels_index(arrakis_block_channels(wanted), streamed[i].name);
        arrakis_series a = arrakis_block_series(found, (size_t)at),
                       b = arrakis_block_series(wanted, (size_t)in);
        assert_int_equal(a.length, b.length);
        for (size_t k = 0; k < a.length; k++) {
            assert_int_equal(is_present(a, k), is_present(b, k));
            if (is_present(a, k))
                assert_int_equal(int32_at(a, k), int32_at(b, k));
        }
    }
}

/* How many messages there are, one behind the other. */
static size_t count_messages(const uint8_t *data, size_t size)
{
    size_t count = 0;
    for (ark_ipc_message message; size > 0; count++) {
        PASS(ark_ipc_parse(&message, data, size, err));
        data += message.size;
        size -= message.size;
    }
    return count;
}

static void blocks_of_a_stream_are_rows_of_one_batch(void **state)
{
    (void)state;
    static const size_t shares[][3] = {{7}, {1, 2, 4}, {3, 2, 2}, {6, 1}};
    arrakis_block *blocks[STRIDES], *found;
    read_blocks(blocks);
    for (size_t i = 0; i < COUNT(shares); i++) {
        arrakis_channels *channels = channels_of(streamed, 3);
        arrakis_arrow_writer *writer;
        arrakis_arrow_reader *reader;
        const void *data;
        size_t size;
        PASS(arrakis_arrow_writer_new(&writer, channels, err));
        PASS(arrakis_arrow_reader_new(&reader, channels, err));
        PASS(arrakis_arrow_writer_schema(writer, &data, &size, err));
        PASS(arrakis_arrow_reader_push(reader, data, size, err));
        for (size_t k = 0, at = 0; k < 3; at += shares[i][k++]) {
            if (!shares[i][k])
                break;
            PASS(arrakis_arrow_writer_blocks(writer, (const arrakis_block *const *)blocks + at,
                                             shares[i][k], &data, &size, err));
            assert_int_equal(count_messages(data, size), 1);
            PASS(arrakis_arrow_reader_push(reader, data, size, err));
        }
        arrakis_arrow_reader_finish(reader);
        for (size_t k = 0; k < STRIDES; k++) {
            PASS(arrakis_arrow_reader_next(reader, &found, err));
            assert_equal_blocks(found, blocks[k]);
            arrakis_block_unref(found);
        }
        assert_int_equal(arrakis_arrow_reader_next(reader, &found, NULL), ARRAKIS_DONE);
        arrakis_arrow_reader_free(reader);
        arrakis_arrow_writer_free(writer);
        arrakis_channels_unref(channels);
    }
    for (size_t i = 0; i < STRIDES; i++)
        arrakis_block_unref(blocks[i]);
}

static void blocks_that_are_not_alike_are_batches_of_their_own(void **state)
{
    (void)state;
    arrakis_arrow_writer *writer = make_writer(two, 2);
    arrakis_block *blocks[] = {make_block(two, 2, 7), make_block(three, 3, 8),
                               make_block(two, 2, 9)};
    const arrakis_block *list[] = {blocks[0], blocks[0], blocks[1], blocks[2], NULL};
    const void *data;
    size_t size;
    arrakis_error err;
    assert_int_equal(arrakis_arrow_writer_blocks(writer, list, 4, &data, &size, &err), ARRAKIS_OK);
    assert_int_equal(count_messages(data, size), 3);
    assert_int_equal(arrakis_arrow_writer_blocks(writer, list, 5, &data, &size, &err),
                     ARRAKIS_EINVAL);
    assert_null(data);
    assert_int_equal(arrakis_arrow_writer_blocks(writer, list, 0, &data, &size, &err),
                     ARRAKIS_EINVAL);
    for (size_t i = 0; i < COUNT(blocks); i++)
        arrakis_block_unref(blocks[i]);
    arrakis_arrow_writer_free(writer);
}

/* The header tells of other lengths, and that is all that differs. */
static void padding_is_part_of_buffers_when_asked_for(void **state)
{
    (void)state;
    arrakis_arrow_writer *writer = make_writer(three, 3);
    arrakis_block *block = make_block(three, 3, 7);
    uint8_t plain[1024];
    const void *data;
    size_t size, plain_size;
    ark_ipc_message message, plain_message;
    PASS(arrakis_arrow_writer_block(writer, block, &data, &plain_size, err));
    assert_true(plain_size <= sizeof plain);
    memcpy(plain, data, plain_size);
    PASS(ark_ipc_parse(&plain_message, plain, plain_size, err));
    arrakis_arrow_writer_pad(writer, true);
    PASS(arrakis_arrow_writer_block(writer, block, &data, &size, err));
    assert_int_equal(size, plain_size);
    PASS(ark_ipc_parse(&message, data, size, err));
    assert_int_equal(message.body_size, plain_message.body_size);
    assert_memory_equal(message.body, plain_message.body, (size_t)message.body_size);
    size_t header = size - (size_t)message.body_size;
    assert_memory_not_equal(data, plain, header);
    assert_block(writer, block, 7);
    arrakis_arrow_writer_pad(writer, false);
    PASS(arrakis_arrow_writer_block(writer, block, &data, &size, err));
    assert_int_equal(size, plain_size);
    assert_memory_equal(data, plain, size);
    arrakis_arrow_writer_pad(NULL, true);
    arrakis_block_unref(block);
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
    assert_int_equal(ark_ipc_parse(&message, data, size, NULL), ARRAKIS_OK);
    assert_int_equal(message.kind, ARK_IPC_END);
    assert_int_equal(size, 8);
    arrakis_arrow_writer_free(writer);
}

/* A copy of what a writer has in its memory until its next call. */
static ark_buffer copy_of(const void *data, size_t size)
{
    ark_buffer copy = {0};
    assert_int_equal(ark_buffer_reserve(&copy, size, NULL), ARRAKIS_OK);
    memcpy(copy.data, data, size);
    copy.size = size;
    return copy;
}

/* What each file begins and ends with is built from one schema. */
static void every_file_of_a_writer_has_the_same_head_and_foot(void **state)
{
    (void)state;
    const ark_write_place places[] = {{8, 16, 24}, {48, 16, 32}};
    arrakis_arrow_writer *writer = make_writer(three, 3);
    const void *data;
    size_t size;
    assert_int_equal(arrakis_arrow_writer_schema(writer, &data, &size, NULL), ARRAKIS_OK);
    ark_buffer head = copy_of(data, size);
    assert_int_equal(ark_writer_footer(writer, places, 2, &data, &size, NULL), ARRAKIS_OK);
    ark_buffer foot = copy_of(data, size);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(arrakis_arrow_writer_schema(writer, &data, &size, NULL), ARRAKIS_OK);
        assert_int_equal(size, head.size);
        assert_memory_equal(data, head.data, size);
        assert_int_equal(ark_writer_footer(writer, places, 2, &data, &size, NULL), ARRAKIS_OK);
        assert_int_equal(size, foot.size);
        assert_memory_equal(data, foot.data, size);
        assert_int_equal(ark_writer_footer(writer, places, 1, &data, &size, NULL), ARRAKIS_OK);
        assert_int_equal(size, foot.size - 24);
    }
    ark_buffer_clear(&head);
    ark_buffer_clear(&foot);
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
        cmocka_unit_test(padding_is_part_of_buffers_when_asked_for),
        cmocka_unit_test(blocks_of_a_stream_are_rows_of_one_batch),
        cmocka_unit_test(blocks_that_are_not_alike_are_batches_of_their_own),
        cmocka_unit_test(a_writer_of_no_channels_writes_times),
        cmocka_unit_test(every_file_of_a_writer_has_the_same_head_and_foot),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests_name("arrow_writer", tests, NULL, NULL);
}
