/* SPDX-License-Identifier: Apache-2.0 */
/* Which metadata topics of a broker are read. No I/O. */
#ifndef ARK_KAFKA_METADATA_CHOICE_H
#define ARK_KAFKA_METADATA_CHOICE_H

#include <arrakis/arrakis.h>
#include <librdkafka/rdkafka.h>

/* How many of a broker are read. */
#define ARK_METADATA_TOPICS_MAX 1024

/* The topics of the publishers that are asked for. Those that can be read, with one partition and
 * without an error, come first; of them, and of the others, in the order of their names. */
typedef struct ark_metadata_choice {
    const rd_kafka_metadata_topic_t **wanted; /* points into the broker's list */
    size_t count;
    size_t readable; /* so many of them can be read */
    size_t chosen;   /* so many of those are read */
} ark_metadata_choice;

/* `publisher_count` 0: of all publishers; `most` 0: ARK_METADATA_TOPICS_MAX. ENOMEM. The choice is
 * valid as long as the list, and is to be cleared in any case. */
arrakis_status ark_metadata_choice_make(ark_metadata_choice *out,
                                        const struct rd_kafka_metadata *list,
                                        const char *const *publishers, size_t publisher_count,
                                        size_t most, arrakis_error *err);
void ark_metadata_choice_clear(ark_metadata_choice *choice);

#endif
