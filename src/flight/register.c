/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/register.h"

#include "arrow/batch.h"
#include "arrow/schema.h"
#include "base/buffer.h"
#include "base/error.h"
#include "flight/batches.h"
#include "flight/call.h"
#include "flight/info.h"
#include "flight/message.h"
#include "flight/partition.h"
#include "flight/connections.h"
#include "flight/query.h"
#include "flight/request.h"
#include "flight/session.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 65536 }; /* bytes of the name or value of a property */

/* ------------------------------------------------------------------ places */

/* The messages of the exchange: the request with the schema, then the batch. */
static arrakis_status make_messages(ark_buffer messages[2], const char *request,
                                    const ark_partition_table *table, arrakis_error *err)
{
    ark_buffer descriptor = {0};
    const ark_flight_data schema = {.header = table->schema.data,
                                    .header_size = table->schema.size};
    const ark_flight_data batch = {.header = table->header.data,
                                   .header_size = table->header.size,
                                   .body = table->body.data,
                                   .body_size = table->body.size};
    arrakis_status rc = ark_flight_message_put_command(&descriptor, request, strlen(request), err);
    if (rc == ARRAKIS_OK)
        rc = ark_flight_message_put_data(&messages[0], &descriptor, &schema, err);
    if (rc == ARRAKIS_OK)
        rc = ark_flight_message_put_data(&messages[1], NULL, &batch, err);
    ark_buffer_clear(&descriptor);
    return rc;
}

/* Send all, and wait for the end. The answer is not used: it lacks the stride, so the channels are
 * then read from the server. */
static arrakis_status exchange_partitions(ark_server *server, ark_session *session,
                                          const ark_buffer messages[2], arrakis_error *err)
{
    ark_call call = {0};
    arrakis_status rc = ark_call_open_many(&call, session, "DoExchange", messages, 2,
                                           server->cancel, server->timeout_ns, err);
    while (rc == ARRAKIS_OK)
        rc = ark_call_wait(&call, server->cancel, server->timeout_ns, err);
    ark_call_close(&call);
    return rc < 0 ? rc : ARRAKIS_OK;
}

/* The connection to the location that the server names for a publisher. */
static arrakis_status find_place(ark_session **out, ark_server *server, const char *request,
                                 arrakis_error *err)
{
    ark_flight_info info;
    *out = NULL;
    arrakis_status rc = ark_server_ask(server, &info, strdup(request), err);
    if (rc == ARRAKIS_OK && !info.count)
        rc = ark_fail(err, ARRAKIS_EFORMAT, "%.100s returned no location for Partition",
                      server->session->url);
    if (rc == ARRAKIS_OK)
        rc = ark_connections_session(out, server->session, server->connect,
                                     info.endpoints[0].uris[0], err);
    ark_flight_info_clear(&info);
    return rc;
}

arrakis_status ark_register_channels(ark_server *server, const char *publisher_id,
                                     const char *replay_id, arrakis_channel *const *channels,
                                     size_t count, arrakis_error *err)
{
    ark_partition_table table = {0};
    ark_buffer messages[2] = {{0}};
    ark_session *session = NULL;
    char *request = NULL;
    arrakis_status rc = ark_request_publisher(&request, "Partition", publisher_id, replay_id, err);
    if (rc == ARRAKIS_OK)
        rc = ark_partition_write(&table, channels, count, err);
    if (rc == ARRAKIS_OK)
        rc = make_messages(messages, request, &table, err);
    if (rc == ARRAKIS_OK)
        rc = find_place(&session, server, request, err);
    if (rc == ARRAKIS_OK)
        rc = exchange_partitions(server, session, messages, err);
    ark_session_unref(session);
    ark_buffer_clear(&messages[0]);
    ark_buffer_clear(&messages[1]);
    ark_partition_clear(&table);
    free(request);
    return rc;
}

/* ------------------------------------------------------------------ the producer's properties */

typedef struct listing {
    ark_property_fn fn;
    void *opaque;
} listing;

/* Copy a text; NULL when it fails. */
static arrakis_status text_at(char **out, const uint8_t *offsets, const uint8_t *text, int64_t i,
                              arrakis_error *err)
{
    int32_t first = ark_offset_at(offsets, i);
    size_t size = (size_t)(ark_offset_at(offsets, i + 1) - first);
    const char *from = size ? (const char *)text + first : "";
    *out = NULL;
    if (size > TEXT_MAX || memchr(from, 0, size))
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "properties: a text of %zu bytes%s; expected up to %d without a NUL byte",
                        size, size > TEXT_MAX ? "" : " that contains a NUL byte", TEXT_MAX);
    *out = strndup(from, size);
    return *out ? ARRAKIS_OK : ark_no_memory(err, "properties");
}

static arrakis_status list_entry(const ark_column *column, int64_t i, const listing *list,
                                 bool *stop, arrakis_error *err)
{
    char *name = NULL, *value = NULL;
    arrakis_status rc = text_at(&name, column->key_offsets, column->key_text, i, err);
    if (rc == ARRAKIS_OK)
        rc = text_at(&value, column->item_offsets, column->item_text, i, err);
    if (rc == ARRAKIS_OK)
        *stop = !list->fn(name, value, list->opaque);
    free(name);
    free(value);
    return rc;
}

static arrakis_status list_batch(const ark_batches *batches, void *opaque, bool *stop,
                                 arrakis_error *err)
{
    size_t at;
    const ark_schema_field *field = ark_batches_field(batches, "properties", &at);
    if (!field || field->kind != ARK_TYPE_MAP)
        return ark_fail(
            err, ARRAKIS_EFORMAT,
            "%.100s: an answer to Publish whose column properties is %s, expected a map "
            "of texts",
            batches->call.session->url, field ? "of another type" : "missing");
    const ark_column *column = &batches->columns[at];
    arrakis_status rc = ARRAKIS_OK;
    for (int64_t row = 0; row < batches->rows; row++) {
        if (!ark_is_set(column->valid, row))
            continue;
        int64_t end = ark_offset_at(column->offsets, row + 1);
        for (int64_t i = ark_offset_at(column->offsets, row); i < end; i++) {
            if (!ark_is_set(column->item_valid, i))
                continue;
            if ((rc = list_entry(column, i, opaque, stop, err)) < 0)
                return ark_fail_within(err, rc, "%.100s", batches->call.session->url);
            if (*stop)
                return rc;
        }
    }
    return rc;
}

arrakis_status ark_register_properties(ark_server *server, const char *publisher_id,
                                       const char *replay_id, ark_property_fn fn, void *opaque,
                                       arrakis_error *err)
{
    listing list = {fn, opaque};
    char *request;
    ARK_TRY(ark_request_publisher(&request, "Publish", publisher_id, replay_id, err));
    return ark_query_table(server, request, list_batch, true, &list, err);
}
