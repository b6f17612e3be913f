/* SPDX-License-Identifier: Apache-2.0 */
/* Trouble between librdkafka and its brokers: failed connections and logins. A connection in
 * trouble is logged once, then every 30 s, and once more when it works again: librdkafka itself
 * logs several lines for each attempt. A login that was refused is an error at once, instead of a
 * time-out. */
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
    pthread_mutex_t lock; /* of all below: threads of librdkafka use it, too */
    ark_log_limit limit;
    atomic_bool open;
    int32_t broker;         /* the number of the broker in trouble; -1: not known */
    _Atomic uint64_t count; /* how often there was trouble */
    char last[ARK_KAFKA_TROUBLE_TEXT];
    char refusal[ARK_KAFKA_TROUBLE_TEXT]; /* why the login was refused; empty: it was not */
    atomic_bool news;                     /* a login has been refused since the last look */
    int wake_fd;                          /* an event descriptor that is set then; -1: none */
    ark_log_limit missing_token;
    ark_kafka_token own_token;
    ark_kafka_token *token; /* its own, or that of another handle */
    /* monotonic: since when connections end as if the security protocol were wrong; 0: they do
     * not */
    int64_t suspicious_ns;
} ark_kafka_trouble;

/* Make one. It becomes the opaque of a handle, and is freed after the handle. NULL: out of
 * memory. */
ark_kafka_trouble *ark_kafka_trouble_new(ark_token_source tokens);
/* Make one for another handle, which logs in with the same tokens and is closed earlier. */
ark_kafka_trouble *ark_kafka_trouble_beside(ark_kafka_trouble *other);
/* Do not call functions of the user any more: librdkafka may take long to end. */
void ark_kafka_trouble_close(ark_kafka_trouble *trouble);
void ark_kafka_trouble_free(void *trouble);
/* Set up the configuration of a handle: its failed connections become trouble, and it logs in with
 * the tokens, if there are any. Uses the opaque and the log callback of the configuration.
 * `quietly`: nothing is logged. EINVAL: as ark_kafka_token_check(). */
arrakis_status ark_kafka_trouble_watch(ark_kafka_trouble *trouble, rd_kafka_conf_t *conf,
                                       bool quietly, arrakis_error *err);
/* Set an event descriptor (-1: none) when a login is refused. */
void ark_kafka_trouble_wake(ark_kafka_trouble *trouble, int fd);
/* Note a failure after which librdkafka tries again. */
void ark_kafka_trouble_note(ark_kafka_trouble *trouble, const char *what);
/* Note that data has arrived. Cheap when there was no trouble. */
void ark_kafka_trouble_over(ark_kafka_trouble *trouble, const rd_kafka_message_t *message,
                            const char *url);
/* Log that what was in trouble works again. */
void ark_kafka_trouble_end(ark_kafka_trouble *trouble, const char *url, const char *what);
/* Whether this text of librdkafka about the end of a connection means that either side has refused
 * a login. */
bool ark_kafka_trouble_is_refusal(const char *text);
/* To be called while no broker has answered. EAUTH, with the reason: no broker will answer,
 * because the login is refused, or the security protocol is wrong. */
arrakis_status ark_kafka_trouble_verdict(ark_kafka_trouble *trouble, arrakis_error *err);
/* EAUTH, with the reason: a login has been refused, and no broker has answered since. */
arrakis_status ark_kafka_trouble_refusal(ark_kafka_trouble *trouble, arrakis_error *err);
/* Note that brokers have answered: earlier refusals do not count any more. */
void ark_kafka_trouble_answered(ark_kafka_trouble *trouble);
/* The text of the last trouble; "": there was none. */
void ark_kafka_trouble_last(ark_kafka_trouble *trouble, char text[ARK_KAFKA_TROUBLE_TEXT]);

#endif
