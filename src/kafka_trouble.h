/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong between librdkafka and its brokers. A connection in trouble is mentioned once, then
 * every 30 s, and once more when it is over: librdkafka alone logs several lines for each try. A login
 * that failed is known as such, so that nobody waits for a time-out in its place. */
#ifndef ARK_KAFKA_TROUBLE_H
#define ARK_KAFKA_TROUBLE_H

#include "episode.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ARK_KAFKA_TROUBLE_TEXT = 256 };

typedef struct ark_kafka_trouble {
    pthread_mutex_t lock; /* librdkafka's threads have trouble too */
    ark_episode episode;
    atomic_bool open;
    int32_t broker;         /* that the trouble is with; -1: not known by its number */
    _Atomic uint64_t count; /* in all */
    char last[ARK_KAFKA_TROUBLE_TEXT];
    bool refused;          /* the login was; `last` is the reason */
    int64_t suspicious_ns; /* monotonic: since when connections end as if the security protocol
                               * were wrong; 0: they do not */
} ark_kafka_trouble;

/* A new one; it is the opaque of the handle that it watches, and is freed after it. NULL: no memory. */
ark_kafka_trouble *ark_kafka_trouble_new(void);
void ark_kafka_trouble_free(void *trouble);
/* Failed connections of the handle to be made become trouble; takes the configuration's opaque and
 * log. */
void ark_kafka_trouble_watch(ark_kafka_trouble *trouble, rd_kafka_conf_t *conf);
/* Something has gone wrong that librdkafka goes on trying. */
void ark_kafka_trouble_note(ark_kafka_trouble *trouble, const char *what);
/* Data has come. Cheap when there was no trouble. */
void ark_kafka_trouble_over(ark_kafka_trouble *trouble, const rd_kafka_message_t *message,
                            const char *url);
/* While nothing has been answered: EAUTH with the reason once it is clear that nothing will be, since
 * the login is refused or the connections are of the wrong kind. */
arrakis_status ark_kafka_trouble_verdict(ark_kafka_trouble *trouble, arrakis_error *err);
/* The last trouble's text, empty when there was none. */
void ark_kafka_trouble_last(ark_kafka_trouble *trouble, char text[ARK_KAFKA_TROUBLE_TEXT]);

#endif
