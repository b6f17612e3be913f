/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka producer that sends batches, one message per topic, and waits until a batch is
 * delivered.
 *
 * librdkafka sends from the buffer in which a message was built; the buffer is reused once its
 * delivery report has arrived, however late. Whatever a call returns, the next batch can be
 * begun. */
#ifndef ARK_KAFKA_PRODUCER_H
#define ARK_KAFKA_PRODUCER_H

#include "base/buffer.h"
#include "kafka/token_source.h"

typedef struct ark_producer ark_producer;

typedef struct ark_producer_options {
    const char *url;
    const arrakis_property *properties;
    size_t property_count;
    ark_token_source tokens;
    /* A descriptor of the caller; -1: none. Once it is readable, no batch can be begun, and the
     * present one ends with ECANCELED if it is not confirmed within 2 s. */
    int cancel_fd;
    int close_ms; /* how long closing waits */
} ark_producer_options;

/* Open a producer, without waiting for the broker. EINVAL names a property or value that is
 * refused. */
arrakis_status ark_producer_open(ark_producer **out, const ark_producer_options *options,
                                 arrakis_error *err);
/* Topics are numbered from 0 in the order in which they are added. */
arrakis_status ark_producer_add_topic(ark_producer *producer, const char *name,
                                      arrakis_error *err);
const char *ark_producer_topic(const ark_producer *producer, size_t topic);
/* The size of the largest message, `message.max.bytes`. */
size_t ark_producer_limit(const ark_producer *producer);

/* Begin a batch. Deliveries of the last batch that are not confirmed do not count any more, and
 * messages that were filled and not sent are dropped. After a fatal error librdkafka is started anew, and
 * the old handle ends beside it. ENOMEM, EINVAL: it cannot be started again; EDEADLINE: so, as the
 * handle before that one has not ended yet. */
arrakis_status ark_producer_begin(ark_producer *producer, int timeout_ms, arrakis_error *err);
/* The buffer for the message of the batch to a topic; the same until it is sent. */
arrakis_status ark_producer_buffer(ark_producer *producer, size_t topic, ark_buffer **out,
                                   arrakis_error *err);
/* Send that message. EBROKER, EAUTH: refused; EDEADLINE: the queue of librdkafka stayed full;
 * ECANCELED. */
arrakis_status ark_producer_send(ark_producer *producer, size_t topic, arrakis_error *err);
/* Wait until the whole batch is delivered. EBROKER, EAUTH: some of it was refused. EAUTH also: the
 * login is refused, which is returned at once as long as nothing has ever been delivered.
 * EDEADLINE: not all is confirmed in time; the error has the cause, if it is known. ECANCELED: not
 * all is confirmed. */
arrakis_status ark_producer_wait(ark_producer *producer, arrakis_error *err);

/* Waits up to close_ms, but no longer once it is canceled, for what is still under way; what is
 * given up then is logged. Then up to ARK_CLOSING_NS for connections to end. */
void ark_producer_close(ark_producer *producer);

#endif
