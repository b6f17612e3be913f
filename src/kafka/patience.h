/* SPDX-License-Identifier: Apache-2.0 */
/* How long the handle that asks is kept beside leaders that do not answer. A new one is told anew who leads, but has
 * to log in first, which may take long: so each one is given twice the time of the one before, until one has been good
 * for so long that the trouble is over. No clock is read. */
#ifndef ARK_KAFKA_PATIENCE_H
#define ARK_KAFKA_PATIENCE_H

#include "kafka/query.h"

#include <arrakis/arrakis.h>

#include <stdbool.h>

#define ARK_KAFKA_PATIENCE_FIRST_NS ARRAKIS_SECOND_NS
#define ARK_KAFKA_PATIENCE_LONGEST_NS (16 * ARRAKIS_SECOND_NS)
/* How long all answers must have come before the first patience is enough again. */
#define ARK_KAFKA_PATIENCE_GOOD_NS (2 * ARK_KAFKA_PATIENCE_LONGEST_NS)

typedef struct ark_kafka_patience {
    int64_t ns;         /* the age at which a handle is replaced */
    int64_t renewed_ns; /* since when there is the present one */
    int64_t good_ns; /* since when every leader that was asked has answered; INT64_MAX: not so */
} ark_kafka_patience;

/* For a handle that has just been made. */
ark_kafka_patience ark_kafka_patience_begin(int64_t now_ns);
/* Whether a new handle is due, after questions of which that was heard. */
bool ark_kafka_patience_is_over(ark_kafka_patience *patience, const ark_kafka_heard *heard,
                                int64_t now_ns);
/* There is a new handle: it gets twice the time. */
void ark_kafka_patience_renewed(ark_kafka_patience *patience, int64_t now_ns);

#endif
