/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/query.h"

#include "base/buffer.h"
#include "base/error.h"
#include "flight/budget.h"
#include "flight/channel_rows.h"
#include "flight/info.h"
#include "flight/connections.h"
#include "flight/request.h"
#include "flight/session.h"

#include <stdlib.h>

/* The most endpoints that are read at one time; each holds one message. */
enum { PARALLEL_MAX = 16 };

typedef struct query {
    ark_server *server;
    ark_budget budget;
    ark_connections connections;
    ark_flight_info info;
    ark_batches running[PARALLEL_MAX];
    size_t location[PARALLEL_MAX]; /* the location that is being read */
    arrakis_error failure;         /* of one location, or of the query */
    ark_batch_fn fn;
    void *opaque;
    bool stop;
    bool needs_rows; /* an endpoint without rows is an error */
} query;

static arrakis_status start_endpoint(query *q, size_t i)
{
    return ark_connections_read(&q->connections, &q->running[i % PARALLEL_MAX],
                                &q->info.endpoints[i], &q->location[i % PARALLEL_MAX], false,
                                &q->failure);
}

/* Receive all batches of an endpoint. Another location is tried only before the first batch:
 * later, rows would come twice. */
static arrakis_status drain_endpoint(query *q, size_t i)
{
    ark_batches *batches = &q->running[i % PARALLEL_MAX];
    bool any = false;
    for (;;) {
        arrakis_status rc =
            ark_batches_wait(batches, q->server->cancel, q->server->timeout_ns, &q->failure);
        if (rc == ARRAKIS_OK) {
            any = true;
            rc = q->fn(batches, q->opaque, &q->stop, &q->failure);
            if (rc == ARRAKIS_OK && !q->stop)
                continue;
        } else if (rc < 0 && !any && ark_budget_check_time(&q->budget, NULL) == ARRAKIS_OK &&
                   ark_connections_fail_over(&q->info.endpoints[i], &q->location[i % PARALLEL_MAX],
                                             &q->failure)) {
            ark_batches_close(batches);
            if ((rc = start_endpoint(q, i)) == ARRAKIS_OK)
                continue;
        } else if (rc == ARRAKIS_DONE && !any && q->needs_rows) {
            rc = ark_fail(&q->failure, ARRAKIS_EFORMAT, "%.200s: an empty answer",
                          batches->call.session->url);
        }
        ark_batches_close(batches);
        return rc < 0 ? rc : ARRAKIS_OK;
    }
}

arrakis_status ark_query_table(ark_server *server, char *request, ark_batch_fn fn, bool needs_rows,
                               void *opaque, arrakis_error *err)
{
    query *q = calloc(1, sizeof *q);
    if (!q) {
        free(request);
        return ark_no_memory(err, "a request");
    }
    q->server = server;
    q->budget =
        ark_budget_table(server->session->url, server->connect->max_message, server->timeout_ns);
    q->connections = (ark_connections){
        .origin = server->session, .connect = server->connect, .budget = &q->budget};
    q->fn = fn;
    q->needs_rows = needs_rows;
    q->opaque = opaque;
    arrakis_status rc = ark_server_ask(server, &q->info, request, &q->failure);
    for (size_t i = 0; rc == ARRAKIS_OK && i < q->info.count && i < PARALLEL_MAX; i++)
        rc = start_endpoint(q, i);
    for (size_t i = 0; rc == ARRAKIS_OK && !q->stop && i < q->info.count; i++) {
        rc = drain_endpoint(q, i);
        q->location[i % PARALLEL_MAX] = 0;
        if (rc == ARRAKIS_OK && !q->stop && i + PARALLEL_MAX < q->info.count)
            rc = start_endpoint(q, i + PARALLEL_MAX);
    }
    for (size_t i = 0; i < PARALLEL_MAX; i++)
        ark_batches_close(&q->running[i]);
    ark_connections_clear(&q->connections);
    ark_flight_info_clear(&q->info);
    if (rc < 0 && err)
        *err = q->failure;
    free(q);
    return rc;
}

/* ------------------------------------------------------------------ the three questions */

typedef struct listing {
    ark_channel_rows rows;
    arrakis_channel_fn fn;
    void *opaque;
} listing;

static arrakis_status list_batch(const ark_batches *batches, void *opaque, bool *stop,
                                 arrakis_error *err)
{
    listing *list = opaque;
    for (int64_t row = 0; row < batches->rows && !*stop; row++) {
        arrakis_channel *channel;
        ARK_TRY(ark_channel_rows_read(&channel, &list->rows, batches, row, err));
        *stop = !list->fn(channel, list->opaque);
        arrakis_channel_unref(channel);
    }
    return ARRAKIS_OK;
}

static arrakis_status list_channels(ark_server *server, char *request, arrakis_channel_fn fn,
                                    void *opaque, arrakis_error *err)
{
    listing list = {.fn = fn, .opaque = opaque};
    arrakis_status rc = ark_query_table(server, request, list_batch, false, &list, err);
    ark_buffer_clear(&list.rows.text);
    return rc;
}

arrakis_status ark_query_find(ark_server *server, const arrakis_query *search,
                              arrakis_channel_fn fn, void *opaque, arrakis_error *err)
{
    char *request;
    ARK_TRY(ark_request_search(&request, "Find", search, err));
    return list_channels(server, request, fn, opaque, err);
}

arrakis_status ark_query_describe(ark_server *server, const char *const *names, size_t count,
                                  int64_t time_ns, const char *replay_id, arrakis_channel_fn fn,
                                  void *opaque, arrakis_error *err)
{
    char *request;
    ARK_TRY(ark_request_describe(&request, names, count, time_ns, replay_id, err));
    return list_channels(server, request, fn, opaque, err);
}

static arrakis_status add_count(const ark_batches *batches, void *opaque, bool *stop,
                                arrakis_error *err)
{
    uint64_t count;
    (void)stop;
    arrakis_status rc = ark_channel_rows_count(&count, batches, err);
    if (rc == ARRAKIS_OK)
        *(uint64_t *)opaque += count;
    return rc;
}

arrakis_status ark_query_count(ark_server *server, const arrakis_query *search, uint64_t *count,
                               arrakis_error *err)
{
    char *request;
    *count = 0;
    ARK_TRY(ark_request_search(&request, "Count", search, err));
    return ark_query_table(server, request, add_count, true, count, err);
}
