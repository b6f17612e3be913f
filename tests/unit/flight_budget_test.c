/* SPDX-License-Identifier: Apache-2.0 */
#include "base/monotonic.h"
#include "base/wait.h"
#include "flight/budget.h"
#include "support.h"

static void each_limit_is_kept_to_the_last(void **state)
{
    (void)state;
    const struct {
        ark_cost cost;
        uint64_t limit;
        const char *text;
    } cases[] = {
        {ARK_COST_ENDPOINTS, 10000, "grpc://s: an answer of over 10000 endpoints"},
        {ARK_COST_CONNECTIONS, 64, "grpc://s: an answer of over 64 servers or brokers"},
        {ARK_COST_CALLS, 1024, "grpc://s: an answer of over 1024 endpoints to be read at one"},
        {ARK_COST_HELD, 7, "grpc://s: an answer of over 7 bytes of messages at one time"},
        {ARK_COST_BYTES, 1 << 30, "grpc://s: an answer of over 1073741824 bytes"},
        {ARK_COST_ROWS, 4194304, "grpc://s: an answer of over 4194304 rows"},
    };
    assert_int_equal(COUNT(cases), ARK_COSTS);
    for (size_t i = 0; i < COUNT(cases); i++) {
        ark_budget budget = ark_budget_table("grpc://s", 7, UNSET);
        FAIL(ark_budget_spend(&budget, cases[i].cost, cases[i].limit + 1, err), ARRAKIS_EFORMAT,
             cases[i].text);
        PASS(ark_budget_spend(&budget, cases[i].cost, cases[i].limit - 1, err));
        PASS(ark_budget_spend(&budget, cases[i].cost, 1, err));
        FAIL(ark_budget_spend(&budget, cases[i].cost, 1, err), ARRAKIS_EFORMAT, cases[i].text);
        FAIL(ark_budget_spend(&budget, cases[i].cost, UINT64_MAX, err), ARRAKIS_EFORMAT,
             cases[i].text);
        ark_budget_return(&budget, cases[i].cost, 2);
        PASS(ark_budget_spend(&budget, cases[i].cost, 2, err));
        FAIL(ark_budget_spend(&budget, cases[i].cost, 1, err), ARRAKIS_EFORMAT, cases[i].text);
    }
}

static void data_may_have_any_number_of_rows(void **state)
{
    (void)state;
    ark_budget budget = ark_budget_stream("grpc://s", 7);
    PASS(ark_budget_spend(&budget, ARK_COST_ROWS, UINT64_MAX / 2, err));
    PASS(ark_budget_spend(&budget, ARK_COST_BYTES, UINT64_MAX / 2, err));
    PASS(ark_budget_check_time(&budget, err));
}

static void a_table_has_thirty_times_as_long_as_a_part_of_it(void **state)
{
    (void)state;
    ark_budget budget = ark_budget_table("grpc://s", 7, 10 * SECOND);
    int64_t left_ns = budget.deadline_ns - ark_monotonic_ns();
    assert_true(left_ns <= 300 * SECOND && left_ns > 200 * SECOND);
    PASS(ark_budget_check_time(&budget, err));
    budget.deadline_ns -= 300 * SECOND;
    FAIL(ark_budget_check_time(&budget, err), ARRAKIS_EDEADLINE,
         "grpc://s: an answer that takes over 300 s");
    for (int64_t timeout_ns = UNSET; timeout_ns != INT64_MAX; timeout_ns = INT64_MAX) {
        budget = ark_budget_table("grpc://s", 7, timeout_ns);
        assert_int_equal(budget.deadline_ns, INT64_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_is_kept_to_the_last),
        cmocka_unit_test(data_may_have_any_number_of_rows),
        cmocka_unit_test(a_table_has_thirty_times_as_long_as_a_part_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
