/* SPDX-License-Identifier: Apache-2.0 */
/* The bearer token that goes with requests. Tokens never reach a log or an error's text. */
#ifndef ARK_FLIGHT_AUTH_H
#define ARK_FLIGHT_AUTH_H

#include "flight/url.h"

/* Who may have a token. The server that the user names, unless the connection is plain and leads
 * to another host (then allow_plain). A location that a server's answer names, only if that server
 * was sent the token (so that nobody on the network could have changed the answer), and if the
 * location is on the same host (any port: a certificate names none), or the token's audience names
 * its host ("ANY" does not), or the user lists it; whether the connection is plain counts there as
 * well. The same for tokens that were given and those that were found. */
typedef struct ark_auth_request {
    const char *token;       /* given by the user; "": none is to be sent; NULL: look for one */
    bool allow_plain;        /* also where others can read it */
    bool publishing;         /* ARRAKIS_TOKEN counts */
    const char *scope;       /* "arrakis.read", "arrakis.create:/<publisher>" */
    const ark_url *named_by; /* the server whose answer names the place; NULL: the user names it */
    bool had_token;          /* that server */
    const char *hosts;       /* listed by the user, or NULL */
} ark_auth_request;

/* The token for a server, to be freed; NULL: none. EAUTH: one was given that must not be sent over
 * a plain connection to the server that the user names; EINVAL: it cannot stand in a header. What is
 * kept from a place that an answer names is logged. */
arrakis_status ark_auth_find(char **out, const ark_auth_request *request, const ark_url *url,
                             arrakis_error *err);

#endif
