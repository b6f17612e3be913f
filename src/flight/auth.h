/* SPDX-License-Identifier: Apache-2.0 */
/* The bearer token that is sent with requests. Tokens are never written to a log or into an
 * error. */
#ifndef ARK_FLIGHT_AUTH_H
#define ARK_FLIGHT_AUTH_H

#include "flight/url.h"

/* Which servers may have a token, given by the user or found:
 *
 * - The server that the user names. Over a plain connection to another host only with allow_plain.
 * - A location that an answer of a server names, if that server was sent the token (so that nobody on the
 *   network could have changed the answer), and the location is on the same host (on any port, as a
 *   certificate names none), or the audience of the token names the host of the location ("ANY" does
 *   not), or the user lists it. Plain connections are treated as above. */
typedef struct ark_auth_request {
    const char *token; /* given by the user; "": send none; NULL: look for one */
    bool allow_plain;  /* send it even where others on the network can read it */
    bool publishing;   /* look at ARRAKIS_TOKEN, too */
    const char *scope; /* "arrakis.read", "arrakis.create:/<publisher>" */
    /* the server whose answer names the location; NULL: the user names it */
    const ark_url *named_by;
    bool had_token;    /* named_by was sent a token */
    const char *hosts; /* hosts that the user lists, or NULL */
} ark_auth_request;

/* The token for a server; free() it. NULL: none. EAUTH: the given token must not be sent over a
 * plain connection to the server that the user names; EINVAL: the token has characters that a
 * header cannot have. When a location that an answer names does not get the token, that is
 * logged. */
arrakis_status ark_auth_find(char **out, const ark_auth_request *request, const ark_url *url,
                             arrakis_error *err);

#endif
