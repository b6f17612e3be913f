/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated detector: each partition of its channels is published by a thread of its own, stride
 * by stride in real time. */
#ifndef CLI_DEMO_DETECTOR_H
#define CLI_DEMO_DETECTOR_H

#include <arrakis/arrakis.h>

struct detector;

/** Make channels and publishers; nothing is published yet. @return 0, or the exit code after a
 *  message. */
int detector_open(struct detector **detector, size_t partitions, size_t channels_each);
arrakis_channels *detector_channels(const struct detector *detector);
/** Start publishing. Returns when the first block of each partition is in its topic.
 *  @return 0, or the exit code after a message. */
int detector_start(struct detector *detector, const char *kafka_url);
/** From `at_ns` (GPS) on one partition publishes nothing for a second, and again every 20 s. */
void detector_drop_out(struct detector *detector, int64_t at_ns);
void detector_close(struct detector *detector);

#endif
