/* SPDX-License-Identifier: Apache-2.0 */
/* Closes one librdkafka handle within a bounded time. */
#ifndef ARK_KAFKA_CLOSE_H
#define ARK_KAFKA_CLOSE_H

#include <librdkafka/rdkafka.h>

/* Close a handle (NULL: none) as read/closing.h does, and wait. Its queues and topics must have
 * been destroyed. `after` (NULL: none) frees what the callbacks of the handle use; it is called
 * once the threads of librdkafka have ended, which may be after the return. */
void ark_kafka_close(rd_kafka_t *rk, void (*after)(void *opaque), void *opaque);

#endif
