/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a stream anew when its channels have changed. One thread asks for that and takes the
 * stream that was opened; another thread opens it, because opening waits. */
#ifndef ARK_CLIENT_REOPENING_H
#define ARK_CLIENT_REOPENING_H

#include "base/monitor.h"
#include "client/client.h"

#include <arrakis/reader.h>

typedef struct ark_reopening {
    /* for the thread that opens */
    arrakis_client *client; /* borrowed, as are the texts of the request and the names */
    arrakis_request request;
    const char *const *names;
    size_t count;
    int64_t reopened_ns; /* monotonic; 0: never */
    /* between the threads */
    ark_monitor monitor;
    bool wanted;
    int64_t position_ns, end_ns; /* of the request */
    int64_t since_ns, again_ns;  /* monotonic: the first failure (0: none), the next try */
    int64_t pause_ns;
    arrakis_stream *opened, *retired;
    bool done; /* no block is left to be read anew */
    arrakis_error failure;
} ark_reopening;

void ark_reopening_init(ark_reopening *reopening);
/* Closes the streams that nobody has taken. */
void ark_reopening_clear(ark_reopening *reopening);

/* ------------------------------------------------------------------ the thread of the stream */

/* Ask for the stream from position_ns on (ARRAKIS_UNSET: live), until end_ns if that is set. */
void ark_reopening_begin(ark_reopening *reopening, int64_t position_ns, int64_t end_ns);
/* OK: the new stream; TIMEOUT: not yet; DONE: no block is left before the end; an error: it cannot
 * be opened. */
arrakis_status ark_reopening_take(ark_reopening *reopening, arrakis_stream **out,
                                  arrakis_error *err);
/* Leave a stream to the other thread, to be closed. */
void ark_reopening_retire(ark_reopening *reopening, arrakis_stream *stream);

/* ------------------------------------------------------------------ the thread that opens */

/* The stream to close, or NULL. *wanted: one is to be opened. */
arrakis_stream *ark_reopening_take_retired(ark_reopening *reopening, bool *wanted);
/* When to try, monotonic. */
int64_t ark_reopening_due_ns(ark_reopening *reopening);
/* Try to open the stream that is wanted. OK: it is to be handed over; `direct` as of
 * ark_client_reader_stream(). DONE or an error: there is none; *ended: there will be none, and
 * whoever waits is to be told. */
arrakis_status ark_reopening_try(ark_reopening *reopening, arrakis_stream **out, bool *direct,
                                 bool *ended);
void ark_reopening_hand_over(ark_reopening *reopening, arrakis_stream *opened);

#endif
