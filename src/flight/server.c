/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/server.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "flight/budget.h"
#include "flight/call.h"
#include "flight/message.h"
#include "flight/result.h"

#include <stdlib.h>
#include <string.h>

/* A server that sends nothing for this long is given up. */
static const int64_t default_timeout_ns = 10 * ARRAKIS_SECOND_NS;

arrakis_status ark_server_open(ark_server **out, const arrakis_connection *connection,
                               const arrakis_client_options *options, const char *publisher_id,
                               arrakis_error *err)
{
    *out = NULL;
    ark_server *server = calloc(1, sizeof *server);
    if (!server)
        return ark_no_memory(err, "opening a client");
    server->timeout_ns = connection->request_timeout_ns == ARRAKIS_UNSET
                             ? default_timeout_ns
                             : connection->request_timeout_ns;
    server->stall_ns = options->stall_timeout_ns;
    server->cancel = arrakis_cancel_fd(connection->cancel);
    arrakis_status rc = ark_connect_options_new(&server->connect, connection,
                                                options->max_message_bytes, publisher_id, err);
    if (rc == ARRAKIS_OK)
        rc = ark_session_open(&server->session, connection->url, server->connect, err);
    if (rc < 0) {
        ark_server_close(server);
        return rc;
    }
    *out = server;
    return ARRAKIS_OK;
}

arrakis_status ark_server_share(ark_server **out, const ark_server *server,
                                const arrakis_cancel *cancel, arrakis_error *err)
{
    if (!(*out = malloc(sizeof **out)))
        return ark_no_memory(err, "a client");
    **out = *server;
    (*out)->session = ark_session_ref(server->session);
    (*out)->connect = ark_connect_options_ref(server->connect);
    (*out)->cancel = arrakis_cancel_fd(cancel);
    return ARRAKIS_OK;
}

void ark_server_close(ark_server *server)
{
    if (!server)
        return;
    ark_session_unref(server->session);
    ark_connect_options_unref(server->connect);
    free(server);
}

const char *ark_server_url(const ark_server *server)
{
    return server->session->url;
}

void ark_server_set_cancel(ark_server *server, const arrakis_cancel *cancel)
{
    server->cancel = arrakis_cancel_fd(cancel);
}

int64_t ark_server_timeout_ns(const ark_server *server)
{
    return server->timeout_ns;
}

/* Send one request, and wait for its one answer. */
static arrakis_status ask_once(ark_server *server, ark_call *call, const char *method,
                               const ark_buffer *request, arrakis_error *err)
{
    arrakis_status rc =
        ark_call_open(call, server->session, method, request, server->timeout_ns, false, err);
    if (rc == ARRAKIS_OK)
        rc = ark_call_wait(call, server->cancel, server->timeout_ns, err);
    if (rc == ARRAKIS_DONE)
        rc = ark_fail(err, ARRAKIS_EFORMAT, "%s: no answer to %s", server->session->url, method);
    return rc;
}

arrakis_status ark_server_ask(ark_server *server, ark_flight_info *info, char *request,
                              arrakis_error *err)
{
    ark_buffer descriptor = {0};
    ark_call call = {0};
    ark_budget budget = ark_budget_stream(server->session->url, server->connect->max_message);
    *info = (ark_flight_info){0};
    if (!request)
        return ark_no_memory(err, "a request");
    arrakis_status rc = ark_flight_message_put_command(&descriptor, request, strlen(request), err);
    if (rc == ARRAKIS_OK)
        rc = ask_once(server, &call, "GetFlightInfo", &descriptor, err);
    if (rc == ARRAKIS_OK && (rc = ark_flight_info_read(info, call.message.data, call.message.size,
                                                       strlen(request), &budget, err)) < 0)
        rc = ark_fail_within(err, rc, "%.100s", server->session->url);
    ark_log_trace(ARK_LOG_FLIGHT, "%s: %zu endpoints for %.600s", server->session->url,
                  info->count, request);
    ark_call_close(&call);
    ark_buffer_clear(&descriptor);
    free(request);
    return rc;
}

arrakis_status ark_server_action(ark_server *server, const char *name, char **json,
                                 arrakis_error *err)
{
    ark_buffer action = {0};
    ark_call call = {0};
    *json = NULL;
    arrakis_status rc = ark_flight_message_put_action(&action, name, err);
    if (rc == ARRAKIS_OK)
        rc = ask_once(server, &call, "DoAction", &action, err);
    if (rc == ARRAKIS_OK &&
        (rc = ark_result_json(json, call.message.data, call.message.size, err)) < 0)
        rc = ark_fail_within(err, rc, "%.100s: %s", server->session->url, name);
    ark_call_close(&call);
    ark_buffer_clear(&action);
    return rc;
}
