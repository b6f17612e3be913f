/* SPDX-License-Identifier: Apache-2.0 */
/* The limit: programs of librdkafka alone, with the settings of src/kafka/reader.c and
 * src/kafka/producer.c. */
#ifndef BARE_H
#define BARE_H

#include "bench.h"

#include <librdkafka/rdkafka.h>

/* A handle for `url`; pairs of name and value, ended by NULL. */
rd_kafka_t *bare_new(rd_kafka_type_t type, const char *const *settings);
/* A consumer with the settings of the library for that many partitions, of a backlog or live; and
 * its queue. */
rd_kafka_t *bare_consumer(size_t partitions, bool backlog, rd_kafka_queue_t **queue);
/* Assign the topics arrakis-<prefix><0...>, from the beginning or the end. */
void bare_assign(rd_kafka_t *rk, const char *prefix, size_t partitions, int64_t offset);

#endif
