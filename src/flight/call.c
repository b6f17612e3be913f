/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/call.h"

#include "base/error.h"
#include "base/monotonic.h"
#include "flight/status.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#define SERVICE "/arrow.flight.protocol.FlightService/"

/* ------------------------------------------------------------------ waiting for a call or a cancel */

static arrakis_status fail_canceled(arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_ECANCELED, "canceled");
}

static arrakis_status fail_late(const ark_call *call, arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_EDEADLINE, "%.200s: no answer in time", call->session->url);
}

arrakis_status ark_call_check(const ark_call *call, int cancel_fd, int64_t deadline_ns,
                              arrakis_error *err)
{
    assert(call->call);
    struct pollfd polled = {.fd = cancel_fd, .events = POLLIN};
    if (poll(&polled, 1, 0) > 0)
        return fail_canceled(err);
    return ark_monotonic_ns() < deadline_ns ? ARRAKIS_OK : fail_late(call, err);
}

arrakis_status ark_call_poll(const ark_call *call, int cancel_fd, int64_t deadline_ns,
                             arrakis_error *err)
{
    assert(call->call);
    struct pollfd polled[] = {
        {.fd = call->session->transport->fd(call->call), .events = POLLIN},
        {.fd = cancel_fd, .events = POLLIN},
    };
    for (;;) {
        int64_t left_ns = deadline_ns == INT64_MAX ? 0 : deadline_ns - ark_monotonic_ns();
        if (left_ns < 0)
            left_ns = 0;
        const struct timespec left = {left_ns / ARRAKIS_SECOND_NS, left_ns % ARRAKIS_SECOND_NS};
        int n = ppoll(polled, 2, deadline_ns == INT64_MAX ? NULL : &left, NULL);
        if (n < 0 && errno != EINTR)
            return ark_fail(err, ARRAKIS_EIO, "%s: cannot wait", call->session->url);
        if (n > 0 && polled[1].revents)
            return fail_canceled(err);
        if (n > 0)
            return ARRAKIS_OK;
        if (n == 0)
            return fail_late(call, err);
    }
}

/* ------------------------------------------------------------------ calls */

static arrakis_status begin_call(ark_call *call, ark_session *session, const char *method,
                                 int64_t timeout_ns, bool again, arrakis_error *err)
{
    char path[96];
    snprintf(path, sizeof path, SERVICE "%s", method);
    *call = (ark_call){.session = ark_session_ref(session), .awaiting_first = true};
    const ark_header header = {"authorization", session->authorization};
    const ark_transport *transport = session->transport;
    return transport->start(&call->call, session->channel, path, &header,
                            session->authorization != NULL, timeout_ns, again, err);
}

arrakis_status ark_call_open(ark_call *call, ark_session *session, const char *method,
                             const ark_buffer *request, int64_t timeout_ns, bool again,
                             arrakis_error *err)
{
    arrakis_status rc = begin_call(call, session, method, timeout_ns, again, err);
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
        ARK_TRY(ark_call_poll(call, cancel_fd, deadline_ns, err));
        /* recv() clears the descriptor before it looks; a message that has arrived stays */
        if (transport->recv(call->call, &size) == ARRAKIS_DONE)
            return ARRAKIS_DONE;
    }
    return rc;
}

arrakis_status ark_call_open_many(ark_call *call, ark_session *session, const char *method,
                                  const ark_buffer *messages, size_t count, int cancel_fd,
                                  int64_t timeout_ns, arrakis_error *err)
{
    int64_t deadline_ns = ark_monotonic_in(timeout_ns);
    arrakis_status rc = begin_call(call, session, method, timeout_ns, false, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = send_next(call, &messages[i], i + 1 == count, cancel_fd, deadline_ns, err);
    if (rc < 0)
        ark_call_close(call);
    return rc < 0 ? rc : ARRAKIS_OK;
}

/* size 0: gRPC closed the connection before the whole message had arrived. */
static arrakis_status too_large(const ark_call *call, size_t size, arrakis_error *err)
{
    char found[64] = "more at once than may be";
    if (size)
        snprintf(found, sizeof found, "a message of %zu bytes", size);
    return ark_fail(err, ARRAKIS_EFORMAT,
                    "%.200s sends %s, expected up to %" PRId64 " bytes (max_message_bytes)",
                    call->session->url, found, call->session->max_message);
}

/* Charge the memory of the largest message: the call keeps that much. */
static arrakis_status hold_bytes(ark_call *call, size_t size, arrakis_error *err)
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
    assert(call->call);
    const ark_transport *transport = call->session->transport;
    size_t size;
    arrakis_status rc = transport->recv(call->call, &size);
    if (rc == ARRAKIS_OK) {
        call->message.size = 0;
        if (size > (size_t)call->session->max_message)
            return too_large(call, size, err);
        /* gRPC has these bytes: the size is not only declared */
        ARK_TRY(hold_bytes(call, size, err));
        ARK_TRY(ark_buffer_reserve(&call->message, size + 1, err));
        transport->take(call->call, call->message.data);
        call->message.size = size;
        call->awaiting_first = false;
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
    ark_session_unref(call->session);
    ark_buffer_clear(&call->message);
    *call = (ark_call){0};
}
