/* SPDX-License-Identifier: Apache-2.0 */
/* Where reading begins. */
#ifndef ARK_KAFKA_START_H
#define ARK_KAFKA_START_H

#include "kafka/query.h"
#include "kafka/state.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* Where reading begins, for the partitions whose `wanted` is set: at the reader's start, from the
 * beginning where it has no such time, or live at the end; once opened_ns is set, live at what has come
 * since. Returns the list to assign; a partition whose place could not be found out is left out of it. */
arrakis_status ark_kafka_start_find(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                    const bool *wanted, rd_kafka_topic_partition_list_t **out,
                                    arrakis_error *err);

#endif
