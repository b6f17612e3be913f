/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated detector's channels are and what they show. */
#ifndef CLI_DEMO_SIGNAL_H
#define CLI_DEMO_SIGNAL_H

#include <arrakis/arrakis.h>

enum { SIGNAL_KINDS = 4 }; /* of partitions; later ones repeat them for other detectors */

/** The metadata of channel `index` of partition `partition`. The name is put at `name`. */
void signal_describe(arrakis_channel_info *info, char name[64], size_t partition, size_t index);
/** Its samples from `start_ns` on: `count` of them at `samples`, in its data type. */
void signal_make(void *samples, size_t partition, size_t index, int64_t start_ns, size_t count);

#endif
