/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to one server, and calls on it that can be waited for. */
#ifndef ARK_FLIGHT_SESSION_H
#define ARK_FLIGHT_SESSION_H

#include "arrow/ipc.h"
#include "flight/auth.h"
#include "flight/budget.h"
#include "flight/transport.h"

#include <stdatomic.h>

/* How servers are dialed: shared by a client's connections. Copies. */
typedef struct ark_dial_options {
    atomic_uint refs;
    char *token;
    bool insecure_token;
    char *token_hosts;  /* as ark_hosts_join() gives them */
    char *publisher_id; /* NULL: tokens are for reading */
    char *roots_pem, *cert_pem, *key_pem;
    int64_t max_message; /* bytes */
} ark_dial_options;

arrakis_status ark_dial_options_new(ark_dial_options **out, const arrakis_connection *connection,
                                    int64_t max_message_bytes, const char *publisher_id,
                                    arrakis_error *err);
ark_dial_options *ark_dial_options_ref(ark_dial_options *options);
void ark_dial_options_free(ark_dial_options *options);

typedef struct ark_session {
    atomic_uint refs;
    const ark_transport *transport;
    ark_transport_channel *channel;
    char *url;           /* scheme and target, for messages */
    char *authorization; /* the header's value, or NULL */
    int64_t max_message;
} ark_session;

/* To the server that the user names. */
arrakis_status ark_session_open(ark_session **out, const char *url, ark_dial_options *options,
                                arrakis_error *err);
/* To a place that a server's answer names, which may not have the token (flight/auth.h). */
arrakis_status ark_session_open_named(ark_session **out, const char *url,
                                      ark_dial_options *options, const ark_session *by,
                                      arrakis_error *err);
ark_session *ark_session_ref(ark_session *session);
void ark_session_free(ark_session *session);

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

/* The deadline in so many nanoseconds; INT64_MAX, which never comes, for ARRAKIS_UNSET. */
int64_t ark_monotonic_in(int64_t timeout_ns);

#endif
