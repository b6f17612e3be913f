/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to one server. */
#ifndef ARK_FLIGHT_SESSION_H
#define ARK_FLIGHT_SESSION_H

#include "flight/connect_options.h"
#include "flight/transport.h"

#include <stdatomic.h>

typedef struct ark_session {
    atomic_uint refs;
    const ark_transport *transport;
    ark_transport_channel *channel;
    char *url;           /* scheme and target, for messages */
    char *authorization; /* the header's value, or NULL */
    int64_t max_message;
} ark_session;

/* To the server that the user names. */
arrakis_status ark_session_open(ark_session **out, const char *url, ark_connect_options *options,
                                arrakis_error *err);
/* To a location that a server's answer names, which may not be allowed the token
 * (flight/auth.h). */
arrakis_status ark_session_open_named(ark_session **out, const char *url,
                                      ark_connect_options *options, const ark_session *by,
                                      arrakis_error *err);
ark_session *ark_session_ref(ark_session *session);
void ark_session_unref(ark_session *session);

#endif
