/* SPDX-License-Identifier: Apache-2.0 */
/* How much a reader requests from a broker at a time. */
#ifndef ARK_KAFKA_FETCH_SIZE_H
#define ARK_KAFKA_FETCH_SIZE_H

#include "kafka/properties.h"
#include "read/reader.h"

typedef struct ark_kafka_fetch_size {
    int64_t queue;   /* bytes in the queue of librdkafka, of all partitions */
    int64_t fetch;   /* bytes of one partition in an answer */
    int64_t least;   /* bytes for which the broker answers at once */
    int64_t wait_ms; /* how long the broker waits for them */
    int64_t answer;  /* bytes of an answer; 0: as librdkafka has it */
    int64_t lies_ns; /* how long data lies at the broker because that was asked for */
} ark_kafka_fetch_size;

typedef struct ark_kafka_fetch_wants {
    bool live;        /* there is no backlog */
    bool even;        /* there is one, of which partitions are to be read side by side */
    int64_t prefetch; /* the most bytes in the queue, or ARRAKIS_UNSET */
    int64_t wait_ns;  /* how long data may lie at the broker, unless `even`; 0: not so */
} ark_kafka_fetch_wants;

/* EINVAL: librdkafka does not accept that prefetch, or data may not lie that long. */
arrakis_status ark_kafka_fetch_size_choose(ark_kafka_fetch_size *l, const ark_reader_input *inputs,
                                           size_t count, const ark_kafka_fetch_wants *wants,
                                           arrakis_error *err);

/* The same as values of properties. */
typedef struct ark_kafka_fetch_texts {
    char queue_kib[24], fetch[24], least[24], wait_ms[24], answer[24];
} ark_kafka_fetch_texts;
/* Whether answers are to be bounded by this property: it may not be less than what the user sets for
 * a message. */
#define ARK_KAFKA_FETCH_ANSWER "fetch.max.bytes"
bool ark_kafka_fetch_size_bounds(const ark_kafka_fetch_size *l, const ark_properties *users);
void ark_kafka_fetch_size_print(ark_kafka_fetch_texts *out, const ark_kafka_fetch_size *l);

#endif
