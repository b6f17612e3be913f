/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is made of: where channels and data come from, and its cancel. */
#ifndef ARK_CLIENT_CLIENT_H
#define ARK_CLIENT_CLIENT_H

#include "flight/server.h"
#include "kafka/properties.h"
#include "kafka/token_source.h"

#include <arrakis/reader.h>

struct arrakis_client {
    char *kafka_url;
    char *metadata_path;
    ark_server *server; /* NULL: none */
    ark_property_copies properties;
    ark_token_source tokens;
    char **allowed_brokers; /* copies */
    size_t allowed_broker_count;
    int64_t request_timeout_ns;
    arrakis_cancel *cancel; /* NULL: none */
};

/* ECANCELED once the client's cancel is set. */
arrakis_status ark_client_check(const arrakis_client *client, arrakis_error *err);

/* What ends the client's calls from now on, borrowed; returns what did. */
arrakis_cancel *ark_client_set_cancel(arrakis_client *client, arrakis_cancel *cancel);

/* Whether channels come from the server. */
bool ark_client_asks_server(const arrakis_client *client);

/* Search the client's file or broker, with `name_count` not 0 for channels of those names, each given
 * once. `passed_over` receives what of the broker could not be looked
 * into: the status and why, or ARRAKIS_OK. */
arrakis_status ark_client_search(arrakis_client *client, const arrakis_query *query,
                                 const char *const *names, size_t name_count,
                                 arrakis_channel_fn fn, void *opaque, arrakis_error *passed_over,
                                 arrakis_error *err);

#endif
