/* SPDX-License-Identifier: Apache-2.0 */
/* How servers are dialed. */
#ifndef ARK_FLIGHT_DIAL_H
#define ARK_FLIGHT_DIAL_H

#include <arrakis/arrakis.h>

#include <stdatomic.h>

/* How servers are dialed: shared by a client's connections. Copies. */
typedef struct ark_dial_options {
    atomic_uint refs;
    char *token;
    bool insecure_token;
    char *token_hosts;  /* as ark_hosts_join() gives them */
    char *publisher_id; /* NULL: tokens are for reading */
    char *roots_pem, *cert_pem, *key_pem;
    int64_t max_message; /* bytes */
} ark_dial_options;

arrakis_status ark_dial_options_new(ark_dial_options **out, const arrakis_connection *connection,
                                    int64_t max_message_bytes, const char *publisher_id,
                                    arrakis_error *err);
ark_dial_options *ark_dial_options_ref(ark_dial_options *options);
void ark_dial_options_free(ark_dial_options *options);

#endif
