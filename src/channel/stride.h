/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic on strides and the grids they span, and what channels declare about their time. */
#ifndef ARK_CHANNEL_STRIDE_H
#define ARK_CHANNEL_STRIDE_H

#include <arrakis/arrakis.h>

/* Begin of the step that holds t (also for negative times). */
static inline int64_t ark_floor(int64_t t, int64_t step)
{
    int64_t rest = t % step;
    return t - (rest < 0 ? rest + step : rest);
}

/* Least common multiple of two strides; -1 when it is over a day: they are not meant together. */
int64_t ark_stride_lcm(int64_t a_ns, int64_t b_ns);
/* The least common multiple of the strides of channels. EINVAL names a channel without one. */
arrakis_status ark_stride_of(int64_t *stride_ns, const arrakis_channels *channels,
                             arrakis_error *err);
/* A longer latency than this is not waited for: whoever may register a channel could otherwise keep a
 * request from its end. arrakis.h states it. */
#define ARK_MOST_LATENCY_NS (3600 * ARRAKIS_SECOND_NS)
/* The largest max_latency that any of them declares, within that; ARRAKIS_UNSET: none does. */
int64_t ark_latency_of(const arrakis_channels *channels);

/* How much later than all that is known of a stream a block may begin and be taken at once: as much as
 * its data may be late (that less a stride; ARRAKIS_UNSET: two seconds), but 1 s at least and 60 s at
 * most, and a stride. What lies further ahead may have a wrong time. */
int64_t ark_reach_of(int64_t contract_ns, int64_t stride_ns);

#endif
