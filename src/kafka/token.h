/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for logins at brokers by SASL OAUTHBEARER: librdkafka asks for one when a handle is made, and
 * again before it expires, in a thread of its own. */
#ifndef ARK_KAFKA_TOKEN_H
#define ARK_KAFKA_TOKEN_H

#include "base/monitor.h"
#include "kafka/token_source.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* The same for one or several handles, until it is closed. All zero is none. */
typedef struct ark_kafka_token {
    ark_token_source source;
    ark_monitor monitor;
    size_t running; /* calls of fn that are under way */
    bool closed;
} ark_kafka_token;

void ark_kafka_token_init(ark_kafka_token *token, ark_token_source source);
/* The source is not called any more; a call that is under way is waited for. */
void ark_kafka_token_close(ark_kafka_token *token);
/* Once no handle uses it any more. */
void ark_kafka_token_clear(ark_kafka_token *token);
/* A token for `rk`, or why there is none: what such a handle's refresh callback does. */
void ark_kafka_token_refresh(ark_kafka_token *token, rd_kafka_t *rk);

/* Whether a finished configuration and a source of tokens go together. EINVAL: a token for logins that
 * are not made, or a login by token without one. */
arrakis_status ark_kafka_token_check(const rd_kafka_conf_t *conf, bool given, arrakis_error *err);

#endif
