/* SPDX-License-Identifier: Apache-2.0 */
/* flight/flight.h where the library is built without Flight: nothing can be opened. */
#include "base/error.h"
#include "flight/endpoints.h"
#include "flight/query.h"
#include "flight/register.h"
#include "flight/server.h"
#include "kafka/policy.h"

arrakis_status ark_server_open(ark_server **out, const arrakis_connection *connection,
                               const arrakis_client_options *options, const char *publisher_id,
                               arrakis_error *err)
{
    (void)options, (void)publisher_id;
    *out = NULL;
    return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                    "server '%.200s': the library is built without Flight", connection->url);
}

static arrakis_status no_server(arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_EUNSUPPORTED, "the library is built without Flight");
}

arrakis_status ark_server_share(ark_server **out, const ark_server *server,
                                const arrakis_cancel *cancel, arrakis_error *err)
{
    (void)server, (void)cancel;
    *out = NULL;
    return no_server(err);
}

void ark_server_close(ark_server *server)
{
    (void)server;
}

const char *ark_server_url(const ark_server *server)
{
    (void)server;
    return "";
}

void ark_server_set_cancel(ark_server *server, const arrakis_cancel *cancel)
{
    (void)server, (void)cancel;
}

int64_t ark_server_timeout_ns(const ark_server *server)
{
    (void)server;
    return 0;
}

arrakis_status ark_query_find(ark_server *server, const arrakis_query *query,
                              arrakis_channel_fn fn, void *opaque, arrakis_error *err)
{
    (void)server, (void)query, (void)fn, (void)opaque;
    return no_server(err);
}

arrakis_status ark_query_count(ark_server *server, const arrakis_query *query, uint64_t *count,
                               arrakis_error *err)
{
    (void)server, (void)query, (void)count;
    return no_server(err);
}

arrakis_status ark_query_describe(ark_server *server, const char *const *names, size_t count,
                                  int64_t time_ns, const char *replay_id, arrakis_channel_fn fn,
                                  void *opaque, arrakis_error *err)
{
    (void)server, (void)names, (void)count, (void)time_ns, (void)replay_id, (void)fn, (void)opaque;
    return no_server(err);
}

arrakis_status ark_server_action(ark_server *server, const char *name, char **json,
                                 arrakis_error *err)
{
    (void)server, (void)name, (void)json;
    return no_server(err);
}

arrakis_status ark_register_channels(ark_server *server, const char *publisher_id,
                                     const char *replay_id, arrakis_channel *const *channels,
                                     size_t count, arrakis_error *err)
{
    (void)server, (void)publisher_id, (void)replay_id, (void)channels, (void)count;
    return no_server(err);
}

arrakis_status ark_register_properties(ark_server *server, const char *publisher_id,
                                       const char *replay_id, ark_property_fn fn, void *opaque,
                                       arrakis_error *err)
{
    (void)server, (void)publisher_id, (void)replay_id, (void)fn, (void)opaque;
    return no_server(err);
}

arrakis_status ark_endpoints_reader(ark_server *server, arrakis_reader **out,
                                    arrakis_channels *channels, const arrakis_request *request,
                                    const arrakis_kafka_options *kafka,
                                    const ark_allowed_brokers *allowed, bool refresh,
                                    ark_endpoint_kinds *kinds, arrakis_error *err)
{
    (void)server, (void)out, (void)channels, (void)request, (void)kafka, (void)allowed;
    (void)refresh, (void)kinds;
    return no_server(err);
}

arrakis_status ark_endpoints_relay(ark_server *server, arrakis_reader **out,
                                   const arrakis_endpoint *endpoints, size_t count,
                                   arrakis_channels *channels, int64_t begin_ns, int64_t end_ns,
                                   arrakis_error *err)
{
    (void)server, (void)endpoints, (void)count, (void)channels, (void)begin_ns, (void)end_ns;
    *out = NULL;
    return no_server(err);
}
