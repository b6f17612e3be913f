/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/session.h"

#include "base/error.h"
#include "flight/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "/arrow.flight.protocol.FlightService/"
/* Beside a message of the largest size: what is under way of others, small ones. */
#define FRAMING_ROOM ((size_t)64 << 20)

static arrakis_status no_memory(const char *url, arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_ENOMEM, "%.200s: out of memory", url);
}

/* ------------------------------------------------------------------ connections */

static arrakis_status set_authorization(ark_session *session, const ark_url *url,
                                        const ark_dial_options *options, const ark_session *by,
                                        arrakis_error *err)
{
    char *scope = NULL;
    ark_url named_by;
    if (by && ark_url_parse(&named_by, by->url, err) < 0)
        return ARRAKIS_EINVAL;
    if (options->publisher_id && asprintf(&scope, "arrakis.create:/%s", options->publisher_id) < 0)
        return no_memory(session->url, err);
    const ark_auth_request request = {
        .token = options->token,
        .allow_plain = options->insecure_token,
        .publishing = options->publisher_id != NULL,
        .scope = options->publisher_id ? scope : "arrakis.read",
        .named_by = by ? &named_by : NULL,
        .had_token = by && by->authorization,
        .hosts = options->token_hosts,
    };
    char *token;
    arrakis_status rc = ark_auth_find(&token, &request, url, err);
    free(scope);
    if (token && asprintf(&session->authorization, "Bearer %s", token) < 0) {
        session->authorization = NULL;
        rc = no_memory(session->url, err);
    }
    free(token);
    return rc;
}

static arrakis_status dial(ark_session *session, const char *text, ark_dial_options *options,
                           const ark_session *by, arrakis_error *err)
{
    ark_url url;
    char name[ARK_URL_SIZE];
    arrakis_status rc = ark_url_parse(&url, text, err);
    if (rc < 0 || (rc = ark_transport_load(&session->transport, err)) < 0)
        return rc;
    ark_url_text(name, sizeof name, &url);
    if (!(session->url = strdup(name)))
        return no_memory(text, err);
    if ((rc = set_authorization(session, &url, options, by, err)) < 0)
        return rc;
    session->max_message = options->max_message;
    const ark_transport_options transport = {
        .target = url.target,
        .tls = url.tls,
        .roots_pem = options->roots_pem,
        .cert_pem = options->cert_pem,
        .key_pem = options->key_pem,
        .user_agent = "libarrakis/" ARRAKIS_VERSION,
        .memory_max = (size_t)options->max_message + FRAMING_ROOM,
        .beside = by ? by->channel : NULL,
    };
    return session->transport->open(&session->channel, &transport, err);
}

arrakis_status ark_session_open(ark_session **out, const char *url, ark_dial_options *options,
                                arrakis_error *err)
{
    return ark_session_open_named(out, url, options, NULL, err);
}

arrakis_status ark_session_open_named(ark_session **out, const char *url,
                                      ark_dial_options *options, const ark_session *by,
                                      arrakis_error *err)
{
    *out = NULL;
    ark_session *session = calloc(1, sizeof *session);
    if (!session)
        return no_memory(url, err);
    atomic_init(&session->refs, 1);
    arrakis_status rc = dial(session, url, options, by, err);
    if (rc < 0) {
        ark_session_free(session);
        return rc;
    }
    *out = session;
    return ARRAKIS_OK;
}

ark_session *ark_session_ref(ark_session *session)
{
    atomic_fetch_add(&session->refs, 1);
    return session;
}

void ark_session_free(ark_session *session)
{
    if (!session || atomic_fetch_sub(&session->refs, 1) > 1)
        return;
    if (session->channel)
        session->transport->close(session->channel);
    free(session->url);
    free(session->authorization);
    free(session);
}

/* ------------------------------------------------------------------ calls */

static arrakis_status begin_call(ark_call *call, ark_session *session, const char *method,
                                 int64_t timeout_ns, arrakis_error *err)
{
    char path[96];
    snprintf(path, sizeof path, SERVICE "%s", method);
    *call = (ark_call){.session = ark_session_ref(session), .unsure = true};
    const ark_header header = {"authorization", session->authorization};
    const ark_transport *transport = session->transport;
    return transport->start(&call->call, session->channel, path, &header,
                            session->authorization != NULL, timeout_ns, err);
}

arrakis_status ark_call_start(ark_call *call, ark_session *session, const char *method,
                              const ark_buffer *request, int64_t timeout_ns, arrakis_error *err)
{
    arrakis_status rc = begin_call(call, session, method, timeout_ns, err);
    if (rc == ARRAKIS_OK)
        rc = session->transport->send(call->call, request->data, request->size, true, err);
    if (rc != ARRAKIS_OK)
        ark_call_close(call);
    return rc;
}

/* DONE: the call has ended. */
static arrakis_status send_next(ark_call *call, const ark_buffer *message, bool last,
                                int cancel_fd, int64_t deadline_ns, arrakis_error *err)
{
    const ark_transport *transport = call->session->transport;
    arrakis_status rc;
    size_t size;
    while ((rc = transport->send(call->call, message->data, message->size, last, err)) ==
           ARRAKIS_TIMEOUT) {
        if ((rc = ark_call_poll(call, cancel_fd, deadline_ns, err)) < 0)
            return rc;
        /* clears the descriptor before the next look; a message that is here stays */
        if (transport->recv(call->call, &size) == ARRAKIS_DONE)
            return ARRAKIS_DONE;
    }
    return rc;
}

arrakis_status ark_call_start_many(ark_call *call, ark_session *session, const char *method,
                                   const ark_buffer *messages, size_t count, int cancel_fd,
                                   int64_t timeout_ns, arrakis_error *err)
{
    int64_t deadline_ns = ark_monotonic_in(timeout_ns);
    arrakis_status rc = begin_call(call, session, method, timeout_ns, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = send_next(call, &messages[i], i + 1 == count, cancel_fd, deadline_ns, err);
    if (rc < 0)
        ark_call_close(call);
    return rc < 0 ? rc : ARRAKIS_OK;
}

/* size 0: the connection was given up before all of it was here. */
static arrakis_status too_large(const ark_call *call, size_t size, arrakis_error *err)
{
    char found[64] = "more at once than may be";
    if (size)
        snprintf(found, sizeof found, "a message of %zu bytes", size);
    return ark_fail(err, ARRAKIS_EFORMAT,
                    "%.200s sends %s, wanted up to %" PRId64 " bytes (max_message_bytes)",
                    call->session->url, found, call->session->max_message);
}

/* A call keeps the room that its largest message has had. */
static arrakis_status hold(ark_call *call, size_t size, arrakis_error *err)
{
    if (!call->budget || size <= call->held)
        return ARRAKIS_OK;
    arrakis_status rc = ark_budget_spend(call->budget, ARK_COST_HELD, size - call->held, err);
    if (rc == ARRAKIS_OK)
        call->held = size;
    return rc;
}

arrakis_status ark_call_recv(ark_call *call, arrakis_error *err)
{
    const ark_transport *transport = call->session->transport;
    size_t size;
    arrakis_status rc = transport->recv(call->call, &size);
    if (rc == ARRAKIS_OK) {
        call->message.size = 0;
        if (size > (size_t)call->session->max_message)
            return too_large(call, size, err);
        /* gRPC holds those bytes already: the size is no mere claim */
        if ((rc = hold(call, size, err)) < 0 ||
            (rc = ark_buffer_reserve(&call->message, size + 1, err)) < 0)
            return rc;
        transport->take(call->call, call->message.data);
        call->message.size = size;
        call->unsure = false;
    } else if (rc == ARRAKIS_DONE) {
        ark_call_status status;
        transport->status(call->call, &status);
        if (status.overfull)
            return too_large(call, 0, err);
        rc = ark_flight_status(&status, call->session->url, err);
        return rc < 0 ? rc : ARRAKIS_DONE;
    }
    return rc;
}

arrakis_status ark_call_wait(ark_call *call, int cancel_fd, int64_t timeout_ns, arrakis_error *err)
{
    int64_t deadline_ns = ark_monotonic_in(timeout_ns);
    arrakis_status rc = ark_call_check(call, cancel_fd, INT64_MAX, err);
    while (rc == ARRAKIS_OK) {
        rc = ark_call_recv(call, err);
        if (rc != ARRAKIS_TIMEOUT)
            return rc;
        rc = ark_call_poll(call, cancel_fd, deadline_ns, err);
    }
    return rc;
}

void ark_call_close(ark_call *call)
{
    if (call->call)
        call->session->transport->finish(call->call);
    if (call->budget)
        ark_budget_return(call->budget, ARK_COST_HELD, call->held);
    ark_session_free(call->session);
    ark_buffer_free(&call->message);
    *call = (ark_call){0};
}
