/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of deadlines, with times written out; and a live stream while the system's clock is set:
 * this program's clock_gettime() stands before that of the C library. */
#include <arrakis/reader.h>

#include "base/clock.h"
#include "support.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_llong set_by_s;

int clock_gettime(clockid_t which, struct timespec *now)
{
    int rc = (int)syscall(SYS_clock_gettime, which, now);
    if (which == CLOCK_REALTIME)
        now->tv_sec += (time_t)atomic_load(&set_by_s);
    return rc;
}

/* ------------------------------------------------------------------ times written out */

typedef struct moment {
    int64_t steady, system, wanted; /* seconds */
    ark_clock_news news;
} moment;

static void play(const moment *moments, size_t count)
{
    ark_clock clock = {0};
    for (size_t i = 0; i < count; i++) {
        ark_clock_news news;
        int64_t now_ns =
            ark_clock_judge(&clock, moments[i].steady * SECOND, moments[i].system * SECOND, &news);
        if (now_ns != moments[i].wanted * SECOND || news != moments[i].news)
            fail_msg("at %lld: %lld ns and news %d, expected %lld s and %d",
                     (long long)moments[i].steady, (long long)now_ns, (int)news,
                     (long long)moments[i].wanted, (int)moments[i].news);
    }
}

#define PLAY(...)                                                                                 \
    do {                                                                                          \
        const moment moments_[] = {__VA_ARGS__};                                                  \
        play(moments_, COUNT(moments_));                                                          \
    } while (0)

static void it_is_the_systems_clock(void **state)
{
    (void)state;
    PLAY({5, 1000, 1000, ARK_CLOCK_FINE}, {6, 1001, 1001, ARK_CLOCK_FINE},
         {100006, 101001, 101001, ARK_CLOCK_FINE});
}

static void a_clock_set_forward_and_back_is_not_followed(void **state)
{
    (void)state;
    PLAY({5, 1000, 1000, ARK_CLOCK_FINE}, {6, 1121, 1001, ARK_CLOCK_LEAPT},
         {7, 1122, 1002, ARK_CLOCK_FINE}, {8, 1003, 1003, ARK_CLOCK_FINE},
         {9, 884, 1004, ARK_CLOCK_LEAPT}, {68, 943, 1063, ARK_CLOCK_FINE},
         {69, 1064, 1064, ARK_CLOCK_FINE});
}

static void a_clock_that_stands_where_it_was_set_to_is_followed(void **state)
{
    (void)state;
    PLAY({5, 1000, 1000, ARK_CLOCK_FINE}, {6, 501, 1001, ARK_CLOCK_LEAPT},
         {65, 560, 1060, ARK_CLOCK_FINE}, {66, 561, 561, ARK_CLOCK_FOLLOWED},
         {67, 562, 562, ARK_CLOCK_FINE});
}

static void a_clock_that_is_set_again_is_doubted_anew(void **state)
{
    (void)state;
    PLAY({5, 1000, 1000, ARK_CLOCK_FINE}, {6, 1101, 1001, ARK_CLOCK_LEAPT},
         {60, 2055, 1055, ARK_CLOCK_LEAPT}, {119, 2114, 1114, ARK_CLOCK_FINE},
         {120, 2115, 2115, ARK_CLOCK_FOLLOWED});
}

static void small_corrections_are_followed_at_once(void **state)
{
    (void)state;
    ark_clock clock = {0};
    ark_clock_news news;
    int64_t system_ns = 1000 * SECOND;
    for (int i = 0; i < 100; i++) {
        system_ns += SECOND + ARK_CLOCK_LEAP_NS;
        assert_int_equal(ark_clock_judge(&clock, i * SECOND, system_ns, &news), system_ns);
        assert_int_equal(news, ARK_CLOCK_FINE);
    }
}

/* ------------------------------------------------------------------ a live stream */

#define STRIDE (SECOND / 10)

static void push(arrakis_reader *reader, int64_t time_ns)
{
    static const uint32_t id = 0;
    const int32_t value = 7;
    ark_buffer message = int32_message(time_ns, 1, &id, &value, 2);
    PASS(arrakis_memory_reader_push(reader, 0, message.data, message.size, err));
    ark_buffer_clear(&message);
}

static void expect(arrakis_stream *stream, int64_t time_ns, size_t missing)
{
    arrakis_block *block;
    PASS(arrakis_stream_next(stream, 5000, &block, err));
    assert_int_equal(arrakis_block_start_ns(block), time_ns);
    assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 0)), missing);
    arrakis_block_unref(block);
}

/* Nothing is handed out although the stream waits, and wakes, in the meantime. */
static void expect_nothing(arrakis_stream *stream)
{
    arrakis_block *block;
    assert_int_equal(arrakis_stream_next(stream, 50, &block, NULL), ARRAKIS_TIMEOUT);
}

static void a_live_stream_goes_on_while_the_clock_is_set_forward_and_back(void **state)
{
    (void)state;
    /* data is due after a minute: only a clock that is set makes a deadline pass here */
    static const channel_spec spec = {"X:A", ARRAKIS_INT32, 20, "p", 0, STRIDE, 60 * SECOND};
    arrakis_channels *channels = channels_of(&spec, 1);
    arrakis_reader *reader;
    arrakis_stream *stream;
    PASS(arrakis_memory_reader_new(&reader, channels, err));
    arrakis_channels_unref(channels);
    PASS(arrakis_stream_open(&stream, reader, NULL, err));
    int64_t begin_ns = arrakis_gps_now_ns() / STRIDE * STRIDE - 20 * STRIDE;
    int64_t leaps_s[] = {0, 120, 0, -120, 0, 1000000, -1000000, 0};
    for (size_t i = 0; i < COUNT(leaps_s); i++) {
        atomic_store(&set_by_s, leaps_s[i]);
        expect_nothing(stream);
        int64_t time_ns = begin_ns + (int64_t)i * STRIDE;
        push(reader, time_ns);
        expect(stream, time_ns, 0);
    }
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &stats);
    assert_int_equal(stats.gaps + stats.late + stats.mismatched, 0);
    arrakis_stream_close(stream);
}

static void a_deadline_passes_in_its_time_while_the_clock_is_set_back(void **state)
{
    (void)state;
    static const channel_spec spec = {"X:A", ARRAKIS_INT32, 20, "p", 0, STRIDE, SECOND / 5};
    arrakis_channels *channels = channels_of(&spec, 1);
    arrakis_reader *reader;
    arrakis_stream *stream;
    PASS(arrakis_memory_reader_new(&reader, channels, err));
    arrakis_channels_unref(channels);
    PASS(arrakis_stream_open(&stream, reader, NULL, err));
    int64_t time_ns = arrakis_gps_now_ns() / STRIDE * STRIDE;
    push(reader, time_ns);
    expect(stream, time_ns, 0);
    atomic_store(&set_by_s, -3600);
    for (int i = 1; i < 4; i++)
        expect(stream, time_ns + i * STRIDE, 2);
    atomic_store(&set_by_s, 0);
    arrakis_stream_close(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_systems_clock),
        cmocka_unit_test(a_clock_set_forward_and_back_is_not_followed),
        cmocka_unit_test(a_clock_that_stands_where_it_was_set_to_is_followed),
        cmocka_unit_test(a_clock_that_is_set_again_is_doubted_anew),
        cmocka_unit_test(small_corrections_are_followed_at_once),
        cmocka_unit_test(a_live_stream_goes_on_while_the_clock_is_set_forward_and_back),
        cmocka_unit_test(a_deadline_passes_in_its_time_while_the_clock_is_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
