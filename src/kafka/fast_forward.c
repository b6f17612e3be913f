/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/fast_forward.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>

static const int64_t least_grace_ns = 10 * ARRAKIS_SECOND_NS;

arrakis_status ark_fast_forward_init(ark_fast_forward *policy, size_t count, arrakis_error *err)
{
    *policy = (ark_fast_forward){.count = count};
    policy->behind_since_ns = malloc((count + 1) * sizeof *policy->behind_since_ns);
    if (!policy->behind_since_ns)
        return ark_no_memory(err, "%zu partitions", count);
    for (size_t i = 0; i < count; i++)
        policy->behind_since_ns[i] = ARRAKIS_UNSET;
    return ARRAKIS_OK;
}

void ark_fast_forward_clear(ark_fast_forward *policy)
{
    free(policy->behind_since_ns);
    *policy = (ark_fast_forward){0};
}

int64_t ark_fast_forward_grace_ns(int64_t budget_ns)
{
    return budget_ns > least_grace_ns ? budget_ns : least_grace_ns;
}

ark_lag ark_fast_forward_observe(ark_fast_forward *policy, size_t input, int64_t lag_ns,
                                 int64_t budget_ns, int64_t now_ns)
{
    assert(input < policy->count);
    int64_t *since_ns = &policy->behind_since_ns[input];
    if (budget_ns <= 0)
        return ARK_LAG_FINE;
    if (lag_ns <= budget_ns) {
        if (*since_ns != ARRAKIS_UNSET) {
            *since_ns = ARRAKIS_UNSET;
            policy->behind--;
        }
        if (!policy->skipped || policy->behind)
            return ARK_LAG_FINE;
        policy->skipped = false;
        return ARK_LAG_RECOVERED;
    }
    if (*since_ns == ARRAKIS_UNSET) {
        *since_ns = now_ns;
        policy->behind++;
    }
    return now_ns - *since_ns < ark_fast_forward_grace_ns(budget_ns) ? ARK_LAG_FINE
                                                                     : ARK_LAG_FORWARD;
}

void ark_fast_forward_done(ark_fast_forward *policy)
{
    for (size_t i = 0; i < policy->count; i++)
        policy->behind_since_ns[i] = ARRAKIS_UNSET;
    policy->behind = 0;
    policy->skipped = true;
}

void ark_fast_forward_again(ark_fast_forward *policy, size_t input, int64_t now_ns)
{
    assert(input < policy->count);
    policy->behind_since_ns[input] = now_ns;
}
