/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: immutable metadata, shared by reference. */
#ifndef ARK_CHANNEL_CHANNEL_H
#define ARK_CHANNEL_CHANNEL_H

#include "channel/shared.h"

#include <stdatomic.h>

/* There is no channel of that name in a table or store. */
#define ARK_NO_INDEX SIZE_MAX

struct arrakis_channel {
    ark_channel_shared *shared;
    int64_t time_ns, partition_index;
    atomic_uint refs;
    char name[];
};

/* As arrakis_channel_get(). Inlined, only the fields that are used are read. */
static inline arrakis_channel_info ark_info(const arrakis_channel *channel)
{
    return ark_channel_shared_info(channel->shared, channel->name, channel->time_ns,
                                   channel->partition_index);
}

/* Check what arrakis_channel_new() requires; empty texts become NULL. */
arrakis_status ark_channel_check(arrakis_channel_info *info, arrakis_error *err);
/* Make a channel without checks. Owns the reference to `shared`, on failure too. NULL: out of
 * memory. */
arrakis_channel *ark_channel_of_shared(ark_channel_shared *shared, const char *name,
                                       int64_t time_ns, int64_t partition_index);

/* The Kafka topic of a channel's partition, for a replay or live (NULL); free() it. EINVAL: a
 * Kafka topic cannot have that name; ENOMEM. */
arrakis_status ark_channel_topic(char **out, const arrakis_channel_info *info,
                                 const char *replay_id, arrakis_error *err);

/* Compare by partition_id, then by partition_index; both channels must have them. */
int ark_channel_by_partition(const arrakis_channel *a, const arrakis_channel *b);

/* The number of samples of a channel in `duration_ns`, the product of rate and duration, where they
 * are in one block; -1: the product is not a whole number (to 1e-6 of a sample), is negative, or
 * over INT32_MAX. */
int64_t ark_channel_samples(const arrakis_channel *channel, int64_t duration_ns);
/* The same where they are in many blocks, as in a file: up to 2^48, over INT32_MAX to the digits that
 * a double has. */
int64_t ark_channel_all_samples(const arrakis_channel *channel, int64_t duration_ns);

#endif
