/* SPDX-License-Identifier: Apache-2.0 */
/* What a broker knows of the topics that a reader reads: which exist, and their offsets. */
#ifndef ARK_KAFKA_TOPICS_H
#define ARK_KAFKA_TOPICS_H

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* Set exists[i] for each of the topics that the broker has. Asking for all at once also tells
 * librdkafka where they are, without which an assign costs half a second. */
arrakis_status ark_kafka_topics_find(rd_kafka_t *rk, rd_kafka_topic_t *const *topics, size_t count,
                                     bool *exists, int64_t timeout_ns, arrakis_error *err);

/* Look offsets up, one request a broker: each partition's `offset` holds the Unix time in ms, or
 * RD_KAFKA_OFFSET_BEGINNING or _END, and receives the offset (RD_KAFKA_OFFSET_END: none that
 * late). Failures are tried again until timeout_ns has passed. */
arrakis_status ark_kafka_topics_offsets(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                        int64_t timeout_ns, arrakis_error *err);

#endif
