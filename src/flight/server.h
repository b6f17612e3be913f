/* SPDX-License-Identifier: Apache-2.0 */
/* An Arrakis server. Without Flight (flight/stub.c) none can be opened. */
#ifndef ARK_FLIGHT_SERVER_H
#define ARK_FLIGHT_SERVER_H

#include "flight/connect_options.h"
#include "flight/info.h"
#include "flight/session.h"

#include <arrakis/arrakis.h>

typedef struct ark_server {
    ark_connect_options *connect;
    ark_session *session;
    int cancel; /* descriptor of the cancel: readable once calls are canceled; -1: none */
    int64_t timeout_ns, stall_ns;
} ark_server;

/* Open a server, without connecting to it yet. The cancel of the connection must live until the
 * server is closed. `publisher_id`: use tokens for publishing as this publisher; NULL: tokens for
 * reading. EINVAL: the url or an option; EAUTH: a token that must not be sent there; EUNSUPPORTED:
 * the library or its module lacks Flight; EIO: a file that cannot be read. */
arrakis_status ark_server_open(ark_server **out, const arrakis_connection *connection,
                               const arrakis_client_options *options, const char *publisher_id,
                               arrakis_error *err);
/* The same server for another thread, by the same connection; calls are canceled with `cancel` alone, borrowed. */
arrakis_status ark_server_share(ark_server **out, const ark_server *server,
                                const arrakis_cancel *cancel, arrakis_error *err);
void ark_server_close(ark_server *server);
/* The answer to an action of the server: a JSON text; free() it. */
arrakis_status ark_server_action(ark_server *server, const char *name, char **json,
                                 arrakis_error *err);
/* The URL of the server, complete. */
const char *ark_server_url(const ark_server *server);
/* How long a request may take. */
int64_t ark_server_timeout_ns(const ark_server *server);
/* Cancel calls with `cancel` from now on, in place of the cancel of the connection; borrowed;
 * NULL: none. */
void ark_server_set_cancel(ark_server *server, const arrakis_cancel *cancel);

/* Ask for the endpoints of a request. Owns `request`, which may be NULL. */
arrakis_status ark_server_ask(ark_server *server, ark_flight_info *info, char *request,
                              arrakis_error *err);

#endif
