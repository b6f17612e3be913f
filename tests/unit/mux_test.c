/* SPDX-License-Identifier: Apache-2.0 */
/* The mux, driven by timelines: a line a step, played one after the other.
 *
 * One unit of time is a quarter of a second, and each stream has one channel of 4 Hz: a sample a
 * unit. The sample at time t of stream A is 1000 + t, of B 2000 + t, so that a sample in the wrong
 * place is seen.
 *
 *     now 100           the clock
 *     A 8               a whole stride of A arrives that begins at 8
 *     A 9+2             2 units from 9
 *     A 8 #.##          a stride with a null
 *     A 8 = late        what becomes of it: late, duplicate, mismatched, held (else it is taken)
 *     A none 8          a message without the row of A's channel
 *     A nothing 8       the reader's word that A has nothing there, nor before
 *     expire            deadlines pass
 *     opened            the source has been opened
 *     8+4 #### ..##     the next block, begin and duration, a word a stream: # present, . missing
 *     wait              no block is ready
 *     gap 8 12          EGAP from 8 to 12
 *     deadline 104      when expire can next make a block ready; `never`
 *     cursor 8          where the next block begins; `unset`
 *     due A 104         who is overdue, and when that was; `nobody 104`: who will be first; `never`
 *     exhausted A 110   the source held no more of A at 110; `live`: from now on A is live
 *     finish            the source has ended; `finish 20`: all is known up to 20
 *     full A yes        ark_mux_full; `room A no`: ark_mux_has_room
 *     newest A 8        begin of A's newest block; `unset`
 *     stats L D M O G   late, duplicate, mismatched, overflow, gaps
 */
#include "align/mux.h"
#include "align/mux_deadline.h"
#include "align/mux_push.h"
#include "support.h"

#define UNIT (SECOND / 4)
enum { MAX_STREAMS = 4, MAX_SAMPLES = 64 };

typedef struct stream_spec {
    int64_t stride, latency; /* units; latency UNSET: none declared */
} stream_spec;

typedef struct bench {
    ark_mux *mux;
    arrakis_channels *lists[MAX_STREAMS];
    size_t count;
    int64_t strides[MAX_STREAMS];
    int64_t now;
    const char *line;
} bench;

#define OOPS(b, ...)                                                                              \
    do {                                                                                          \
        print_error("in \"%s\": ", (b)->line);                                                    \
        fail_msg(__VA_ARGS__);                                                                    \
    } while (0)

static ark_mux_options with_start(int64_t start)
{
    return (ark_mux_options){.start_ns = start == UNSET ? UNSET : start * UNIT,
                             .stride_ns = UNSET,
                             .tolerance_ns = UNSET,
                             .end_ns = UNSET};
}

static bench bench_of(const stream_spec *specs, size_t count, const ark_mux_options *options,
                      int64_t now)
{
    static const char *const names[] = {"X:A", "X:B", "X:C", "X:D"};
    static const char *const ids[] = {"A", "B", "C", "D"};
    bench b = {.count = count, .now = now, .line = "the beginning"};
    ark_mux_input_info streams[MAX_STREAMS];
    for (size_t i = 0; i < count; i++) {
        channel_spec spec = {names[i],
                             ARRAKIS_INT32,
                             4,
                             ids[i],
                             0,
                             specs[i].stride * UNIT,
                             specs[i].latency == UNSET ? UNSET : specs[i].latency * UNIT};
        b.lists[i] = channels_of(&spec, 1);
        b.strides[i] = specs[i].stride;
        streams[i] = (ark_mux_input_info){ids[i], b.lists[i]};
    }
    PASS(ark_mux_new(&b.mux, streams, count, options, now * UNIT, err));
    return b;
}

static void bench_free(bench *b)
{
    ark_mux_free(b->mux);
    for (size_t i = 0; i < b->count; i++)
        arrakis_channels_unref(b->lists[i]);
}

/* "12", or a word that means UNSET. */
static int64_t units(const char *text)
{
    return strcmp(text, "unset") == 0 || strcmp(text, "never") == 0 ? UNSET : atoll(text);
}

static int64_t to_ns(int64_t in_units)
{
    return in_units == UNSET ? UNSET : in_units * UNIT;
}

static void expect_time(const bench *b, const char *what, int64_t found_ns, const char *wanted)
{
    if (found_ns != to_ns(units(wanted)))
        OOPS(b, "%s is %lld ns (%g units), expected %s", what, (long long)found_ns,
             (double)found_ns / (double)UNIT, wanted);
}

/* ------------------------------------------------------------------ data in */

/* "A TIME[+DURATION] [PATTERN] [= RESULT]" */
static void play_push(bench *b, char **words, size_t count)
{
    size_t stream = (size_t)(words[0][0] - 'A');
    bool nothing = strcmp(words[1], "nothing") == 0, none = nothing || !strcmp(words[1], "none");
    const char *when = words[none ? 2 : 1], *plus = strchr(when, '+');
    int64_t time = atoll(when), length = plus ? atoll(plus + 1) : b->strides[stream];
    const char *pattern = NULL, *wanted = "ok";
    for (size_t i = none ? 3 : 2; i < count; i++)
        if (strcmp(words[i], "=") == 0)
            wanted = words[++i];
        else
            pattern = words[i];
    /* at an odd address, and with the bits not at a byte's begin */
    uint8_t base[1 + 4 * MAX_SAMPLES + MAX_SAMPLES / 8 + 1] = {0};
    size_t bits_at = 1 + 4 * (size_t)length;
    for (int64_t k = 0; k < length && k < MAX_SAMPLES; k++) {
        int32_t value = (int32_t)(1000 * (int64_t)(stream + 1) + time + k);
        memcpy(base + 1 + 4 * k, &value, sizeof value);
        if (!pattern || pattern[k] == '#')
            base[bits_at + (size_t)(k + 3) / 8] |= (uint8_t)(1u << (k + 3) % 8);
    }
    uint32_t missing = 0;
    ark_run run = {.samples_at = 1,
                   .valid_at = pattern ? bits_at : SIZE_MAX,
                   .valid_bit = 3,
                   .channels = 1,
                   .length = (uint32_t)length};
    ark_rows rows = {.time_ns = time * UNIT,
                     .duration_ns = length * UNIT,
                     .base = nothing ? NULL : base,
                     .runs = &run,
                     .run_count = !none,
                     .missing = &missing,
                     .missing_count = none};
    static const char *const results[] = {"ok",         "late",  "duplicate",
                                          "mismatched", "nomem", "held"};
    ark_push how = ark_mux_push(b->mux, stream, &rows, b->now * UNIT);
    if (strcmp(results[how], wanted) != 0)
        OOPS(b, "it is %s, expected %s", results[how], wanted);
}

/* ------------------------------------------------------------------ blocks out */

static void describe(char *out, size_t size, const arrakis_block *block, size_t streams)
{
    int64_t start = arrakis_block_start_ns(block), lasts = arrakis_block_duration_ns(block);
    size_t at = (size_t)snprintf(out, size, "%lld+%lld", (long long)(start / UNIT),
                                 (long long)(lasts / UNIT));
    for (size_t i = 0; i < streams; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        size_t missing = 0;
        out[at++] = ' ';
        for (size_t k = 0; k < series.length && at + 2 < size; k++) {
            int32_t right = (int32_t)(1000 * (int64_t)(i + 1) + start / UNIT + (int64_t)k);
            bool present = is_present(series, k);
            missing += !present;
            out[at++] = !present ? '.' : int32_at(series, k) == right ? '#' : 'X';
        }
        assert_int_equal(arrakis_series_missing(series), missing);
        assert_true(missing > 0 || !series.valid);
    }
    out[at] = 0;
}

static void play_pull(const bench *b, const char *wanted)
{
    arrakis_block *block;
    arrakis_error err;
    char found[300];
    arrakis_status rc = ark_mux_pull(b->mux, &block, &err);
    if (rc == ARRAKIS_OK)
        describe(found, sizeof found, block, b->count);
    else
        snprintf(found, sizeof found, "%s",
                 rc == ARRAKIS_TIMEOUT ? "wait"
                 : rc == ARRAKIS_EGAP  ? err.message
                                       : "an error");
    arrakis_block_unref(block);
    if (strcmp(found, wanted) != 0)
        OOPS(b, "got \"%s\", expected \"%s\"", found, wanted);
}

/* ------------------------------------------------------------------ all else */

static void play_due(const bench *b, char **words)
{
    int64_t due_ns, who = ark_mux_deadline_overdue(b->mux, b->now * UNIT, &due_ns);
    int64_t wanted = strlen(words[1]) == 1 ? words[1][0] - 'A' : -1;
    if (who != wanted)
        OOPS(b, "%lld is overdue, expected %lld", (long long)who, (long long)wanted);
    expect_time(b, "when it is due", due_ns, strcmp(words[1], "never") ? words[2] : "never");
}

static void play_stats(const bench *b, char **words)
{
    arrakis_stats s = ARRAKIS_STATS_INIT;
    ark_mux_stats(b->mux, &s);
    const uint64_t found[] = {s.late, s.duplicate, s.mismatched, s.overflow, s.gaps};
    static const char *const names[] = {"late", "duplicate", "mismatched", "overflow", "gaps"};
    for (size_t i = 0; i < 5; i++)
        if (found[i] != (uint64_t)atoll(words[1 + i]))
            OOPS(b, "%s: %llu, expected %s", names[i], (unsigned long long)found[i], words[1 + i]);
}

static bool is(const char *word, const char *name)
{
    return strcmp(word, name) == 0;
}

static void play_step(bench *b, char **words, size_t count)
{
    size_t stream = count > 1 ? (size_t)(words[1][0] - 'A') : 0;
    if (is(words[0], "now"))
        b->now = atoll(words[1]);
    else if (is(words[0], "expire"))
        ark_mux_deadline_expire(b->mux, b->now * UNIT);
    else if (is(words[0], "opened"))
        ark_mux_opened(b->mux, b->now * UNIT);
    else if (is(words[0], "deadline"))
        expect_time(b, "the deadline", ark_mux_deadline_ns(b->mux), words[1]);
    else if (is(words[0], "cursor"))
        expect_time(b, "the cursor", ark_mux_cursor_ns(b->mux), words[1]);
    else if (is(words[0], "newest"))
        expect_time(b, "the newest", ark_mux_newest_ns(b->mux, stream), words[2]);
    else if (is(words[0], "due"))
        play_due(b, words);
    else if (is(words[0], "exhausted"))
        ark_mux_exhausted(b->mux, stream, atoll(words[2]) * UNIT, count > 3);
    else if (is(words[0], "finish"))
        ark_mux_finish(b->mux, count > 1 ? atoll(words[1]) * UNIT : UNSET);
    else if (is(words[0], "full"))
        assert_int_equal(ark_mux_full(b->mux, stream), is(words[2], "yes"));
    else if (is(words[0], "room"))
        assert_int_equal(ark_mux_has_room(b->mux, stream), is(words[2], "yes"));
    else if (is(words[0], "stats"))
        play_stats(b, words);
    else
        OOPS(b, "no such step");
}

static void play_line(bench *b, const char *line)
{
    char copy[200], *words[12], *place;
    size_t count = 0;
    b->line = line;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *w = strtok_r(copy, " ", &place); w && count < 12; w = strtok_r(NULL, " ", &place))
        words[count++] = w;
    if (is(words[0], "gap")) {
        char text[100];
        snprintf(text, sizeof text, "no input has data from %lld ns to %lld ns",
                 (long long)(atoll(words[1]) * UNIT), (long long)(atoll(words[2]) * UNIT));
        play_pull(b, text);
    } else if (is(words[0], "wait") || strchr("-0123456789", words[0][0])) {
        play_pull(b, line);
    } else if (strlen(words[0]) == 1) {
        play_push(b, words, count);
    } else {
        play_step(b, words, count);
    }
}

static void play(bench *b, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        play_line(b, lines[i]);
}

/* Play lines on a mux of these streams. */
#define PLAY(specs, options, now, ...)                                                            \
    do {                                                                                          \
        bench bench_ = bench_of((specs), COUNT(specs), &(options), (now));                        \
        static const char *const lines_[] = {__VA_ARGS__};                                        \
        play(&bench_, lines_, COUNT(lines_));                                                     \
        bench_free(&bench_);                                                                      \
    } while (0)

/* Two streams, strides of one second, data due one second after its end. */
static const stream_spec pair[] = {{4, 4}, {4, 4}};
static const stream_spec one[] = {{4, 4}};
static const stream_spec patient[] = {{4, UNSET}, {4, UNSET}};

/* ------------------------------------------------------------------ live: beginning */

static void a_live_mux_begins_at_its_first_data(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(one, live, 100, "cursor unset", "newest A unset", "wait", "A 96", "cursor 96",
         "newest A 96", "96+4 ####", "cursor 100", "wait", "stats 0 0 0 0 0");
}

static void live_streams_begin_together_at_the_latest_front(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(pair, live, 100, "A 92", "A 96", "cursor unset", "wait", "B 100", "cursor 100", "A 100",
         "100+4 #### ####", "wait", "stats 0 0 0 0 0");
}

static void a_front_behind_the_others_drops_what_they_lack(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(pair, live, 100, "A 100", "B 92", "cursor 100", "wait", "B 96 = late", "B 100",
         "100+4 #### ####", "stats 0 0 0 0 0");
}

static void a_stream_past_its_deadline_does_not_hold_up_the_beginning(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    /* created at 102: waits from 100 on; due at 100 + stride + latency */
    PLAY(pair, live, 102, "deadline 108", "A 104", "deadline 108", "now 107", "expire",
         "cursor unset", "now 108", "expire", "cursor 104", "deadline 112", "wait", "now 112",
         "expire", "104+4 #### ....", "B 104 = late", "B 108", "A 108", "108+4 #### ####",
         "stats 1 0 0 0 1");
}

static void a_live_mux_of_silent_streams_begins_where_it_began_to_wait(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(pair, live, 101, "deadline 108", "now 108", "expire", "cursor 100", "100+4 .... ....",
         "wait", "deadline 112", "stats 0 0 0 0 2");
}

static void opening_for_long_makes_no_gaps_of_what_came_meanwhile(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(pair, live, 100, "now 114", "opened", "deadline 120", "expire", "cursor unset", "A 108",
         "B 108", "cursor 108", "108+4 #### ####", "stats 0 0 0 0 0");
}

static void mixed_strides_begin_on_their_common_grid(void **state)
{
    (void)state;
    static const stream_spec mixed[] = {{4, 4}, {8, 4}, {2, 4}};
    const ark_mux_options live = with_start(UNSET);
    PLAY(mixed, live, 100, "A 100", "B 96", "C 98", "cursor 104", "A 104", "C 104", "B 104",
         "A 108", "C 106", "C 108", "wait", "C 110", "104+8 ######## ######## ########",
         "stats 0 0 0 0 0");
}

static void first_data_older_than_its_deadline_does_not_stall_the_deadlines(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    /* the pass at 103 looked up to 96; the data at 80 is what the mux then begins with */
    PLAY(one, live, 101, "now 103", "expire", "A 80", "80+4 ####", "deadline 92", "expire",
         "84+4 ....", "88+4 ....", "92+4 ....", "wait", "deadline 104");
}

/* ------------------------------------------------------------------ live: running */

static void deadlines_are_exact(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(pair, live, 100, "A 100", "B 100", "100+4 #### ####", "deadline 112", "A 104",
         "deadline 112", "now 111", "expire", "wait", "now 112", "expire", "104+4 #### ....",
         "wait", "deadline 116", "stats 0 0 0 0 1");
}

static void the_slowest_contract_sets_the_deadline(void **state)
{
    (void)state;
    static const stream_spec specs[] = {{4, 4}, {4, 12}};
    const ark_mux_options live = with_start(UNSET);
    PLAY(specs, live, 100, "A 100", "B 100", "100+4 #### ####", "deadline 120", "now 112",
         "expire", "wait", "B 104", "104+4 .... ####", "A 104 = late", "deadline 124");
}

static void a_tolerance_replaces_the_declared_latency(void **state)
{
    (void)state;
    ark_mux_options live = with_start(UNSET);
    live.tolerance_ns = 0;
    PLAY(pair, live, 100, "A 100", "B 100", "100+4 #### ####", "deadline 108", "now 108", "expire",
         "104+4 .... ....");
    live.tolerance_ns = 10 * UNIT;
    PLAY(patient, live, 100, "A 100", "B 100", "100+4 #### ####", "deadline 118");
}

static void data_that_lies_at_its_source_is_due_later(void **state)
{
    (void)state;
    ark_mux_options live = with_start(UNSET);
    live.fetch_wait_ns = 2 * UNIT;
    PLAY(pair, live, 100, "A 100", "B 100", "100+4 #### ####", "deadline 114", "now 113", "expire",
         "wait", "A 104", "B 104", "104+4 #### ####", "now 118", "expire", "108+4 .... ....");
    live.tolerance_ns = 0;
    PLAY(pair, live, 100, "A 100", "B 100", "100+4 #### ####", "deadline 110");
    ark_mux_options started = with_start(100);
    started.fetch_wait_ns = 2 * UNIT;
    PLAY(pair, started, 109, "A 100", "due nobody 110", "now 110", "due B 110");
}

static void without_a_contract_only_data_makes_a_block(void **state)
{
    (void)state;
    static const stream_spec half[] = {{4, 4}, {4, UNSET}};
    const ark_mux_options live = with_start(UNSET);
    PLAY(half, live, 100, "A 100", "deadline never", "now 100000", "expire", "cursor unset",
         "B 100", "100+4 #### ####", "A 104", "now 200000", "expire", "deadline never", "wait",
         "B 112", "A 112", "104+4 #### ....", "108+4 .... ....", "112+4 #### ####");
}

static void what_comes_before_the_horizon_is_late(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(one, live, 100, "A 100", "A 108", "A 104 = late", "A 108 = duplicate", "A 100 = late",
         "A 80 = late", "100+4 ####", "104+4 ....", "108+4 ####", "A 108 = duplicate", "A 112",
         "112+4 ####", "stats 3 2 0 0 1");
}

static void one_stream_that_is_always_late_masks_only_itself(void **state)
{
    (void)state;
    static const stream_spec three[] = {{4, 4}, {4, 4}, {4, 4}};
    const ark_mux_options live = with_start(UNSET);
    bench b = bench_of(three, 3, &live, 104);
    static const char *const first[] = {"A 100", "B 100", "C 100", "100+4 #### #### ####"};
    play(&b, first, COUNT(first));
    char line[60];
    for (int t = 104; t < 504; t += 4) {
        const struct {
            const char *step;
            int time;
        } steps[] = {
            {"now %d", t + 4}, {"A %d", t}, {"B %d", t}, {"now %d", t + 8}, {"C %d = late", t}};
        for (size_t i = 0; i < COUNT(steps); i++) {
            const char *number = strstr(steps[i].step, "%d");
            snprintf(line, sizeof line, "%.*s%d%s", (int)(number - steps[i].step), steps[i].step,
                     steps[i].time, number + 2);
            play_line(&b, line);
        }
        snprintf(line, sizeof line, "%d+4 #### #### ....", t);
        play_line(&b, line);
    }
    b.line = "";
    play_line(&b, "stats 100 0 0 0 100");
    bench_free(&b);
}

static void a_newer_block_that_is_whole_waits_for_an_older_one_that_is_not(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(pair, live, 108, "A 100", "B 100", "100+4 #### ####", "A 104", "A 108", "wait", "B 108",
         "104+4 #### ....", "108+4 #### ####", "B 104 = late", "wait", "stats 1 0 0 0 1");
}

static void after_a_day_out_a_live_stream_goes_on(void **state)
{
    (void)state;
    ark_mux_options live = with_start(UNSET);
    live.on_gap = ARRAKIS_GAP_SKIP;
    /* 25 hours, and nothing was done in the meantime; then exactly what there is */
    PLAY(pair, live, 104, "A 100", "B 100", "100+4 #### ####", "now 360104", "A 360100", "wait",
         "cursor 104", "B 360100", "360100+4 #### ####", "A 360104", "B 360104",
         "360104+4 #### ####", "wait", "stats 0 0 0 0 0");
    live.on_gap = ARRAKIS_GAP_FILL;
    bench b = bench_of(pair, 2, &live, 104);
    static const char *const first[] = {"A 100", "B 100", "100+4 #### ####"};
    play(&b, first, COUNT(first));
    char line[40];
    for (int now = 112; now < 4112; now += 4) { /* at the pace of the strides */
        snprintf(line, sizeof line, "now %d", now);
        play_line(&b, line);
        play_line(&b, "expire");
        snprintf(line, sizeof line, "%d+4 .... ....", now - 8);
        play_line(&b, line);
        play_line(&b, "wait");
    }
    static const char *const last[] = {"A 4104", "B 4104", "4104+4 #### ####", "wait",
                                       "stats 0 0 0 0 2000"};
    play(&b, last, COUNT(last));
    bench_free(&b);
}

static void a_block_past_its_own_deadline_is_late_whoever_else_waits(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    /* no pass in between: the push itself sees that the time is over, and the block is ready */
    PLAY(pair, live, 100, "A 100", "B 100", "100+4 #### ####", "B 104", "now 112", "A 104 = late",
         "104+4 .... ####", "wait", "stats 1 0 0 0 1");
}

static void blocks_off_the_stride_are_mismatched(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(one, live, 100, "A 100", "A 104+2 = mismatched", "A 104+8 = mismatched",
         "A 105 = mismatched", "A 105+2 = mismatched", "A 104+0 = mismatched", "A 104",
         "100+4 ####", "104+4 ####", "stats 0 0 5 0 0");
}

static void nulls_stay_where_they_are(void **state)
{
    (void)state;
    ark_mux_options live = with_start(UNSET);
    PLAY(one, live, 100, "A 100 #.##", "A 104 ....", "A 108", "100+4 #.##", "104+4 ....",
         "108+4 ####", "stats 0 0 0 0 0");
    live.stride_ns = 12 * UNIT;
    PLAY(one, live, 96, "A 96 .###", "A 100", "A 104 ##..",
         "96+12 .#######"
         "##..");
}

static void a_message_without_the_row_leaves_it_missing(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(pair, live, 100, "A 100", "B none 100", "100+4 #### ....", "stats 0 0 0 0 0");
}

/* 1000 elements are held for streams that are behind, and no more. */
static void in_live_the_oldest_is_dropped_when_others_are_too_far_behind(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    bench b = bench_of(patient, 2, &live, 4012);
    play_line(&b, "B 0");
    for (int i = 0; i < 1003; i++) {
        char line[40];
        snprintf(line, sizeof line, "A %d", 4 * i);
        play_line(&b, line);
        b.line = "";
    }
    static const char *const lines[] = {
        "full A no",     "stats 0 0 0 3 0", "0+4 .... ####",  "wait", "B 12",
        "4+4 .... ....", "8+4 .... ....",   "12+4 #### ####", "wait", "stats 0 0 0 3 5"};
    play(&b, lines, COUNT(lines));
    bench_free(&b);
}

/* ------------------------------------------------------------------ gaps */

static void a_gap_is_filled_once(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(one, live, 100, "A 100", "A 112", "100+4 ####", "104+4 ....", "108+4 ....", "112+4 ####",
         "wait", "stats 0 0 0 0 2");
}

static void skipping_leaves_out_what_no_stream_has(void **state)
{
    (void)state;
    ark_mux_options live = with_start(UNSET);
    live.on_gap = ARRAKIS_GAP_SKIP;
    PLAY(pair, live, 108, "A 100", "B 100", "A 116", "B 112", "B 116", "100+4 #### ####",
         "112+4 .... ####", "116+4 #### ####", "wait", "cursor 120", "stats 0 0 0 0 1");
}

static void raising_says_the_whole_gap_and_goes_on_behind_it(void **state)
{
    (void)state;
    ark_mux_options live = with_start(UNSET);
    live.on_gap = ARRAKIS_GAP_RAISE;
    PLAY(pair, live, 108, "A 100", "B 100", "A 116", "B 112", "B 116", "100+4 #### ####",
         "gap 104 112", "112+4 .... ####", "116+4 #### ####", "wait", "now 128", "expire",
         "gap 120 124", "wait", "cursor 124");
}

static void a_skip_stays_on_the_grid_of_the_blocks(void **state)
{
    (void)state;
    ark_mux_options live = with_start(UNSET);
    live.on_gap = ARRAKIS_GAP_SKIP;
    live.stride_ns = 12 * UNIT;
    PLAY(one, live, 128, "A 96", "A 136", "96+12 ####........", "wait", "cursor 132", "A 140",
         "132+12 ....########", "stats 0 0 0 0 3");
}

static void what_may_still_come_is_not_skipped(void **state)
{
    (void)state;
    ark_mux_options live = with_start(UNSET);
    live.on_gap = ARRAKIS_GAP_SKIP;
    PLAY(pair, live, 112, "A 100", "B 100", "100+4 #### ####", "A 120", "wait", "cursor 104",
         "B 112", "112+4 .... ####", "wait", "cursor 116");
}

/* ------------------------------------------------------------------ output strides */

static void blocks_of_several_strides_are_put_together(void **state)
{
    (void)state;
    ark_mux_options live = with_start(UNSET);
    live.stride_ns = 12 * UNIT;
    /* absolute multiples: the first whole one after the front at 100 is 108 */
    PLAY(pair, live, 100, "A 100", "B 100", "cursor 108", "A 104 = late", "A 108", "A 112",
         "A 116", "B 112", "B 116", "108+12 ############ ....########", "wait", "deadline 136",
         "stats 0 0 0 0 1");
}

static void a_request_counts_its_blocks_from_its_own_start(void **state)
{
    (void)state;
    ark_mux_options options = with_start(100);
    options.stride_ns = 12 * UNIT;
    PLAY(one, options, 100, "cursor 100", "A 100", "A 104", "A 108", "100+12 ############",
         "cursor 112");
}

static void an_output_stride_is_a_multiple_of_the_native_one(void **state)
{
    (void)state;
    channel_spec specs[] = {{"X:A", ARRAKIS_INT32, 4, "A", 0, 4 * UNIT, UNSET},
                            {"X:B", ARRAKIS_INT32, 4, "B", 0, 6 * UNIT, UNSET}};
    arrakis_channels *a = channels_of(specs, 1), *b = channels_of(specs + 1, 1);
    const ark_mux_input_info streams[] = {{"A", a}, {"B", b}};
    ark_mux_options options = with_start(UNSET);
    ark_mux *mux;
    PASS(ark_mux_new(&mux, streams, 2, &options, 0, err));
    assert_int_equal(ark_mux_stride_ns(mux), 12 * UNIT);
    ark_mux_free(mux);
    options.stride_ns = 18 * UNIT;
    FAIL(ark_mux_new(&mux, streams, 2, &options, 0, err), ARRAKIS_EINVAL,
         "4500000000 ns: expected a "
         "multiple of the native stride, 3000000000 ns");
    assert_null(mux);
    arrakis_channels_unref(a);
    arrakis_channels_unref(b);
}

/* ------------------------------------------------------------------ requests with a start */

static void a_request_starts_at_the_common_boundary_before_its_start(void **state)
{
    (void)state;
    static const stream_spec mixed[] = {{4, 4}, {8, 4}};
    const ark_mux_options options = with_start(107);
    PLAY(mixed, options, 1000, "cursor 104", "A 100 = late", "B 96 = late", "A 104", "A 108",
         "B 104", "104+8 ######## ########", "stats 0 0 0 0 0");
}

static void no_deadline_passes_by_itself_in_a_request_with_a_start(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(100);
    PLAY(pair, options, 100000, "A 100", "expire", "deadline never", "wait", "due B 108",
         "exhausted B 100000", "100+4 #### ....", "wait", "due A 112", "B 100 = late",
         "stats 1 0 0 0 1");
}

static void overdue_is_who_holds_up_the_next_block_and_should_have_come(void **state)
{
    (void)state;
    static const stream_spec specs[] = {{4, 12}, {4, 4}};
    const ark_mux_options options = with_start(100);
    PLAY(specs, options, 100, "due nobody 108", "now 107", "due nobody 108", "now 108",
         "due B 108", "B 100", "due nobody 116", "now 116", "due A 116", "A 100", "due never",
         "100+4 #### ####", "due B 112");
}

static void without_a_contract_nobody_is_overdue_unless_the_request_is_bounded(void **state)
{
    (void)state;
    ark_mux_options options = with_start(100);
    PLAY(patient, options, 100000, "due never");
    options.bounded = true; /* 2 s */
    PLAY(patient, options, 100, "due nobody 112", "now 112", "due A 112");
}

static void who_is_exhausted_live_has_deadlines_from_then_on(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(100);
    PLAY(pair, options, 108, "B 100", "due A 108", "exhausted A 108 live", "100+4 .... ####",
         "B 104", "deadline 112", "due never", "now 112", "expire", "104+4 .... ####",
         "deadline never", "due nobody 116", "now 116", "due B 116", "exhausted B 116 live",
         "expire", "108+4 .... ....", "wait", "deadline 120", "stats 0 0 0 0 4");
}

static void exhausted_makes_known_what_was_due_and_no_more(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(100);
    PLAY(one, options, 200, "exhausted A 107", "wait", "exhausted A 111", "100+4 ....", "wait",
         "exhausted A 115", "104+4 ....", "wait", "A 108", "108+4 ####");
}

static void nothing_is_late_while_another_stream_is_waited_for(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(100);
    /* A has caught up, and its deadlines pass as in a live stream; then B's source does not answer */
    PLAY(pair, options, 108, "A 100", "B 100", "100+4 #### ####", "now 112", "due A 112",
         "exhausted A 112 live", "wait", "due B 112", "now 116", "expire", "now 300", "expire",
         "A 104", "A 112", "wait", "B 104", "104+4 #### ####", "B 108", "108+4 .... ####", "B 112",
         "112+4 #### ####", "stats 0 0 0 0 1");
}

static void a_deadline_missed_in_a_stall_is_asked_for_again(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(100);
    PLAY(one, options, 108, "due A 108", "exhausted A 108 live", "100+4 ....", "deadline 112",
         "now 112", "expire", "104+4 ....", "deadline 116", "now 121", "expire", "wait",
         "deadline never", "due A 116", "A 108", "A 112", "108+4 ####", "112+4 ####", "now 130",
         "due A 124", "exhausted A 130 live", "116+4 ....", "120+4 ....", "wait", "deadline 132");
}

static void a_gap_to_the_end_of_the_request_ends_there(void **state)
{
    (void)state;
    ark_mux_options options = with_start(100);
    options.bounded = true;
    options.end_ns = 114 * UNIT;
    options.on_gap = ARRAKIS_GAP_RAISE;
    PLAY(pair, options, 100000, "A 100", "B 100", "100+4 #### ####", "exhausted A 100000",
         "exhausted B 100000", "gap 104 114", "cursor 116");
    options.on_gap = ARRAKIS_GAP_SKIP;
    PLAY(pair, options, 100000, "A 100", "B 100", "A 200 = held", "exhausted A 100000",
         "exhausted B 100000", "100+4 #### ####", "200+4 #### ....");
}

static void shorter_blocks_are_taken_at_the_edges_of_a_request(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(102);
    PLAY(one, options, 200, "cursor 100", "A 102+2", "A 104", "A 108+3", "102+2 ##", "104+4 ####",
         "108+3 ###", "stats 0 0 0 0 0");
    PLAY(one, options, 200, "A 101+3 = mismatched", "A 103+1 = mismatched", "A 102+3 = mismatched",
         "A 100+6 = mismatched", "A 102+1", "102+1 #", "A 104+1", "104+1 #");
}

static void where_one_stream_has_the_whole_the_others_are_masked(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(102);
    PLAY(pair, options, 200, "A 102+2", "B 100", "100+4 ..## ####", "A 104", "B 104+1",
         "104+4 #### #...", "A 108+2", "B 108+2", "108+2 ## ##", "A 112+2", "B 116", "A 116",
         "112+2 ## ..");
}

static void an_edge_inside_a_block_of_several_strides_cuts_only_its_end(void **state)
{
    (void)state;
    ark_mux_options options = with_start(102);
    options.stride_ns = 8 * UNIT;
    PLAY(one, options, 200, "A 102+2", "A 104", "102+6 ######", "A 108", "A 112+1", "108+5 #####",
         "A 116+1", "A 120", "116+8 #...####");
}

static void a_full_stream_stops_its_source_and_nothing_is_dropped(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(0);
    bench b = bench_of(pair, 2, &options, 100000);
    play_line(&b, "full A no");
    char line[40];
    for (int i = 0; i < 1100; i++) {
        snprintf(line, sizeof line, "A %d", 4 * i);
        play_line(&b, line);
        assert_int_equal(ark_mux_full(b.mux, 0), i >= 999);
        assert_int_equal(ark_mux_has_room(b.mux, 0), i < 500);
    }
    for (int i = 0; i < 1100; i++) {
        snprintf(line, sizeof line, "B %d", 4 * i);
        play_line(&b, line);
        snprintf(line, sizeof line, "%d+4 #### ####", 4 * i);
        play_line(&b, line);
        assert_int_equal(ark_mux_has_room(b.mux, 0), i >= 599);
    }
    b.line = "";
    play_line(&b, "stats 0 0 0 0 0");
    bench_free(&b);
}

/* ------------------------------------------------------------------ the end of the source */

static void behind_the_end_of_the_source_the_rest_is_a_shorter_block(void **state)
{
    (void)state;
    ark_mux_options options = with_start(100);
    options.stride_ns = 12 * UNIT;
    PLAY(pair, options, 200, "A 100", "A 104", "A 108", "A 112", "A 116", "B 100", "B 104",
         "B 108", "B 112", "100+12 ############ ############", "wait", "finish",
         "112+8 ######## ####....", "wait", "stats 0 0 0 0 1");
}

static void behind_the_end_of_the_source_what_it_lacks_is_a_gap(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(100);
    PLAY(pair, options, 200, "A 104", "finish 112", "100+4 .... ....", "104+4 #### ....",
         "108+4 .... ....", "wait");
    PLAY(pair, options, 200, "finish", "wait");
    PLAY(pair, options, 200, "A 100+2", "finish", "100+2 ## ..", "wait");
}

static void a_live_source_that_ends_hands_out_what_it_has(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(pair, live, 100, "A 100", "A 104", "cursor unset", "finish", "100+4 #### ....",
         "104+4 #### ....", "wait");
    PLAY(pair, live, 100, "finish", "wait", "cursor unset");
    PLAY(pair, live, 100, "finish 200", "wait", "cursor unset");
}

static void skipping_and_raising_end_with_the_source(void **state)
{
    (void)state;
    ark_mux_options options = with_start(100);
    options.on_gap = ARRAKIS_GAP_SKIP;
    PLAY(pair, options, 200, "A 108", "finish 122", "108+4 #### ....", "wait");
    options.on_gap = ARRAKIS_GAP_RAISE;
    PLAY(pair, options, 200, "A 108", "finish 122", "gap 100 108", "108+4 #### ....",
         "gap 112 120", "gap 120 124", "wait");
}

/* ------------------------------------------------------------------ wrong times */

static void one_wrong_time_masks_nothing(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(0);
    PLAY(one, options, 100000, "A 0", "A 4", "A 14400 = held", "0+4 ####", "4+4 ####", "wait",
         "A 8", "A 12", "8+4 ####", "12+4 ####", "stats 0 0 1 0 0");
}

static void wrong_times_up_to_three_in_a_row_mask_nothing(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(0);
    PLAY(one, options, 100000, "A 0", "A 14400 = held", "A 14404 = held", "A 14408 = held", "A 4",
         "A 20000 = held", "A 8", "A 20004 = held", "A 30000 = held", "A 29000 = held", "A 12",
         "0+4 ####", "4+4 ####", "8+4 ####", "12+4 ####", "wait", "stats 0 0 7 0 0");
}

/* The bound of what can be distinguished: then the stream is believed, and what is before that is late. */
static void four_in_a_row_that_go_forward_are_believed(void **state)
{
    (void)state;
    ark_mux_options options = with_start(0);
    options.on_gap = ARRAKIS_GAP_SKIP;
    PLAY(one, options, 100000, "A 0", "A 14400 = held", "A 14404 = held", "A 14408 = held",
         "A 14412", "A 4 = late", "0+4 ####", "14400+4 ####", "14404+4 ####", "14408+4 ####",
         "14412+4 ####", "wait", "stats 1 0 0 0 0");
}

static void after_a_day_out_a_stream_goes_on_and_loses_nothing(void **state)
{
    (void)state;
    ark_mux_options options = with_start(0);
    options.on_gap = ARRAKIS_GAP_SKIP;
    /* 25 hours */
    PLAY(pair, options, 1000000, "A 0", "B 0", "A 360000 #.## = held", "B none 360000 = held",
         "0+4 #### ####", "wait", "A 360004 = held", "A 360008+2 = held", "A 360012", "wait",
         "B 360004 = held", "B 360008 = held", "B 360012", "360000+4 #.## ....",
         "360004+4 #### ####", "360008+4 ##.. ####", "360012+4 #### ####", "wait");
    options.on_gap = ARRAKIS_GAP_FILL;
    PLAY(one, options, 1000, "A 0", "A 16 = held", "A 20 = held", "A 24 = held", "A 28",
         "0+4 ####", "4+4 ....", "8+4 ....", "12+4 ....", "16+4 ####", "20+4 ####", "24+4 ####",
         "28+4 ####", "wait", "stats 0 0 0 0 3");
}

static void a_stream_of_few_blocks_far_apart_loses_none(void **state)
{
    (void)state;
    ark_mux_options options = with_start(0);
    options.on_gap = ARRAKIS_GAP_SKIP;
    PLAY(one, options, 1000000, "A 0", "A 1000 = held", "A 2000 = held", "A 3000 = held", "A 4000",
         "0+4 ####", "1000+4 ####", "wait", "A 5000", "2000+4 ####", "exhausted A 1000000",
         "3000+4 ####", "4000+4 ####", "5000+4 ####", "wait", "stats 0 0 0 0 0");
}

static void what_is_held_is_let_in_when_the_source_holds_no_more(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(0);
    PLAY(one, options, 100000, "A 0", "A 24 = held", "A 28 = held", "0+4 ####", "wait", "due A 12",
         "exhausted A 19", "4+4 ....", "8+4 ....", "wait", "exhausted A 20", "12+4 ....",
         "16+4 ....", "20+4 ....", "24+4 ####", "28+4 ####", "wait");
    PLAY(one, options, 100000, "A 0", "A 24 = held", "finish", "0+4 ####", "4+4 ....", "8+4 ....",
         "12+4 ....", "16+4 ....", "20+4 ....", "24+4 ####", "wait");
}

/* Without a contract a stream is waited for without limit, but what is held must not wait so. */
static void who_promises_nothing_is_asked_for_what_is_held(void **state)
{
    (void)state;
    ark_mux_options options = with_start(0);
    options.on_gap = ARRAKIS_GAP_SKIP;
    PLAY(patient, options, 1000, "A 0", "B 0", "0+4 #### ####", "due never", "A 100 = held",
         "due nobody 1008", "now 1008", "due A 1008", "exhausted A 1008", "due never", "wait",
         "B 200 = held", "now 1016", "due B 1016", "exhausted B 1016", "100+4 #### ....", "wait",
         "A 204 = held", "exhausted A 1024", "200+4 .... ####");
}

static void what_is_held_for_a_minute_is_believed(void **state)
{
    (void)state;
    ark_mux_options options = with_start(0);
    options.on_gap = ARRAKIS_GAP_SKIP;
    PLAY(one, options, 1000, "A 0", "A 100 = held", "0+4 ####", "deadline 1240", "now 1239",
         "expire", "wait", "now 1240", "expire", "100+4 ####", "wait");
    /* but not before what has come meanwhile is looked at */
    PLAY(one, options, 1000, "A 0", "A 100 = held", "0+4 ####", "now 2000", "A 4", "expire",
         "4+4 ####", "wait", "stats 0 0 1 0 0");
}

static void late_and_repeated_blocks_tell_nothing_of_what_is_held(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(0);
    PLAY(one, options, 1000, "A 0", "A 16 = held", "A 0 = duplicate", "A 16 = duplicate",
         "A 16 = duplicate", "A -4 = late", "A 20 = held", "A 16 = duplicate", "A 24 = held",
         "A 28", "0+4 ####", "4+4 ....", "8+4 ....", "12+4 ....", "16+4 ####", "20+4 ####",
         "24+4 ####", "28+4 ####", "stats 0 4 0 0 3");
}

static void the_word_of_the_reader_is_believed(void **state)
{
    (void)state;
    const ark_mux_options options = with_start(0);
    PLAY(one, options, 100000, "A 0", "A 20 = held", "A 200 = held", "A nothing 40", "0+4 ####",
         "4+4 ....", "8+4 ....", "12+4 ....", "16+4 ....", "20+4 ####", "24+4 ....", "28+4 ....",
         "32+4 ....", "36+4 ....", "40+4 ....", "wait", "stats 0 0 1 0 8");
}

static void a_live_block_ahead_of_the_clock_masks_nothing(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    /* 30 s ahead, and as the first of its stream; over a minute ahead it is not even held */
    PLAY(pair, live, 100, "A 96", "B 220 = held", "B 96", "96+4 #### ####", "A 220 = held",
         "A 100", "B 100", "100+4 #### ####", "A 344 = mismatched", "A 104", "B 104",
         "104+4 #### ####", "wait", "stats 0 0 3 0 0");
    PLAY(one, live, 100, "A 108", "A 124 = held", "A 112", "stats 0 0 1 0 0");
}

/* Data may be that late, and is never early. */
static void a_block_within_the_latency_ahead_of_the_clock_masks_nothing(void **state)
{
    (void)state;
    static const stream_spec late[] = {{4, 80}}; /* 20 s */
    const ark_mux_options live = with_start(UNSET), since = with_start(96);
    PLAY(late, live, 100, "A 96", "96+4 ####", "A 168 = held", "A 100", "100+4 ####", "A 104",
         "104+4 ####", "stats 0 0 1 0 0");
    PLAY(late, since, 100, "A 96", "96+4 ####", "A 168 = held", "A 100", "100+4 ####", "A 104",
         "104+4 ####", "stats 0 0 1 0 0");
    /* A block of the next stride is taken at once, on a clock that is a little behind, too. */
    PLAY(late, live, 100, "A 108", "108+4 ####", "A 112", "112+4 ####", "A 116", "116+4 ####",
         "stats 0 0 0 0 0");
}

/* Also where no other deadline passes, and where deadlines have passed before the block came. */
static void a_held_block_is_let_in_where_nothing_else_has_a_deadline(void **state)
{
    (void)state;
    static const stream_spec endless[] = {{4, UNSET}};
    const ark_mux_options live = with_start(UNSET), since = with_start(0);
    PLAY(endless, live, 100, "A 100", "100+4 ####", "expire", "A 140 = held", "now 132", "expire",
         "104+4 ....", "cursor 108");
    PLAY(one, since, 1000, "A 0", "0+4 ####", "expire", "A 100 = held", "now 1240", "expire",
         "4+4 ....", "cursor 8");
}

static void live_blocks_that_agree_tell_that_the_readers_clock_is_wrong(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(one, live, 100, "A 220 = held", "A 224 = held", "A 228 = held", "wait", "A 232", "A 236",
         "220+4 ####", "224+4 ####", "228+4 ####", "232+4 ####", "236+4 ####", "wait",
         "stats 0 0 0 0 0");
}

static void a_live_block_is_let_in_when_the_clock_comes_to_it(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(one, live, 100, "A 100", "A 140 = held", "100+4 ####", "deadline 112", "now 131",
         "expire", "104+4 ....", "108+4 ....", "112+4 ....", "116+4 ....", "120+4 ....", "wait",
         "now 132", "expire", "124+4 ....", "128+4 ....", "132+4 ....", "136+4 ....", "140+4 ####",
         "wait", "stats 0 0 0 0 9");
    PLAY(patient, live, 100, "A 140 = held", "B 100", "deadline 132", "now 132", "expire",
         "cursor 140", "wait", "B 140", "140+4 #### ####");
}

static void a_live_stream_does_not_begin_over_a_day_before_the_present(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    /* a day and the deadline, 8 units, before 16000000000 */
    PLAY(pair, live, 16000000000, "A 0 = mismatched", "A 15999654388 = mismatched", "cursor unset",
         "A 16000000000", "B 16000000000", "16000000000+4 #### ####", "stats 0 0 2 0 0");
    PLAY(pair, live, 16000000000, "A 15999654392", "stats 0 0 0 0 0");
}

static void a_start_refuses_what_lies_over_a_minute_ahead_of_the_clock(void **state)
{
    (void)state;
    ark_mux_options options = with_start(100);
    PLAY(one, options, 120, "A 100", "A 364 = mismatched", "A 16000000000 = mismatched",
         "A 360 = held", "A 104", "100+4 ####", "104+4 ####", "stats 0 0 3 0 0");
    /* a request that begins in the future itself is not measured by the clock */
    options = with_start(16000000000);
    PLAY(one, options, 120, "A 16000000000", "A 16000000004", "16000000000+4 ####",
         "stats 0 0 0 0 0");
}

/* ------------------------------------------------------------------ a clock that is set */

static void a_clock_set_back_gives_back_what_nobody_was_told(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    PLAY(pair, live, 100, "A 100", "B 100", "100+4 #### ####", "A 104", "now 580", "expire",
         "104+4 #### ....", "now 104", "expire", "wait", "B 104 = late", "A 108", "B 108",
         "108+4 #### ####", "deadline 120", "now 120", "expire", "112+4 .... ....", "wait",
         "stats 1 0 0 0 3");
    ark_mux_options options = with_start(100);
    PLAY(pair, options, 580, "A 100", "B 100", "100+4 #### ####", "expire", "exhausted A 580",
         "exhausted B 580", "104+4 .... ....", "now 104", "expire", "wait", "A 108", "B 108",
         "108+4 #### ####");
}

/* ------------------------------------------------------------------ extremes */

static void a_jump_over_decades_is_one_gap(void **state)
{
    (void)state;
    ark_mux_options raising = with_start(0);
    raising.on_gap = ARRAKIS_GAP_RAISE;
    /* the latest time that a message may have, 126 years after the first */
    PLAY(one, raising, 16000000000, "A 0", "0+4 ####", "A 16000000000 = held",
         "exhausted A 16000000008", "gap 4 16000000000", "16000000000+4 ####", "A 100 = late",
         "wait");
}

static void the_largest_times_do_not_overflow(void **state)
{
    (void)state;
    const int64_t latest = INT64_C(16000000000);
    static const stream_spec absurd[] = {{4, INT64_C(36000000000)}, {4, 4}};
    ark_mux_options options = with_start(INT64_MAX / 4 / UNIT);
    options.stride_ns = INT64_C(4) * UNIT;
    options.bounded = true;
    bench b = bench_of(absurd, 2, &options, latest);
    int64_t due_ns;
    assert_int_equal(ark_mux_deadline_overdue(b.mux, latest * UNIT, &due_ns),
                     0); /* an hour is over */
    ark_mux_exhausted(b.mux, 0, latest * UNIT, true);
    ark_mux_exhausted(b.mux, 1, latest * UNIT, true);
    ark_mux_deadline_expire(b.mux, latest * UNIT);
    bench_free(&b);
    options = with_start(UNSET);
    options.tolerance_ns = INT64_MAX / 4;
    b = bench_of(absurd, 2, &options, latest);
    ark_mux_deadline_expire(b.mux, latest * UNIT);
    assert_true(ark_mux_deadline_ns(b.mux) > latest * UNIT);
    bench_free(&b);
}

static void a_declared_latency_can_be_any_number(void **state)
{
    (void)state;
    channel_spec spec = {"X:A", ARRAKIS_INT32, 4, "A", 0, 4 * UNIT, INT64_MAX};
    arrakis_channels *list = channels_of(&spec, 1);
    const ark_mux_input_info stream = {"A", list};
    const ark_mux_options live = with_start(UNSET);
    ark_mux *mux;
    PASS(ark_mux_new(&mux, &stream, 1, &live, INT64_C(4000000000) * SECOND, err));
    ark_mux_deadline_expire(mux, INT64_C(4000000000) * SECOND);
    assert_true(ark_mux_deadline_ns(mux) > INT64_C(4000000000) * SECOND);
    ark_mux_free(mux);
    arrakis_channels_unref(list);
}

static void a_block_cannot_hold_more_strides_than_can_be_counted(void **state)
{
    (void)state;
    channel_spec spec = {"X:A", ARRAKIS_INT8, 4, "A", 0, SECOND / 4, UNSET};
    arrakis_channels *list = channels_of(&spec, 1);
    const ark_mux_input_info stream = {"A", list};
    ark_mux_options live = with_start(UNSET);
    ark_mux *mux;
    /* 2^32 and 2^32 + 1 strides of a quarter of a second: 34 years */
    live.stride_ns = (INT64_C(1) << 32) * (SECOND / 4);
    FAIL(ark_mux_new(&mux, &stream, 1, &live, 0, err), ARRAKIS_EINVAL, "too many strides");
    live.stride_ns += SECOND / 4;
    FAIL(ark_mux_new(&mux, &stream, 1, &live, 0, err), ARRAKIS_EINVAL, "too many strides");
    arrakis_channels_unref(list);
}

static void what_cannot_be_aligned_is_refused(void **state)
{
    (void)state;
    const ark_mux_options live = with_start(UNSET);
    ark_mux *mux;
    FAIL(ark_mux_new(&mux, NULL, 0, &live, 0, err), ARRAKIS_EINVAL, "no inputs");
    channel_spec spec = {"X:A", ARRAKIS_INT32, 4, "A", 0, 4 * UNIT, UNSET};
    arrakis_channels *list = channels_of(&spec, 1), *none = channels_of(&spec, 0);
    const ark_mux_input_info empty = {"A", none}, twice[] = {{"A", list}, {"B", list}};
    FAIL(ark_mux_new(&mux, &empty, 1, &live, 0, err), ARRAKIS_EINVAL, "input A has no channels");
    FAIL(ark_mux_new(&mux, twice, 2, &live, 0, err), ARRAKIS_EINVAL, "X:A");
    spec.rate = 0.3;
    arrakis_channels *uneven = channels_of(&spec, 1);
    const ark_mux_input_info odd = {"A", uneven};
    FAIL(ark_mux_new(&mux, &odd, 1, &live, 0, err), ARRAKIS_EINVAL, "X:A: 0.3 Hz");
    arrakis_channels_unref(uneven);
    arrakis_channels_unref(list);
    arrakis_channels_unref(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_mux_begins_at_its_first_data),
        cmocka_unit_test(live_streams_begin_together_at_the_latest_front),
        cmocka_unit_test(a_front_behind_the_others_drops_what_they_lack),
        cmocka_unit_test(a_stream_past_its_deadline_does_not_hold_up_the_beginning),
        cmocka_unit_test(a_live_mux_of_silent_streams_begins_where_it_began_to_wait),
        cmocka_unit_test(opening_for_long_makes_no_gaps_of_what_came_meanwhile),
        cmocka_unit_test(mixed_strides_begin_on_their_common_grid),
        cmocka_unit_test(first_data_older_than_its_deadline_does_not_stall_the_deadlines),
        cmocka_unit_test(deadlines_are_exact),
        cmocka_unit_test(the_slowest_contract_sets_the_deadline),
        cmocka_unit_test(a_tolerance_replaces_the_declared_latency),
        cmocka_unit_test(data_that_lies_at_its_source_is_due_later),
        cmocka_unit_test(without_a_contract_only_data_makes_a_block),
        cmocka_unit_test(what_comes_before_the_horizon_is_late),
        cmocka_unit_test(one_stream_that_is_always_late_masks_only_itself),
        cmocka_unit_test(a_newer_block_that_is_whole_waits_for_an_older_one_that_is_not),
        cmocka_unit_test(after_a_day_out_a_live_stream_goes_on),
        cmocka_unit_test(a_block_past_its_own_deadline_is_late_whoever_else_waits),
        cmocka_unit_test(blocks_off_the_stride_are_mismatched),
        cmocka_unit_test(nulls_stay_where_they_are),
        cmocka_unit_test(a_message_without_the_row_leaves_it_missing),
        cmocka_unit_test(in_live_the_oldest_is_dropped_when_others_are_too_far_behind),
        cmocka_unit_test(a_gap_is_filled_once),
        cmocka_unit_test(skipping_leaves_out_what_no_stream_has),
        cmocka_unit_test(raising_says_the_whole_gap_and_goes_on_behind_it),
        cmocka_unit_test(a_skip_stays_on_the_grid_of_the_blocks),
        cmocka_unit_test(what_may_still_come_is_not_skipped),
        cmocka_unit_test(blocks_of_several_strides_are_put_together),
        cmocka_unit_test(a_request_counts_its_blocks_from_its_own_start),
        cmocka_unit_test(an_output_stride_is_a_multiple_of_the_native_one),
        cmocka_unit_test(a_request_starts_at_the_common_boundary_before_its_start),
        cmocka_unit_test(no_deadline_passes_by_itself_in_a_request_with_a_start),
        cmocka_unit_test(overdue_is_who_holds_up_the_next_block_and_should_have_come),
        cmocka_unit_test(without_a_contract_nobody_is_overdue_unless_the_request_is_bounded),
        cmocka_unit_test(who_is_exhausted_live_has_deadlines_from_then_on),
        cmocka_unit_test(exhausted_makes_known_what_was_due_and_no_more),
        cmocka_unit_test(nothing_is_late_while_another_stream_is_waited_for),
        cmocka_unit_test(a_deadline_missed_in_a_stall_is_asked_for_again),
        cmocka_unit_test(a_gap_to_the_end_of_the_request_ends_there),
        cmocka_unit_test(shorter_blocks_are_taken_at_the_edges_of_a_request),
        cmocka_unit_test(where_one_stream_has_the_whole_the_others_are_masked),
        cmocka_unit_test(an_edge_inside_a_block_of_several_strides_cuts_only_its_end),
        cmocka_unit_test(a_full_stream_stops_its_source_and_nothing_is_dropped),
        cmocka_unit_test(behind_the_end_of_the_source_the_rest_is_a_shorter_block),
        cmocka_unit_test(behind_the_end_of_the_source_what_it_lacks_is_a_gap),
        cmocka_unit_test(a_live_source_that_ends_hands_out_what_it_has),
        cmocka_unit_test(skipping_and_raising_end_with_the_source),
        cmocka_unit_test(one_wrong_time_masks_nothing),
        cmocka_unit_test(wrong_times_up_to_three_in_a_row_mask_nothing),
        cmocka_unit_test(four_in_a_row_that_go_forward_are_believed),
        cmocka_unit_test(after_a_day_out_a_stream_goes_on_and_loses_nothing),
        cmocka_unit_test(a_stream_of_few_blocks_far_apart_loses_none),
        cmocka_unit_test(what_is_held_is_let_in_when_the_source_holds_no_more),
        cmocka_unit_test(who_promises_nothing_is_asked_for_what_is_held),
        cmocka_unit_test(what_is_held_for_a_minute_is_believed),
        cmocka_unit_test(late_and_repeated_blocks_tell_nothing_of_what_is_held),
        cmocka_unit_test(the_word_of_the_reader_is_believed),
        cmocka_unit_test(a_live_block_ahead_of_the_clock_masks_nothing),
        cmocka_unit_test(a_block_within_the_latency_ahead_of_the_clock_masks_nothing),
        cmocka_unit_test(a_held_block_is_let_in_where_nothing_else_has_a_deadline),
        cmocka_unit_test(live_blocks_that_agree_tell_that_the_readers_clock_is_wrong),
        cmocka_unit_test(a_live_block_is_let_in_when_the_clock_comes_to_it),
        cmocka_unit_test(a_live_stream_does_not_begin_over_a_day_before_the_present),
        cmocka_unit_test(a_start_refuses_what_lies_over_a_minute_ahead_of_the_clock),
        cmocka_unit_test(a_clock_set_back_gives_back_what_nobody_was_told),
        cmocka_unit_test(a_jump_over_decades_is_one_gap),
        cmocka_unit_test(the_largest_times_do_not_overflow),
        cmocka_unit_test(a_declared_latency_can_be_any_number),
        cmocka_unit_test(a_block_cannot_hold_more_strides_than_can_be_counted),
        cmocka_unit_test(what_cannot_be_aligned_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
