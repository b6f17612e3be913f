/* SPDX-License-Identifier: Apache-2.0 */
/* How much a reader requests from a broker at a time. */
#ifndef ARK_KAFKA_FETCH_SIZE_H
#define ARK_KAFKA_FETCH_SIZE_H

#include "read/reader.h"

typedef struct ark_kafka_fetch_size {
    int64_t queue;   /* bytes in the queue of librdkafka, of all partitions */
    int64_t fetch;   /* bytes of one partition in an answer */
    int64_t least;   /* bytes for which the broker answers at once */
    int64_t wait_ms; /* how long the broker waits for them */
} ark_kafka_fetch_size;

/* prefetch: the most bytes in the queue, or ARRAKIS_UNSET. EINVAL: librdkafka does not accept that
 * limit. */
arrakis_status ark_kafka_fetch_size_choose(ark_kafka_fetch_size *l, const ark_reader_input *inputs,
                                           size_t count, bool live, int64_t prefetch,
                                           arrakis_error *err);

#endif
