/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on a connection to a server that can be waited for. */
#ifndef ARK_FLIGHT_CALL_H
#define ARK_FLIGHT_CALL_H

#include "base/buffer.h"
#include "flight/budget.h"
#include "flight/session.h"
#include "flight/transport.h"

#include <arrakis/arrakis.h>

/* One call; all zero is none. */
typedef struct ark_call {
    ark_session *session;
    ark_transport_call *call;
    ark_buffer message; /* the last that came */
    ark_budget *budget; /* that its messages are charged to, or NULL; borrowed */
    size_t held;        /* of it */
    bool unsure;        /* nothing has come yet */
} ark_call;

/* Begin a call of FlightService with one request message. */
arrakis_status ark_call_start(ark_call *call, ark_session *session, const char *method,
                              const ark_buffer *request, int64_t timeout_ns, arrakis_error *err);
/* Begin one with several, waiting while each is under way as ark_call_wait does. OK also when the
 * server has ended the call before it took all: receiving tells why. */
arrakis_status ark_call_start_many(ark_call *call, ark_session *session, const char *method,
                                   const ark_buffer *messages, size_t count, int cancel_fd,
                                   int64_t timeout_ns, arrakis_error *err);
/* The next message into call->message. TIMEOUT: not here yet; DONE: the call has ended well. Never
 * waits. */
arrakis_status ark_call_recv(ark_call *call, arrakis_error *err);
/* The same, waiting for it. ECANCELED once cancel_fd is readable, also when the message is here;
 * EDEADLINE after timeout_ns. */
arrakis_status ark_call_wait(ark_call *call, int cancel_fd, int64_t timeout_ns,
                             arrakis_error *err);
/* Wait for news of a call. */
arrakis_status ark_call_poll(const ark_call *call, int cancel_fd, int64_t deadline_ns,
                             arrakis_error *err);
/* Not waiting: OK, or what a wait would end with. */
arrakis_status ark_call_check(const ark_call *call, int cancel_fd, int64_t deadline_ns,
                              arrakis_error *err);
void ark_call_close(ark_call *call);

#endif
