/* SPDX-License-Identifier: Apache-2.0 */
/* The registered channels of a publisher, and their partitions. */
#ifndef ARK_PUBLISH_PARTITIONS_H
#define ARK_PUBLISH_PARTITIONS_H

#include <arrakis/arrakis.h>

/* Can be cleared when all bytes are 0. */
typedef struct ark_publish_partitions {
    arrakis_channels *channels;
    uint32_t *partition_of; /* by channel */
    uint32_t *first_of;     /* by partition: its first channel, whose data type all have */
    size_t partition_count;
    int64_t stride_ns;
} ark_publish_partitions;

/* For options->channels, of which there is at least one. EINVAL: a channel is incomplete, or does
 * not fit the others. To be cleared, also then. */
arrakis_status ark_publish_partitions_init(ark_publish_partitions *partitions,
                                           const arrakis_publisher_options *options,
                                           arrakis_error *err);
void ark_publish_partitions_clear(ark_publish_partitions *partitions);

/* The registered channel of the same name as a channel of a block. EMISMATCH: there is none, or it
 * differs. */
arrakis_status ark_publish_partitions_find(const ark_publish_partitions *partitions, size_t *out,
                                           const arrakis_channel *channel, arrakis_error *err);

#endif
