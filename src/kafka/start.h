/* SPDX-License-Identifier: Apache-2.0 */
/* Where reading begins. */
#ifndef ARK_KAFKA_START_H
#define ARK_KAFKA_START_H

#include "channel/latency.h"
#include "kafka/query.h"
#include "kafka/state.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* How far a live reader that is open goes back, at most, for what has come since it was opened: in time, and in
 * messages, of which so many may have come with each stride of that time, and some more. arrakis/reader.h states
 * these bounds. */
#define ARK_KAFKA_START_BACK_NS ARK_MOST_LATENCY_NS
enum { ARK_KAFKA_START_PER_STRIDE = 4, ARK_KAFKA_START_MORE = 1000 };
/* The first offset to read of a log that ends at `end`, when `found` is the first message stamped within the
 * last `for_ns`: stamps, and the clock that they are compared with, may be wrong. */
int64_t ark_kafka_start_bounded(int64_t found, int64_t end, int64_t for_ns, int64_t stride_ns);

/* Where reading begins, for the partitions whose `wanted` is set: at the reader's start, from the
 * beginning where it has no such time, or live at the end; once opened_ns is set, live at what has come
 * since. Returns the list to assign; a partition whose place could not be found out is left out of it. */
arrakis_status ark_kafka_start_find(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                    const bool *wanted, rd_kafka_topic_partition_list_t **out,
                                    arrakis_error *err);

#endif
