/* SPDX-License-Identifier: Apache-2.0 */
/* How late data may be: what channels declare, within bounds. */
#ifndef ARK_CHANNEL_LATENCY_H
#define ARK_CHANNEL_LATENCY_H

#include <arrakis/arrakis.h>

/* A longer latency than this is not waited for: whoever may register a channel could otherwise keep a
 * request from its end. arrakis.h states it. */
#define ARK_MOST_LATENCY_NS (3600 * ARRAKIS_SECOND_NS)
/* The largest max_latency that any of them declares, within that; ARRAKIS_UNSET: none does. */
int64_t ark_latency_of(const arrakis_channels *channels);

/* How much later than all that is known of a stream a block may begin and be taken at once: as much as
 * its data may be late (that less a stride; ARRAKIS_UNSET: two seconds), but 1 s at least and 60 s at
 * most, and a stride. What lies further ahead may have a wrong time. */
int64_t ark_latency_reach(int64_t contract_ns, int64_t stride_ns);

#endif
