/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens, for servers and for brokers: files that hold one, and what a JSON web token tells of
 * itself. Tokens never reach a log or an error's text. */
#ifndef ARK_BASE_TOKEN_H
#define ARK_BASE_TOKEN_H

#include <arrakis/arrakis.h>

/* No token comes near it; servers take headers of 8 kB. */
#define ARK_TOKEN_SIZE_MAX 65536

/* The text without the blanks around it, to be freed; NULL when nothing is left. */
char *ark_token_strip(const char *text);
/* Whether it has only bytes that a token, and a header's value, may have. */
bool ark_token_is_clean(const char *token);
/* What a regular file of less than ARK_TOKEN_SIZE_MAX bytes holds, stripped and to be freed; NULL: it
 * cannot be read, with errno (0: it is empty, too large or no file). `own`: only a file that this user
 * wrote; in /tmp anybody may put one under our name. */
char *ark_token_load(const char *path, bool own);

typedef enum ark_token_fit {
    ARK_TOKEN_FITS,
    ARK_TOKEN_OPAQUE, /* no JWT: nothing is known of it */
    ARK_TOKEN_EXPIRED,
    ARK_TOKEN_ELSEWHERE, /* another audience */
    ARK_TOKEN_NARROW,    /* lacks the scope */
} ark_token_fit;

/* Whether a token's audience is that host by its name. */
bool ark_token_names(const char *token, const char *host);
/* Look at a token's claims (not at its signature: the server does). */
ark_token_fit ark_token_check(const char *token, const char *host, const char *scope,
                              int64_t unix_s);
/* When a JSON web token expires, GPS; ARRAKIS_UNSET: it does not tell. */
int64_t ark_token_expiry(const char *token);

#endif
