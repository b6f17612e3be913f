/* SPDX-License-Identifier: Apache-2.0 */
/* What there is still to come: the ends of the partitions. */
#ifndef ARK_KAFKA_END_H
#define ARK_KAFKA_END_H

#include "kafka/query.h"
#include "kafka/state.h"

#include <arrakis/reader.h>

#include <librdkafka/rdkafka.h>

int64_t ark_kafka_end_exhausted(ark_kafka_reader *kafka, size_t stream, int64_t since_ns,
                                int64_t *again_ns);
/* A partition that could not be asked about when the reader was opened is found: another node has taken over,
 * or its own is there again. Within the monitor. */
void ark_kafka_end_found(ark_kafka_watch *watch, ark_kafka_partition *partition, int64_t now_ns);
/* Whether any broker has answered a question. Within the monitor. */
void ark_kafka_end_reached(ark_kafka_watch *watch, bool reached, int64_t now_ns);
/* Ask for the ends of all partitions that are read. Runs in the watch's thread. */
void ark_kafka_end_ask(ark_kafka_reader *kafka, const ark_kafka_asker *asker);
/* A question about a partition that was begun then has failed, for that reason. Within the monitor. */
void ark_kafka_end_lost(ark_kafka_watch *watch, ark_kafka_partition *partition,
                        rd_kafka_resp_err_t err, int64_t begin_ns);

#endif
