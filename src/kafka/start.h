/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the offsets where reading begins. */
#ifndef ARK_KAFKA_START_H
#define ARK_KAFKA_START_H

#include "channel/latency.h"
#include "kafka/query.h"
#include "kafka/state.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* How far an open live reader goes back at most, for messages that have arrived since it was
 * opened: in time, and in messages, so many per stride of that time and some more.
 * arrakis/reader.h states these bounds. */
#define ARK_KAFKA_START_BACK_NS ARK_MOST_LATENCY_NS
enum { ARK_KAFKA_START_PER_STRIDE = 4, ARK_KAFKA_START_MORE = 1000 };
/* The first offset to read of a log that ends at `end`, when `found` is the first message with a
 * timestamp in the last `for_ns`. It is bounded, as timestamps, or the clock that they are
 * compared with, may be wrong. */
int64_t ark_kafka_start_bounded(int64_t found, int64_t end, int64_t for_ns, int64_t stride_ns);

/* Find where reading begins, for the partitions whose `wanted` is set: at the start of the reader;
 * at the beginning of a log without that time; live, at the end, or once opened_ns is set, at the
 * first message since then. *out receives the list to assign, without the partitions whose offset
 * could not be found. */
arrakis_status ark_kafka_start_find(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                    const bool *wanted, rd_kafka_topic_partition_list_t **out,
                                    arrakis_error *err);

#endif
