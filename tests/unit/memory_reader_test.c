/* SPDX-License-Identifier: Apache-2.0 */
/* A memory reader through the public calls, which are the same for every reader. */
#include <arrakis/reader.h>

#include "base/wait.h"
#include "read/reader.h"
#include "support.h"

/* Two partitions; the first has its channels out of order. One sample per second. */
static const channel_spec specs[] = {
    {"X:B", ARRAKIS_INT32, 1, "p", 1, SECOND, UNSET},
    {"X:C", ARRAKIS_INT32, 1, "q", 0, SECOND, UNSET},
    {"X:A", ARRAKIS_INT32, 1, "p", 0, SECOND, UNSET},
};

static arrakis_reader *reader_of(const channel_spec *all, size_t count)
{
    arrakis_channels *channels = channels_of(all, count);
    arrakis_reader *reader;
    PASS(arrakis_memory_reader_new(&reader, channels, err));
    arrakis_channels_unref(channels);
    return reader;
}

static arrakis_reader *open_reader(void)
{
    arrakis_reader *reader = reader_of(specs, COUNT(specs));
    PASS(arrakis_reader_open(reader, err));
    return reader;
}

/* Rows 100, 101, ... + second of ids 0, 1, ... */
static ark_buffer rows_of(int64_t second, size_t count)
{
    static const uint32_t ids[] = {0, 1, 2};
    int32_t first[] = {(int32_t)(100 + second), (int32_t)(200 + second), (int32_t)(300 + second)};
    return int32_message(second * SECOND, count, ids, first, 1);
}

static void push(arrakis_reader *reader, size_t stream, ark_buffer message)
{
    PASS(arrakis_memory_reader_push(reader, stream, message.data, message.size, err));
    ark_buffer_clear(&message);
}

static void expect_block(arrakis_reader *reader, size_t wanted_stream, int64_t second)
{
    size_t stream;
    arrakis_block *block;
    PASS(arrakis_reader_next(reader, 0, &stream, &block, err));
    assert_int_equal(stream, wanted_stream);
    assert_int_equal(arrakis_block_start_ns(block), second * SECOND);
    arrakis_block_unref(block);
}

static void expect_nothing(arrakis_reader *reader, arrakis_status status)
{
    size_t stream;
    arrakis_block *block;
    assert_int_equal(arrakis_reader_next(reader, 0, &stream, &block, NULL), status);
    assert_null(block);
}

static void streams_are_partitions_and_their_channels_are_in_order(void **state)
{
    (void)state;
    arrakis_reader *reader = reader_of(specs, COUNT(specs));
    assert_int_equal(arrakis_reader_input_count(reader), 2);
    assert_string_equal(arrakis_reader_input_id(reader, 0), "memory/p");
    assert_string_equal(arrakis_reader_input_id(reader, 1), "memory/q");
    assert_null(arrakis_reader_input_id(reader, 2));
    const arrakis_channels *p = arrakis_reader_input_channels(reader, 0);
    assert_int_equal(arrakis_channels_count(p), 2);
    assert_string_equal(arrakis_channel_name(arrakis_channels_get(p, 0)), "X:A");
    assert_string_equal(arrakis_channel_name(arrakis_channels_get(p, 1)), "X:B");
    assert_null(arrakis_reader_input_channels(reader, 2));
    arrakis_reader_close(reader);
}

static void messages_come_out_in_the_order_they_were_pushed(void **state)
{
    (void)state;
    arrakis_reader *reader = open_reader();
    push(reader, 0, rows_of(1, 2));
    push(reader, 1, rows_of(1, 1));
    push(reader, 0, rows_of(2, 2));
    expect_block(reader, 0, 1);
    expect_block(reader, 1, 1);
    expect_block(reader, 0, 2);
    expect_nothing(reader, ARRAKIS_TIMEOUT);
    push(reader, 1, rows_of(2, 1));
    arrakis_memory_reader_finish(reader);
    assert_false(arrakis_reader_done(reader));
    expect_block(reader, 1, 2);
    expect_nothing(reader, ARRAKIS_DONE);
    assert_true(arrakis_reader_done(reader));
    expect_nothing(reader, ARRAKIS_DONE);
    arrakis_reader_close(reader);
}

static void a_block_has_the_streams_channels_and_their_samples(void **state)
{
    (void)state;
    arrakis_reader *reader = open_reader();
    push(reader, 0, rows_of(7, 2));
    push(reader, 0, rows_of(8, 1));
    size_t stream;
    arrakis_block *whole, *part;
    PASS(arrakis_reader_next(reader, 0, &stream, &whole, err));
    PASS(arrakis_reader_next(reader, 0, &stream, &part, err));
    arrakis_reader_close(reader); /* blocks outlive it */
    assert_int_equal(arrakis_channels_count(arrakis_block_channels(whole)), 2);
    assert_int_equal(int32_at(arrakis_block_series(whole, 0), 0), 107);
    assert_int_equal(int32_at(arrakis_block_series(whole, 1), 0), 207);
    assert_null(arrakis_block_series(whole, 1).valid);
    assert_int_equal(int32_at(arrakis_block_series(part, 0), 0), 108);
    assert_int_equal(arrakis_series_missing(arrakis_block_series(part, 1)), 1);
    arrakis_block_unref(whole);
    arrakis_block_unref(part);
}

static void what_cannot_be_read_is_counted_and_skipped(void **state)
{
    (void)state;
    arrakis_reader *reader = open_reader();
    PASS(arrakis_memory_reader_push(reader, 0, "rubbish", 7, err));
    PASS(arrakis_memory_reader_push(reader, 0, NULL, 0, err));
    push(reader, 0, rows_of(1, 2));
    static const uint32_t stranger = 9;
    static const int32_t first[] = {1};
    push(reader, 1, int32_message(SECOND, 1, &stranger, first, 1));
    push(reader, 1, int32_message(SECOND, 1, (const uint32_t[]){0}, first, 0)); /* an empty list */
    push(reader, 1, int32_message(SECOND, 1, (const uint32_t[]){0}, first, 2)); /* two seconds */
    push(reader, 1, rows_of(1, 1));
    expect_block(reader, 0, 1);
    expect_block(reader, 1, 1);
    expect_nothing(reader, ARRAKIS_TIMEOUT);
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    reader->ops->stats(reader, &stats);
    assert_int_equal(stats.messages, 7);
    assert_int_equal(stats.undecodable, 2); /* an empty message is one of them */
    assert_int_equal(stats.unwanted, 1);
    assert_true(stats.bytes > 7);
    arrakis_reader_close(reader);
}

static void the_descriptor_is_readable_while_there_is_something(void **state)
{
    (void)state;
    arrakis_reader *reader = reader_of(specs, COUNT(specs));
    assert_int_equal(arrakis_reader_fd(reader), -1);
    PASS(arrakis_reader_open(reader, err));
    int fd = arrakis_reader_fd(reader);
    assert_false(ark_wait_fd(fd, 0));
    push(reader, 0, rows_of(1, 2));
    push(reader, 0, rows_of(2, 2));
    assert_true(ark_wait_fd(fd, 0));
    expect_block(reader, 0, 1);
    assert_true(ark_wait_fd(fd, 0));
    expect_block(reader, 0, 2);
    expect_nothing(reader, ARRAKIS_TIMEOUT);
    assert_false(ark_wait_fd(fd, 0));
    arrakis_memory_reader_finish(reader);
    assert_true(ark_wait_fd(fd, 0));
    arrakis_reader_close(reader);
}

static void it_is_exhausted_once_all_is_taken(void **state)
{
    (void)state;
    arrakis_reader *reader = open_reader();
    assert_true(arrakis_reader_exhausted(reader, UNSET));
    push(reader, 1, rows_of(1, 1));
    assert_false(arrakis_reader_exhausted(reader, UNSET));
    expect_block(reader, 1, 1);
    expect_nothing(reader, ARRAKIS_TIMEOUT);
    assert_true(arrakis_reader_exhausted(reader, 0));
    assert_false(arrakis_reader_exhausted(reader, arrakis_gps_now_ns() + 3600 * SECOND));
    size_t moved = 7;
    PASS(arrakis_reader_fast_forward(reader, UNSET, &moved, err));
    assert_int_equal(moved, 0);
    arrakis_reader_close(reader);
}

static void what_a_channel_lacks_is_named(void **state)
{
    (void)state;
    channel_spec bad[] = {specs[0], {"X:NEW", ARRAKIS_INT32, 1, "p", 5, SECOND, UNSET}};
    const struct {
        const char *partition;
        int64_t index, stride_ns;
        const char *text;
    } cases[] = {{NULL, 5, SECOND, "channel X:NEW has no partition_id"},
                 {"p", UNSET, SECOND, "channel X:NEW has no partition_index"},
                 {"p", 5, UNSET, "channel X:NEW has no stride"},
                 {"p", 1, SECOND, "channels X:B and X:NEW are both at partition p, index 1"}};
    arrakis_reader *reader;
    for (size_t i = 0; i < COUNT(cases); i++) {
        bad[1].partition = cases[i].partition;
        bad[1].index = cases[i].index;
        bad[1].stride_ns = cases[i].stride_ns;
        arrakis_channels *channels = channels_of(bad, 2);
        FAIL(arrakis_memory_reader_new(&reader, channels, err), ARRAKIS_EINVAL, cases[i].text);
        assert_null(reader);
        arrakis_channels_unref(channels);
    }
    arrakis_channels *none = channels_of(bad, 0);
    FAIL(arrakis_memory_reader_new(&reader, none, err), ARRAKIS_EINVAL, "no channels to read");
    arrakis_channels_unref(none);
    FAIL(arrakis_memory_reader_new(&reader, NULL, err), ARRAKIS_EINVAL, "channels is NULL");
}

static void calls_check_their_arguments(void **state)
{
    (void)state;
    arrakis_reader *reader = reader_of(specs, COUNT(specs));
    size_t stream;
    arrakis_block *block;
    FAIL(arrakis_reader_next(reader, 0, &stream, &block, err), ARRAKIS_EINVAL, "not open");
    FAIL(arrakis_reader_fast_forward(reader, 0, NULL, err), ARRAKIS_EINVAL, "not open");
    assert_false(arrakis_reader_exhausted(reader, 0));
    FAIL(arrakis_reader_open(NULL, err), ARRAKIS_EINVAL, "reader is NULL");
    PASS(arrakis_reader_open(reader, err));
    FAIL(arrakis_reader_open(reader, err), ARRAKIS_EINVAL, "already open");
    FAIL(arrakis_reader_next(reader, 0, NULL, &block, err), ARRAKIS_EINVAL, "NULL");
    FAIL(arrakis_memory_reader_push(reader, 2, "", 0, err), ARRAKIS_EINVAL,
         "input 2: the reader has 2");
    FAIL(arrakis_memory_reader_push(NULL, 0, "", 0, err), ARRAKIS_EINVAL, "reader is NULL");
    FAIL(arrakis_memory_reader_push(reader, 0, "x", SIZE_MAX, err), ARRAKIS_ENOMEM,
         "18446744073709551615");
    push(reader, 0, rows_of(1, 2)); /* and closed with a message that was not taken */
    arrakis_reader_close(reader);
    arrakis_reader_close(NULL);
    arrakis_memory_reader_finish(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_partitions_and_their_channels_are_in_order),
        cmocka_unit_test(messages_come_out_in_the_order_they_were_pushed),
        cmocka_unit_test(a_block_has_the_streams_channels_and_their_samples),
        cmocka_unit_test(what_cannot_be_read_is_counted_and_skipped),
        cmocka_unit_test(the_descriptor_is_readable_while_there_is_something),
        cmocka_unit_test(it_is_exhausted_once_all_is_taken),
        cmocka_unit_test(what_a_channel_lacks_is_named),
        cmocka_unit_test(calls_check_their_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
