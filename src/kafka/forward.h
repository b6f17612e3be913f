/* SPDX-License-Identifier: Apache-2.0 */
/* Skips the backlog of a live stream. */
#ifndef ARK_KAFKA_FORWARD_H
#define ARK_KAFKA_FORWARD_H

#include "kafka/query.h"
#include "kafka/state.h"

#include <arrakis/reader.h>

#include <librdkafka/rdkafka.h>

arrakis_status ark_kafka_forward_to(ark_kafka_reader *kafka, int64_t to_ns, size_t *moved,
                                    arrakis_error *err);
/* An input is late beyond its budget: have the thread of the watch find the offsets to skip to. */
void ark_kafka_forward_ask(ark_kafka_reader *kafka, size_t input, int64_t at_ns, int64_t now_ns);
/* Skip, if the offsets have been found. Returns whether partitions were moved: then all messages
 * that were taken have been dropped. */
bool ark_kafka_forward_go(ark_kafka_reader *kafka);
/* Find the offsets at to_ns, or the ends of partitions where that fails. Runs in the thread of the
 * watch. */
arrakis_status ark_kafka_forward_find(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                      int64_t to_ns, rd_kafka_topic_partition_list_t **out,
                                      arrakis_error *err);

#endif
