/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to a server that can be waited for. */
#ifndef ARK_FLIGHT_CALL_H
#define ARK_FLIGHT_CALL_H

#include "base/buffer.h"
#include "flight/budget.h"
#include "flight/session.h"
#include "flight/transport.h"

#include <arrakis/arrakis.h>

/* One call. Can be closed when all bytes are 0. */
typedef struct ark_call {
    ark_session *session;
    ark_transport_call *call;
    ark_buffer message;  /* the last one received */
    ark_budget *budget;  /* the messages are charged to it; borrowed; NULL: none */
    size_t held;         /* bytes that are charged to it */
    bool awaiting_first; /* no message has arrived, and the call has not ended */
} ark_call;

/* Start a call of FlightService with one request message. `again`: a server that is away is waited
 * for. */
arrakis_status ark_call_open(ark_call *call, ark_session *session, const char *method,
                             const ark_buffer *request, int64_t timeout_ns, bool again,
                             arrakis_error *err);
/* Start a call with several messages, and wait as ark_call_wait() until each has been sent. OK
 * also when the server ends the call before it has received all: receiving returns the reason. */
arrakis_status ark_call_open_many(ark_call *call, ark_session *session, const char *method,
                                  const ark_buffer *messages, size_t count, int cancel_fd,
                                  int64_t timeout_ns, arrakis_error *err);
/* Receive the next message into call->message. TIMEOUT: none has arrived; DONE: the call has ended
 * without an error. Never waits. */
arrakis_status ark_call_recv(ark_call *call, arrakis_error *err);
/* The same, but waits. ECANCELED: cancel_fd is readable, even if the message has arrived;
 * EDEADLINE: after timeout_ns. */
arrakis_status ark_call_wait(ark_call *call, int cancel_fd, int64_t timeout_ns,
                             arrakis_error *err);
/* Wait until a call may have a message or an end. */
arrakis_status ark_call_poll(const ark_call *call, int cancel_fd, int64_t deadline_ns,
                             arrakis_error *err);
/* Whether to go on: OK, or the error with which waiting would end. Does not wait. */
arrakis_status ark_call_check(const ark_call *call, int cancel_fd, int64_t deadline_ns,
                              arrakis_error *err);
void ark_call_close(ark_call *call);

#endif
