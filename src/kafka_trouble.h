/* SPDX-License-Identifier: Apache-2.0 */
/* A connection in trouble says so once, then every 30 s, and says when it is over: librdkafka alone
 * says several lines for each try. */
#ifndef ARK_KAFKA_TROUBLE_H
#define ARK_KAFKA_TROUBLE_H

#include "episode.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct ark_kafka_trouble {
    pthread_mutex_t lock; /* librdkafka's threads have trouble too */
    ark_episode episode;
    atomic_bool open;
    _Atomic uint64_t count; /* in all */
} ark_kafka_trouble;

void ark_kafka_trouble_init(ark_kafka_trouble *trouble);
void ark_kafka_trouble_clear(ark_kafka_trouble *trouble);
/* The handle's failed connections become trouble; takes the configuration's opaque and log. */
void ark_kafka_trouble_watch(ark_kafka_trouble *trouble, rd_kafka_conf_t *conf);
/* Something has gone wrong that librdkafka goes on trying. */
void ark_kafka_trouble_note(ark_kafka_trouble *trouble, const char *what);
/* Data has come. Cheap when there was no trouble. */
void ark_kafka_trouble_over(ark_kafka_trouble *trouble, const char *url);

#endif
