/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints that a server names for a request. */
#ifndef ARK_FLIGHT_ENDPOINTS_H
#define ARK_FLIGHT_ENDPOINTS_H

#include "flight/server.h"
#include "kafka/policy.h"

#include <arrakis/reader.h>

/* A reader of the endpoints that the server names for a request. *relayed: a server stands between
 * the publishers and the last of them in time. `kafka` is what Kafka readers among them are given;
 * EAUTH: its properties have a login, and a broker is none of those allowed.
 * `renew`: the channels are described as the server did for the request's start, and may be
 * described anew. */
arrakis_status ark_endpoints_reader(ark_server *server, arrakis_reader **out,
                                    arrakis_channels *channels, const arrakis_request *request,
                                    const arrakis_kafka_options *kafka,
                                    const ark_allowed_brokers *allowed, bool renew, bool *relayed,
                                    arrakis_error *err);

#endif
