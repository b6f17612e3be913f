/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/reader.h>

#include "base/monitor.h"
#include "base/thread.h"
#include "base/wait.h"
#include "read/chain_reader.h"
#include "read/closing.h"
#include "support.h"

#include <sys/epoll.h>
#include <unistd.h>

/* The same channels as two readers have them: together, and in two partitions in another order. */
static const channel_spec before[] = {
    {"X:A", ARRAKIS_INT32, 1, "x", 0, SECOND, UNSET},
    {"X:B", ARRAKIS_INT32, 1, "x", 1, SECOND, UNSET},
    {"X:C", ARRAKIS_INT32, 1, "x", 2, SECOND, UNSET},
};
static const channel_spec after[] = {
    {"X:A", ARRAKIS_INT32, 1, "q", 7, SECOND, UNSET},
    {"X:B", ARRAKIS_INT32, 1, "p", 0, SECOND, UNSET},
    {"X:C", ARRAKIS_INT32, 1, "q", 3, SECOND, UNSET},
};
enum { SEAM = 5 };

typedef struct bench {
    arrakis_reader *chain;
    arrakis_reader *segments[2];
} bench;

static arrakis_reader *reader_of(const channel_spec *specs, size_t count)
{
    arrakis_channels *channels = channels_of(specs, count);
    arrakis_reader *reader;
    PASS(arrakis_memory_reader_new(&reader, channels, err));
    arrakis_channels_unref(channels);
    return reader;
}

static bench chain_at(int64_t seam_ns, const channel_spec *first, size_t first_count,
                      const channel_spec *second, size_t second_count)
{
    size_t more = first_count > second_count ? first_count : second_count;
    bench b = {.segments = {reader_of(first, first_count), reader_of(second, second_count)}};
    const ark_chain_segment segments[] = {{b.segments[0], UNSET}, {b.segments[1], seam_ns}};
    arrakis_channels *channels = channels_of(more == first_count ? first : second, more);
    PASS(ark_chain_reader_new(&b.chain, segments, 2, channels, err));
    arrakis_channels_unref(channels);
    return b;
}

static bench chain_of(const channel_spec *first, size_t first_count, const channel_spec *second,
                      size_t second_count)
{
    return chain_at(SEAM * SECOND, first, first_count, second, second_count);
}

static bench opened(void)
{
    bench b = chain_of(before, 3, after, 3);
    PASS(arrakis_reader_open(b.chain, err));
    return b;
}

/* Rows of the partition indexes 0, 1, ... or those given; row i at a second holds 10 * second + i. */
static void push(arrakis_reader *segment, size_t stream, int64_t second, size_t rows,
                 const uint32_t *given)
{
    uint32_t ids[] = {0, 1, 2};
    int32_t first[3];
    for (size_t i = 0; i < rows; i++) {
        ids[i] = given ? given[i] : ids[i];
        first[i] = (int32_t)(10 * second + (int64_t)i);
    }
    ark_buffer message = int32_message(second * SECOND, rows, ids, first, 1);
    PASS(arrakis_memory_reader_push(segment, stream, message.data, message.size, err));
    ark_buffer_clear(&message);
}

static void push_before(const bench *b, int64_t second)
{
    push(b->segments[0], 0, second, 3, NULL);
}

/* Both partitions: B alone, then C and A. */
static void push_after(const bench *b, int64_t second)
{
    static const uint32_t q[] = {3, 7};
    push(b->segments[1], 0, second, 1, NULL);
    push(b->segments[1], 1, second, 2, q);
}

/* Expect a block of a stream at a second, with these samples of its channels; UNSET: missing. */
static void expect(const bench *b, size_t wanted, int64_t second, size_t count,
                   const int64_t *samples)
{
    size_t stream = 99;
    arrakis_block *block;
    PASS(arrakis_reader_next(b->chain, 0, &stream, &block, err));
    assert_int_equal(stream, wanted);
    assert_int_equal(arrakis_block_start_ns(block), second * SECOND);
    for (size_t i = 0; i < count; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        assert_int_equal(is_present(series, 0), samples[i] != UNSET);
        if (samples[i] != UNSET)
            assert_int_equal(int32_at(series, 0), samples[i]);
    }
    arrakis_block_unref(block);
}

#define EXPECT(b, stream, second, ...)                                                            \
    expect(b, stream, second, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                 \
           (int64_t[]){__VA_ARGS__})

static arrakis_status nothing(const bench *b)
{
    size_t stream;
    arrakis_block *block;
    arrakis_status rc = arrakis_reader_next(b->chain, 0, &stream, &block, NULL);
    arrakis_block_unref(block);
    return rc;
}

static void its_streams_are_the_finest_in_the_last_one_s_order(void **state)
{
    (void)state;
    static const char *const names[2][2] = {{"X:B", NULL}, {"X:C", "X:A"}};
    static const char *const ids[] = {"memory/p", "memory/q"};
    bench b = chain_of(before, 3, after, 3);
    assert_int_equal(arrakis_reader_input_count(b.chain), 2);
    for (size_t i = 0; i < 2; i++) {
        const arrakis_channels *channels = arrakis_reader_input_channels(b.chain, i);
        assert_string_equal(arrakis_reader_input_id(b.chain, i), ids[i]);
        assert_int_equal(arrakis_channels_count(channels), i + 1);
        for (size_t k = 0; k <= i; k++)
            assert_string_equal(arrakis_channel_name(arrakis_channels_get(channels, k)),
                                names[i][k]);
    }
    arrakis_reader_close(b.chain);
    b = chain_of(after, 3, before, 3);
    assert_int_equal(arrakis_reader_input_count(b.chain), 2);
    arrakis_reader_close(b.chain);
}

static void what_one_had_the_next_does_not_repeat(void **state)
{
    (void)state;
    bench b = opened();
    push_before(&b, 3);
    push_before(&b, 4);
    for (int64_t second = 3; second < 7; second++)
        push_after(&b, second);
    EXPECT(&b, 1, 3, 32, 30);
    EXPECT(&b, 0, 3, 31);
    EXPECT(&b, 1, 4, 42, 40);
    EXPECT(&b, 0, 4, 41);
    for (int64_t second = 5; second < 7; second++) {
        EXPECT(&b, 0, second, 10 * second);
        EXPECT(&b, 1, second, 10 * second, 10 * second + 1);
    }
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    assert_false(arrakis_reader_done(b.chain));
    arrakis_memory_reader_finish(b.segments[1]);
    assert_int_equal(nothing(&b), ARRAKIS_DONE);
    assert_true(arrakis_reader_done(b.chain));
    arrakis_reader_close(b.chain);
}

static void the_next_one_waits_for_its_turn(void **state)
{
    (void)state;
    bench b = opened();
    push_after(&b, SEAM);
    assert_false(ark_wait_fd(arrakis_reader_fd(b.chain), 0));
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    push_before(&b, 3);
    assert_true(ark_wait_fd(arrakis_reader_fd(b.chain), 0));
    EXPECT(&b, 1, 3, 32, 30);
    EXPECT(&b, 0, 3, 31);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    arrakis_memory_reader_finish(b.segments[0]); /* at 4 there is nothing */
    assert_true(ark_wait_fd(arrakis_reader_fd(b.chain), 0));
    EXPECT(&b, 0, SEAM, 50);
    EXPECT(&b, 1, SEAM, 50, 51);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    assert_false(ark_wait_fd(arrakis_reader_fd(b.chain), 0));
    push_after(&b, SEAM + 1);
    assert_true(ark_wait_fd(arrakis_reader_fd(b.chain), 0));
    arrakis_reader_close(b.chain);
}

static void a_wrong_time_is_not_the_end_of_a_reader(void **state)
{
    (void)state;
    bench b = opened();
    static const int64_t seconds[] = {3, 1000, 1001, 1001, 1002, 4};
    for (size_t i = 0; i < COUNT(seconds); i++)
        push_before(&b, seconds[i]);
    push_after(&b, SEAM);
    EXPECT(&b, 1, 3, 32, 30);
    EXPECT(&b, 0, 3, 31);
    EXPECT(&b, 1, 4, 42, 40);
    EXPECT(&b, 0, 4, 41);
    EXPECT(&b, 0, SEAM, 50);
    EXPECT(&b, 1, SEAM, 50, 51);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    arrakis_reader_close(b.chain);
}

static void a_stream_that_has_jumped_beyond_the_seam_is_at_the_seam(void **state)
{
    (void)state;
    bench b = opened();
    push_before(&b, 3);
    for (int64_t second = 1000; second < 1004; second++)
        push_before(&b, second);
    push_after(&b, SEAM);
    EXPECT(&b, 1, 3, 32, 30);
    EXPECT(&b, 0, 3, 31);
    EXPECT(&b, 0, SEAM, 50);
    EXPECT(&b, 1, SEAM, 50, 51);
    arrakis_reader_close(b.chain);
}

/* The mux judges a block before the seam; but it is not what the next reader goes on from. */
static void the_next_one_does_not_go_on_from_a_wrong_time(void **state)
{
    (void)state;
    bench b = chain_at(1000 * SECOND, before, 3, after, 3);
    PASS(arrakis_reader_open(b.chain, err));
    push_before(&b, 4);
    push_before(&b, 500);
    arrakis_memory_reader_finish(b.segments[0]);
    push_after(&b, 4);
    push_after(&b, 400);
    EXPECT(&b, 1, 4, 42, 40);
    EXPECT(&b, 0, 4, 41);
    EXPECT(&b, 1, 500, 5002, 5000);
    EXPECT(&b, 0, 500, 5001);
    EXPECT(&b, 0, 400, 4000);
    EXPECT(&b, 1, 400, 4000, 4001);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    arrakis_reader_close(b.chain);
}

static void one_that_does_not_end_is_read_to_the_seam(void **state)
{
    (void)state;
    bench b = opened();
    for (int64_t second = 4; second < 9; second++)
        push_before(&b, second);
    push_after(&b, SEAM);
    EXPECT(&b, 1, 4, 42, 40);
    EXPECT(&b, 0, 4, 41);
    EXPECT(&b, 0, SEAM, 50);
    EXPECT(&b, 1, SEAM, 50, 51);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    arrakis_reader_close(b.chain);
}

static void a_longer_stride_is_cut_into_the_shorter_one(void **state)
{
    (void)state;
    static const channel_spec first[] = {
        {"X:FAST", ARRAKIS_INT32, 1, "x", 0, SECOND, UNSET},
        {"X:SLOW", ARRAKIS_INT32, 1, "x", 1, 2 * SECOND, UNSET},
    };
    static const channel_spec second[] = {
        {"X:FAST", ARRAKIS_INT32, 1, "p", 0, SECOND, UNSET},
        {"X:SLOW", ARRAKIS_INT32, 1, "q", 0, 2 * SECOND, UNSET},
    };
    static const uint32_t ids[] = {0, 1};
    static const int32_t samples[] = {40, 60};
    bench b = chain_of(first, 2, second, 2);
    PASS(arrakis_reader_open(b.chain, err));
    ark_buffer message = int32_message(2 * SECOND, 2, ids, samples, 2);
    PASS(arrakis_memory_reader_push(b.segments[0], 0, message.data, message.size, err));
    ark_buffer_clear(&message);
    EXPECT(&b, 0, 2, 40);
    EXPECT(&b, 0, 3, 41);
    EXPECT(&b, 1, 2, 60);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    arrakis_reader_close(b.chain);
}

static void what_one_does_not_have_is_said_to_be_missing_up_to_the_seam(void **state)
{
    (void)state;
    bench b = chain_of(before, 2, after, 3); /* the first lacks C */
    int64_t again_ns;
    PASS(arrakis_reader_open(b.chain, err));
    assert_int_equal(arrakis_reader_input_count(b.chain), 3);
    size_t lacks = 1; /* B, C, A */
    assert_int_equal(b.chain->ops->exhausted(b.chain, lacks, 0, &again_ns), UNSET);
    assert_true(again_ns != UNSET && again_ns <= arrakis_gps_now_ns());
    EXPECT(&b, lacks, SEAM - 1, UNSET);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    /* logged once */
    assert_int_equal(b.chain->ops->exhausted(b.chain, lacks, 0, &again_ns), UNSET);
    assert_int_equal(again_ns, UNSET);
    push(b.segments[0], 0, 3, 2, NULL);
    EXPECT(&b, 2, 3, 30);
    EXPECT(&b, 0, 3, 31);
    /* one that holds nothing more is asked, one that holds some is not believed */
    push(b.segments[0], 0, 4, 2, NULL);
    assert_int_equal(b.chain->ops->exhausted(b.chain, 0, 0, &again_ns), UNSET);
    assert_int_equal(again_ns, UNSET);
    EXPECT(&b, 2, 4, 40);
    EXPECT(&b, 0, 4, 41);
    arrakis_reader_close(b.chain);
}

static void one_that_is_silent_before_the_seam_is_not_waited_for(void **state)
{
    (void)state;
    bench b = chain_of(after, 3, before, 3);
    int64_t again_ns;
    PASS(arrakis_reader_open(b.chain, err));
    push_after(&(bench){.segments = {NULL, b.segments[0]}}, 3);
    push(b.segments[0], 0, 4, 1, NULL);
    push_before(&(bench){.segments = {b.segments[1], NULL}}, SEAM);
    EXPECT(&b, 1, 3, 30);
    EXPECT(&b, 0, 3, 31, 30);
    EXPECT(&b, 1, 4, 40);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    assert_int_equal(b.chain->ops->exhausted(b.chain, 0, 0, &again_ns), UNSET);
    EXPECT(&b, 0, 4, UNSET, UNSET);
    EXPECT(&b, 0, SEAM, 50, 52);
    EXPECT(&b, 1, SEAM, 51);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    /* after the last segment its own answer counts */
    assert_true(b.chain->ops->exhausted(b.chain, 0, 0, &again_ns) > 0);
    arrakis_reader_close(b.chain);
}

static void what_has_come_to_the_seam_s_stride_is_not_said_to_be_missing(void **state)
{
    (void)state;
    bench b = chain_at(SEAM * SECOND + SECOND / 2, before, 3, after, 3);
    int64_t again_ns;
    PASS(arrakis_reader_open(b.chain, err));
    push_before(&b, SEAM - 1);
    EXPECT(&b, 1, SEAM - 1, 42, 40);
    EXPECT(&b, 0, SEAM - 1, 41);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    push_after(&b, SEAM);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(b.chain->ops->exhausted(b.chain, i, 0, &again_ns), UNSET);
    EXPECT(&b, 0, SEAM, 50);
    EXPECT(&b, 1, SEAM, 50, 51);
    arrakis_reader_close(b.chain);
}

static void a_part_of_the_seam_s_stride_is_left_to_the_next_one(void **state)
{
    (void)state;
    static const channel_spec slow = {"X:SLOW", ARRAKIS_INT32, 1, "x", 0, 4 * SECOND, UNSET};
    static const uint32_t id = 0;
    static const int32_t samples[] = {40, 140};
    bench b = chain_at(6 * SECOND, &slow, 1, &slow, 1);
    PASS(arrakis_reader_open(b.chain, err));
    for (size_t i = 0; i < 2; i++) {
        ark_buffer message = int32_message(4 * SECOND, 1, &id, &samples[i], i ? 4 : 2);
        PASS(arrakis_memory_reader_push(b.segments[i], 0, message.data, message.size, err));
        ark_buffer_clear(&message);
    }
    EXPECT(&b, 0, 4, 140);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    arrakis_reader_close(b.chain);
}

static void before_its_time_nothing_is_said_to_be_missing(void **state)
{
    (void)state;
    int64_t again_ns, seam_ns = arrakis_gps_now_ns() / SECOND * SECOND + 100 * SECOND;
    bench b = chain_at(seam_ns, before, 3, after, 3);
    PASS(arrakis_reader_open(b.chain, err));
    assert_int_equal(b.chain->ops->exhausted(b.chain, 0, 0, &again_ns), UNSET);
    assert_int_equal(again_ns, seam_ns + 3 * SECOND); /* the stride, and two for no promise */
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    arrakis_reader_close(b.chain);
}

static ark_reader_ops sure;

static int64_t nothing_more(arrakis_reader *reader, size_t stream, int64_t since_ns,
                            int64_t *again_ns)
{
    (void)reader, (void)stream;
    *again_ns = UNSET;
    return since_ns + 1;
}

/* The reader has handed it out, the chain has not. */
static void what_is_cut_is_held_until_it_is_handed_out(void **state)
{
    (void)state;
    bench b = chain_of(after, 3, before, 3);
    int64_t again_ns;
    PASS(arrakis_reader_open(b.chain, err));
    arrakis_memory_reader_finish(b.segments[0]);
    push_before(&(bench){.segments = {b.segments[1], NULL}}, SEAM);
    EXPECT(&b, 0, SEAM, 50, 52);
    sure = *b.segments[1]->ops;
    sure.exhausted = nothing_more;
    b.segments[1]->ops = &sure;
    assert_int_equal(b.chain->ops->exhausted(b.chain, 1, 7, &again_ns), UNSET);
    EXPECT(&b, 1, SEAM, 51);
    assert_int_equal(b.chain->ops->exhausted(b.chain, 1, 7, &again_ns), 8);
    arrakis_reader_close(b.chain);
}

static void what_the_last_one_does_not_have_is_over(void **state)
{
    (void)state;
    bench b = chain_of(after, 3, before, 2); /* the last one lacks C */
    int64_t again_ns;
    PASS(arrakis_reader_open(b.chain, err));
    size_t lacks = 2;
    assert_string_equal(arrakis_reader_input_id(b.chain, lacks), "memory/q");
    assert_true(b.chain->ops->exhausted(b.chain, lacks, 0, &again_ns) > 0);
    arrakis_memory_reader_finish(b.segments[0]);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    assert_true(b.chain->ops->exhausted(b.chain, lacks, 0, &again_ns) > 0);
    arrakis_reader_close(b.chain);
}

static void data_lies_as_long_as_that_of_any_reader(void **state)
{
    (void)state;
    arrakis_reader *readers[] = {reader_of(before, 3), reader_of(after, 3)}, *chain;
    const ark_chain_segment segments[] = {{readers[0], UNSET}, {readers[1], SEAM * SECOND}};
    arrakis_channels *channels = channels_of(after, 3);
    readers[1]->fetch_wait_ns = SECOND;
    PASS(ark_chain_reader_new(&chain, segments, 2, channels, err));
    assert_int_equal(chain->fetch_wait_ns, SECOND);
    arrakis_channels_unref(channels);
    arrakis_reader_close(chain);
}

static void counters_of_readers_that_are_over_count(void **state)
{
    (void)state;
    bench b = opened();
    for (int64_t second = 3; second <= SEAM; second++)
        push_before(&b, second);
    push_after(&b, SEAM);
    while (nothing(&b) == ARRAKIS_OK)
        ;
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    b.chain->ops->stats(b.chain, &stats);
    assert_int_equal(stats.messages, 5);
    assert_true(stats.bytes > 5 * 100);
    arrakis_reader_close(b.chain);
}

/* ------------------------------------------------------------------ what is asked of the readers */

static int prepared;
static bool stopped[2];
static ark_reader_ops watched;
static const ark_reader_ops *plain;

static arrakis_status count_prepare(arrakis_reader *reader, arrakis_error *err)
{
    (void)err;
    assert_false(reader->opened);
    prepared++;
    return ARRAKIS_OK;
}

static void note_pause(arrakis_reader *reader, size_t stream, bool paused)
{
    assert_true(reader->opened);
    stopped[stream] = paused;
}

static void watch(arrakis_reader *reader)
{
    plain = reader->ops;
    watched = *plain;
    watched.prepare = count_prepare;
    watched.pause = note_pause;
    reader->ops = &watched;
    prepared = 0;
    stopped[0] = stopped[1] = false;
}

static void all_are_prepared_when_the_first_is_opened(void **state)
{
    (void)state;
    bench b = chain_of(before, 3, after, 3);
    watch(b.segments[1]);
    PASS(arrakis_reader_open(b.chain, err));
    assert_int_equal(prepared, 1);
    assert_false(b.segments[1]->opened);
    arrakis_memory_reader_finish(b.segments[0]);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    assert_true(b.segments[1]->opened);
    assert_int_equal(prepared, 1);
    arrakis_reader_close(b.chain);
}

static void a_stream_is_stopped_in_whichever_reader_has_it(void **state)
{
    (void)state;
    bench b = chain_of(before, 3, after, 3);
    watch(b.segments[0]);
    PASS(arrakis_reader_open(b.chain, err));
    b.chain->ops->pause(b.chain, 0, true);
    b.chain->ops->pause(b.chain, 1, true);
    assert_true(stopped[0]);
    b.chain->ops->pause(b.chain, 1, false);
    assert_true(stopped[0]); /* the other is in it, too */
    b.chain->ops->pause(b.chain, 0, false);
    assert_false(stopped[0]);
    b.chain->ops->pause(b.chain, 1, true);
    b.segments[0]->ops = plain;
    watch(b.segments[1]);
    arrakis_memory_reader_finish(b.segments[0]);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    assert_true(stopped[1] && !stopped[0]); /* it still is in the next reader */
    b.chain->ops->pause(b.chain, 1, false);
    assert_false(stopped[1]);
    arrakis_reader_close(b.chain);
}

static void what_has_come_to_the_seam_is_stopped(void **state)
{
    (void)state;
    bench b = chain_of(after, 3, before, 3);
    push(b.segments[0], 0, 4, 1, NULL);
    watch(b.segments[0]);
    PASS(arrakis_reader_open(b.chain, err));
    EXPECT(&b, 1, 4, 40);
    assert_true(stopped[0] && !stopped[1]);
    b.chain->ops->pause(b.chain, 1, true);
    b.chain->ops->pause(b.chain, 1, false);
    assert_true(stopped[0]);
    arrakis_reader_close(b.chain);
}

/* ------------------------------------------------------------------ with a mux */

static void one_stream_of_blocks_without_a_seam(void **state)
{
    (void)state;
    bench b = chain_of(before, 3, after, 3);
    arrakis_stream *stream;
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    options.start_ns = 2 * SECOND;
    options.end_ns = 9 * SECOND;
    for (int64_t second = 2; second <= SEAM; second++)
        push_before(&b, second);
    for (int64_t second = 3; second < 9; second++)
        if (second != 7)
            push_after(&b, second);
    PASS(arrakis_stream_open(&stream, b.chain, &options, err));
    arrakis_block *block;
    for (int64_t second = 2; second < 9; second++) {
        PASS(arrakis_stream_next(stream, 0, &block, err));
        assert_int_equal(arrakis_block_start_ns(block), second * SECOND);
        const int64_t first = 10 * second,
                      wanted[2][3] = {{first, first + 1, first + 2}, {first + 1, first, first}};
        for (size_t i = 0; i < 3; i++) {
            arrakis_series series = arrakis_block_series(block, i);
            assert_int_equal(is_present(series, 0), second != 7);
            if (second != 7)
                assert_int_equal(int32_at(series, 0), wanted[second >= SEAM][i]);
        }
        arrakis_block_unref(block);
    }
    assert_int_equal(arrakis_stream_next(stream, 0, &block, NULL), ARRAKIS_DONE);
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &stats);
    assert_int_equal(stats.late + stats.duplicate + stats.mismatched, 0);
    assert_int_equal(stats.gaps, 2);
    arrakis_stream_close(stream);
}

static arrakis_reader *multi_of(arrakis_reader *reader)
{
    arrakis_reader *multi;
    PASS(arrakis_multi_reader_new(&multi, &reader, 1, err));
    return multi;
}

/* Linux nests five: the program's, the stream's, the chain's, that of several readers, and the one of
 * a reader of servers. */
static void a_program_s_own_epoll_has_room_around_a_stream(void **state)
{
    (void)state;
    arrakis_reader *segments[] = {reader_of(before, 3), reader_of(after, 3)}, *chain;
    const ark_chain_segment nested[] = {{multi_of(multi_of(segments[0])), UNSET},
                                        {multi_of(multi_of(segments[1])), SEAM * SECOND}};
    arrakis_channels *channels = channels_of(before, 3);
    arrakis_stream *stream;
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    options.start_ns = SEAM * SECOND;
    PASS(ark_chain_reader_new(&chain, nested, 2, channels, err));
    arrakis_channels_unref(channels);
    PASS(arrakis_stream_open(&stream, chain, &options, err));
    int outer = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(epoll_ctl(outer, EPOLL_CTL_ADD, arrakis_stream_fd(stream), &event), 0);
    assert_int_equal(epoll_wait(outer, &event, 1, 0), 0);
    arrakis_memory_reader_finish(segments[0]);
    assert_int_equal(epoll_wait(outer, &event, 1, 0), 1);
    arrakis_block *block;
    assert_int_equal(arrakis_stream_next(stream, 0, &block, NULL), ARRAKIS_TIMEOUT);
    assert_int_equal(epoll_wait(outer, &event, 1, 0), 0);
    push_after(&(bench){.segments = {NULL, segments[1]}}, SEAM);
    assert_int_equal(epoll_wait(outer, &event, 1, 0), 1);
    PASS(arrakis_stream_next(stream, 0, &block, err));
    arrakis_block_unref(block);
    arrakis_stream_close(stream);
    close(outer);
}

static void it_takes_its_readers_over_on_failure_too(void **state)
{
    (void)state;
    const ark_chain_segment segments[] = {{reader_of(before, 2), UNSET},
                                          {reader_of(after, 2), SEAM * SECOND}};
    arrakis_channels *channels = channels_of(before, 3);
    arrakis_reader *chain;
    FAIL(ark_chain_reader_new(&chain, segments, 2, channels, err), ARRAKIS_ENOTFOUND, "X:C");
    assert_null(chain);
    arrakis_channels_unref(channels);
}

static int64_t noted_ns[2];

static arrakis_status note_time(arrakis_reader *reader, arrakis_error *err)
{
    (void)err;
    noted_ns[prepared++] = reader->begun_ns;
    return ARRAKIS_OK;
}

static void all_have_the_time_of_one_call(void **state)
{
    (void)state;
    bench b = chain_of(before, 3, after, 3);
    watch(b.segments[0]);
    watched.prepare = note_time;
    b.segments[1]->ops = &watched;
    PASS(arrakis_reader_open(b.chain, err));
    assert_int_equal(prepared, 2);
    assert_true(noted_ns[0] > 0 && noted_ns[0] == noted_ns[1]);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(b.segments[i]->begun_ns, 0);
    arrakis_reader_close(b.chain);
}

static ark_monitor door;
static bool open_door, gone;

static void wait_at_the_door(void *opaque)
{
    (void)opaque;
    ark_monitor_enter(&door);
    while (!open_door && ark_monitor_wait(&door, INT64_MAX))
        ;
    gone = true;
    ark_monitor_leave(&door);
}

static void close_slowly(arrakis_reader *reader)
{
    ark_closing_begin(reader->closing, "", wait_at_the_door, NULL);
    plain->close(reader);
}

static void count_line(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    (void)message;
    ++*(size_t *)opaque;
}

static void going_on_does_not_wait_for_what_closes(void **state)
{
    (void)state;
    ark_monitor_init(&door);
    bench b = opened();
    arrakis_memory_reader_finish(b.segments[0]);
    watch(b.segments[0]);
    watched.close = close_slowly;
    size_t warnings = 0;
    arrakis_log_set(ARRAKIS_LOG_WARNING, count_line, &warnings);
    assert_int_equal(nothing(&b), ARRAKIS_TIMEOUT);
    arrakis_log_set(ARRAKIS_LOG_WARNING, NULL, NULL);
    assert_int_equal(warnings, 0); /* of what was waited for in vain */
    assert_true(b.segments[1]->opened);
    assert_false(gone);
    /* that is left to arrakis_reader_close() */
    ark_monitor_enter(&door);
    open_door = true;
    ark_monitor_notify(&door);
    ark_monitor_leave(&door);
    arrakis_reader_close(b.chain);
    assert_true(gone);
    ark_monitor_clear(&door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_streams_are_the_finest_in_the_last_one_s_order),
        cmocka_unit_test(what_one_had_the_next_does_not_repeat),
        cmocka_unit_test(the_next_one_waits_for_its_turn),
        cmocka_unit_test(one_that_does_not_end_is_read_to_the_seam),
        cmocka_unit_test(a_wrong_time_is_not_the_end_of_a_reader),
        cmocka_unit_test(a_stream_that_has_jumped_beyond_the_seam_is_at_the_seam),
        cmocka_unit_test(the_next_one_does_not_go_on_from_a_wrong_time),
        cmocka_unit_test(a_longer_stride_is_cut_into_the_shorter_one),
        cmocka_unit_test(what_one_does_not_have_is_said_to_be_missing_up_to_the_seam),
        cmocka_unit_test(one_that_is_silent_before_the_seam_is_not_waited_for),
        cmocka_unit_test(what_has_come_to_the_seam_s_stride_is_not_said_to_be_missing),
        cmocka_unit_test(a_part_of_the_seam_s_stride_is_left_to_the_next_one),
        cmocka_unit_test(before_its_time_nothing_is_said_to_be_missing),
        cmocka_unit_test(what_is_cut_is_held_until_it_is_handed_out),
        cmocka_unit_test(what_the_last_one_does_not_have_is_over),
        cmocka_unit_test(data_lies_as_long_as_that_of_any_reader),
        cmocka_unit_test(counters_of_readers_that_are_over_count),
        cmocka_unit_test(all_are_prepared_when_the_first_is_opened),
        cmocka_unit_test(a_stream_is_stopped_in_whichever_reader_has_it),
        cmocka_unit_test(what_has_come_to_the_seam_is_stopped),
        cmocka_unit_test(one_stream_of_blocks_without_a_seam),
        cmocka_unit_test(a_program_s_own_epoll_has_room_around_a_stream),
        cmocka_unit_test(it_takes_its_readers_over_on_failure_too),
        cmocka_unit_test(all_have_the_time_of_one_call),
        cmocka_unit_test(going_on_does_not_wait_for_what_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
