/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for logins at brokers with SASL OAUTHBEARER. librdkafka asks for one when a handle is
 * made, and again before it expires, in its own threads. */
#ifndef ARK_KAFKA_TOKEN_H
#define ARK_KAFKA_TOKEN_H

#include "kafka/token_gate.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* Give `rk` a token, or the reason why there is none: the refresh callback of such handles. */
void ark_kafka_token_refresh(ark_token_gate *gate, rd_kafka_t *rk);

/* Whether a configuration and a source of tokens fit. EINVAL: there is a source, but the
 * configuration has no login with tokens; or the other way round. */
arrakis_status ark_kafka_token_check(const rd_kafka_conf_t *conf, bool given, arrakis_error *err);

#endif
