/* SPDX-License-Identifier: Apache-2.0 */
/* Outages: connections or logins of a handle of librdkafka fail. An outage is logged once, then every
 * 30 s, and once more when it has ended: librdkafka itself logs several lines for each attempt. A
 * login that was refused is an error at once, instead of a time-out. */
#ifndef ARK_KAFKA_OUTAGE_H
#define ARK_KAFKA_OUTAGE_H

#include "base/log_limit.h"
#include "kafka/token.h"
#include "kafka/token_source.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ARK_KAFKA_OUTAGE_TEXT = 256 };

typedef struct ark_kafka_outage {
    pthread_mutex_t lock; /* of all below: threads of librdkafka use it, too */
    ark_log_limit limit;
    atomic_bool open;
    int32_t broker; /* the number of the broker that failed; -1: not known; -2: a coordinator */
    bool grouped;   /* the handle is a member of a group, whose coordinator may fail, too */
    void *owner;    /* what the handle belongs to, for callbacks that get the outage */
    _Atomic uint64_t count; /* how many failures there were */
    char last[ARK_KAFKA_OUTAGE_TEXT];
    char refusal[ARK_KAFKA_OUTAGE_TEXT]; /* why the login was refused; empty: it was not */
    atomic_bool news;                    /* a login has been refused since the last look */
    int wake_fd;                         /* an event descriptor that is set then; -1: none */
    ark_log_limit missing_token;
    ark_token_gate own_token;
    ark_token_gate *token; /* its own, or that of another handle */
    bool understood;       /* a broker has answered a question: the security protocol is right */
    /* monotonic: after this time the security protocol is taken for wrong, because connections end
     * as if it were; 0: they do not */
    int64_t suspected_ns;
} ark_kafka_outage;

/* Make one. It becomes the opaque of a handle, and is freed after the handle. NULL: out of
 * memory. */
ark_kafka_outage *ark_kafka_outage_new(ark_token_source tokens);
/* Make one for another handle, which logs in with the same tokens and is closed earlier. */
ark_kafka_outage *ark_kafka_outage_beside(ark_kafka_outage *other);
/* Do not call functions of the user any more: librdkafka may take long to end. */
void ark_kafka_outage_close(ark_kafka_outage *outage);
void ark_kafka_outage_free(void *outage);
/* Set up the configuration of a handle: its failed connections are noted, and it logs in with
 * the tokens, if there are any. Uses the opaque and the log callback of the configuration.
 * `quietly`: nothing is logged. EINVAL: as ark_kafka_token_check(). */
arrakis_status ark_kafka_outage_watch(ark_kafka_outage *outage, rd_kafka_conf_t *conf,
                                      bool quietly, arrakis_error *err);
/* Set an event descriptor (-1: none) when a login is refused. */
void ark_kafka_outage_wake(ark_kafka_outage *outage, int fd);
/* Note a failure after which librdkafka tries again. */
void ark_kafka_outage_note(ark_kafka_outage *outage, const char *what);
/* Note that data has arrived. Cheap when there is no outage. */
void ark_kafka_outage_over(ark_kafka_outage *outage, const rd_kafka_message_t *message,
                           const char *url);
/* Note that the coordinator of the group has answered, of which data from brokers tells nothing. */
void ark_kafka_outage_coordinated(ark_kafka_outage *outage, const char *url);
/* Log that the outage has ended. */
void ark_kafka_outage_end(ark_kafka_outage *outage, const char *url, const char *what);
/* Whether this text of librdkafka about the end of a connection means that either side has refused
 * a login. */
bool ark_kafka_outage_is_refusal(const char *text);
/* To be called while no broker has answered. EAUTH, with the reason: no broker will answer,
 * because the login is refused, or the security protocol is wrong. */
arrakis_status ark_kafka_outage_verdict(ark_kafka_outage *outage, arrakis_error *err);
/* EAUTH, with the reason: a login has been refused, and no broker has answered since. */
arrakis_status ark_kafka_outage_refusal(ark_kafka_outage *outage, arrakis_error *err);
/* Note that brokers have answered: earlier refusals do not count any more. */
void ark_kafka_outage_answered(ark_kafka_outage *outage);
/* Note that some broker has answered a question: connections that end do not show a wrong security
 * protocol any more. A refused login still counts, as another broker may have answered. */
void ark_kafka_outage_understood(ark_kafka_outage *outage);
/* The text of the last failure; "": there was none. */
void ark_kafka_outage_last(ark_kafka_outage *outage, char text[ARK_KAFKA_OUTAGE_TEXT]);

#endif
