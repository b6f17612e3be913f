/* SPDX-License-Identifier: Apache-2.0 */
/* Closing one librdkafka handle within a bound. */
#ifndef ARK_KAFKA_CLOSE_H
#define ARK_KAFKA_CLOSE_H

#include <librdkafka/rdkafka.h>

/* Close one handle as read/closing.h does, and wait; its queues and topics have been given back already. `after` (NULL: nothing),
 * called once librdkafka's threads have ended and so perhaps after the return, frees what the handle's
 * callbacks use. rk may be NULL. */
void ark_kafka_close(rd_kafka_t *rk, void (*after)(void *opaque), void *opaque);

#endif
