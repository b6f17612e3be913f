/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: immutable metadata, shared by reference. */
#ifndef ARK_CHANNEL_CHANNEL_H
#define ARK_CHANNEL_CHANNEL_H

#include "channel/shared.h"

#include <stdatomic.h>

/* No place in a table of channels. */
#define ARK_NOWHERE SIZE_MAX

struct arrakis_channel {
    ark_channel_shared *shared;
    int64_t time_ns, partition_index;
    atomic_uint refs;
    char name[];
};

/* As arrakis_channel_get(): inlined, it is the look at one field that is used. */
static inline arrakis_channel_info ark_info(const arrakis_channel *channel)
{
    return ark_channel_shared_info(channel->shared, channel->name, channel->time_ns,
                                   channel->partition_index);
}

/* What arrakis_channel_new() requires; texts that are empty become NULL. */
arrakis_status ark_channel_check(arrakis_channel_info *info, arrakis_error *err);
/* A channel that needs no check. Takes the reference over; NULL: out of memory. */
arrakis_channel *ark_channel_of_shared(ark_channel_shared *shared, const char *name,
                                       int64_t time_ns, int64_t partition_index);

/* The Kafka topic of a channel's partition, of a replay or (NULL) live; to be freed. EINVAL: Kafka has
 * no topics of such a name; ENOMEM. */
arrakis_status ark_channel_topic(char **out, const arrakis_channel_info *info,
                                 const char *replay_id, arrakis_error *err);

/* Order by partition_id, and by index in it; both must have them. */
int ark_channel_by_place(const arrakis_channel *a, const arrakis_channel *b);

/* Samples a channel has in `duration_ns`: rate x duration, or -1 when that is no whole number
 * (to 1e-6 of a sample), negative, or over INT32_MAX. */
int64_t ark_channel_samples(const arrakis_channel *channel, int64_t duration_ns);

#endif
