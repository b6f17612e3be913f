/* SPDX-License-Identifier: Apache-2.0 */
/* One partition's rows -> blocks. One unit is a second; the partition has one channel of 1 Hz, and
 * a block has three strides. A log is a list of times, each of a message of its own, whose offsets
 * count from 0: a block is written as its begin and its samples, and where to begin in order to
 * get it, and what follows it, again. */
#include "read/sequence.h"
#include "support.h"

#include <inttypes.h>

enum { BLOCK = 3, LATEST = 1000 };

static ark_sequence sequence_from(int64_t begin)
{
    static const channel_spec spec = {"X:A", ARRAKIS_INT32, 1, "p", 0, SECOND, SECOND};
    arrakis_channels *list = channels_of(&spec, 1);
    ark_sequence s;
    PASS(ark_sequence_init(&s, list, SECOND, BLOCK * SECOND, begin * SECOND, err));
    arrakis_channels_unref(list);
    return s;
}

static void write_block(char *text, ark_sequence_block *out)
{
    char *to = text + strlen(text);
    arrakis_series series = arrakis_block_series(out->block, 0);
    to += sprintf(to, "%" PRId64 ":", arrakis_block_start_ns(out->block) / SECOND);
    for (size_t i = 0; i < series.length; i++) {
        bool present = !series.valid || (series.valid[i / 8] >> i % 8 & 1);
        if (present)
            to += sprintf(to, " %" PRId32, ((const int32_t *)series.samples)[i]);
        else
            to += sprintf(to, " -");
    }
    sprintf(to, " (%" PRId64 "@%" PRId64 ", %" PRId64 "@%" PRId64 ")\n", out->at.offset,
            out->at.time_ns / SECOND, out->next.offset, out->next.time_ns / SECOND);
    arrakis_block_unref(out->block);
}

static void put(ark_sequence *s, int64_t time, int64_t offset, char *text)
{
    int32_t sample = (int32_t)time;
    ark_run run = {.valid_at = SIZE_MAX, .channels = 1, .length = 1};
    ark_rows rows = {time * SECOND, SECOND, (const uint8_t *)&sample, &run, 1, NULL, 0};
    ark_sequence_block out;
    arrakis_status rc;
    while ((rc = ark_sequence_put(s, &rows, offset, LATEST * SECOND, &out, NULL)) == ARRAKIS_OK)
        write_block(text, &out);
    assert_int_equal(rc, ARRAKIS_DONE);
}

static void end_message(ark_sequence *s, int64_t offset, char *text)
{
    ark_sequence_block out;
    arrakis_status rc = ark_sequence_end_message(s, offset, &out, NULL);
    if (rc == ARRAKIS_OK)
        write_block(text, &out);
    else
        assert_int_equal(rc, ARRAKIS_DONE);
}

/* All that comes of a log, read from an offset on by a reader that begins at a time. Row i is one
 * of the message offsets[i]; NULL: of message i. */
static ark_sequence_counts read_messages(const int64_t *log, const int64_t *offsets, size_t count,
                                         int64_t from, int64_t begin, char text[4096])
{
    ark_sequence s = sequence_from(begin);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        int64_t offset = offsets ? offsets[i] : (int64_t)i;
        if (offset < from)
            continue;
        put(&s, log[i], offset, text);
        if (!offsets || i + 1 == count || offsets[i + 1] != offset)
            end_message(&s, offset, text);
    }
    ark_sequence_counts counts = s.counts;
    ark_sequence_clear(&s);
    return counts;
}

#define READ(text, ...)                                                                           \
    read_messages((const int64_t[]){__VA_ARGS__}, NULL,                                           \
                  sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), 0, 0, text)

static void a_block_is_complete_with_its_last_stride(void **state)
{
    (void)state;
    char text[4096];
    READ(text, 6, 7);
    assert_string_equal(text, "");
    READ(text, 6, 7, 8);
    assert_string_equal(text, "6: 6 7 8 (0@6, 3@9)\n");
    READ(text, 6, 8, 7, 9);
    assert_string_equal(text, "6: 6 - 8 (0@6, 2@9)\n");
}

static void a_block_is_complete_when_a_later_one_begins(void **state)
{
    (void)state;
    char text[4096];
    READ(text, 7, 8, 9, 10, 12);
    assert_string_equal(text, "6: - 7 8 (0@6, 2@9)\n9: 9 10 - (2@9, 4@12)\n");
}

/* What follows a block begins within the message that has its last stride, where that has more. */
static void a_message_may_have_several_strides(void **state)
{
    (void)state;
    char text[4096];
    const int64_t log[] = {6, 7, 8, 9, 10, 11, 12, 50, 51};
    const int64_t together[] = {0, 0, 1, 1, 2, 2, 3, 3, 4}, one[9] = {0};
    read_messages(log, together, 9, 0, 0, text);
    assert_string_equal(text, "6: 6 7 8 (0@6, 1@9)\n9: 9 10 11 (1@9, 3@12)\n"
                              "12: 12 - - (3@12, 3@15)\n48: - - 50 (3@48, 4@51)\n");
    read_messages(log, one, 9, 0, 0, text);
    assert_string_equal(text, "6: 6 7 8 (0@6, 0@9)\n9: 9 10 11 (0@9, 0@12)\n"
                              "12: 12 - - (0@12, 0@15)\n48: - - 50 (0@48, 0@51)\n");
    const int64_t ahead[] = {6, 7, 8, 50, 9, 50}, apart[] = {0, 1, 2, 2, 3, 4};
    read_messages(ahead, apart, 4, 0, 0, text);
    assert_string_equal(text, "6: 6 7 8 (0@6, 2@9)\n");
    read_messages(ahead, apart, 6, 2, 9, text);
    assert_string_equal(text, "");
    const int64_t back[] = {6, 30, 7, 31}, both[] = {0, 1, 1, 2};
    ark_sequence_counts counts = read_messages(back, both, 4, 0, 0, text);
    assert_string_equal(text, "6: 6 - - (0@6, 1@9)\n");
    assert_int_equal(counts.late, 1);
}

static void what_is_late_or_repeated_is_dropped(void **state)
{
    (void)state;
    char text[4096];
    ark_sequence_counts counts = READ(text, 6, 8, 7, 8, 9, 6);
    assert_string_equal(text, "6: 6 - 8 (0@6, 2@9)\n");
    assert_int_equal(counts.late, 3);
}

static void a_time_far_ahead_is_right_when_later_ones_follow(void **state)
{
    (void)state;
    char text[4096];
    READ(text, 6, 30);
    assert_string_equal(text, "");
    READ(text, 6, 30, 31);
    assert_string_equal(text, "6: 6 - - (0@6, 1@9)\n");
    READ(text, 6, 30, 33);
    assert_string_equal(text, "6: 6 - - (0@6, 1@9)\n");
    READ(text, 6, 30, 31, 32);
    assert_string_equal(text, "6: 6 - - (0@6, 1@9)\n30: 30 31 32 (1@30, 4@33)\n");
    READ(text, 8);
    assert_string_equal(text, "");
    READ(text, 8, 9);
    assert_string_equal(text, "6: - - 8 (0@6, 1@9)\n");
}

static void a_time_far_ahead_is_wrong_when_earlier_ones_follow(void **state)
{
    (void)state;
    char text[4096];
    ark_sequence_counts counts = READ(text, 6, 600, 7, 8, 9, 2000, 10, 500, 500, 11, 12);
    assert_string_equal(text, "6: 6 7 8 (0@6, 4@9)\n9: 9 10 11 (4@9, 10@12)\n");
    assert_int_equal(counts.mismatched, 3);
    READ(text, 8, 7, 8);
    assert_string_equal(text, "6: - 7 8 (1@6, 3@9)\n");
    assert_int_equal(counts.late, 1);
}

static void what_is_off_the_stride_is_dropped(void **state)
{
    (void)state;
    int32_t sample = 0;
    ark_run run = {.valid_at = SIZE_MAX, .channels = 1, .length = 1};
    ark_rows rows = {6 * SECOND + 1, SECOND, (const uint8_t *)&sample, &run, 1, NULL, 0};
    ark_sequence_block out;
    ark_sequence s = sequence_from(0);
    assert_int_equal(ark_sequence_put(&s, &rows, 0, LATEST * SECOND, &out, NULL), ARRAKIS_DONE);
    rows.time_ns--;
    rows.duration_ns = SECOND / 2;
    assert_int_equal(ark_sequence_put(&s, &rows, 1, LATEST * SECOND, &out, NULL), ARRAKIS_DONE);
    assert_int_equal(s.counts.mismatched, 2);
    ark_sequence_clear(&s);
}

/* The text from the block that begins at `at` on. */
static const char *rest_from(const char *text, int64_t offset, int64_t time)
{
    char mark[64];
    snprintf(mark, sizeof mark, "(%" PRId64 "@%" PRId64 ",", offset, time);
    const char *found = strstr(text, mark);
    while (found && found > text && found[-1] != '\n')
        found--;
    return found ? found : "";
}

/* Logs with gaps, repetitions and wrong times, in messages of one or several strides: whoever
 * begins at any position that came out gets the same as the one who read from the beginning. */
static void whoever_goes_on_gets_the_same(void **state)
{
    (void)state;
    enum { COUNT = 120, RUNS = 400 };
    static const int64_t steps[] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 9, 40, 0, -1, -2, -7};
    uint32_t random = 1;
    for (int run = 0; run < RUNS; run++) {
        int64_t log[COUNT], offsets[COUNT], time = 30, begin = run % 4 == 3 ? 31 : 0;
        for (int i = 0; i < COUNT; i++) {
            random = random * 1664525 + 1013904223;
            int64_t step = steps[random >> 28];
            log[i] = time + step < 0 ? 0 : time + step;
            if (step > 0 && (step < 9 || (random >> 20 & 1)))
                time += step; /* otherwise this one alone has that time */
            bool same = i && run % 2 && random >> 16 & 1;
            offsets[i] = i ? offsets[i - 1] + !same : 0;
        }
        char all[4096], again[4096];
        read_messages(log, offsets, COUNT, 0, begin, all);
        for (const char *line = all; *line; line = strchr(line, '\n') + 1) {
            int64_t offset, at, next, after;
            assert_int_equal(sscanf(strchr(line, '('),
                                    "(%" SCNd64 "@%" SCNd64 ", %" SCNd64 "@%" SCNd64, &offset, &at,
                                    &next, &after),
                             4);
            read_messages(log, offsets, COUNT, offset, at, again);
            assert_string_equal(again, rest_from(all, offset, at));
            read_messages(log, offsets, COUNT, next, after, again);
            assert_string_equal(again, strchr(line, '\n') + 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_complete_with_its_last_stride),
        cmocka_unit_test(a_block_is_complete_when_a_later_one_begins),
        cmocka_unit_test(a_message_may_have_several_strides),
        cmocka_unit_test(what_is_late_or_repeated_is_dropped),
        cmocka_unit_test(a_time_far_ahead_is_right_when_later_ones_follow),
        cmocka_unit_test(a_time_far_ahead_is_wrong_when_earlier_ones_follow),
        cmocka_unit_test(what_is_off_the_stride_is_dropped),
        cmocka_unit_test(whoever_goes_on_gets_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
