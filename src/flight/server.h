/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a server's client share. */
#ifndef ARK_FLIGHT_SERVER_H
#define ARK_FLIGHT_SERVER_H

#include "flight/batches.h"
#include "flight/info.h"
#include "flight/places.h"
#include "flight/session.h"
#include "flight/flight.h"

struct ark_server {
    ark_dial_options *dial;
    ark_session *session;
    arrakis_cancel *canceler; /* NULL: none */
    int cancel;               /* its descriptor, readable for ever once it is set; -1: none */
    int64_t timeout_ns, stall_ns;
};

/* Ask where the answer to a request lies. Takes request (may be NULL) over. */
arrakis_status ark_server_ask(ark_server *server, ark_flight_info *info, char *request,
                              arrakis_error *err);

/* Takes a batch. */
typedef arrakis_status (*ark_batch_fn)(const ark_batches *batches, void *opaque, bool *stop,
                                       arrakis_error *err);
/* Ask, and hand every batch of every endpoint to fn. Takes request over. needs_rows: an endpoint
 * without any has not answered, EFORMAT. flight/query.c */
arrakis_status ark_server_table(ark_server *server, char *request, ark_batch_fn fn,
                                bool needs_rows, void *opaque, arrakis_error *err);

/* The JSON object in a Result, to be freed. No I/O. EFORMAT. */
arrakis_status ark_result_json(char **out, const uint8_t *message, size_t message_size,
                               arrakis_error *err);

#endif
