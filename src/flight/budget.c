/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/budget.h"

#include "base/error.h"
#include "base/monotonic.h"

#include <assert.h>
#include <inttypes.h>

static const char *const names[ARK_COSTS] = {
    [ARK_COST_ENDPOINTS] = "endpoints",
    [ARK_COST_CONNECTIONS] = "servers or brokers at one time",
    [ARK_COST_CALLS] = "endpoints to be read at one time",
    [ARK_COST_HELD] = "bytes of messages at one time (max_message_bytes)",
    [ARK_COST_BYTES] = "bytes",
    [ARK_COST_ROWS] = "rows",
};

ark_budget ark_budget_stream(const char *who, int64_t max_message)
{
    return (ark_budget){
        .who = who,
        .limit = {[ARK_COST_ENDPOINTS] = ARK_ENDPOINTS_MAX,
                  [ARK_COST_CONNECTIONS] = ARK_CONNECTIONS_MAX,
                  [ARK_COST_CALLS] = ARK_CALLS_MAX,
                  [ARK_COST_HELD] = (uint64_t)max_message,
                  [ARK_COST_BYTES] = UINT64_MAX,
                  [ARK_COST_ROWS] = UINT64_MAX},
        .deadline_ns = INT64_MAX,
        .allowed_ns = INT64_MAX,
    };
}

ark_budget ark_budget_table(const char *who, int64_t max_message, int64_t timeout_ns)
{
    ark_budget budget = ark_budget_stream(who, max_message);
    budget.limit[ARK_COST_BYTES] = ARK_TABLE_BYTES_MAX;
    budget.limit[ARK_COST_ROWS] = ARK_TABLE_ROWS_MAX;
    if (timeout_ns != ARRAKIS_UNSET &&
        !__builtin_mul_overflow(timeout_ns, ARK_TABLE_PATIENCE, &budget.allowed_ns))
        budget.deadline_ns = ark_monotonic_in(budget.allowed_ns);
    return budget;
}

arrakis_status ark_budget_spend(ark_budget *budget, ark_cost cost, uint64_t amount,
                                arrakis_error *err)
{
    assert(cost < ARK_COSTS);
    assert(budget->spent[cost] <= budget->limit[cost]);
    if (amount > budget->limit[cost] - budget->spent[cost])
        return ark_fail(err, ARRAKIS_EFORMAT, "%.200s: an answer of over %" PRIu64 " %s",
                        budget->who, budget->limit[cost], names[cost]);
    budget->spent[cost] += amount;
    return ARRAKIS_OK;
}

void ark_budget_return(ark_budget *budget, ark_cost cost, uint64_t amount)
{
    assert(cost < ARK_COSTS);
    assert(budget->spent[cost] >= amount);
    budget->spent[cost] -= amount;
}

arrakis_status ark_budget_check_time(const ark_budget *budget, arrakis_error *err)
{
    if (budget->deadline_ns == INT64_MAX || ark_monotonic_ns() < budget->deadline_ns)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EDEADLINE, "%.200s: an answer that takes over %g s", budget->who,
                    (double)budget->allowed_ns * 1e-9);
}
