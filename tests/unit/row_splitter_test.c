/* SPDX-License-Identifier: Apache-2.0 */
#include "read/row_splitter.h"
#include "support.h"

/* A coarse stream of three channels, as a message of int32: channels 0 and 1 side by side, of 4
 * samples, channel 2 of 8. Sample i is 100 + i. */
typedef struct coarse {
    int32_t samples[16];
    uint8_t valid[2];
    ark_run runs[2];
    ark_rows rows;
    ark_row_splitter splitter;
} coarse;

#define STRIDE SECOND

static void set_up(coarse *c)
{
    for (int i = 0; i < 16; i++)
        c->samples[i] = 100 + i;
    c->runs[0] = (ark_run){0, SIZE_MAX, 0, 0, 2, 4};
    c->runs[1] = (ark_run){8 * sizeof(int32_t), SIZE_MAX, 0, 2, 1, 8};
    c->rows = (ark_rows){5 * STRIDE, STRIDE, (const uint8_t *)c->samples, c->runs, 2, NULL, 0};
    PASS(ark_row_splitter_init(&c->splitter, 3, err));
}

static ark_row_splitter_channel channel_from(uint32_t from, int64_t samples)
{
    return (ark_row_splitter_channel){.from = from, .size = sizeof(int32_t), .samples = samples};
}

/* One channel of an arrival: the number of its first sample, and how many. */
static void expect(const coarse *c, const ark_arrival *a, uint32_t channel, int32_t first,
                   uint32_t length)
{
    for (size_t i = 0; i < a->rows.run_count; i++) {
        const ark_run *run = &a->rows.runs[i];
        if (run->channel != channel)
            continue;
        int32_t value;
        assert_int_equal(run->channels, 1);
        assert_int_equal(run->length, length);
        assert_true(run->samples_at + length * sizeof value <= sizeof c->samples);
        memcpy(&value, a->rows.base + run->samples_at, sizeof value);
        assert_int_equal(value, 100 + first);
        return;
    }
    fail_msg("channel %u is missing", channel);
}

static void channels_go_to_the_streams_that_have_them(void **state)
{
    (void)state;
    coarse c;
    ark_arrival a;
    set_up(&c);
    ark_row_splitter_channel x[] = {channel_from(2, 8), channel_from(0, 4)},
                             y[] = {channel_from(1, 4)};
    const ark_row_splitter_output outputs[] = {{7, STRIDE, x, 2}, {9, STRIDE, y, 1}};
    ark_row_splitter_begin(&c.splitter, &c.rows, STRIDE, outputs, 2);
    assert_true(ark_row_splitter_next(&c.splitter, &a));
    assert_int_equal(a.input, 7);
    assert_int_equal(a.rows.time_ns, 5 * STRIDE);
    assert_int_equal(a.rows.duration_ns, STRIDE);
    expect(&c, &a, 0, 8, 8);
    expect(&c, &a, 1, 0, 4);
    assert_true(ark_row_splitter_next(&c.splitter, &a));
    assert_int_equal(a.input, 9);
    expect(&c, &a, 0, 4, 4);
    assert_false(ark_row_splitter_next(&c.splitter, &a));
    ark_row_splitter_clear(&c.splitter);
}

static void a_longer_stride_comes_in_steps(void **state)
{
    (void)state;
    coarse c;
    ark_arrival a;
    set_up(&c);
    ark_row_splitter_channel x[] = {channel_from(2, 2), channel_from(1, 1)};
    const ark_row_splitter_output output = {3, STRIDE / 4, x, 2};
    c.runs[0].valid_at = c.runs[1].valid_at = (size_t)(c.valid - (const uint8_t *)c.samples);
    c.runs[1].valid_bit = 8;
    ark_row_splitter_begin(&c.splitter, &c.rows, STRIDE, &output, 1);
    for (int i = 0; i < 4; i++) {
        assert_true(ark_row_splitter_next(&c.splitter, &a));
        assert_int_equal(a.rows.time_ns, 5 * STRIDE + i * STRIDE / 4);
        assert_int_equal(a.rows.duration_ns, STRIDE / 4);
        expect(&c, &a, 0, 8 + 2 * i, 2);
        expect(&c, &a, 1, 4 + i, 1);
        assert_int_equal(a.rows.runs[0].valid_bit, 8 + 2 * i);
        assert_int_equal(a.rows.runs[1].valid_bit, 4 + i);
    }
    assert_false(ark_row_splitter_next(&c.splitter, &a));
    ark_row_splitter_clear(&c.splitter);
}

static void what_is_missing_is_missing_in_the_parts(void **state)
{
    (void)state;
    coarse c;
    ark_arrival a;
    static const uint32_t missing[] = {1};
    set_up(&c);
    c.runs[0].channels = 1;
    c.rows.missing = missing;
    c.rows.missing_count = 1;
    ark_row_splitter_channel x[] = {channel_from(1, 4), channel_from(0, 4)},
                             y[] = {channel_from(1, 4)};
    const ark_row_splitter_output outputs[] = {{0, STRIDE, x, 2}, {1, STRIDE, y, 1}};
    ark_row_splitter_begin(&c.splitter, &c.rows, STRIDE, outputs, 2);
    assert_true(ark_row_splitter_next(&c.splitter, &a));
    expect(&c, &a, 1, 0, 4);
    assert_int_equal(a.rows.missing_count, 1);
    assert_int_equal(a.rows.missing[0], 0);
    assert_true(ark_row_splitter_next(&c.splitter, &a));
    assert_int_equal(a.rows.run_count, 0);
    assert_int_equal(a.rows.missing_count, 1);
    ark_row_splitter_clear(&c.splitter);
}

static void an_edge_ends_in_a_shorter_step(void **state)
{
    (void)state;
    coarse c;
    ark_arrival a;
    set_up(&c);
    ark_row_splitter_channel x[] = {channel_from(2, 4)};
    const ark_row_splitter_output output = {0, STRIDE / 2, x, 1};
    c.rows.duration_ns = STRIDE * 3 / 4;
    c.runs[1].length = 6;
    ark_row_splitter_begin(&c.splitter, &c.rows, STRIDE, &output, 1);
    assert_true(ark_row_splitter_next(&c.splitter, &a));
    expect(&c, &a, 0, 8, 4);
    assert_true(ark_row_splitter_next(&c.splitter, &a));
    assert_int_equal(a.rows.duration_ns, STRIDE / 4);
    expect(&c, &a, 0, 12, 2);
    assert_false(ark_row_splitter_next(&c.splitter, &a));
    ark_row_splitter_clear(&c.splitter);
}

/* Nobody may copy more than is there, or leave samples unwritten. */
static void lengths_that_do_not_fit_the_duration_do_no_harm(void **state)
{
    (void)state;
    coarse c;
    ark_arrival a;
    set_up(&c);
    ark_row_splitter_channel x[] = {channel_from(0, 3)}, y[] = {channel_from(1, 5)},
                             z[] = {channel_from(2, -1)};
    const ark_row_splitter_output outputs[] = {
        {0, STRIDE, x, 1}, {1, STRIDE, y, 1}, {2, STRIDE, z, 1}};
    ark_row_splitter_begin(&c.splitter, &c.rows, STRIDE, outputs, 3);
    assert_true(ark_row_splitter_next(&c.splitter, &a));
    expect(&c, &a, 0, 0, 3);
    for (int i = 0; i < 2; i++) {
        assert_true(ark_row_splitter_next(&c.splitter, &a));
        assert_int_equal(a.rows.run_count, 0);
        assert_int_equal(a.rows.missing_count, 1);
    }
    ark_row_splitter_clear(&c.splitter);
}

static void rows_longer_than_their_own_stride_stay_so(void **state)
{
    (void)state;
    coarse c;
    ark_arrival a;
    set_up(&c);
    ark_row_splitter_channel x[] = {channel_from(2, 4)};
    const ark_row_splitter_output output = {0, STRIDE / 2, x, 1};
    ark_row_splitter_begin(&c.splitter, &c.rows, STRIDE / 2, &output, 1);
    assert_true(ark_row_splitter_next(&c.splitter, &a));
    assert_int_equal(a.rows.duration_ns, STRIDE);
    assert_false(ark_row_splitter_next(&c.splitter, &a));
    ark_row_splitter_clear(&c.splitter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_go_to_the_streams_that_have_them),
        cmocka_unit_test(a_longer_stride_comes_in_steps),
        cmocka_unit_test(what_is_missing_is_missing_in_the_parts),
        cmocka_unit_test(an_edge_ends_in_a_shorter_step),
        cmocka_unit_test(lengths_that_do_not_fit_the_duration_do_no_harm),
        cmocka_unit_test(rows_longer_than_their_own_stride_stay_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
