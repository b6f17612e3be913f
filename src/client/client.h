/* SPDX-License-Identifier: Apache-2.0 */
/* A client: where its channels and data come from, and its cancel. */
#ifndef ARK_CLIENT_CLIENT_H
#define ARK_CLIENT_CLIENT_H

#include "flight/server.h"
#include "kafka/metadata_topics.h"
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

/* ECANCELED: the cancel of the client is set. */
arrakis_status ark_client_check(const arrakis_client *client, arrakis_error *err);

/* A client of the same server or broker, with its connections, for another thread. It is canceled
 * by `cancel` alone. */
arrakis_status ark_client_copy(arrakis_client **out, const arrakis_client *client,
                               arrakis_cancel *cancel, arrakis_error *err);
/* The broker's metadata topics. Borrowed from the client. */
ark_metadata_source ark_client_metadata_source(const arrakis_client *client);

/* Cancel the calls of the client with `cancel` from now on, borrowed. Returns the cancel before
 * it. */
arrakis_cancel *ark_client_set_cancel(arrakis_client *client, arrakis_cancel *cancel);

/* Whether channels come from the server. */
bool ark_client_asks_server(const arrakis_client *client);

/* Search the file or the broker of the client for what is selected among the channels that match; with
 * `choose` NULL all of them are. `passed_over` receives the error of what could not be read at the
 * broker, or ARRAKIS_OK. */
arrakis_status ark_client_search(arrakis_client *client, const arrakis_query *query,
                                 const ark_selection *selection, arrakis_error *passed_over,
                                 arrakis_error *err);

#endif
