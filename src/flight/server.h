/* SPDX-License-Identifier: Apache-2.0 */
/* An Arrakis server, and what it is asked. Without Flight (flight/stub.c) none can be opened. */
#ifndef ARK_FLIGHT_SERVER_H
#define ARK_FLIGHT_SERVER_H

#include "flight/dial.h"
#include "flight/info.h"
#include "flight/session.h"

#include <arrakis/arrakis.h>

typedef struct ark_server {
    ark_dial_options *dial;
    ark_session *session;
    int cancel; /* descriptor, the caller's: readable for ever once calls are to end; -1: none */
    int64_t timeout_ns, stall_ns;
} ark_server;

/* Does not connect yet. The connection's cancel is borrowed until closed. `publisher_id`: tokens are those for publishing as it; NULL: for reading.
 * EINVAL: the url or an option; EAUTH: a token that must not be sent there;
 * EUNSUPPORTED: the library or its module lacks Flight; EIO: a file that cannot be read. */
arrakis_status ark_server_open(ark_server **out, const arrakis_connection *connection,
                               const arrakis_client_options *options, const char *publisher_id,
                               arrakis_error *err);
void ark_server_close(ark_server *server);
/* The answer to one of the server's actions: a JSON text, to be freed. */
arrakis_status ark_server_action(ark_server *server, const char *name, char **json,
                                 arrakis_error *err);
/* The server's URL as it is dialed. */
const char *ark_server_url(const ark_server *server);
/* How long a request may take. */
int64_t ark_server_timeout_ns(const ark_server *server);
/* What ends calls from now on in place of the connection's cancel; borrowed, NULL: nothing. */
void ark_server_set_cancel(ark_server *server, const arrakis_cancel *cancel);

/* Ask where the answer to a request lies. Takes request (may be NULL) over. */
arrakis_status ark_server_ask(ark_server *server, ark_flight_info *info, char *request,
                              arrakis_error *err);

#endif
