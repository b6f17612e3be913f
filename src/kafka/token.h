/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for logins at brokers with SASL OAUTHBEARER. librdkafka asks for one when a handle is
 * made, and again before it expires, in its own threads. */
#ifndef ARK_KAFKA_TOKEN_H
#define ARK_KAFKA_TOKEN_H

#include "base/monitor.h"
#include "kafka/token_source.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* The source of tokens for one or several handles. Can be cleared when all bytes are 0. */
typedef struct ark_kafka_token {
    ark_token_source source;
    ark_monitor monitor;
    size_t running; /* how many calls of fn are running */
    bool closed;
} ark_kafka_token;

void ark_kafka_token_init(ark_kafka_token *token, ark_token_source source);
/* Do not call the source any more, and wait for calls that are running. */
void ark_kafka_token_close(ark_kafka_token *token);
/* Clear it once no handle uses it any more. */
void ark_kafka_token_clear(ark_kafka_token *token);
/* Give `rk` a token, or the reason why there is none: the refresh callback of such handles. */
void ark_kafka_token_refresh(ark_kafka_token *token, rd_kafka_t *rk);

/* Whether a configuration and a source of tokens fit. EINVAL: there is a source, but the
 * configuration has no login with tokens; or the other way round. */
arrakis_status ark_kafka_token_check(const rd_kafka_conf_t *conf, bool given, arrakis_error *err);

#endif
