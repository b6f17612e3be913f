/* SPDX-License-Identifier: Apache-2.0 */
/* How long the handle that asks is kept while leaders do not answer. A new handle learns the
 * present leaders, but has to log in first, which may take long. So each one gets twice the time
 * of the one before, until all leaders have answered one for long. Reads no clock. */
#ifndef ARK_KAFKA_PATIENCE_H
#define ARK_KAFKA_PATIENCE_H

#include "kafka/query.h"

#include <arrakis/arrakis.h>

#include <stdbool.h>

#define ARK_KAFKA_PATIENCE_FIRST_NS ARRAKIS_SECOND_NS
#define ARK_KAFKA_PATIENCE_LONGEST_NS (16 * ARRAKIS_SECOND_NS)
/* How long all leaders must have answered before the first time is used again. */
#define ARK_KAFKA_PATIENCE_GOOD_NS (2 * ARK_KAFKA_PATIENCE_LONGEST_NS)

typedef struct ark_kafka_patience {
    int64_t ns;         /* the age at which a handle is replaced */
    int64_t renewed_ns; /* when the present handle was made */
    /* since when all leaders that were asked have answered; INT64_MAX: not all have */
    int64_t good_ns;
} ark_kafka_patience;

/* For a handle that has just been made. */
ark_kafka_patience ark_kafka_patience_begin(int64_t now_ns);
/* Whether to make a new handle, after questions whose answers showed this. */
bool ark_kafka_patience_is_over(ark_kafka_patience *patience, const ark_kafka_heard *heard,
                                int64_t now_ns);
/* A new handle was made: it gets twice the time. */
void ark_kafka_patience_renewed(ark_kafka_patience *patience, int64_t now_ns);

#endif
