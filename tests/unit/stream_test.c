/* SPDX-License-Identifier: Apache-2.0 */
/* Streams over memory readers: the clock is the real one here, so times are from "now". */
#include <arrakis/reader.h>

#include "base/error.h"
#include "base/wait.h"
#include "read/reader.h"
#include "support.h"

#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#define MS INT64_C(1000000)
#define PAST (INT64_C(1400000000) * SECOND)

/* Two streams of 20 Hz and strides of 100 ms; what is due comes at once. */
static const channel_spec prompt[] = {{"X:A", ARRAKIS_INT32, 20, "p", 0, 100 * MS, 0},
                                      {"X:B", ARRAKIS_INT32, 20, "q", 0, 100 * MS, 0}};
/* The same without a declared latency. */
static const channel_spec patient[] = {{"X:A", ARRAKIS_INT32, 20, "p", 0, 100 * MS, UNSET},
                                       {"X:B", ARRAKIS_INT32, 20, "q", 0, 100 * MS, UNSET}};

typedef struct bench {
    arrakis_reader *reader;
    arrakis_stream *stream;
} bench;

static arrakis_reader *reader_of(const channel_spec specs[2])
{
    arrakis_reader *reader;
    arrakis_channels *channels = channels_of(specs, 2);
    PASS(arrakis_memory_reader_new(&reader, channels, err));
    arrakis_channels_unref(channels);
    return reader;
}

static bench bench_of(const channel_spec specs[2], const arrakis_stream_options *options)
{
    bench b = {.reader = reader_of(specs)};
    PASS(arrakis_stream_open(&b.stream, b.reader, options, err));
    return b;
}

static arrakis_stream_options options_of(int64_t start_ns, int64_t end_ns)
{
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    o.start_ns = start_ns;
    o.end_ns = end_ns;
    return o;
}

/* The samples value and value + 1. */
static void push(const bench *b, size_t stream, int64_t time_ns, int32_t value)
{
    static const uint32_t id = 0;
    ark_buffer message = int32_message(time_ns, 1, &id, &value, 2);
    PASS(arrakis_memory_reader_push(b->reader, stream, message.data, message.size, err));
    ark_buffer_clear(&message);
}

/* The next block begins at start_ns and holds these first samples; -1: missing. */
static void expect(const bench *b, int64_t start_ns, int32_t of_a, int32_t of_b)
{
    arrakis_block *block;
    PASS(arrakis_stream_next(b->stream, 5000, &block, err));
    assert_int_equal(arrakis_block_start_ns(block), start_ns);
    const int32_t wanted[] = {of_a, of_b};
    for (size_t i = 0; i < 2; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        assert_int_equal(is_present(series, 0) ? int32_at(series, 0) : -1, wanted[i]);
    }
    arrakis_block_unref(block);
}

static arrakis_status next_status(const bench *b, int timeout_ms)
{
    arrakis_block *block;
    arrakis_status rc = arrakis_stream_next(b->stream, timeout_ms, &block, NULL);
    assert_true((rc == ARRAKIS_OK) == (block != NULL));
    arrakis_block_unref(block);
    return rc;
}

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static int64_t grid_now(void)
{
    int64_t now_ns = arrakis_gps_now_ns();
    return now_ns - now_ns % (100 * MS);
}

/* ------------------------------------------------------------------ requests with a start */

static void a_bounded_request_ends_with_gaps_for_what_is_not_there(void **state)
{
    (void)state;
    const arrakis_stream_options o = options_of(PAST, PAST + 400 * MS);
    bench b = bench_of(patient, &o);
    push(&b, 0, PAST, 10);
    push(&b, 1, PAST + 200 * MS, 20);
    expect(&b, PAST, 10, -1);
    expect(&b, PAST + 100 * MS, -1, -1);
    expect(&b, PAST + 200 * MS, -1, 20);
    expect(&b, PAST + 300 * MS, -1, -1);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    assert_int_equal(next_status(&b, 0), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

static void a_block_that_begins_at_the_end_is_not_handed_out(void **state)
{
    (void)state;
    arrakis_stream_options o = options_of(PAST, PAST + 400 * MS);
    o.on_gap = ARRAKIS_GAP_SKIP;
    bench b = bench_of(prompt, &o);
    for (size_t i = 0; i < 2; i++) {
        push(&b, i, PAST, 10);
        push(&b, i, PAST + 400 * MS, 20);
    }
    expect(&b, PAST, 10, 10);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
    /* but the first, which holds the start */
    o.end_ns = PAST;
    b = bench_of(prompt, &o);
    push(&b, 0, PAST, 10);
    expect(&b, PAST, 10, -1);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

static void a_gap_up_to_the_end_is_raised_once_and_ends_there(void **state)
{
    (void)state;
    arrakis_stream_options o = options_of(PAST, PAST + 350 * MS);
    o.on_gap = ARRAKIS_GAP_RAISE;
    bench b = bench_of(prompt, &o);
    push(&b, 0, PAST, 10);
    expect(&b, PAST, 10, -1);
    arrakis_block *block;
    char text[100];
    snprintf(text, sizeof text, "from %lld ns to %lld ns", (long long)(PAST + 100 * MS),
             (long long)(PAST + 350 * MS));
    FAIL(arrakis_stream_next(b.stream, -1, &block, err), ARRAKIS_EGAP, text);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

static void a_request_that_finds_nothing_ends_all_the_same(void **state)
{
    (void)state;
    static const arrakis_on_gap on_gap[] = {ARRAKIS_GAP_FILL, ARRAKIS_GAP_SKIP, ARRAKIS_GAP_RAISE};
    static const arrakis_status first[] = {ARRAKIS_OK, ARRAKIS_DONE, ARRAKIS_EGAP};
    for (size_t i = 0; i < 3; i++) {
        arrakis_stream_options o = options_of(PAST, PAST + 100 * MS);
        o.on_gap = on_gap[i];
        bench b = bench_of(patient, &o);
        assert_int_equal(next_status(&b, -1), first[i]);
        assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
        arrakis_stream_close(b.stream);
    }
}

static void a_duration_counts_from_the_start(void **state)
{
    (void)state;
    arrakis_stream_options o = options_of(PAST + 50 * MS, UNSET);
    o.duration_ns = 200 * MS;
    bench b = bench_of(patient, &o);
    for (int i = -1; i < 5; i++)
        for (size_t stream = 0; stream < 2; stream++)
            push(&b, stream, PAST + i * 100 * MS, i);
    expect(&b, PAST, 0, 0); /* the block that holds the start */
    expect(&b, PAST + 100 * MS, 1, 1);
    expect(&b, PAST + 200 * MS, 2, 2); /* the first to reach the end */
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

static void an_empty_request_is_one_block(void **state)
{
    (void)state;
    const arrakis_stream_options o = options_of(PAST, PAST);
    bench b = bench_of(patient, &o);
    push(&b, 0, PAST, 1);
    push(&b, 1, PAST, 2);
    expect(&b, PAST, 1, 2);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

static void a_request_that_ends_in_the_future_waits_for_its_data(void **state)
{
    (void)state;
    int64_t begin_ns = grid_now();
    arrakis_stream_options o = options_of(begin_ns, begin_ns + 200 * MS);
    bench b = bench_of(prompt, &o);
    push(&b, 0, begin_ns, 1);
    push(&b, 0, begin_ns + 100 * MS, 2);
    expect(&b, begin_ns, 1, -1);
    assert_true(arrakis_gps_now_ns() >= begin_ns + 100 * MS);
    expect(&b, begin_ns + 100 * MS, 2, -1);
    assert_true(arrakis_gps_now_ns() >= begin_ns + 200 * MS);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

static void a_finished_source_ends_a_request_early(void **state)
{
    (void)state;
    arrakis_stream_options o = options_of(PAST, PAST + SECOND);
    o.stride_ns = 500 * MS;
    bench b = bench_of(patient, &o);
    for (int i = 0; i < 7; i++)
        for (size_t stream = 0; stream < 2; stream++)
            push(&b, stream, PAST + i * 100 * MS, i);
    arrakis_memory_reader_finish(b.reader);
    expect(&b, PAST, 0, 0);
    arrakis_block *rest;
    PASS(arrakis_stream_next(b.stream, -1, &rest, err));
    assert_int_equal(arrakis_block_start_ns(rest), PAST + 500 * MS);
    assert_int_equal(arrakis_block_duration_ns(rest), 200 * MS);
    assert_int_equal(arrakis_block_series(rest, 1).length, 4);
    assert_int_equal(int32_at(arrakis_block_series(rest, 1), 2), 6);
    arrakis_block_unref(rest);
    assert_int_equal(arrakis_stream_position(b.stream), PAST + 700 * MS);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    assert_int_equal(arrakis_stream_position(b.stream), PAST + 700 * MS);
    arrakis_stream_close(b.stream);
}

/* What is handed out, and what a second stream hands out that starts at the position of the
 * first. */
static void a_stream_that_starts_at_the_position_of_another_goes_on_after_it(void **state)
{
    (void)state;
    const arrakis_stream_options o = options_of(PAST + 30 * MS, UNSET);
    bench b = bench_of(patient, &o);
    assert_int_equal(arrakis_stream_position(b.stream), PAST);
    for (int i = 0; i < 5; i++)
        for (size_t stream = 0; stream < 2; stream++)
            push(&b, stream, PAST + i * 100 * MS, 10 * i);
    expect(&b, PAST, 0, 0);
    expect(&b, PAST + 100 * MS, 10, 10);
    int64_t position_ns = arrakis_stream_position(b.stream);
    assert_int_equal(position_ns, PAST + 200 * MS);
    arrakis_stream_close(b.stream);
    const arrakis_stream_options again = options_of(position_ns, UNSET);
    b = bench_of(patient, &again);
    for (int i = 0; i < 5; i++)
        for (size_t stream = 0; stream < 2; stream++)
            push(&b, stream, PAST + i * 100 * MS, 10 * i);
    expect(&b, PAST + 200 * MS, 20, 20);
    arrakis_stream_close(b.stream);
}

static void a_live_stream_has_a_position_once_it_has_begun(void **state)
{
    (void)state;
    arrakis_stream_options o = options_of(UNSET, UNSET);
    o.duration_ns = 100 * MS;
    o.on_gap = ARRAKIS_GAP_SKIP;
    bench b = bench_of(patient, &o);
    assert_int_equal(arrakis_stream_position(b.stream), UNSET);
    int64_t now_ns = arrakis_gps_now_ns(), at_ns = now_ns - now_ns % (100 * MS);
    for (size_t stream = 0; stream < 2; stream++)
        push(&b, stream, at_ns, 1);
    for (size_t stream = 0; stream < 2; stream++)
        push(&b, stream, at_ns + 300 * MS, 2);
    expect(&b, at_ns, 1, 1);
    assert_int_equal(arrakis_stream_position(b.stream), at_ns + 100 * MS);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    assert_int_equal(arrakis_stream_position(b.stream), at_ns + 100 * MS);
    arrakis_stream_close(b.stream);
}

static void what_lies_behind_the_end_is_not_handed_out(void **state)
{
    (void)state;
    arrakis_stream_options o = options_of(PAST, PAST + 100 * MS);
    o.on_gap = ARRAKIS_GAP_SKIP;
    bench b = bench_of(patient, &o);
    for (size_t stream = 0; stream < 2; stream++)
        push(&b, stream, PAST + 500 * MS, 1);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

/* ------------------------------------------------------------------ the source is asked */

/* A memory reader that can pause, and that needs time to find out what it holds. */
static struct {
    ark_reader_ops ops;
    const ark_reader_ops *real;
    size_t pauses, resumes, asked;
    int64_t silent_until_ns;
} source;

static void count_pause(arrakis_reader *reader, size_t stream, bool paused)
{
    (void)reader;
    assert_int_equal(stream, 0);
    assert_int_equal(source.pauses - source.resumes, !paused);
    source.pauses += paused;
    source.resumes += !paused;
}

static int64_t answer_late(arrakis_reader *reader, size_t stream, int64_t since_ns,
                           int64_t *again_ns)
{
    source.asked++;
    if (arrakis_gps_now_ns() >= source.silent_until_ns)
        return source.real->exhausted(reader, stream, since_ns, again_ns);
    *again_ns = source.silent_until_ns;
    return UNSET;
}

/* After the last push: a memory reader is recognised by its operations. */
static void change_source(const bench *b)
{
    memset(&source, 0, sizeof source);
    source.real = b->reader->ops;
    source.ops = *source.real;
    source.ops.pause = count_pause;
    source.ops.exhausted = answer_late;
    b->reader->ops = &source.ops;
}

static void who_is_far_ahead_is_paused_until_the_others_catch_up(void **state)
{
    (void)state;
    enum { STRIDES = 1100 };
    const arrakis_stream_options o = options_of(PAST, PAST + STRIDES * 100 * MS);
    bench b = bench_of(patient, &o);
    for (size_t stream = 0; stream < 2; stream++)
        for (int i = 0; i < STRIDES; i++)
            push(&b, stream, PAST + i * 100 * MS, i);
    change_source(&b);
    for (int i = 0; i < STRIDES; i++) {
        expect(&b, PAST + i * 100 * MS, i, i);
        assert_int_equal(source.pauses, 1);
        assert_int_equal(source.resumes, i >= 599); /* 1100 were held: 500 and less have room */
    }
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

static int64_t nothing_is_there(arrakis_reader *reader, size_t stream, int64_t since_ns,
                                int64_t *again_ns)
{
    (void)reader;
    (void)stream;
    (void)since_ns;
    *again_ns = UNSET;
    return arrakis_gps_now_ns();
}

/* What the memory reader holds, and then its last message again and again. */
static arrakis_status same_for_ever(arrakis_reader *reader, ark_arrival *arrival,
                                    arrakis_error *error)
{
    static ark_arrival last;
    arrakis_status rc = source.real->next(reader, arrival, error);
    if (rc == ARRAKIS_OK)
        last = *arrival;
    else
        *arrival = last;
    return ARRAKIS_OK;
}

static void useless_data_without_end_keeps_no_request_from_its_end(void **state)
{
    (void)state;
    const arrakis_stream_options o = options_of(PAST, PAST + 300 * MS);
    bench b = bench_of(patient, &o);
    push(&b, 0, PAST, 1);
    change_source(&b);
    source.ops.next = same_for_ever;
    source.ops.exhausted = nothing_is_there;
    expect(&b, PAST, 1, -1);
    expect(&b, PAST + 100 * MS, -1, -1);
    expect(&b, PAST + 200 * MS, -1, -1);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

static void a_source_that_must_find_out_is_asked_again_when_it_said(void **state)
{
    (void)state;
    const arrakis_stream_options o = options_of(PAST, PAST + 100 * MS);
    bench b = bench_of(patient, &o);
    push(&b, 0, PAST, 1);
    change_source(&b);
    source.silent_until_ns = arrakis_gps_now_ns() + 60 * MS;
    expect(&b, PAST, 1, -1);
    assert_true(arrakis_gps_now_ns() >= source.silent_until_ns);
    assert_in_range(source.asked, 2, 3); /* not in a loop; once more if the timer was early */
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

/* ------------------------------------------------------------------ live */

static void a_live_duration_counts_from_the_first_block(void **state)
{
    (void)state;
    arrakis_stream_options o = options_of(UNSET, UNSET);
    o.duration_ns = 200 * MS;
    bench b = bench_of(patient, &o);
    int64_t begin_ns = grid_now();
    for (int i = 0; i < 4; i++)
        for (size_t stream = 0; stream < 2; stream++)
            push(&b, stream, begin_ns + i * 100 * MS, i);
    expect(&b, begin_ns, 0, 0);
    expect(&b, begin_ns + 100 * MS, 1, 1);
    assert_int_equal(next_status(&b, -1), ARRAKIS_DONE);
    arrakis_stream_close(b.stream);
}

static void a_deadline_makes_a_block_without_data(void **state)
{
    (void)state;
    bench b = bench_of(prompt, NULL);
    int64_t begin_ns = grid_now();
    push(&b, 0, begin_ns, 1);
    push(&b, 1, begin_ns, 2);
    expect(&b, begin_ns, 1, 2);
    expect(&b, begin_ns + 100 * MS, -1, -1);
    int64_t now_ns = arrakis_gps_now_ns();
    assert_in_range(now_ns, begin_ns + 200 * MS, begin_ns + 60 * SECOND);
    arrakis_stream_close(b.stream);
}

/* What begins to be fetched behind a request that lies at the source lies there after it, too. */
static void data_that_may_lie_at_its_source_has_twice_that_time(void **state)
{
    (void)state;
    bench b = {.reader = reader_of(prompt)};
    b.reader->fetch_wait_ns = 200 * MS;
    PASS(arrakis_stream_open(&b.stream, b.reader, NULL, err));
    int64_t begin_ns = grid_now();
    push(&b, 0, begin_ns, 1);
    push(&b, 1, begin_ns, 2);
    expect(&b, begin_ns, 1, 2);
    expect(&b, begin_ns + 100 * MS, -1, -1);
    assert_in_range(arrakis_gps_now_ns(), begin_ns + 600 * MS, begin_ns + 60 * SECOND);
    arrakis_stream_close(b.stream);
}

/* ------------------------------------------------------------------ waiting */

static void a_timeout_is_kept(void **state)
{
    (void)state;
    bench b = bench_of(patient, NULL);
    int64_t begin_ns = monotonic_ns();
    assert_int_equal(next_status(&b, 0), ARRAKIS_TIMEOUT);
    assert_true(monotonic_ns() - begin_ns < 60 * SECOND);
    push(&b, 0, grid_now(), 1); /* half a block is not handed out */
    begin_ns = monotonic_ns();
    assert_int_equal(next_status(&b, 40), ARRAKIS_TIMEOUT);
    assert_in_range(monotonic_ns() - begin_ns, 40 * MS, 60 * SECOND);
    arrakis_stream_close(b.stream);
}

static void the_descriptor_tells_of_data(void **state)
{
    (void)state;
    bench b = bench_of(patient, NULL);
    int fd = arrakis_stream_fd(b.stream);
    int64_t begin_ns = grid_now();
    assert_int_equal(next_status(&b, 0), ARRAKIS_TIMEOUT);
    assert_false(ark_wait_fd(fd, 0));
    push(&b, 0, begin_ns, 1);
    assert_true(ark_wait_fd(fd, 0));
    assert_int_equal(next_status(&b, 0), ARRAKIS_TIMEOUT);
    assert_false(ark_wait_fd(fd, 0));
    push(&b, 1, begin_ns, 1);
    assert_true(ark_wait_fd(fd, 0));
    assert_int_equal(next_status(&b, 0), ARRAKIS_OK);
    assert_int_equal(next_status(&b, 0), ARRAKIS_TIMEOUT);
    assert_false(ark_wait_fd(fd, 0));
    arrakis_stream_close(b.stream);
}

static void the_descriptor_tells_of_deadlines(void **state)
{
    (void)state;
    bench b = bench_of(prompt, NULL);
    int64_t begin_ns = grid_now() + 500 * MS;
    push(&b, 0, begin_ns, 1);
    push(&b, 1, begin_ns, 2);
    expect(&b, begin_ns, 1, 2);
    assert_int_equal(next_status(&b, 0), ARRAKIS_TIMEOUT);
    assert_true(ark_wait_fd(arrakis_stream_fd(b.stream), ark_wait_deadline(5000)));
    assert_true(arrakis_gps_now_ns() >= begin_ns + 200 * MS);
    assert_int_equal(next_status(&b, 0), ARRAKIS_OK);
    arrakis_stream_close(b.stream);
}

/* A flood of data from which no block comes must not hold the caller for longer than allowed. */
static void a_timeout_is_kept_while_data_floods_in(void **state)
{
    (void)state;
    const arrakis_stream_options o = options_of(PAST, UNSET);
    bench b = bench_of(patient, &o);
    for (int i = 0; i < 100000; i++)
        push(&b, 0, PAST + 100 * MS, i);
    assert_int_equal(next_status(&b, 1), ARRAKIS_TIMEOUT);
    assert_false(arrakis_reader_exhausted(b.reader, 0));
    /* all that is here, however long it takes */
    assert_int_equal(next_status(&b, 0), ARRAKIS_TIMEOUT);
    assert_true(arrakis_reader_exhausted(b.reader, 0));
    arrakis_stream_close(b.stream);
}

/* ------------------------------------------------------------------ canceling */

static arrakis_cancel *to_cancel;

static bench bench_to_cancel(void)
{
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    PASS(arrakis_cancel_new(&to_cancel, err));
    o.cancel = to_cancel;
    return bench_of(patient, &o);
}

static void *cancel_soon(void *opaque)
{
    ark_wait_fd(-1, ark_wait_deadline(30));
    arrakis_cancel_set(opaque);
    return NULL;
}

static void a_cancel_from_another_thread_ends_the_wait(void **state)
{
    (void)state;
    bench b = bench_to_cancel();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, to_cancel), 0);
    FAIL(arrakis_stream_next(b.stream, -1, &(arrakis_block *){NULL}, err), ARRAKIS_ECANCELED,
         "canceled");
    pthread_join(thread, NULL);
    assert_int_equal(next_status(&b, -1), ARRAKIS_ECANCELED);
    assert_true(ark_wait_fd(arrakis_stream_fd(b.stream), 0));
    arrakis_stream_close(b.stream);
    arrakis_cancel_unref(to_cancel);
}

static void on_alarm(int number)
{
    (void)number;
    arrakis_cancel_set(to_cancel);
}

static void a_cancel_from_a_signal_handler_ends_the_wait(void **state)
{
    (void)state;
    bench b = bench_to_cancel();
    struct sigaction old, action = {0};
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, &old);
    timer_t timer;
    const struct itimerspec soon = {{0, 0}, {0, 30 * MS}};
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    timer_settime(timer, 0, &soon, NULL);
    assert_int_equal(next_status(&b, -1), ARRAKIS_ECANCELED);
    timer_delete(timer);
    sigaction(SIGALRM, &old, NULL);
    arrakis_stream_close(b.stream);
    arrakis_cancel_unref(to_cancel);
}

static void a_canceled_stream_gives_no_block_that_is_ready(void **state)
{
    (void)state;
    arrakis_stream_options o = options_of(PAST, PAST + SECOND);
    PASS(arrakis_cancel_new(&o.cancel, err));
    bench b = bench_of(patient, &o);
    push(&b, 0, PAST, 1);
    push(&b, 1, PAST, 1);
    arrakis_cancel_set(o.cancel);
    arrakis_cancel_unref(o.cancel);
    assert_int_equal(next_status(&b, 0), ARRAKIS_ECANCELED);
    arrakis_stream_close(b.stream);
}

/* ------------------------------------------------------------------ blocks and counters */

static void *free_block(void *opaque)
{
    arrakis_block *block = opaque;
    int32_t first = int32_at(arrakis_block_series(block, 0), 0);
    arrakis_block_unref(block);
    return (void *)(intptr_t)first;
}

static void blocks_outlive_the_stream_and_are_freed_anywhere(void **state)
{
    (void)state;
    const arrakis_stream_options o = options_of(PAST, PAST + 200 * MS);
    bench b = bench_of(patient, &o);
    arrakis_block *blocks[2];
    for (int i = 0; i < 2; i++) {
        push(&b, 0, PAST + i * 100 * MS, 70 + i);
        push(&b, 1, PAST + i * 100 * MS, 80 + i);
        PASS(arrakis_stream_next(b.stream, 5000, &blocks[i], err));
    }
    arrakis_stream_close(b.stream);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, free_block, blocks[i]), 0);
    for (intptr_t i = 0; i < 2; i++) {
        void *first;
        pthread_join(threads[i], &first);
        assert_int_equal((intptr_t)first, 70 + i);
    }
}

static void what_happened_is_counted(void **state)
{
    (void)state;
    const arrakis_stream_options o = options_of(PAST, PAST + 400 * MS);
    bench b = bench_of(patient, &o);
    assert_int_equal(arrakis_stream_lag_ns(b.stream, 0), UNSET);
    push(&b, 0, PAST + 100 * MS, 1);
    push(&b, 0, PAST + 100 * MS, 1); /* a duplicate */
    push(&b, 0, PAST, 1);            /* late */
    push(&b, 0, PAST - 100 * MS, 1); /* before the start: never asked for */
    push(&b, 1, PAST + 330 * MS, 1); /* off the grid */
    PASS(arrakis_memory_reader_push(b.reader, 1, "?", 1, err));
    while (next_status(&b, -1) == ARRAKIS_OK)
        ;
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(b.stream, &stats);
    assert_int_equal(stats.messages, 6);
    assert_int_equal(stats.undecodable, 1);
    assert_int_equal(stats.duplicate, 1);
    assert_int_equal(stats.late, 1);
    assert_int_equal(stats.mismatched, 1);
    assert_int_equal(stats.blocks, 4);
    assert_int_equal(stats.gaps, 7);
    assert_int_equal(stats.fast_forwards + stats.errors + stats.overflow + stats.unwanted, 0);
    int64_t lag_ns = arrakis_stream_lag_ns(b.stream, 0);
    assert_in_range(arrakis_gps_now_ns() - lag_ns, PAST + 200 * MS, PAST + 200 * MS + 60 * SECOND);
    assert_int_equal(arrakis_stream_lag_ns(b.stream, 1), UNSET);
    assert_int_equal(arrakis_stream_lag_ns(b.stream, 2), UNSET);
    arrakis_stream_close(b.stream);
}

static void an_older_caller_gets_the_counters_it_knows(void **state)
{
    (void)state;
    bench b = bench_of(patient, NULL);
    PASS(arrakis_memory_reader_push(b.reader, 1, "?", 1, err));
    next_status(&b, 0);
    arrakis_stats stats;
    memset(&stats, 0x55, sizeof stats);
    stats.struct_size = offsetof(arrakis_stats, undecodable);
    arrakis_stream_stats(b.stream, &stats);
    assert_int_equal(stats.struct_size, offsetof(arrakis_stats, undecodable));
    assert_int_equal(stats.messages, 1);
    assert_int_equal(stats.undecodable, UINT64_C(0x5555555555555555));
    arrakis_stream_close(b.stream);
}

/* ------------------------------------------------------------------ options */

/* What the options about servers are in the cases below. */
#define REST ARRAKIS_RETRY_DEFAULT, UNSET, UNSET

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const struct {
        arrakis_stream_options o;
        const char *text;
    } cases[] = {
        {{sizeof cases[0].o, -1, UNSET, UNSET, 0, UNSET, UNSET, NULL, REST}, "start -1 ns"},
        {{sizeof cases[0].o, INT64_MAX, UNSET, UNSET, 0, UNSET, UNSET, NULL, REST},
         "start 9223372036854775807"},
        {{sizeof cases[0].o, 5, 4, UNSET, 0, UNSET, UNSET, NULL, REST},
         "end 4 ns lies before start 5 ns"},
        {{sizeof cases[0].o, 5, 6, 1, 0, UNSET, UNSET, NULL, REST}, "exclude each other"},
        {{sizeof cases[0].o, 5, UNSET, 0, 0, UNSET, UNSET, NULL, REST}, "duration 0 ns"},
        {{sizeof cases[0].o, 5, UNSET, UNSET, 0, 0, UNSET, NULL, REST}, "stride 0 ns"},
        {{sizeof cases[0].o, 5, UNSET, UNSET, 0, 150 * MS, UNSET, NULL, REST},
         "stride 150000000 ns: expected a multiple of the native stride, 100000000 ns"},
        {{sizeof cases[0].o, 5, UNSET, UNSET, 0, INT64_C(2000000000) * SECOND, UNSET, NULL, REST},
         "too many strides"},
        {{sizeof cases[0].o, 5, UNSET, UNSET, 0, UNSET, -1, NULL, REST},
         "latency tolerance -1 ns"},
        {{sizeof cases[0].o, 5, UNSET, UNSET, (arrakis_on_gap)3, UNSET, UNSET, NULL, REST},
         "on_gap 3"},
        {{sizeof cases[0].o, 5, UNSET, UNSET, 0, UNSET, UNSET, NULL, (arrakis_retry)3, UNSET,
          UNSET},
         "retry 3: expected default, on or off"},
        {{sizeof cases[0].o, 5, UNSET, UNSET, 0, UNSET, UNSET, NULL, 0, -1, UNSET},
         "retry time -1 ns"},
        {{sizeof cases[0].o, 5, UNSET, UNSET, 0, UNSET, UNSET, NULL, 0, UNSET, 0},
         "0 tries: expected 1 or more"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        arrakis_channels *channels = channels_of(patient, 2);
        arrakis_reader *reader;
        arrakis_stream *stream;
        PASS(arrakis_memory_reader_new(&reader, channels, err));
        arrakis_channels_unref(channels);
        FAIL(arrakis_stream_open(&stream, reader, &cases[i].o, err), ARRAKIS_EINVAL,
             cases[i].text);
        assert_null(stream);
    }
    arrakis_stream *stream;
    FAIL(arrakis_stream_open(&stream, NULL, NULL, err), ARRAKIS_EINVAL, "reader is NULL");
    FAIL(arrakis_stream_next(NULL, 0, NULL, err), ARRAKIS_EINVAL, "stream is NULL");
    arrakis_stream_close(NULL);
}

static void channels_come_in_the_order_they_were_asked_for(void **state)
{
    (void)state;
    static const channel_spec specs[] = {{"X:B", ARRAKIS_INT32, 20, "q", 0, 100 * MS, UNSET},
                                         {"X:C", ARRAKIS_INT16, 10, "r", 0, 100 * MS, UNSET},
                                         {"X:A", ARRAKIS_INT32, 20, "p", 0, 100 * MS, UNSET}};
    const arrakis_stream_options o = options_of(PAST, PAST);
    bench b;
    arrakis_channels *channels = channels_of(specs, 3);
    PASS(arrakis_memory_reader_new(&b.reader, channels, err));
    arrakis_channels_unref(channels);
    PASS(arrakis_stream_open(&b.stream, b.reader, &o, err));
    assert_string_equal(arrakis_reader_input_id(b.reader, 0), "memory/p");
    push(&b, 0, PAST, 10);
    push(&b, 1, PAST, 20);
    arrakis_block *block;
    PASS(arrakis_stream_next(b.stream, -1, &block, err));
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(
            arrakis_channel_name(arrakis_channels_get(arrakis_block_channels(block), i)),
            specs[i].name);
    assert_int_equal(int32_at(arrakis_block_series(block, 0), 0), 20);
    assert_int_equal(arrakis_block_series(block, 1).dtype, ARRAKIS_INT16);
    assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 1)), 1);
    assert_int_equal(int32_at(arrakis_block_series(block, 2), 1), 11);
    arrakis_block_unref(block);
    arrakis_stream_close(b.stream);
}

static void a_stream_tells_what_it_will_give(void **state)
{
    (void)state;
    arrakis_stream_options o = options_of(UNSET, UNSET);
    o.stride_ns = 300 * MS;
    bench b = bench_of(patient, &o);
    assert_int_equal(arrakis_stream_stride_ns(b.stream), 300 * MS);
    const arrakis_channels *channels = arrakis_stream_channels(b.stream);
    assert_int_equal(arrakis_channels_count(channels), 2);
    assert_string_equal(arrakis_channel_name(arrakis_channels_get(channels, 1)), "X:B");
    assert_ptr_equal(arrakis_stream_reader(b.stream), b.reader);
    arrakis_stream_close(b.stream);
}

/* ------------------------------------------------------------------ readers of several kinds */

static arrakis_reader *kafka_reader(int64_t start_ns)
{
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    options.start_ns = start_ns;
    arrakis_reader *reader;
    arrakis_channels *channels = channels_of(prompt, 2);
    PASS(arrakis_kafka_reader_new(&reader, "127.0.0.1:1", channels, &options, err));
    arrakis_channels_unref(channels);
    return reader;
}

static void a_stream_of_another_start_than_its_reader_s_is_refused(void **state)
{
    (void)state;
    arrakis_stream *stream;
    const arrakis_stream_options later = options_of(PAST + SECOND, UNSET);
    FAIL(arrakis_stream_open(&stream, kafka_reader(PAST), &later, err), ARRAKIS_EINVAL,
         "the stream begins at");
    FAIL(arrakis_stream_open(&stream, kafka_reader(UNSET), &later, err), ARRAKIS_EINVAL,
         "its reader live");
}

static void a_stream_without_a_start_begins_where_its_reader_does(void **state)
{
    (void)state;
    bench b;
    arrakis_channels *channels = channels_of(prompt, 2);
    PASS(arrakis_memory_reader_new(&b.reader, channels, err));
    arrakis_channels_unref(channels);
    b.reader->has_start = true;
    b.reader->start_ns = PAST;
    const arrakis_stream_options options = options_of(UNSET, PAST + 200 * MS);
    PASS(arrakis_stream_open(&b.stream, b.reader, &options, err));
    push(&b, 0, PAST, 1);
    push(&b, 1, PAST, 2);
    expect(&b, PAST, 1, 2);
    arrakis_stream_close(b.stream);
}

static arrakis_status fail_once(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *why)
{
    static int calls;
    (void)reader;
    (void)arrival;
    return calls++ ? ARRAKIS_TIMEOUT : ark_fail(why, ARRAKIS_ECONNECT, "it is gone");
}

static void what_ends_a_stream_is_what_every_later_call_returns(void **state)
{
    (void)state;
    const arrakis_stream_options options = options_of(PAST, UNSET);
    bench b = bench_of(prompt, &options);
    ark_reader_ops failing = *b.reader->ops;
    failing.next = fail_once;
    b.reader->ops = &failing;
    arrakis_block *block;
    for (int i = 0; i < 3; i++)
        FAIL(arrakis_stream_next(b.stream, 0, &block, err), ARRAKIS_ECONNECT, "it is gone");
    assert_int_equal(arrakis_stream_next(b.stream, 0, &block, NULL), ARRAKIS_ECONNECT);
    arrakis_stream_close(b.stream);
}

static void a_dump_names_what_is_waited_for(void **state)
{
    (void)state;
    const arrakis_stream_options options = options_of(PAST, UNSET);
    bench b = bench_of(patient, &options);
    push(&b, 0, PAST, 1);
    assert_int_equal(next_status(&b, 0), ARRAKIS_TIMEOUT);
    char *text = arrakis_stream_dump(b.stream);
    json_error_t why;
    json_t *dump = text ? json_loads(text, 0, &why) : NULL;
    const char *phase, *id[2];
    int unready, waited_for[2], strides[2];
    json_int_t cursor_ns, messages;
    assert_non_null(dump);
    assert_int_equal(json_unpack(dump, "{s:s, s:I, s:i, s:{s:I}, s:[{s:s,s:b,s:i},{s:s,s:b,s:i}]}",
                                 "phase", &phase, "cursor_ns", &cursor_ns, "unready_inputs",
                                 &unready, "stats", "messages", &messages, "inputs", "id", &id[0],
                                 "waited_for", &waited_for[0], "strides", &strides[0], "id",
                                 &id[1], "waited_for", &waited_for[1], "strides", &strides[1]),
                     0);
    assert_string_equal(phase, "running");
    assert_int_equal(cursor_ns, PAST);
    assert_int_equal(messages, 1);
    assert_int_equal(unready, 1);
    assert_false(waited_for[0]);
    assert_true(waited_for[1]);
    assert_int_equal(strides[0], 1);
    assert_int_equal(strides[1], 0);
    json_decref(dump);
    arrakis_free(text);
    arrakis_stream_close(b.stream);
    assert_null(arrakis_stream_dump(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_of_another_start_than_its_reader_s_is_refused),
        cmocka_unit_test(a_stream_without_a_start_begins_where_its_reader_does),
        cmocka_unit_test(what_ends_a_stream_is_what_every_later_call_returns),
        cmocka_unit_test(a_bounded_request_ends_with_gaps_for_what_is_not_there),
        cmocka_unit_test(a_block_that_begins_at_the_end_is_not_handed_out),
        cmocka_unit_test(a_gap_up_to_the_end_is_raised_once_and_ends_there),
        cmocka_unit_test(a_request_that_finds_nothing_ends_all_the_same),
        cmocka_unit_test(a_duration_counts_from_the_start),
        cmocka_unit_test(an_empty_request_is_one_block),
        cmocka_unit_test(a_request_that_ends_in_the_future_waits_for_its_data),
        cmocka_unit_test(a_finished_source_ends_a_request_early),
        cmocka_unit_test(a_stream_that_starts_at_the_position_of_another_goes_on_after_it),
        cmocka_unit_test(a_live_stream_has_a_position_once_it_has_begun),
        cmocka_unit_test(what_lies_behind_the_end_is_not_handed_out),
        cmocka_unit_test(who_is_far_ahead_is_paused_until_the_others_catch_up),
        cmocka_unit_test(useless_data_without_end_keeps_no_request_from_its_end),
        cmocka_unit_test(a_source_that_must_find_out_is_asked_again_when_it_said),
        cmocka_unit_test(a_live_duration_counts_from_the_first_block),
        cmocka_unit_test(a_deadline_makes_a_block_without_data),
        cmocka_unit_test(data_that_may_lie_at_its_source_has_twice_that_time),
        cmocka_unit_test(a_timeout_is_kept),
        cmocka_unit_test(the_descriptor_tells_of_data),
        cmocka_unit_test(the_descriptor_tells_of_deadlines),
        cmocka_unit_test(a_timeout_is_kept_while_data_floods_in),
        cmocka_unit_test(a_cancel_from_another_thread_ends_the_wait),
        cmocka_unit_test(a_cancel_from_a_signal_handler_ends_the_wait),
        cmocka_unit_test(a_canceled_stream_gives_no_block_that_is_ready),
        cmocka_unit_test(blocks_outlive_the_stream_and_are_freed_anywhere),
        cmocka_unit_test(what_happened_is_counted),
        cmocka_unit_test(an_older_caller_gets_the_counters_it_knows),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(channels_come_in_the_order_they_were_asked_for),
        cmocka_unit_test(a_stream_tells_what_it_will_give),
        cmocka_unit_test(a_dump_names_what_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
