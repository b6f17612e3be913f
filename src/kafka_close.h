/* SPDX-License-Identifier: Apache-2.0 */
/* Closing a librdkafka handle within a bound: librdkafka 2.0 does not return from closing one that
 * had a topic assigned which has been deleted since, and any version may have to wait for a broker. */
#ifndef ARK_KAFKA_CLOSE_H
#define ARK_KAFKA_CLOSE_H

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* How long ark_kafka_close() waits. arrakis.h states it. */
#define ARK_KAFKA_CLOSE_NS (2 * ARRAKIS_SECOND_NS)

/* Run `close`, which closes handles and frees what belongs to them, in a thread of its own. Waits for
 * it for ARK_KAFKA_CLOSE_NS, then leaves it to end when it can, with a line in the log. */
void ark_kafka_close_by(void (*close)(void *opaque), void *opaque);

/* Close one handle so; its queues and topics have been given back already. `after` (NULL: nothing),
 * called once librdkafka's threads have ended and so perhaps after the return, frees what the handle's
 * callbacks use. rk may be NULL. */
void ark_kafka_close(rd_kafka_t *rk, void (*after)(void *opaque), void *opaque);

#endif
