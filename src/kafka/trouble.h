/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong between librdkafka and its brokers. A connection in trouble is mentioned once, then
 * every 30 s, and once more when it is over: librdkafka alone logs several lines for each try. A login
 * that failed is known as such, so that nobody waits for a time-out in its place. */
#ifndef ARK_KAFKA_TROUBLE_H
#define ARK_KAFKA_TROUBLE_H

#include "base/log_limit.h"
#include "kafka/token.h"
#include "kafka/token_source.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ARK_KAFKA_TROUBLE_TEXT = 256 };

typedef struct ark_kafka_trouble {
    pthread_mutex_t lock; /* librdkafka's threads have trouble too */
    ark_log_limit limit;
    atomic_bool open;
    int32_t broker;         /* that the trouble is with; -1: not known by its number */
    _Atomic uint64_t count; /* in all */
    char last[ARK_KAFKA_TROUBLE_TEXT];
    char refusal[ARK_KAFKA_TROUBLE_TEXT]; /* why the login was refused; empty: it was not */
    atomic_bool news;                     /* it was, since somebody looked */
    int wake_fd;                          /* set then; -1: none */
    ark_log_limit missing_token;
    ark_kafka_token own_token;
    ark_kafka_token *token; /* its own, or that of the handle that it is beside */
    int64_t suspicious_ns;  /* monotonic: since when connections end as if the security protocol
                               * were wrong; 0: they do not */
} ark_kafka_trouble;

/* A new one; it is the opaque of the handle that it watches, and is freed after it. NULL: no memory. */
ark_kafka_trouble *ark_kafka_trouble_new(ark_token_source tokens);
/* The same for another handle, which logs in with the same tokens and ends before. */
ark_kafka_trouble *ark_kafka_trouble_beside(ark_kafka_trouble *other);
/* What the user gave is not used any more: librdkafka may take its time to end. */
void ark_kafka_trouble_close(ark_kafka_trouble *trouble);
void ark_kafka_trouble_free(void *trouble);
/* Failed connections of the handle to be made become trouble, and it logs in with the tokens, if any;
 * takes the configuration's opaque and log. `quietly`: nothing of it is logged. EINVAL: a token that
 * would not be used, or a login by token without one. */
arrakis_status ark_kafka_trouble_watch(ark_kafka_trouble *trouble, rd_kafka_conf_t *conf,
                                       bool quietly, arrakis_error *err);
/* A descriptor to make readable when a login is refused; -1: none. */
void ark_kafka_trouble_wake(ark_kafka_trouble *trouble, int fd);
/* Something has gone wrong that librdkafka goes on trying. */
void ark_kafka_trouble_note(ark_kafka_trouble *trouble, const char *what);
/* Data has come. Cheap when there was no trouble. */
void ark_kafka_trouble_over(ark_kafka_trouble *trouble, const rd_kafka_message_t *message,
                            const char *url);
/* What was in trouble works again: that is logged. */
void ark_kafka_trouble_end(ark_kafka_trouble *trouble, const char *url, const char *what);
/* Whether a connection that ended with this text of librdkafka's is a login that was refused, by either
 * side, rather than a broker that went away. */
bool ark_kafka_trouble_is_refusal(const char *text);
/* While nothing has been answered: EAUTH with the reason once it is clear that nothing will be, since
 * the login is refused or the connections are of the wrong kind. */
arrakis_status ark_kafka_trouble_verdict(ark_kafka_trouble *trouble, arrakis_error *err);
/* EAUTH with the reason if a login has been refused and no broker has answered since. */
arrakis_status ark_kafka_trouble_refusal(ark_kafka_trouble *trouble, arrakis_error *err);
/* Brokers have answered: what was refused before does not count. */
void ark_kafka_trouble_answered(ark_kafka_trouble *trouble);
/* The last trouble's text, empty when there was none. */
void ark_kafka_trouble_last(ark_kafka_trouble *trouble, char text[ARK_KAFKA_TROUBLE_TEXT]);

#endif
