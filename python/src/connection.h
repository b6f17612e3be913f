/* SPDX-License-Identifier: Apache-2.0 */
/* The keyword arguments that say where servers and brokers are, as the library's connection. */
#ifndef PYARK_CONNECTION_H
#define PYARK_CONNECTION_H

#include "argument.h"
#include "binding.h"

typedef struct pyark_connection {
    arrakis_connection connection;
    pyark_texts allowed_brokers, token_hosts;
    arrakis_property *properties;
    PyObject *texts; /* of the properties */
} pyark_connection;

#define PYARK_CONNECTION_DOC                                                                      \
    "url: an Arrakis server, '[grpc://]host[:port]' or 'grpc+tls://...'. kafka_url: brokers,\n"   \
    "    'host:port', several separated by commas. properties: a dict for librdkafka. "           \
    "allowed_brokers: brokers at\n"                                                               \
    "    which the login of properties may be used although a server named them. token: bearer\n" \
    "    token; '': none; not given: what WLCG discovery finds. insecure_token: send it\n"        \
    "    unencrypted too. token_hosts: hosts that may receive it. ca_file, cert_file, "           \
    "key_file:\n"                                                                                 \
    "    PEM files. request_timeout: limit of each request in seconds, 10 if not given.\n"

/* TypeError where `options` has a key that is neither of a connection nor one of `more`. */
int pyark_connection_check(PyObject *options, const char *const *more, const char *what);
/* An option, borrowed; NULL: not given. */
PyObject *pyark_connection_option(PyObject *options, const char *name);
/* Everything is borrowed from `options`. */
int pyark_connection_from(PyObject *options, pyark_connection *out);
void pyark_connection_free(pyark_connection *connection);

#endif
