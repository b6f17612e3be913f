/* SPDX-License-Identifier: Apache-2.0 */
/* The connections to the locations that one answer names: one per server, however many endpoints
 * it has. */
#ifndef ARK_FLIGHT_CONNECTIONS_H
#define ARK_FLIGHT_CONNECTIONS_H

#include "flight/batches.h"
#include "flight/budget.h"
#include "flight/connect_options.h"
#include "flight/info.h"
#include "flight/session.h"

typedef struct ark_connections {
    ark_session *origin;          /* to the server that answers; borrowed */
    ark_connect_options *connect; /* borrowed */
    ark_budget *budget;           /* borrowed */
    ark_session *sessions[ARK_CONNECTIONS_MAX];
    size_t count;
} ark_connections;

/* The connection to a location; unref it. EUNSUPPORTED: it cannot be connected to; EFORMAT: too
 * many connections are in use. */
arrakis_status ark_connections_find(ark_connections *connections, ark_session **out,
                                    const char *uri, arrakis_error *err);
void ark_connections_clear(ark_connections *connections);

/* Begin to read an endpoint at that location, or at the first one after it that can be connected
 * to; `again`: as ark_call_open(). */
arrakis_status ark_connections_read(ark_connections *connections, ark_batches *batches,
                                    const ark_endpoint *endpoint, size_t *location, bool again,
                                    arrakis_error *err);
/* After a failure: whether to try the next location of the endpoint. Then that is logged, and
 * *location is the next. */
bool ark_connections_fail_over(const ark_endpoint *endpoint, size_t *location,
                               const arrakis_error *failure);

/* A connection to a location that the server of `origin` has named; unref it. It has a token only
 * if the rules of flight/auth.h allow it. */
arrakis_status ark_connections_session(ark_session **out, ark_session *origin,
                                       ark_connect_options *connect, const char *uri,
                                       arrakis_error *err);

#endif
