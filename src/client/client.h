/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is made of: where channels and data come from, and its cancel. */
#ifndef ARK_CLIENT_CLIENT_H
#define ARK_CLIENT_CLIENT_H

#include <arrakis/reader.h>

#include "kafka/token.h"
#include "flight/flight.h"

struct arrakis_client {
    char *kafka_url;
    char *metadata_path;
    ark_server *server;           /* NULL: none */
    arrakis_property *properties; /* copies */
    size_t property_count;
    ark_token_source tokens;
    char **allowed_brokers; /* copies */
    size_t allowed_broker_count;
    int64_t request_timeout_ns;
    arrakis_cancel *cancel; /* NULL: none */
};

/* ECANCELED once the client's cancel is set. */
arrakis_status ark_client_check(const arrakis_client *client, arrakis_error *err);

/* Whether channels come from the server. */
bool ark_client_asks_server(const arrakis_client *client);

/* Search the client's file or broker, with `name_count` not 0 for channels of those names, each given
 * once. `passed_over` receives what of the broker could not be looked
 * into: the status and why, or ARRAKIS_OK. */
arrakis_status ark_client_search(arrakis_client *client, const arrakis_query *query,
                                 const char *const *names, size_t name_count,
                                 arrakis_channel_fn fn, void *opaque, arrakis_error *passed_over,
                                 arrakis_error *err);

/* ---- client/server.c */

/* Out of a scope map's text: its servers' URLs, `own` in the place of the one that answers, or with
 * `own` NULL its domains; a sorted array, to be freed. EFORMAT, ENOMEM. */
arrakis_status ark_scope_map_list(char **json, const char *text, const char *own,
                                  arrakis_error *err);

/* ---- client/reader.c */

/* The time that a request's channels are looked up for. EINVAL for a replay window that is none. */
arrakis_status ark_client_lookup_time(int64_t *time_ns, const arrakis_request *request,
                                      arrakis_error *err);
/* A reader for a request, from the broker or from where the server says. What a server relays is
 * waited for longer: request->latency_tolerance_ns. */
arrakis_status ark_client_reader(arrakis_client *client, arrakis_reader **out,
                                 arrakis_channels *channels, arrakis_request *request,
                                 arrakis_error *err);

#endif
