/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata that the channels of a partition have in common, kept once for all of them: a site
 * has 312,000 channels, 80 per partition. */
#ifndef ARK_CHANNEL_SHARED_H
#define ARK_CHANNEL_SHARED_H

#include <arrakis/arrakis.h>

#include <stdatomic.h>

typedef struct ark_channel_shared {
    atomic_uint refs;
    arrakis_dtype dtype;
    double sample_rate;
    int64_t stride_ns, max_latency_ns;
    const char *publisher, *partition_id, *replay_id; /* in `text`, or NULL */
    char text[];
} ark_channel_shared;

/* The shared metadata that `info` has: one that was used lately, or a new one. Texts of `info` may
 * be NULL, but not "". NULL: out of memory. */
ark_channel_shared *ark_channel_shared_of(const arrakis_channel_info *info);
/* Whether `info` has this metadata. */
bool ark_channel_shared_fits(const ark_channel_shared *shared, const arrakis_channel_info *info);
ark_channel_shared *ark_channel_shared_ref(ark_channel_shared *shared);
void ark_channel_shared_unref(ark_channel_shared *shared);

static inline arrakis_channel_info ark_channel_shared_info(const ark_channel_shared *shared,
                                                           const char *name, int64_t time_ns,
                                                           int64_t partition_index)
{
    return (arrakis_channel_info){
        .struct_size = sizeof(arrakis_channel_info),
        .name = name,
        .dtype = shared->dtype,
        .sample_rate = shared->sample_rate,
        .time_ns = time_ns,
        .publisher = shared->publisher,
        .partition_id = shared->partition_id,
        .partition_index = partition_index,
        .stride_ns = shared->stride_ns,
        .max_latency_ns = shared->max_latency_ns,
        .replay_id = shared->replay_id,
    };
}

#endif
