/* SPDX-License-Identifier: Apache-2.0 */
/* When a live stream should give up its backlog. No I/O, no clock.
 *
 * Data older than a stream's budget is dropped as late anyway. A stream that has been over its
 * budget without a break for its grace period will not catch up by reading on: it should skip to
 * the present. Lag is judged per stream, so that a healthy one cannot hide a stuck one. */
#ifndef ARK_KAFKA_FAST_FORWARD_H
#define ARK_KAFKA_FAST_FORWARD_H

#include <arrakis/arrakis.h>

typedef enum ark_lag {
    ARK_LAG_FINE,
    ARK_LAG_RECOVERED, /* after a skip, all streams are within their budgets again: said once */
    ARK_LAG_FORWARD,   /* skip, then call ark_fast_forward_done(); or, when that could not help,
                          ark_fast_forward_again() */
} ark_lag;

typedef struct ark_fast_forward {
    int64_t *behind_since_ns; /* a stream; ARRAKIS_UNSET: within its budget */
    size_t count, behind;
    bool skipped; /* recovery has not been seen yet */
} ark_fast_forward;

arrakis_status ark_fast_forward_init(ark_fast_forward *policy, size_t count, arrakis_error *err);
void ark_fast_forward_clear(ark_fast_forward *policy);
/* How long a stream may be over its budget: as long as the budget, but 10 s at least. */
int64_t ark_fast_forward_grace_ns(int64_t budget_ns);
/* A block of the stream that is lag_ns old has arrived at now_ns (any steady clock). A budget of 0
 * is never exceeded. */
ark_lag ark_fast_forward_observe(ark_fast_forward *policy, size_t stream, int64_t lag_ns,
                                 int64_t budget_ns, int64_t now_ns);
void ark_fast_forward_done(ark_fast_forward *policy);
/* Nothing was skipped: judge the stream again after another grace period. */
void ark_fast_forward_again(ark_fast_forward *policy, size_t stream, int64_t now_ns);

#endif
