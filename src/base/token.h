/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens for servers and brokers: files that contain a token, and the claims of JSON web
 * tokens. Tokens are never written to a log or into an error. */
#ifndef ARK_BASE_TOKEN_H
#define ARK_BASE_TOKEN_H

#include <arrakis/arrakis.h>

/* All tokens are much smaller: servers accept headers of 8 kB. */
#define ARK_TOKEN_SIZE_MAX 65536

/* A copy of the text without the blanks around it; free() it. NULL: nothing is left. */
char *ark_token_strip(const char *text);
/* Whether a token has only bytes that tokens and values of headers may have. */
bool ark_token_is_clean(const char *token);
/* The contents of a regular file of less than ARK_TOKEN_SIZE_MAX bytes, stripped; free() them.
 * NULL: the file cannot be read, with errno (0: it is empty, too large or not a regular file).
 * `own`: refuse a file of another user; in /tmp anybody may create a file of any name. */
char *ark_token_load(const char *path, bool own);

typedef enum ark_token_fit {
    ARK_TOKEN_FITS,
    ARK_TOKEN_OPAQUE, /* not a JSON web token: it may fit */
    ARK_TOKEN_EXPIRED,
    ARK_TOKEN_ELSEWHERE, /* for another audience */
    ARK_TOKEN_NARROW,    /* without the scope */
} ark_token_fit;

/* Whether the audience of a token names the host itself. */
bool ark_token_names(const char *token, const char *host);
/* Check the claims of a token (not its signature, which the server checks). */
ark_token_fit ark_token_check(const char *token, const char *host, const char *scope,
                              int64_t unix_s);
/* When a JSON web token expires, in GPS time; ARRAKIS_UNSET: the token does not have that
 * claim. */
int64_t ark_token_expiry(const char *token);

#endif
