/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of a client to a server whose answer is a table: find, count, describe. Rows are
 * handed on as they arrive. */
#ifndef ARK_FLIGHT_QUERY_H
#define ARK_FLIGHT_QUERY_H

#include "flight/batches.h"
#include "flight/server.h"

#include <arrakis/arrakis.h>

arrakis_status ark_query_find(ark_server *server, const arrakis_query *query,
                              arrakis_channel_fn fn, void *opaque, arrakis_error *err);
arrakis_status ark_query_count(ark_server *server, const arrakis_query *query, uint64_t *count,
                               arrakis_error *err);
arrakis_status ark_query_describe(ark_server *server, const char *const *names, size_t count,
                                  int64_t time_ns, const char *replay_id, arrakis_channel_fn fn,
                                  void *opaque, arrakis_error *err);

/* Receives a batch. */
typedef arrakis_status (*ark_batch_fn)(const ark_batches *batches, void *opaque, bool *stop,
                                       arrakis_error *err);
/* Ask, and call fn with every batch of every endpoint. Owns `request`, also on failure.
 * needs_rows: an endpoint without rows is an error, EFORMAT. */
arrakis_status ark_query_table(ark_server *server, char *request, ark_batch_fn fn, bool needs_rows,
                               void *opaque, arrakis_error *err);

#endif
