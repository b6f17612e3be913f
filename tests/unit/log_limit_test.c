/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_limit.h"
#include "support.h"

static void the_first_time_is_said_at_once_and_later_ones_in_sums(void **state)
{
    (void)state;
    const struct {
        int64_t at_s;
        uint64_t said;
    } timeline[] = {{100, 1}, {100, 0}, {115, 0}, {129, 0},
                    {130, 4}, {131, 0}, {159, 0}, {160, 3}};
    ark_log_limit limit = {0};
    for (size_t i = 0; i < COUNT(timeline); i++)
        assert_int_equal(ark_log_limit_note(&limit, timeline[i].at_s * SECOND), timeline[i].said);
}

static void a_clock_that_is_set_back_delays_a_message_by_a_minute_at_most(void **state)
{
    (void)state;
    ark_log_limit limit = {0};
    assert_int_equal(ark_log_limit_note(&limit, 5000 * SECOND), 1);
    assert_int_equal(ark_log_limit_note(&limit, 4971 * SECOND), 0);
    assert_int_equal(ark_log_limit_note(&limit, 5029 * SECOND), 0);
    assert_int_equal(ark_log_limit_note(&limit, 1400 * SECOND), 3);
    assert_int_equal(ark_log_limit_note(&limit, 1401 * SECOND), 0);
}

static void an_end_tells_what_was_left_unsaid_and_starts_afresh(void **state)
{
    (void)state;
    ark_log_limit limit = {0};
    uint64_t unlogged;
    assert_false(ark_log_limit_end(&limit, &unlogged));
    assert_int_equal(ark_log_limit_note(&limit, 5 * SECOND), 1);
    assert_int_equal(ark_log_limit_note(&limit, 6 * SECOND), 0);
    assert_int_equal(ark_log_limit_note(&limit, 7 * SECOND), 0);
    assert_true(ark_log_limit_end(&limit, &unlogged));
    assert_int_equal(unlogged, 2);
    assert_false(ark_log_limit_end(&limit, &unlogged));
    assert_int_equal(ark_log_limit_note(&limit, 8 * SECOND), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_time_is_said_at_once_and_later_ones_in_sums),
        cmocka_unit_test(a_clock_that_is_set_back_delays_a_message_by_a_minute_at_most),
        cmocka_unit_test(an_end_tells_what_was_left_unsaid_and_starts_afresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
