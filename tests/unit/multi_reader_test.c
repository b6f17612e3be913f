/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/reader.h>

#include "base/monitor.h"
#include "base/thread.h"
#include "base/wait.h"
#include "read/closing.h"
#include "read/reader.h"
#include "support.h"

static const channel_spec specs[] = {
    {"X:A", ARRAKIS_INT32, 1, "p", 0, SECOND, UNSET},
    {"X:B", ARRAKIS_INT32, 1, "q", 0, SECOND, UNSET},
    {"X:C", ARRAKIS_INT32, 1, "p", 0, SECOND, UNSET},
};

typedef struct bench {
    arrakis_reader *multi;
    arrakis_reader *parts[2]; /* streams 0 and 1; stream 2 */
} bench;

static arrakis_reader *part_of(size_t from, size_t count)
{
    arrakis_channels *channels = channels_of(specs + from, count);
    arrakis_reader *reader;
    PASS(arrakis_memory_reader_new(&reader, channels, err));
    arrakis_channels_unref(channels);
    return reader;
}

static bench bench_of(void)
{
    bench b = {.parts = {part_of(0, 2), part_of(2, 1)}};
    PASS(arrakis_multi_reader_new(&b.multi, b.parts, 2, err));
    PASS(arrakis_reader_open(b.multi, err));
    return b;
}

static void push(arrakis_reader *part, size_t stream, int64_t second)
{
    static const uint32_t id = 0;
    int32_t first = (int32_t)second;
    ark_buffer message = int32_message(second * SECOND, 1, &id, &first, 1);
    PASS(arrakis_memory_reader_push(part, stream, message.data, message.size, err));
    ark_buffer_clear(&message);
}

/* The number of the stream whose block is next, or -1 with *status. */
static int next(const bench *b, int timeout_ms, arrakis_status *status)
{
    size_t stream = 99;
    arrakis_block *block;
    *status = arrakis_reader_next(b->multi, timeout_ms, &stream, &block, NULL);
    arrakis_block_unref(block);
    return *status == ARRAKIS_OK ? (int)stream : -1;
}

static void readers_that_begin_at_different_times_are_refused(void **state)
{
    (void)state;
    arrakis_reader *parts[] = {part_of(0, 2), part_of(2, 1)}, *multi;
    parts[0]->has_start = parts[1]->has_start = true;
    parts[0]->start_ns = UNSET;
    parts[1]->start_ns = SECOND;
    FAIL(arrakis_multi_reader_new(&multi, parts, 2, err), ARRAKIS_EINVAL,
         "reader 1 begins at another time");
}

static void data_lies_as_long_as_that_of_any_reader(void **state)
{
    (void)state;
    arrakis_reader *parts[] = {part_of(0, 2), part_of(2, 1)}, *multi;
    parts[0]->fetch_wait_ns = SECOND;
    PASS(arrakis_multi_reader_new(&multi, parts, 2, err));
    assert_int_equal(multi->fetch_wait_ns, SECOND);
    arrakis_reader_close(multi);
}

static void streams_of_all_readers_follow_each_other(void **state)
{
    (void)state;
    bench b = bench_of();
    assert_int_equal(arrakis_reader_input_count(b.multi), 3);
    static const char *const ids[] = {"memory/p", "memory/q", "memory/p"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(arrakis_reader_input_id(b.multi, i), ids[i]);
        const arrakis_channels *channels = arrakis_reader_input_channels(b.multi, i);
        assert_string_equal(arrakis_channel_name(arrakis_channels_get(channels, 0)),
                            specs[i].name);
    }
    arrakis_reader_close(b.multi);
}

static void blocks_carry_the_number_of_their_stream(void **state)
{
    (void)state;
    bench b = bench_of();
    arrakis_status rc;
    assert_int_equal(next(&b, 0, &rc), -1);
    assert_int_equal(rc, ARRAKIS_TIMEOUT);
    for (size_t i = 0; i < 3; i++) {
        push(b.parts[i / 2], i % 2, 5);
        assert_int_equal(next(&b, 0, &rc), i);
    }
    arrakis_reader_close(b.multi);
}

static void nobody_waits_behind_a_busy_reader(void **state)
{
    (void)state;
    bench b = bench_of();
    arrakis_status rc;
    for (int64_t i = 0; i < 100; i++)
        push(b.parts[0], 0, i);
    push(b.parts[1], 0, 0);
    push(b.parts[1], 0, 1);
    int seen = 0;
    for (int i = 0; i < 4; i++)
        seen += next(&b, 0, &rc) == 2;
    assert_int_equal(seen, 2);
    arrakis_reader_close(b.multi);
}

static void it_wakes_for_any_of_them(void **state)
{
    (void)state;
    bench b = bench_of();
    arrakis_status rc;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(next(&b, 0, &rc), -1);
        assert_false(ark_wait_fd(arrakis_reader_fd(b.multi), 0));
        push(b.parts[i], 0, 5);
        assert_true(ark_wait_fd(arrakis_reader_fd(b.multi), 0));
        assert_int_equal(next(&b, 1000, &rc), 2 * i);
    }
    arrakis_reader_close(b.multi);
}

/* The descriptor of a reader that is done stays readable; waiting for the others must still wait. */
static void it_rests_when_one_is_done_and_others_are_not(void **state)
{
    (void)state;
    bench b = bench_of();
    arrakis_status rc;
    arrakis_memory_reader_finish(b.parts[0]);
    assert_int_equal(next(&b, 0, &rc), -1);
    assert_int_equal(rc, ARRAKIS_TIMEOUT);
    assert_false(arrakis_reader_done(b.multi));
    assert_false(ark_wait_fd(arrakis_reader_fd(b.multi), 0));
    push(b.parts[1], 0, 5);
    assert_int_equal(next(&b, -1, &rc), 2);
    arrakis_memory_reader_finish(b.parts[1]);
    assert_int_equal(next(&b, -1, &rc), -1);
    assert_int_equal(rc, ARRAKIS_DONE);
    assert_true(arrakis_reader_done(b.multi));
    arrakis_reader_close(b.multi);
}

static void each_is_asked_for_its_own_streams(void **state)
{
    (void)state;
    bench b = bench_of();
    int64_t again_ns;
    push(b.parts[0], 1, 5);
    push(b.parts[1], 0, 5);
    assert_true(b.multi->ops->exhausted(b.multi, 0, 0, &again_ns) > 0);
    assert_int_equal(b.multi->ops->exhausted(b.multi, 1, 0, &again_ns), UNSET);
    assert_int_equal(b.multi->ops->exhausted(b.multi, 2, 0, &again_ns), UNSET);
    b.multi->ops->pause(b.multi, 2, true); /* these cannot: nothing happens */
    arrakis_status rc;
    while (next(&b, 0, &rc) >= 0)
        ;
    assert_true(arrakis_reader_exhausted(b.multi, 0));
    size_t moved;
    PASS(arrakis_reader_fast_forward(b.multi, UNSET, &moved, err));
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    b.multi->ops->stats(b.multi, &stats);
    assert_int_equal(stats.messages, 2);
    arrakis_reader_close(b.multi);
}

static void it_takes_its_readers_over_on_failure_too(void **state)
{
    (void)state;
    arrakis_reader *multi, *parts[] = {part_of(0, 2), NULL};
    FAIL(arrakis_multi_reader_new(&multi, parts, 2, err), ARRAKIS_EINVAL, "reader 1 is NULL");
    assert_null(multi);
    parts[0] = part_of(0, 1);
    FAIL(arrakis_multi_reader_new(NULL, parts, 1, err), ARRAKIS_EINVAL, "readers is NULL");
    FAIL(arrakis_multi_reader_new(&multi, parts, 0, err), ARRAKIS_EINVAL, "readers is NULL");
    parts[0] = part_of(0, 2);
    parts[1] = part_of(1, 2);
    FAIL(arrakis_multi_reader_new(&multi, parts, 2, err), ARRAKIS_EINVAL, "X:B");
    assert_null(multi);
    parts[0] = part_of(0, 1);
    PASS(arrakis_reader_open(parts[0], err));
    PASS(arrakis_multi_reader_new(&multi, parts, 1, err));
    FAIL(arrakis_reader_open(multi, err), ARRAKIS_EINVAL, "already open");
    arrakis_reader_close(multi);
}

/* ------------------------------------------------------------------ opening */

static ark_reader_ops timed_ops;
static int64_t noted_ns[4];
static int asked;

static arrakis_status note_time(arrakis_reader *reader, arrakis_error *err)
{
    (void)err;
    noted_ns[asked++] = reader->begun_ns;
    return ARRAKIS_OK;
}

static arrakis_status note_skip(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                arrakis_error *err)
{
    (void)to_ns;
    *moved = 1;
    return note_time(reader, err);
}

static void all_have_the_time_of_one_call(void **state)
{
    (void)state;
    arrakis_reader *parts[2] = {part_of(0, 2), part_of(2, 1)}, *multi;
    timed_ops = *parts[0]->ops;
    timed_ops.open = note_time;
    timed_ops.fast_forward = note_skip;
    parts[0]->ops = parts[1]->ops = &timed_ops;
    PASS(arrakis_multi_reader_new(&multi, parts, 2, err));
    asked = 0;
    PASS(arrakis_reader_open(multi, err));
    assert_int_equal(multi->begun_ns, 0);
    size_t moved;
    PASS(arrakis_reader_fast_forward(multi, UNSET, &moved, err));
    assert_int_equal(moved, 2);
    assert_int_equal(asked, 4);
    assert_true(noted_ns[0] > 0 && noted_ns[0] == noted_ns[1]);
    assert_true(noted_ns[2] > noted_ns[0] && noted_ns[2] == noted_ns[3]);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(parts[i]->begun_ns, 0);
    arrakis_reader_close(multi);
}

/* ------------------------------------------------------------------ closing */

static ark_reader_ops slow_ops;
static const ark_reader_ops *plain;
static ark_monitor meeting;
static int met;

/* Ends when all three have begun. */
static void meet(void *opaque)
{
    (void)opaque;
    ark_monitor_enter(&meeting);
    met++;
    ark_monitor_notify(&meeting);
    while (met < 3 && ark_monitor_wait(&meeting, INT64_MAX))
        ;
    ark_monitor_leave(&meeting);
}

static void close_slowly(arrakis_reader *reader)
{
    ark_closing_begin(reader->closing, "", meet, NULL);
    plain->close(reader);
}

static void count_line(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    (void)message;
    ++*(size_t *)opaque;
}

static void readers_close_side_by_side(void **state)
{
    (void)state;
    arrakis_reader *parts[3], *pair, *all;
    ark_monitor_init(&meeting);
    met = 0;
    for (size_t i = 0; i < 3; i++) {
        parts[i] = part_of(i, 1);
        plain = parts[i]->ops;
        slow_ops = *plain;
        slow_ops.close = close_slowly;
    }
    for (size_t i = 0; i < 3; i++)
        parts[i]->ops = &slow_ops;
    PASS(arrakis_multi_reader_new(&pair, parts, 2, err));
    PASS(arrakis_multi_reader_new(&all, (arrakis_reader *[]){pair, parts[2]}, 2, err));
    size_t warnings = 0;
    arrakis_log_set(ARRAKIS_LOG_WARNING, count_line, &warnings);
    arrakis_reader_close(all);
    arrakis_log_set(ARRAKIS_LOG_WARNING, NULL, NULL);
    assert_int_equal(warnings, 0); /* of what was waited for in vain */
    assert_int_equal(met, 3);
    ark_monitor_clear(&meeting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_that_begin_at_different_times_are_refused),
        cmocka_unit_test(data_lies_as_long_as_that_of_any_reader),
        cmocka_unit_test(streams_of_all_readers_follow_each_other),
        cmocka_unit_test(blocks_carry_the_number_of_their_stream),
        cmocka_unit_test(nobody_waits_behind_a_busy_reader),
        cmocka_unit_test(it_wakes_for_any_of_them),
        cmocka_unit_test(it_rests_when_one_is_done_and_others_are_not),
        cmocka_unit_test(each_is_asked_for_its_own_streams),
        cmocka_unit_test(it_takes_its_readers_over_on_failure_too),
        cmocka_unit_test(all_have_the_time_of_one_call),
        cmocka_unit_test(readers_close_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
