/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka producer that sends batches, one message per topic, and knows when a batch is delivered.
 *
 * librdkafka sends straight from the buffer a message was built in; the buffer is used again once
 * its delivery report has come, however late that is. Whatever a call returns, the next batch can
 * be begun. */
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
    /* The caller's. Once it is readable, no batch begins, and the present one ends with ECANCELED if it
     * is not confirmed within 2 s; -1: none. */
    int cancel_fd;
    int close_ms; /* how long closing waits */
} ark_producer_options;

/* Does not wait for the broker. EINVAL names a property or value that is refused. */
arrakis_status ark_producer_open(ark_producer **out, const ark_producer_options *options,
                                 arrakis_error *err);
/* Topics are numbered from 0 in the order in which they are added. */
arrakis_status ark_producer_add_topic(ark_producer *producer, const char *name,
                                      arrakis_error *err);
const char *ark_producer_topic(const ark_producer *producer, size_t topic);
/* The largest message, `message.max.bytes`. */
size_t ark_producer_limit(const ark_producer *producer);

/* Begin a batch: deliveries of the last batch that are under way do not count any more, and
 * messages that were filled and not sent are discarded. ENOMEM, EINVAL: librdkafka had failed for
 * good and cannot be started again. */
arrakis_status ark_producer_begin(ark_producer *producer, int timeout_ms, arrakis_error *err);
/* The buffer for the batch's message to a topic; the same until it is sent. */
arrakis_status ark_producer_buffer(ark_producer *producer, size_t topic, ark_buffer **out,
                                   arrakis_error *err);
/* Send that message. EBROKER, EAUTH: refused; EDEADLINE: librdkafka's queue stayed full; ECANCELED. */
arrakis_status ark_producer_send(ark_producer *producer, size_t topic, arrakis_error *err);
/* Waits until the whole batch is delivered. EBROKER, EAUTH: not all of it was. EAUTH also: the login is
 * refused, at once as long as nothing has ever been delivered. EDEADLINE: not known in time, with what
 * is in the way if that is known; ECANCELED: as little is known. */
arrakis_status ark_producer_wait(ark_producer *producer, arrakis_error *err);

/* Waits up to close_ms, but no longer once it is canceled, for what is still under way; what is given up
 * then is logged. Then up to ARK_CLOSING_NS for connections to end. */
void ark_producer_close(ark_producer *producer);

#endif
