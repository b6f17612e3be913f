/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of the partitions: whether more data is to come. */
#ifndef ARK_KAFKA_END_H
#define ARK_KAFKA_END_H

#include "kafka/query.h"
#include "kafka/state.h"

#include <arrakis/reader.h>

#include <librdkafka/rdkafka.h>

int64_t ark_kafka_end_exhausted(ark_kafka_reader *kafka, size_t input, int64_t since_ns,
                                int64_t *again_ns);
/* Note that a partition is reachable that was not when the reader was opened: another node has
 * taken over, or its own is back. In the monitor. */
void ark_kafka_end_found(ark_kafka_watch *watch, ark_kafka_partition *partition, int64_t now_ns);
/* Note whether any broker has answered a question. In the monitor. */
void ark_kafka_end_reached(ark_kafka_watch *watch, bool reached, int64_t now_ns);
/* Ask for the ends of all partitions that are read. Runs in the thread of the watch. */
void ark_kafka_end_ask(ark_kafka_reader *kafka, const ark_kafka_asker *asker);
/* Note that a question about a partition, begun at begin_ns, has failed. In the monitor. */
void ark_kafka_end_lost(ark_kafka_watch *watch, ark_kafka_partition *partition,
                        rd_kafka_resp_err_t err, int64_t begin_ns);

#endif
