/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a broker that librdkafka answers in one call: asked again until there is an answer,
 * the time is up or the asker has been canceled. */
#ifndef ARK_KAFKA_ASK_H
#define ARK_KAFKA_ASK_H

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

typedef struct ark_kafka_asker {
    rd_kafka_t *rk;
    int64_t timeout_ns;        /* for each question */
    const atomic_bool *cancel; /* NULL: none. Looked at after 100 ms, then at doubling intervals */
} ark_kafka_asker;

/* The broker's topics: all, or those that the handle knows. Asking also tells librdkafka where they
 * are, without which reading them begins half a second late. Destroy with rd_kafka_metadata_destroy.
 * ECONNECT: no answer; ECANCELED; EAUTH, EBROKER. */
arrakis_status ark_kafka_ask_topics(const ark_kafka_asker *asker, bool all,
                                    const struct rd_kafka_metadata **out, arrakis_error *err);

/* Offsets, in one request a broker: each entry's `offset` holds the Unix time in ms, or
 * RD_KAFKA_OFFSET_BEGINNING or _END, and receives the offset (RD_KAFKA_OFFSET_END: none that late).
 * EDEADLINE: no answer, with the last error; ECANCELED. */
arrakis_status ark_kafka_ask_offsets(const ark_kafka_asker *asker,
                                     rd_kafka_topic_partition_list_t *list, arrakis_error *err);

#endif
