/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints that a server names for a request. */
#ifndef ARK_FLIGHT_ENDPOINTS_H
#define ARK_FLIGHT_ENDPOINTS_H

#include "flight/server.h"
#include "kafka/policy.h"

#include <arrakis/reader.h>

/* What the endpoints are that are last in time. */
typedef struct ark_endpoint_kinds {
    bool servers, brokers;
} ark_endpoint_kinds;

/* Make a reader of the endpoints that the server names for a request. `kafka`: the options of Kafka readers; EAUTH:
 * its properties have a login, and a broker is not one of those allowed. `refresh`: the channels
 * are described as of the start of the request, and may be described again as of now. */
arrakis_status ark_endpoints_reader(ark_server *server, arrakis_reader **out,
                                    arrakis_channels *channels, const arrakis_request *request,
                                    const arrakis_kafka_options *kafka,
                                    const ark_allowed_brokers *allowed, bool refresh,
                                    ark_endpoint_kinds *kinds, arrakis_error *err);

/* Make a reader of endpoints at servers that the program itself has asked for; for the statuses see
 * arrakis_endpoint_reader_new(). */
arrakis_status ark_endpoints_relay(ark_server *server, arrakis_reader **out,
                                   const arrakis_endpoint *endpoints, size_t count,
                                   arrakis_channels *channels, int64_t begin_ns, int64_t end_ns,
                                   arrakis_error *err);

#endif
