/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher's channels as they are registered, and the partitions that they make up. */
#ifndef ARK_PUBLISH_PARTITIONS_H
#define ARK_PUBLISH_PARTITIONS_H

#include <arrakis/arrakis.h>

/* All zero is none; to be cleared. */
typedef struct ark_publish_partitions {
    arrakis_channels *channels;
    uint32_t *partition_of; /* a channel's */
    uint32_t *first_of;     /* a partition's first channel: all of it have its data type */
    size_t partition_count;
    int64_t stride_ns;
} ark_publish_partitions;

/* Of options->channels, which are not NULL and not none. EINVAL: channels that are not complete, or
 * do not go together. To be cleared also then. */
arrakis_status ark_publish_partitions_init(ark_publish_partitions *partitions,
                                           const arrakis_publisher_options *options,
                                           arrakis_error *err);
void ark_publish_partitions_clear(ark_publish_partitions *partitions);

/* The registered channel that a block's is. EMISMATCH: none, or it differs. */
arrakis_status ark_publish_partitions_find(const ark_publish_partitions *partitions, size_t *out,
                                           const arrakis_channel *channel, arrakis_error *err);

#endif
