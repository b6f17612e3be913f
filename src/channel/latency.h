/* SPDX-License-Identifier: Apache-2.0 */
/* How late data may be: what channels declare, within bounds. */
#ifndef ARK_CHANNEL_LATENCY_H
#define ARK_CHANNEL_LATENCY_H

#include <arrakis/arrakis.h>

/* Data is not waited for longer than this: otherwise anybody who may register a channel could keep
 * a request from its end. arrakis.h states it. */
#define ARK_MOST_LATENCY_NS (3600 * ARRAKIS_SECOND_NS)
/* The largest max_latency of channels, at most ARK_MOST_LATENCY_NS; ARRAKIS_UNSET: none declares
 * one. */
int64_t ark_latency_of(const arrakis_channels *channels);

/* How much later than the watermark of an input its next rows may begin. Rows further ahead may
 * have a wrong time. It is the input's latency, 1 s at least and 60 s at most, and a stride.
 * `due_after_ns`: when the data of a stride is due after the begin of the stride (ARRAKIS_UNSET:
 * never, and two seconds are taken). */
int64_t ark_latency_max_ahead(int64_t due_after_ns, int64_t stride_ns);

#endif
