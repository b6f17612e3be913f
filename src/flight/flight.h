/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks of an Arrakis server. flight/server.c and its neighbours; flight/stub.c where the
 * library is built without. */
#ifndef ARK_FLIGHT_FLIGHT_H
#define ARK_FLIGHT_FLIGHT_H

#include <arrakis/reader.h>

#include "kafka/policy.h"

typedef struct ark_server ark_server;

/* Does not connect yet. `publisher_id`: tokens are those for publishing as it; NULL: for reading.
 * EINVAL: the url or an option; EAUTH: a token that must not be sent there;
 * EUNSUPPORTED: the library or its module lacks Flight; EIO: a file that cannot be read. */
arrakis_status ark_server_open(ark_server **out, const arrakis_connection *connection,
                               const arrakis_client_options *options, const char *publisher_id,
                               arrakis_error *err);
void ark_server_close(ark_server *server);

arrakis_status ark_server_find(ark_server *server, const arrakis_query *query,
                               arrakis_channel_fn fn, void *opaque, arrakis_error *err);
arrakis_status ark_server_count(ark_server *server, const arrakis_query *query, uint64_t *count,
                                arrakis_error *err);
arrakis_status ark_server_describe(ark_server *server, const char *const *names, size_t count,
                                   int64_t time_ns, const char *replay_id, arrakis_channel_fn fn,
                                   void *opaque, arrakis_error *err);
/* The answer to one of the server's actions: a JSON text, to be freed. */
arrakis_status ark_server_action(ark_server *server, const char *name, char **json,
                                 arrakis_error *err);
/* The server's URL as it is dialed. */
const char *ark_server_url(const ark_server *server);
/* How long a request may take. */
int64_t ark_server_timeout_ns(const ark_server *server);

/* Have a publisher's channels registered: their places are then found. EAUTH gives the server's
 * reason; EINVAL: a rate that is no whole number. */
arrakis_status ark_server_partition(ark_server *server, const char *publisher_id,
                                    const char *replay_id, arrakis_channel *const *channels,
                                    size_t count, arrakis_error *err);
/* What a producer is told, handed to `fn` one by one; false to stop. */
typedef bool (*ark_property_fn)(const char *name, const char *value, void *opaque);
arrakis_status ark_server_properties(ark_server *server, const char *publisher_id,
                                     const char *replay_id, ark_property_fn fn, void *opaque,
                                     arrakis_error *err);

/* A reader of the endpoints that the server names for a request. *relayed: a server stands between
 * the publishers and the last of them in time. `kafka` is what Kafka readers among them are given;
 * EAUTH: its properties have a login, and a broker is none of those allowed.
 * `renew`: the channels are described as the server did for the request's start, and may be
 * described anew. */
arrakis_status ark_server_reader(ark_server *server, arrakis_reader **out,
                                 arrakis_channels *channels, const arrakis_request *request,
                                 const arrakis_kafka_options *kafka,
                                 const ark_allowed_brokers *allowed, bool renew, bool *relayed,
                                 arrakis_error *err);

#endif
