/* SPDX-License-Identifier: Apache-2.0 */
/* What is published: `partitions` topics of `channels` channels, `samples` per channel and block,
 * 16 blocks per second; and which `wanted` channels of them, evenly spread, are read. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include "bench.h"

#include <arrakis/arrakis.h>

typedef struct workload {
    const char *prefix; /* of the partitions' names */
    size_t partitions, channels, samples, wanted, strides;
    arrakis_dtype dtype;
    int64_t start_ns; /* GPS, of the first block */
} workload;

/* From the program's arguments. */
workload workload_read(void);
/* The `count` channels of those that exist, evenly spread: each with a partition. */
arrakis_channels *workload_channels(const workload *w, size_t count);
/* Random samples for one message, the same whenever they are asked for. */
void workload_samples(const workload *w, size_t partition, size_t stride, uint8_t *out);

/* ---- messages in memory, as a file: u32 partition, u32 size, bytes */

typedef struct workload_message {
    size_t partition, size;
    const uint8_t *bytes;
} workload_message;

/* All of them, stride by stride; kept for the rest of the run. */
workload_message *workload_load(const char *path, size_t *count);

#endif
