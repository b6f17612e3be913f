/* SPDX-License-Identifier: Apache-2.0 */
#include "client/connection.h"

#include "base/error.h"
#include "kafka/brokers.h"
#include "kafka/policy.h"
#include "kafka/properties.h"

#include <inttypes.h>

arrakis_status ark_connection_check(const arrakis_connection *connection, arrakis_error *err)
{
    const ark_properties properties = {connection->properties, connection->property_count};
    const ark_allowed_brokers allowed = {connection->allowed_brokers,
                                         connection->allowed_broker_count};
    ARK_TRY(ark_kafka_properties_check(&properties, err));
    if (connection->request_timeout_ns != ARRAKIS_UNSET && connection->request_timeout_ns <= 0)
        return ark_fail(err, ARRAKIS_EINVAL, "request_timeout_ns is %" PRId64 ", expected over 0",
                        connection->request_timeout_ns);
    ARK_TRY(ark_kafka_policy_patterns(&allowed, err));
    return connection->kafka_url ? ark_kafka_brokers_check(connection->kafka_url, err)
                                 : ARRAKIS_OK;
}
