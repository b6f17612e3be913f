/* SPDX-License-Identifier: Apache-2.0 */
/* A Python function that returns tokens for logins at brokers, as the library's kafka_token_fn. */
#ifndef PYARK_TOKEN_H
#define PYARK_TOKEN_H

#include "binding.h"

/* How long the library waits for the function, and for how long a token can be valid, in seconds. */
#define PYARK_TOKEN_WAIT_S 10
#define PYARK_TOKEN_LIFETIME_MAX_S 31536000

/* Shared by what was opened with the function. */
typedef struct pyark_token pyark_token;

int pyark_token_watch(void);
/* NULL or None: there is no function, and *out is NULL. -1: TypeError, or no memory. */
int pyark_token_from(PyObject *function, pyark_token **out);
pyark_token *pyark_token_ref(pyark_token *token);
/* Needs the GIL. */
void pyark_token_unref(pyark_token *token);

/*
 * The library's arrakis_token_fn; `opaque` is the token. The function runs in a thread of its own: what waits for it, such
 * as the end of a connection, never waits for the GIL, and not for longer than PYARK_TOKEN_WAIT_S.
 */
arrakis_status pyark_token_get(char *text, size_t size, int64_t *expires_ns, void *opaque,
                               arrakis_error *err);
/* The interpreter is ending: no function is called any more, and nobody waits for one. */
void pyark_token_stop(void);

#endif
