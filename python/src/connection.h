/* SPDX-License-Identifier: Apache-2.0 */
/* The keyword arguments that say where servers and brokers are, as the library's connection. */
#ifndef PYARK_CONNECTION_H
#define PYARK_CONNECTION_H

#include "argument.h"
#include "binding.h"
#include "token.h"

typedef struct pyark_connection {
    arrakis_connection connection;
    pyark_texts allowed_brokers, token_hosts;
    arrakis_property *properties;
    PyObject *texts;   /* of the properties */
    PyObject *options; /* a dict with the others */
    pyark_token *tokens;
} pyark_connection;

#define PYARK_CONNECTION_DOC                                                                      \
    "url: an Arrakis server, '[grpc://]host[:port]' or 'grpc+tls://...'. kafka_url: brokers,\n"   \
    "    'host:port', several separated by commas. properties: a dict for librdkafka.\n"          \
    "    kafka_token_fn: for logins at brokers by SASL OAUTHBEARER, which properties ask for, "   \
    "a\n"                                                                                         \
    "    function without arguments that returns a token, or a pair of a token and the seconds\n" \
    "    from now on for which it is valid, a year at most; else the token itself tells that, "   \
    "as\n"                                                                                        \
    "    a JSON web token does, or it is taken to be valid for 10 minutes. The function is "      \
    "called\n"                                                                                    \
    "    in threads of the package until everything that was opened with it is closed; what it\n" \
    "    raises is the text of the AuthError, so it must not contain a secret, and so is that\n"  \
    "    nothing was returned within 10 s. It is asked again 10 s after a failure.\n"             \
    "    allowed_brokers: brokers at\n"                                                           \
    "    which the login of properties may be used although a server named them. token: bearer\n" \
    "    token; '': none; not given: what WLCG discovery finds. insecure_token: send it\n"        \
    "    unencrypted too. token_hosts: hosts that may receive it. ca_file, cert_file, "           \
    "key_file:\n"                                                                                 \
    "    PEM files. request_timeout: limit of each request in seconds, 10 if not given.\n"

/* Once, when the module is loaded. */
int pyark_connection_start(void);
/*
 * A dict of what `keywords` has (NULL: nothing), for all that follows. Its keys are str and of no class derived from it,
 * whose code would run at each look-up.
 */
PyObject *pyark_connection_options(PyObject *keywords);
/*
 * TypeError where `options` has a key that is neither of a connection nor one of `more`. Paths,
 * such as of pathlib, become texts.
 */
int pyark_connection_check(PyObject *options, const char *const *more, const char *what);
/* Puts an argument that was given by position (NULL: it was not) to the others. TypeError where it
 * was named, too. */
int pyark_connection_add(PyObject *options, const char *name, PyObject *value, const char *what);
/* An option, borrowed; NULL: not given. Its name is one that connection.c has. */
PyObject *pyark_connection_option(PyObject *options, const char *name);
void pyark_connection_forget(PyObject *options, const char *name);
/* What is opened copies the texts, and takes a reference of its own to `tokens`. */
int pyark_connection_from(PyObject *options, pyark_connection *out);
void pyark_connection_free(pyark_connection *connection);

#endif
