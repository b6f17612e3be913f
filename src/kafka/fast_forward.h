/* SPDX-License-Identifier: Apache-2.0 */
/* Decides when a live stream should skip its backlog. No I/O, no clock.
 *
 * Data older than the budget of an input is late, and would be dropped. An input that has been
 * over its budget for all of its grace period does not catch up by reading on: it should skip to
 * the present. The lag is judged per input, so that one without lag does not hide another one with
 * lag. */
#ifndef ARK_KAFKA_FAST_FORWARD_H
#define ARK_KAFKA_FAST_FORWARD_H

#include <arrakis/arrakis.h>

typedef enum ark_lag {
    ARK_LAG_FINE,
    ARK_LAG_RECOVERED, /* after a skip, all inputs are within their budgets again; returned once */
    ARK_LAG_FORWARD, /* skip, and call ark_fast_forward_done(); or ark_fast_forward_again(), if that could not help */
} ark_lag;

typedef struct ark_fast_forward {
    /* by input: since when it is over its budget; ARRAKIS_UNSET: it is not */
    int64_t *behind_since_ns;
    size_t count, behind;
    bool skipped; /* and has not recovered since */
} ark_fast_forward;

arrakis_status ark_fast_forward_init(ark_fast_forward *policy, size_t count, arrakis_error *err);
void ark_fast_forward_clear(ark_fast_forward *policy);
/* How long an input may be over its budget: as long as the budget, at least 10 s. */
int64_t ark_fast_forward_grace_ns(int64_t budget_ns);
/* Data of an input that is lag_ns old has arrived at now_ns (of any steady clock). A budget of 0
 * is never exceeded. */
ark_lag ark_fast_forward_observe(ark_fast_forward *policy, size_t input, int64_t lag_ns,
                                 int64_t budget_ns, int64_t now_ns);
void ark_fast_forward_done(ark_fast_forward *policy);
/* Nothing was skipped: judge the input again after another grace period. */
void ark_fast_forward_again(ark_fast_forward *policy, size_t input, int64_t now_ns);

#endif
