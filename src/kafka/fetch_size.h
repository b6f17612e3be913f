/* SPDX-License-Identifier: Apache-2.0 */
/* How much a reader asks a broker for at a time. */
#ifndef ARK_KAFKA_FETCH_SIZE_H
#define ARK_KAFKA_FETCH_SIZE_H

#include "read/reader.h"

typedef struct ark_kafka_fetch_size {
    int64_t queue;   /* bytes that wait for us in all */
    int64_t fetch;   /* of one partition in an answer */
    int64_t least;   /* for which the broker answers at once */
    int64_t wait_ms; /* and how long it waits for them */
} ark_kafka_fetch_size;

/* prefetch: bytes that may wait, or ARRAKIS_UNSET. EINVAL: librdkafka has no such limit. */
arrakis_status ark_kafka_fetch_size_choose(ark_kafka_fetch_size *l,
                                           const ark_reader_stream *streams, size_t count,
                                           bool live, int64_t prefetch, arrakis_error *err);

#endif
