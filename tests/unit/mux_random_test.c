/* SPDX-License-Identifier: Apache-2.0 */
/* Streams at random, with outages, repeated blocks and up to three wrong times in a row: what the
 * sources hold is handed out, all of it and once, and the time line is whole. */
#include "align/mux.h"
#include "align/mux_deadline.h"
#include "align/mux_push.h"
#include "support.h"

#define UNIT (SECOND / 4)
enum { STREAMS = 3, MOST = 400, ROUNDS = 400 };

/* One message, in the order of its log. A right one of stream i holds 1000 * i + its number. */
typedef struct message {
    int64_t time; /* units */
    int32_t value;
    bool wrong;
} message;

typedef struct source {
    arrakis_channels *channels;
    message messages[MOST];
    size_t count, next;
    int64_t stride;
    /* of what is right: where the next begins that is to be handed out */
    size_t seen;
} source;

static uint32_t seed;

static uint32_t below(uint32_t limit)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % limit;
}

static void add(source *s, int64_t time, int32_t value, bool wrong)
{
    s->messages[s->count++] = (message){time, value, wrong};
}

/* Wrong times lie 10 to 1000 seconds ahead: beyond any reach here, and less than a minute when live. */
static int64_t wrong_time(const source *s, int64_t time, bool live)
{
    int64_t ahead = 40 + (int64_t)below(live ? 180 : 4000);
    return (time + ahead) / s->stride * s->stride;
}

/* Live, nothing is missing for longer than the reach: there absence becomes a gap by itself. */
static void make(source *s, size_t number, bool live, bool skip)
{
    static const int64_t strides[] = {1, 2, 4};
    s->stride = strides[below(3)];
    int64_t time = 0;
    for (int32_t n = 0; s->count + 8 < MOST && n < 60; n++) {
        if (!live && below(12) == 0) /* out, where gaps are skipped for up to 25 hours */
            time += s->stride *
                    (int64_t)below(below(2) || !skip ? 20 : (uint32_t)(360000 / s->stride));
        if (below(8) == 0)
            for (uint32_t k = 1 + below(3); k > 0; k--)
                add(s, wrong_time(s, time, live), -1, true);
        add(s, time, (int32_t)(1000 * number) + n, false);
        if (below(8) == 0)
            add(s, time, -2, true); /* repeated */
        time += s->stride;
    }
}

static void push(ark_mux *mux, source *s, size_t number, int64_t now)
{
    const message *m = &s->messages[s->next++];
    int32_t samples[4];
    for (size_t i = 0; i < 4; i++)
        samples[i] = m->value;
    ark_run run = {.valid_at = SIZE_MAX, .channels = 1, .length = (uint32_t)s->stride};
    ark_rows rows = {.time_ns = m->time * UNIT,
                     .duration_ns = s->stride * UNIT,
                     .base = (const uint8_t *)samples,
                     .runs = &run,
                     .run_count = 1};
    ark_mux_push(mux, number, &rows, now * UNIT);
}

/* The samples of one stream in a block, against what is right of it. */
static void check_series(source *s, arrakis_series series, int64_t begin)
{
    for (size_t k = 0; k < series.length; k += (size_t)s->stride) {
        while (s->seen < s->count && s->messages[s->seen].wrong)
            s->seen++;
        const message *m = s->seen < s->count ? &s->messages[s->seen] : NULL;
        bool here = m && m->time == begin + (int64_t)k;
        if (m && m->time < begin + (int64_t)k)
            fail_msg("round %u: a block of %lld was lost", seed, (long long)m->time);
        if (here && (!is_present(series, k) || int32_at(series, k) != m->value))
            fail_msg("round %u: the block of %lld is masked or another", seed, (long long)m->time);
        if (!here && is_present(series, k) && int32_at(series, k) != -1)
            fail_msg("round %u: a block came twice at %lld", seed,
                     (long long)(begin + (int64_t)k));
        s->seen += here;
    }
}

/* Take what is ready; returns where the time line is. */
static int64_t pull(ark_mux *mux, source *sources, bool skip, int64_t at)
{
    arrakis_block *block;
    while (ark_mux_pull(mux, &block, NULL) == ARRAKIS_OK) {
        int64_t begin = arrakis_block_start_ns(block) / UNIT;
        if (at != UNSET && (skip ? begin < at : begin != at))
            fail_msg("a block at %lld, expected %lld", (long long)begin, (long long)at);
        at = begin + arrakis_block_duration_ns(block) / UNIT;
        for (size_t i = 0; i < STREAMS; i++)
            check_series(&sources[i], arrakis_block_series(block, i), begin);
        arrakis_block_unref(block);
    }
    return at;
}

static bool has_right(const source *s)
{
    for (size_t i = s->seen; i < s->count; i++)
        if (!s->messages[i].wrong)
            return true;
    return false;
}

static ark_mux *open_mux(source *sources, bool live, bool skip)
{
    static const char *const names[] = {"X:A", "X:B", "X:C"};
    ark_mux_input_info streams[STREAMS];
    ark_mux_options options = {.start_ns = live ? UNSET : 0,
                               .stride_ns = UNSET,
                               .tolerance_ns = UNSET,
                               .end_ns = UNSET,
                               .on_gap = skip ? ARRAKIS_GAP_SKIP : ARRAKIS_GAP_FILL};
    ark_mux *mux;
    for (size_t i = 0; i < STREAMS; i++) {
        make(&sources[i], i, live, skip);
        channel_spec spec = {names[i],  ARRAKIS_INT32, 4, names[i], 0, sources[i].stride * UNIT,
                             2 * SECOND};
        sources[i].channels = channels_of(&spec, 1);
        streams[i] = (ark_mux_input_info){names[i], sources[i].channels};
    }
    PASS(ark_mux_new(&mux, streams, STREAMS, &options, 0, err));
    return mux;
}

static void close_mux(ark_mux *mux, source *sources)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (has_right(&sources[i]))
            fail_msg("a block of stream %zu was never handed out", i);
        arrakis_channels_unref(sources[i].channels);
    }
    ark_mux_free(mux);
}

/* Sources come in any order, those that are full wait, and who has no more is exhausted. */
static void play_from_a_start(bool skip)
{
    const int64_t now = skip ? 100000000 : 6000;
    source sources[STREAMS] = {0};
    ark_mux *mux = open_mux(sources, false, skip);
    int64_t at = skip ? UNSET : 0, due_ns;
    for (unsigned step = 0;; step++) {
        if (step > 100 * MOST)
            fail_msg("it does not end: cursor %lld; A %zu of %zu, B %zu of %zu, C %zu of %zu",
                     (long long)(ark_mux_cursor_ns(mux) / UNIT), sources[0].seen, sources[0].count,
                     sources[1].seen, sources[1].count, sources[2].seen, sources[2].count);
        uint32_t i = below(STREAMS);
        at = pull(mux, sources, skip, at);
        if (sources[i].next < sources[i].count) {
            if (!ark_mux_full(mux, i))
                push(mux, &sources[i], i, now);
            continue;
        }
        int64_t who = ark_mux_deadline_overdue(mux, now * UNIT, &due_ns);
        bool over = true;
        for (size_t k = 0; k < STREAMS; k++)
            over = over && sources[k].next == sources[k].count && !has_right(&sources[k]);
        if (over)
            break;
        if (who >= 0 && sources[who].next == sources[who].count)
            ark_mux_exhausted(mux, (size_t)who, now * UNIT, false);
    }
    close_mux(mux, sources);
}

/* Every block comes when it is over, wrong ones with the right one that follows. */
static void play_live(void)
{
    source sources[STREAMS] = {0};
    ark_mux *mux = open_mux(sources, true, false);
    int64_t at = UNSET, begin = UNSET;
    for (int64_t now = 0; now < 240 + 40; now++) {
        for (size_t i = 0; i < STREAMS; i++) {
            source *s = &sources[i];
            size_t right = s->next;
            while (right < s->count && s->messages[right].wrong && s->messages[right].value == -1)
                right++;
            bool due = right < s->count && s->messages[right].time + s->stride <= now;
            while (due && s->next <= right)
                push(mux, s, i, now);
            while (s->next < s->count && s->messages[s->next].value == -2)
                push(mux, s, i, now);
        }
        ark_mux_deadline_expire(mux, now * UNIT);
        if (begin == UNSET && ark_mux_cursor_ns(mux) != UNSET) {
            begin = ark_mux_cursor_ns(mux) / UNIT;
            for (size_t i = 0; i < STREAMS; i++) /* what lies before was never to be handed out */
                for (size_t k = 0; k < sources[i].count; k++)
                    if (sources[i].messages[k].time < begin)
                        sources[i].messages[k].wrong = true;
        }
        at = pull(mux, sources, false, at);
    }
    close_mux(mux, sources);
}

static void with_a_start_nothing_is_lost_and_nothing_comes_twice(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        seed = round;
        play_from_a_start(round % 8 != 0);
    }
}

static void live_nothing_is_lost_and_nothing_comes_twice(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        seed = round;
        play_live();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_a_start_nothing_is_lost_and_nothing_comes_twice),
        cmocka_unit_test(live_nothing_is_lost_and_nothing_comes_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
