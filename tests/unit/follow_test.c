/* SPDX-License-Identifier: Apache-2.0 */
/* Streams over memory readers whose channels change: what they hand out before, how they end, and
 * how they go on. */
#include "align/follow.h"
#include "align/stream_state.h"

#include "base/error.h"
#include "base/event.h"
#include "base/monotonic.h"
#include "support.h"

#include <arrakis/reader.h>

#include <stdlib.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define STEP (100 * MS)
#define PAST (INT64_C(1400000000) * SECOND)

static const channel_spec before[] = {{"X:A", ARRAKIS_INT32, 20, "p", 0, STEP, 0},
                                      {"X:B", ARRAKIS_INT32, 20, "q", 0, STEP, 0}};
static const channel_spec after[] = {{"X:A", ARRAKIS_INT32, 20, "p", 0, STEP, 0},
                                     {"X:B", ARRAKIS_INT32, 40, "q", 0, STEP, 0}};

/* What has no latency is waited for without limit. */
static const channel_spec patient[] = {{"X:A", ARRAKIS_INT32, 20, "p", 0, STEP, UNSET},
                                       {"X:B", ARRAKIS_INT32, 20, "q", 0, STEP, UNSET}};

/* In the place of the lookout: what it tells is what the test puts here. */
typedef struct fake {
    ark_changes head;
    ark_change change;
    bool has_change;
    int64_t position_ns; /* of the reopening that was asked for; ARRAKIS_UNSET: none was */
    arrakis_stream *anew, *retired;
    arrakis_status failure;
    unsigned closed;
} fake;

#define FAKE(changes) ((fake *)(changes))

static bool take(ark_changes *changes, ark_change *out)
{
    bool any = FAKE(changes)->has_change;
    *out = FAKE(changes)->change;
    FAKE(changes)->has_change = false;
    return any;
}

static void reopen(ark_changes *changes, int64_t position_ns, int64_t end_ns)
{
    assert_true(end_ns == UNSET);
    FAKE(changes)->position_ns = position_ns;
}

static arrakis_status reopened(ark_changes *changes, arrakis_stream **out, arrakis_error *err)
{
    fake *f = FAKE(changes);
    if (f->failure)
        return f->failure < 0 ? ark_fail(err, f->failure, "no") : f->failure;
    *out = f->anew;
    f->anew = NULL;
    return *out ? ARRAKIS_OK : ARRAKIS_TIMEOUT;
}

static void retire(ark_changes *changes, arrakis_stream *stream)
{
    FAKE(changes)->retired = stream;
}

static void close_fake(ark_changes *changes, ark_closing *closing)
{
    (void)closing;
    FAKE(changes)->closed++;
}

static const ark_changes_ops ending = {take, NULL, NULL, NULL, close_fake};
static const ark_changes_ops following = {take, reopen, reopened, retire, close_fake};

typedef struct bench {
    arrakis_reader *reader;
    arrakis_stream *stream;
    fake fake;
} bench;

static void open_bench(bench *b, const channel_spec specs[2], int64_t start_ns,
                       arrakis_on_gap on_gap)
{
    arrakis_channels *channels = channels_of(specs, 2);
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    o.start_ns = start_ns;
    o.on_gap = on_gap;
    PASS(arrakis_memory_reader_new(&b->reader, channels, err));
    arrakis_channels_unref(channels);
    PASS(arrakis_stream_open(&b->stream, b->reader, &o, err));
}

static void begin_with(bench *b, const ark_changes_ops *ops, const channel_spec specs[2],
                       arrakis_on_gap on_gap)
{
    *b = (bench){.fake.head.ops = ops, .fake.position_ns = UNSET};
    open_bench(b, specs, PAST, on_gap);
    b->fake.head.fd = ark_event_open();
    PASS(ark_follow_begin(b->stream, &b->fake.head, err));
}

static void begin(bench *b, const ark_changes_ops *ops)
{
    begin_with(b, ops, before, ARRAKIS_GAP_FILL);
}

static void end(bench *b)
{
    arrakis_stream_close(b->stream);
    arrakis_stream_close(b->fake.retired);
    assert_int_equal(b->fake.closed, 1);
    close(b->fake.head.fd);
}

static void wake(bench *b)
{
    atomic_store(&b->fake.head.news, true);
    ark_event_set(b->fake.head.fd);
}

/* X:B has changed, and blocks from step `since` on may be others. */
static void tell(bench *b, int since, bool gone)
{
    ark_change change = {.changed = calloc(2, sizeof *change.changed),
                         .gone = gone,
                         .since_ns = PAST + since * STEP,
                         .doubt_ns = INT64_MAX,
                         .noticed_ns = PAST + since * STEP,
                         .deadline_ns = ark_monotonic_ns() + ARK_CHANGES_GRACE_NS};
    ark_fail(&change.what, ARRAKIS_ECHANGED, "X:B has changed");
    change.changed[1] = true;
    b->fake.change = change;
    b->fake.has_change = true;
    wake(b);
}

static void push(const bench *b, size_t input, int step, size_t samples)
{
    static const uint32_t id = 0;
    static const int32_t values[4] = {1, 2, 3, 4};
    ark_buffer message = int32_message(PAST + step * STEP, 1, &id, values, samples);
    PASS(arrakis_memory_reader_push(b->reader, input, message.data, message.size, err));
    ark_buffer_clear(&message);
}

static void push_both(const bench *b, int step)
{
    push(b, 0, step, 2);
    push(b, 1, step, 2);
}

static void expect_block(const bench *b, int step, bool whole)
{
    arrakis_block *block;
    PASS(arrakis_stream_next(b->stream, 5000, &block, err));
    assert_true(arrakis_block_start_ns(block) == PAST + step * STEP);
    assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 1)) == 0, whole);
    arrakis_block_unref(block);
}

static void expect_status(const bench *b, arrakis_status wanted, const char *text)
{
    arrakis_block *block;
    arrakis_error err = {0};
    assert_int_equal(arrakis_stream_next(b->stream, 0, &block, &err), wanted);
    assert_null(block);
    if (text)
        assert_string_equal(err.message, text);
}

static void all_that_is_as_before_is_handed_out(void **state)
{
    (void)state;
    bench b;
    begin(&b, &ending);
    tell(&b, 1, false);
    push(&b, 0, 0, 2);
    push_both(&b, 1);
    push(&b, 0, 2, 2);
    push_both(&b, 3);
    expect_block(&b, 0, false); /* before the change: a gap like any other */
    expect_block(&b, 1, true);
    expect_status(&b, ARRAKIS_ECHANGED, "X:B has changed");
    assert_true(arrakis_stream_position(b.stream) == PAST + 2 * STEP);
    expect_status(&b, ARRAKIS_ECHANGED, "X:B has changed");
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(b.stream, &stats);
    assert_int_equal(stats.blocks, 2);
    end(&b);
}

static void a_gap_of_another_channel_ends_nothing(void **state)
{
    (void)state;
    bench b;
    begin(&b, &ending);
    tell(&b, 0, false);
    push(&b, 1, 0, 2);
    push_both(&b, 1);
    expect_block(&b, 0, true);
    expect_block(&b, 1, true);
    end(&b);
}

static void a_change_that_is_taken_back(void **state)
{
    (void)state;
    bench b;
    begin(&b, &ending);
    tell(&b, 0, false);
    push_both(&b, 0);
    expect_block(&b, 0, true);
    b.fake.change = (ark_change){0};
    b.fake.has_change = true;
    wake(&b);
    push(&b, 0, 1, 2);
    push_both(&b, 2);
    expect_block(&b, 1, false);
    expect_block(&b, 2, true);
    end(&b);
}

/* With the data of both all right, the channel is another one by the metadata alone. */
static void the_grace_is_bounded_in_data(void **state)
{
    (void)state;
    enum { STEPS = ARK_CHANGES_GRACE_NS / STEP };
    bench b;
    begin(&b, &ending);
    tell(&b, 0, false);
    for (int i = 0; i < STEPS; i++) {
        push_both(&b, i);
        expect_block(&b, i, true);
    }
    push_both(&b, STEPS);
    expect_status(&b, ARRAKIS_ECHANGED, NULL);
    assert_true(arrakis_stream_position(b.stream) == PAST + STEPS * STEP);
    end(&b);
}

static void the_grace_is_bounded_in_time(void **state)
{
    (void)state;
    bench b;
    begin_with(&b, &ending, patient, ARRAKIS_GAP_FILL);
    push_both(&b, 0);
    expect_block(&b, 0, true);
    tell(&b, 0, false);
    expect_status(&b, ARRAKIS_TIMEOUT, NULL);
    tell(&b, 0, false);
    b.fake.change.deadline_ns = ark_monotonic_ns();
    expect_status(&b, ARRAKIS_ECHANGED, NULL);
    end(&b);
}

static void a_stream_goes_on_anew(void **state)
{
    (void)state;
    bench b, anew = {0};
    begin(&b, &following);
    int fd = arrakis_stream_fd(b.stream);
    tell(&b, 0, false);
    push_both(&b, 0);
    push(&b, 0, 1, 2);
    push_both(&b, 2);
    expect_block(&b, 0, true);
    expect_status(&b, ARRAKIS_TIMEOUT, NULL);
    assert_true(b.fake.position_ns == PAST + STEP);
    expect_status(&b, ARRAKIS_TIMEOUT, NULL); /* nothing is read meanwhile */
    atomic_bool other_cancel = false;
    open_bench(&anew, after, b.fake.position_ns, ARRAKIS_GAP_FILL);
    anew.stream->reader->cancel = &other_cancel;
    b.fake.anew = anew.stream;
    wake(&b);
    push(&anew, 0, 1, 2);
    push(&anew, 1, 1, 4);
    expect_block(&b, 1, true);
    assert_non_null(b.fake.retired);
    assert_null(b.stream->reader->cancel); /* as the stream has none */
    assert_int_equal(arrakis_stream_fd(b.stream), fd);
    const arrakis_channel *channel = arrakis_channels_get(arrakis_stream_channels(b.stream), 1);
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    assert_true(info.sample_rate == 40);
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(b.stream, &stats);
    assert_true(stats.changes == 1 && stats.blocks == 2 && stats.messages == 7);
    arrakis_memory_reader_finish(anew.reader);
    expect_status(&b, ARRAKIS_DONE, NULL);
    end(&b);
}

/* A stream that has met a change, and waits to be opened anew. */
static void begin_stopped(bench *b, bool gone)
{
    begin(b, &following);
    tell(b, 0, gone);
    push(b, 0, 0, 2);
    push_both(b, 1);
    expect_status(b, ARRAKIS_TIMEOUT, NULL);
}

static void a_stream_that_cannot_be_opened_anew(void **state)
{
    (void)state;
    bench b;
    begin_stopped(&b, false);
    b.fake.failure = ARRAKIS_ECONNECT;
    wake(&b);
    expect_status(&b, ARRAKIS_ECONNECT, "no");
    expect_status(&b, ARRAKIS_ECONNECT, "no");
    end(&b);
}

static void a_channel_that_is_gone_is_not_followed(void **state)
{
    (void)state;
    bench b;
    begin_with(&b, &following, patient, ARRAKIS_GAP_FILL);
    tell(&b, 0, true);
    b.fake.change.changed[1] = false; /* its gaps are handed out meanwhile */
    push(&b, 0, 0, 2);
    push_both(&b, 1);
    expect_block(&b, 0, false);
    expect_block(&b, 1, true);
    tell(&b, 0, true);
    b.fake.change.deadline_ns = ark_monotonic_ns();
    expect_status(&b, ARRAKIS_TIMEOUT, NULL); /* nothing is there to be taken */
    expect_status(&b, ARRAKIS_ECHANGED, "X:B has changed");
    assert_true(b.fake.position_ns == UNSET);
    end(&b);
}

/* The change of X:B makes the time void that a removed channel has. */
static void a_channel_that_is_gone_has_its_time_where_another_changes(void **state)
{
    (void)state;
    bench b;
    begin_stopped(&b, true);
    assert_true(b.fake.position_ns == PAST);
    b.fake.failure = ARRAKIS_ENOTFOUND;
    wake(&b);
    expect_status(&b, ARRAKIS_ECHANGED, "X:B has changed");
    end(&b);
}

static void data_that_may_be_another_channel_s_is_no_proof(void **state)
{
    (void)state;
    bench b;
    begin(&b, &ending);
    tell(&b, 0, false);
    b.fake.change.doubt_ns = PAST + STEP;
    for (int i = 0; i < 3; i++)
        push_both(&b, i);
    expect_block(&b, 0, true);
    expect_status(&b, ARRAKIS_ECHANGED, "X:B has changed");
    assert_true(arrakis_stream_position(b.stream) == PAST + STEP);
    end(&b);
}

/* What no input has may be in the new place. */
static void a_gap_after_a_change_is_not_passed_over(void **state)
{
    (void)state;
    static const arrakis_on_gap policies[] = {ARRAKIS_GAP_SKIP, ARRAKIS_GAP_RAISE};
    for (size_t i = 0; i < 2; i++) {
        bench b;
        begin_with(&b, &ending, before, policies[i]);
        tell(&b, 2, false);
        push_both(&b, 0);
        push_both(&b, 4);
        expect_block(&b, 0, true);
        expect_status(&b, ARRAKIS_ECHANGED, "X:B has changed");
        assert_true(arrakis_stream_position(b.stream) == PAST + STEP);
        end(&b);
    }
}

static void a_gap_before_a_change_is_one_like_any_other(void **state)
{
    (void)state;
    bench b;
    begin_with(&b, &ending, before, ARRAKIS_GAP_RAISE);
    tell(&b, 2, false);
    push_both(&b, 0);
    push_both(&b, 2);
    expect_block(&b, 0, true);
    expect_status(&b, ARRAKIS_EGAP, NULL);
    expect_block(&b, 2, true);
    end(&b);
}

static void a_change_that_is_taken_back_too_late(void **state)
{
    (void)state;
    bench b, anew = {0};
    begin_stopped(&b, false);
    b.fake.change = (ark_change){0};
    b.fake.has_change = true;
    wake(&b);
    expect_status(&b, ARRAKIS_TIMEOUT, NULL);
    assert_true(arrakis_stream_position(b.stream) == PAST);
    open_bench(&anew, before, b.fake.position_ns, ARRAKIS_GAP_FILL);
    b.fake.anew = anew.stream;
    wake(&b);
    push_both(&anew, 0);
    expect_block(&b, 0, true);
    assert_true(arrakis_stream_position(b.stream) == PAST + STEP);
    end(&b);
}

static void nothing_is_left_before_the_end(void **state)
{
    (void)state;
    bench b;
    begin_stopped(&b, false);
    b.fake.failure = ARRAKIS_DONE;
    wake(&b);
    expect_status(&b, ARRAKIS_DONE, NULL);
    expect_status(&b, ARRAKIS_DONE, NULL);
    end(&b);
}

/* Else a source of such data would be opened again and again. */
static void a_mismatch_before_the_first_block_ends_the_stream(void **state)
{
    (void)state;
    bench b;
    begin(&b, &following);
    const arrakis_error mismatch = {.status = ARRAKIS_EMISMATCH};
    b.stream->before.blocks = 1;
    assert_false(ark_follow_takes_error(b.stream, &mismatch));
    push_both(&b, 0);
    expect_block(&b, 0, true);
    assert_true(ark_follow_takes_error(b.stream, &mismatch));
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_as_before_is_handed_out),
        cmocka_unit_test(a_gap_of_another_channel_ends_nothing),
        cmocka_unit_test(a_change_that_is_taken_back),
        cmocka_unit_test(the_grace_is_bounded_in_data),
        cmocka_unit_test(the_grace_is_bounded_in_time),
        cmocka_unit_test(a_stream_goes_on_anew),
        cmocka_unit_test(a_stream_that_cannot_be_opened_anew),
        cmocka_unit_test(a_channel_that_is_gone_is_not_followed),
        cmocka_unit_test(a_channel_that_is_gone_has_its_time_where_another_changes),
        cmocka_unit_test(data_that_may_be_another_channel_s_is_no_proof),
        cmocka_unit_test(a_gap_after_a_change_is_not_passed_over),
        cmocka_unit_test(a_gap_before_a_change_is_one_like_any_other),
        cmocka_unit_test(a_change_that_is_taken_back_too_late),
        cmocka_unit_test(nothing_is_left_before_the_end),
        cmocka_unit_test(a_mismatch_before_the_first_block_ends_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
