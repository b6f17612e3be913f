/* SPDX-License-Identifier: Apache-2.0 */
/* The bearer token that goes with requests. Tokens never reach a log or an error's text. */
#ifndef ARK_FLIGHT_AUTH_H
#define ARK_FLIGHT_AUTH_H

#include "flight_url.h"

typedef struct ark_auth_request {
    const char *token; /* given by the user; "": none is to be sent; NULL: look for one */
    bool allow_plain;  /* also where others can read it */
    bool publishing;   /* ARRAKIS_TOKEN counts */
    const char *scope; /* "arrakis.read", "arrakis.create:/<publisher>" */
} ark_auth_request;

/* The token for a server, to be freed; NULL: none. EAUTH: one was given that must not be sent over
 * a plain connection; EINVAL: it cannot stand in a header. */
arrakis_status ark_auth_find(char **out, const ark_auth_request *request, const ark_url *url,
                             arrakis_error *err);

typedef enum ark_token_fit {
    ARK_TOKEN_FITS,
    ARK_TOKEN_OPAQUE, /* no JWT: nothing is known of it */
    ARK_TOKEN_EXPIRED,
    ARK_TOKEN_ELSEWHERE, /* another audience */
    ARK_TOKEN_NARROW,    /* lacks the scope */
} ark_token_fit;

/* Look at a token's claims (not at its signature: the server does). */
ark_token_fit ark_token_check(const char *token, const char *host, const char *scope,
                              int64_t unix_s);

#endif
