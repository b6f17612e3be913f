/* SPDX-License-Identifier: Apache-2.0 */
/* What a server may decide about Kafka: which librdkafka properties it may set, and to which
 * values; and at which of the brokers that it names the logins of the user are used. */
#ifndef ARK_KAFKA_POLICY_H
#define ARK_KAFKA_POLICY_H

#include "kafka/properties.h"

#include <arrakis/arrakis.h>

/* The brokers that the user allows, besides those that the user names. */
typedef struct ark_allowed_brokers {
    const char *const *patterns;
    size_t count;
} ark_allowed_brokers;

/* Whether a server may set a property to a value. ESERVER names the property, and what it may be
 * set to. *taken: it counts; what the user sets, the server does not. The user's security is the
 * user's as a whole: a server's property of security is ESERVER then, unless the user has one in
 * its place. */
arrakis_status ark_kafka_policy_property(bool *taken, const char *name, const char *value,
                                         const ark_properties *users, arrakis_error *err);
/* The server's properties together. ESERVER: a login without a mechanism, for which librdkafka
 * takes GSSAPI. */
arrakis_status ark_kafka_policy_login(const ark_properties *servers, const ark_properties *users,
                                      arrakis_error *err);

/* EINVAL names a pattern that is neither HOST, HOST:PORT, *.DOMAIN nor *.DOMAIN:PORT. */
arrakis_status ark_kafka_policy_patterns(const ark_allowed_brokers *allowed, arrakis_error *err);
/* Whether the user's properties may be used at brokers that a server names: always, if nobody
 * could log in with them. EAUTH names the broker and the property; EINVAL: not a list of
 * brokers. */
arrakis_status ark_kafka_policy_brokers(const char *brokers, const ark_properties *users,
                                        const ark_allowed_brokers *allowed, arrakis_error *err);

#endif
