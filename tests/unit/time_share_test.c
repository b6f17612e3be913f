/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time_share.h"
#include "support.h"

static const int64_t began_ns = 1000 * SECOND; /* a monotonic clock is at any time */

/* Takes `each_ns` as often as it may for `duration_ns`; returns what was taken. */
static int64_t take_all_the_time(int64_t each_ns, int64_t duration_ns)
{
    ark_time_share share = {0};
    int64_t taken_ns = 0;
    for (int64_t now_ns = began_ns; now_ns < began_ns + duration_ns; taken_ns += each_ns)
        now_ns = ark_time_share_take(&share, now_ns, now_ns + each_ns);
    return taken_ns;
}

static void what_takes_three_seconds_together_is_not_put_off(void **state)
{
    (void)state;
    ark_time_share share = {0};
    int64_t now_ns = began_ns;
    for (int i = 0; i < 4; i++) {
        int64_t ended_ns = now_ns + 7 * SECOND / 10;
        now_ns = ark_time_share_take(&share, now_ns, ended_ns);
        assert_int_equal(now_ns, ended_ns);
    }
    assert_true(ark_time_share_take(&share, now_ns, now_ns + 7 * SECOND / 10) >
                now_ns + 7 * SECOND / 10 + 6 * SECOND);
}

static void what_was_taken_is_made_up_for_within_a_minute(void **state)
{
    (void)state;
    ark_time_share share = {0};
    for (int64_t now_ns = began_ns, i = 0; i < 10; i++, now_ns += 63 * SECOND)
        assert_int_equal(ark_time_share_take(&share, now_ns, now_ns + 3 * SECOND),
                         now_ns + 3 * SECOND);
}

static void in_the_long_run_it_is_a_twentieth(void **state)
{
    (void)state;
    const int64_t day_ns = 24 * 3600 * SECOND,
                  each_ns[] = {SECOND / 1000, SECOND / 2, 10 * SECOND};
    for (size_t i = 0; i < COUNT(each_ns); i++) {
        int64_t taken_ns = take_all_the_time(each_ns[i], day_ns);
        assert_in_range(taken_ns, day_ns / 20 - 10 * SECOND,
                        day_ns / 20 + 3 * SECOND + each_ns[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_takes_three_seconds_together_is_not_put_off),
        cmocka_unit_test(what_was_taken_is_made_up_for_within_a_minute),
        cmocka_unit_test(in_the_long_run_it_is_a_twentieth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
