/* SPDX-License-Identifier: Apache-2.0 */
/* Closes one librdkafka handle within a bounded time. */
#ifndef ARK_KAFKA_CLOSE_H
#define ARK_KAFKA_CLOSE_H

#include "read/closing.h"

#include <librdkafka/rdkafka.h>

/* As ark_closing_begin(), for a close that calls ark_kafka_call_wait() for the handle first. Where
 * a call that was canceled has not returned, it is left to itself soon. */
void ark_kafka_close_begin(ark_closing *closing, rd_kafka_t *rk, void (*close)(void *opaque),
                           void *opaque);
/* Close a handle (NULL: none) as read/closing.h does, and wait. Its queues and topics must have
 * been destroyed. `after` (NULL: none) frees what the callbacks of the handle use; it is called
 * once the threads of librdkafka have ended, which may be after the return. */
void ark_kafka_close(rd_kafka_t *rk, void (*after)(void *opaque), void *opaque);

#endif
