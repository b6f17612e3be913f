/* SPDX-License-Identifier: Apache-2.0 */
/* Skipping ahead. */
#ifndef ARK_KAFKA_FORWARD_H
#define ARK_KAFKA_FORWARD_H

#include "kafka/query.h"
#include "kafka/state.h"

#include <arrakis/reader.h>

#include <librdkafka/rdkafka.h>

arrakis_status ark_kafka_forward_to(ark_kafka_reader *kafka, int64_t to_ns, size_t *moved,
                                    arrakis_error *err);
/* A live stream is late beyond its budget: find out where to skip to, in the watch's thread. */
void ark_kafka_forward_ask(ark_kafka_reader *kafka, size_t stream, int64_t at_ns, int64_t now_ns);
/* Skip there, if that has been found out. Returns whether partitions were moved: then all that was
 * taken is gone. */
bool ark_kafka_forward_go(ark_kafka_reader *kafka);
/* Offsets at to_ns, or the ends where that cannot be found out. Runs in the watch's thread. */
arrakis_status ark_kafka_forward_find(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                      int64_t to_ns, rd_kafka_topic_partition_list_t **out,
                                      arrakis_error *err);

#endif
