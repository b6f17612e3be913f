/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/latency.h"
#include "channel/stride.h"
#include "support.h"

static void a_step_holds_every_time_from_its_begin_to_the_next(void **state)
{
    (void)state;
    const struct {
        int64_t t, step, begin;
    } cases[] = {
        {0, 10, 0},
        {9, 10, 0},
        {10, 10, 10},
        {-1, 10, -10},
        {-10, 10, -10},
        {-11, 10, -20},
        {INT64_MAX, 10, INT64_MAX - 7},
        {INT64_MAX, 1, INT64_MAX},
        {INT64_MIN, 1, INT64_MIN},
        {INT64_MIN, 2, INT64_MIN},
        {-1, INT64_MAX, -INT64_MAX},
        {INT64_MAX, INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(ark_stride_floor(cases[i].t, cases[i].step), cases[i].begin);
}

static void the_common_multiple_is_the_least_one(void **state)
{
    (void)state;
    assert_int_equal(ark_stride_lcm(1, 62500000), 62500000);
    assert_int_equal(ark_stride_lcm(62500000, 62500000), 62500000);
    assert_int_equal(ark_stride_lcm(62500000, 1000000000), 1000000000);
    assert_int_equal(ark_stride_lcm(6, 4), 12);
    assert_int_equal(ark_stride_lcm(4, 6), 12);
    assert_int_equal(ark_stride_lcm(7, 9), 63);
}

static void strides_that_meet_in_no_day_are_refused(void **state)
{
    (void)state;
    const int64_t day = 86400 * SECOND;
    assert_int_equal(ark_stride_lcm(1, day), day);
    assert_int_equal(ark_stride_lcm(1, day + 1), -1);
    assert_int_equal(ark_stride_lcm(1, INT64_MAX), -1);
    assert_int_equal(ark_stride_lcm(day, day - 1), -1);
    assert_int_equal(ark_stride_lcm(999999937, 999999929), -1);
}

static void a_latency_is_an_hour_at_most(void **state)
{
    (void)state;
    static const int64_t declared[][2] = {{SECOND, SECOND},
                                          {3600 * SECOND, 3600 * SECOND},
                                          {3600 * SECOND + 1, 3600 * SECOND},
                                          {INT64_C(1000000000000000000), 3600 * SECOND},
                                          {UNSET, UNSET}};
    for (size_t i = 0; i < COUNT(declared); i++) {
        const channel_spec one = {"X:A", ARRAKIS_INT32, 16, "p", 0, 62500000, declared[i][0]};
        arrakis_channels *channels = channels_of(&one, 1);
        assert_int_equal(ark_latency_of(channels), declared[i][1]);
        arrakis_channels_unref(channels);
    }
}

static void a_stream_may_run_ahead_by_its_latency_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(ark_latency_max_ahead(UNSET, SECOND / 16), 2 * SECOND + SECOND / 16);
    assert_int_equal(ark_latency_max_ahead(SECOND / 16, SECOND / 16), SECOND + SECOND / 16);
    assert_int_equal(ark_latency_max_ahead(7 * SECOND, 2 * SECOND), 7 * SECOND);
    assert_int_equal(ark_latency_max_ahead(INT64_MAX / 4 + SECOND, SECOND), 61 * SECOND);
}

static void a_list_has_the_common_stride_of_its_channels(void **state)
{
    (void)state;
    const channel_spec specs[] = {
        {"X1:A-B", ARRAKIS_INT32, 16, "p", 0, 62500000, UNSET},
        {"X1:A-C", ARRAKIS_INT32, 16, "p", 1, 125000000, UNSET},
        {"X1:A-D", ARRAKIS_INT32, 16, "p", 2, UNSET, UNSET},
        {"X1:A-E", ARRAKIS_INT32, 16, "p", 3, INT64_MAX, UNSET},
    };
    int64_t stride_ns;
    arrakis_channels *good = channels_of(specs, 2), *without = channels_of(specs, 3);
    arrakis_channels *absurd = channels_of(specs + 3, 1);
    PASS(ark_stride_of(&stride_ns, good, err));
    assert_int_equal(stride_ns, 125000000);
    FAIL(ark_stride_of(&stride_ns, without, err), ARRAKIS_EINVAL, "X1:A-D has no stride");
    FAIL(ark_stride_of(&stride_ns, absurd, err), ARRAKIS_EINVAL, "X1:A-E, 9223372036854775807 ns");
    arrakis_channels_unref(good);
    arrakis_channels_unref(without);
    arrakis_channels_unref(absurd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_holds_every_time_from_its_begin_to_the_next),
        cmocka_unit_test(the_common_multiple_is_the_least_one),
        cmocka_unit_test(strides_that_meet_in_no_day_are_refused),
        cmocka_unit_test(a_latency_is_an_hour_at_most),
        cmocka_unit_test(a_stream_may_run_ahead_by_its_latency_within_bounds),
        cmocka_unit_test(a_list_has_the_common_stride_of_its_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
