/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARK_KAFKA_TOPICS_H
#define ARK_KAFKA_TOPICS_H

#include "kafka_ask.h"

/* Set exists[i] for each of the topics that the broker has. The asker's handle must know all of
 * them and no others. */
arrakis_status ark_kafka_topics_find(const ark_kafka_asker *asker, rd_kafka_topic_t *const *topics,
                                     size_t count, bool *exists, arrakis_error *err);

#endif
