/* SPDX-License-Identifier: Apache-2.0 */
/* The options of connections to servers: certificates, token, limits. */
#ifndef ARK_FLIGHT_CONNECT_OPTIONS_H
#define ARK_FLIGHT_CONNECT_OPTIONS_H

#include <arrakis/arrakis.h>

#include <stdatomic.h>

/* Copies of the options, shared by all connections of a client. */
typedef struct ark_connect_options {
    atomic_uint refs;
    char *token;
    bool insecure_token;
    char *token_hosts;  /* as from ark_hosts_join() */
    char *publisher_id; /* NULL: tokens are for reading */
    char *roots_pem, *cert_pem, *key_pem;
    int64_t max_message; /* bytes */
} ark_connect_options;

arrakis_status ark_connect_options_new(ark_connect_options **out,
                                       const arrakis_connection *connection,
                                       int64_t max_message_bytes, const char *publisher_id,
                                       arrakis_error *err);
ark_connect_options *ark_connect_options_ref(ark_connect_options *options);
void ark_connect_options_unref(ark_connect_options *options);

#endif
