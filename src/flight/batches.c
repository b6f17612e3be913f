/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/batches.h"

#include "arrow/ipc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/event.h"
#include "base/monotonic.h"
#include "flight/message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* After this many messages without rows, ark_batches_next() returns, so that others have their
 * turn. */
enum { EMPTY_MAX = 256 };

arrakis_status ark_batches_open(ark_batches *batches, ark_session *session, ark_budget *budget,
                                const void *ticket, size_t ticket_size, bool again,
                                arrakis_error *err)
{
    ark_buffer request = {0};
    *batches = (ark_batches){0};
    ARK_TRY(ark_budget_spend(budget, ARK_COST_CALLS, 1, err));
    arrakis_status rc = ark_flight_message_put_ticket(&request, ticket, ticket_size, err);
    if (rc == ARRAKIS_OK)
        rc = ark_call_open(&batches->call, session, "DoGet", &request, ARRAKIS_UNSET, again, err);
    ark_buffer_clear(&request);
    if (rc == ARRAKIS_OK)
        batches->call.budget = budget;
    else
        ark_budget_return(budget, ARK_COST_CALLS, 1);
    return rc;
}

static atomic_uint_fast64_t last_schema;

static arrakis_status take_schema(ark_batches *batches, const ark_ipc_message *message,
                                  arrakis_error *err)
{
    ark_schema *schema;
    ARK_TRY(ark_schema_read(&schema, message, err));
    ark_schema_free(batches->schema);
    batches->schema = schema;
    batches->schema_id = atomic_fetch_add(&last_schema, 1) + 1;
    free(batches->columns);
    batches->columns = calloc(schema->count + 1, sizeof *batches->columns);
    return batches->columns ? ARRAKIS_OK
                            : ark_no_memory(err, "a schema of %zu columns", schema->count);
}

arrakis_status ark_batches_decode(ark_batches *batches, const uint8_t *bytes, size_t size,
                                  arrakis_error *err)
{
    ark_flight_data data;
    ark_ipc_message message;
    ARK_TRY(ark_flight_message_read_data(&data, bytes, size, err));
    batches->messages++;
    batches->bytes += size;
    batches->rows = 0;
    if (!data.header_size) /* only application metadata */
        return ARRAKIS_TIMEOUT;
    ARK_TRY(ark_ipc_parse_parts(&message, data.header, data.header_size, data.body, data.body_size,
                                err));
    if (message.kind == ARK_IPC_SCHEMA) {
        ARK_TRY(take_schema(batches, &message, err));
        return ARRAKIS_TIMEOUT;
    }
    if (message.kind != ARK_IPC_BATCH)
        return ARRAKIS_TIMEOUT;
    if (!batches->columns)
        return ark_fail(err, ARRAKIS_EFORMAT, "a batch came before its schema");
    arrakis_status rc =
        ark_batch_read(batches->columns, &batches->rows, batches->schema, &message, err);
    if (rc < 0) {
        batches->rows = 0;
        return rc;
    }
    batches->body = message.body;
    return batches->rows > 0 ? ARRAKIS_OK : ARRAKIS_TIMEOUT;
}

static arrakis_status charge_batch(const ark_batches *batches, arrakis_error *err)
{
    arrakis_status rc =
        ark_budget_spend(batches->call.budget, ARK_COST_BYTES, batches->call.message.size, err);
    return rc < 0 ? rc
                  : ark_budget_spend(batches->call.budget, ARK_COST_ROWS, (uint64_t)batches->rows,
                                     err);
}

/* Receive and decode a message. TIMEOUT: there is none, or it has no rows; *came tells which. */
static arrakis_status decode_next(ark_batches *batches, bool *came, arrakis_error *err)
{
    arrakis_status rc = ark_call_recv(&batches->call, err);
    *came = rc == ARRAKIS_OK;
    if (rc != ARRAKIS_OK)
        return rc;
    rc = ark_batches_decode(batches, batches->call.message.data, batches->call.message.size, err);
    if (rc < 0)
        return ark_fail_within(err, rc, "%.150s", batches->call.session->url);
    arrakis_status charged = charge_batch(batches, err);
    return charged < 0 ? charged : rc;
}

arrakis_status ark_batches_next(ark_batches *batches, arrakis_error *err)
{
    assert(batches->call.call && batches->call.budget);
    bool came;
    for (unsigned empty = 0; empty < EMPTY_MAX; empty++) {
        arrakis_status rc = decode_next(batches, &came, err);
        if (rc != ARRAKIS_TIMEOUT || !came)
            return rc;
    }
    ark_event_set(batches->call.session->transport->fd(batches->call.call));
    return ARRAKIS_TIMEOUT;
}

arrakis_status ark_batches_wait(ark_batches *batches, int cancel_fd, int64_t timeout_ns,
                                arrakis_error *err)
{
    assert(batches->call.call && batches->call.budget);
    const ark_call *call = &batches->call;
    int64_t deadline_ns = ark_monotonic_in(timeout_ns);
    if (call->budget->deadline_ns < deadline_ns)
        deadline_ns = call->budget->deadline_ns;
    arrakis_status rc = ark_call_check(call, cancel_fd, INT64_MAX, err);
    while (rc == ARRAKIS_OK) {
        bool came;
        ARK_TRY(ark_budget_check_time(call->budget, err));
        rc = decode_next(batches, &came, err);
        if (rc != ARRAKIS_TIMEOUT)
            return rc;
        rc = came ? ark_call_check(call, cancel_fd, deadline_ns, err)
                  : ark_call_poll(call, cancel_fd, deadline_ns, err);
    }
    return rc;
}

void ark_batches_close(ark_batches *batches)
{
    if (batches->call.budget)
        ark_budget_return(batches->call.budget, ARK_COST_CALLS, 1);
    ark_call_close(&batches->call);
    ark_schema_free(batches->schema);
    free(batches->columns);
    *batches = (ark_batches){0};
}

const ark_schema_field *ark_batches_field(const ark_batches *batches, const char *name,
                                          size_t *column)
{
    assert(batches->schema);
    for (size_t i = 0; i < batches->schema->count; i++)
        if (strcmp(batches->schema->fields[i].name, name) == 0) {
            *column = i;
            return &batches->schema->fields[i];
        }
    return NULL;
}
