/* SPDX-License-Identifier: Apache-2.0 */
/* The channels of the simulated detector, and their samples. */
#ifndef CLI_DEMO_SIGNAL_H
#define CLI_DEMO_SIGNAL_H

#include <arrakis/arrakis.h>

enum {
    SIGNAL_KINDS = 4
}; /* kinds of partitions; further partitions repeat them for other detectors */

/** The metadata of channel `index` of partition `partition`. Its name is written to `name`. */
void signal_describe(arrakis_channel_info *info, char name[64], size_t partition, size_t index);
/** Write `count` samples of a channel from `start_ns` on to `samples`, in its data type. */
void signal_make(void *samples, size_t partition, size_t index, int64_t start_ns, size_t count);

#endif
