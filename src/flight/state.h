/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a reader of endpoints, shared by the files that it is made of. */
#ifndef ARK_FLIGHT_STATE_H
#define ARK_FLIGHT_STATE_H

#include "base/waiter.h"
#include "flight/batch_rows.h"
#include "flight/batches.h"
#include "flight/budget.h"
#include "flight/connect_options.h"
#include "flight/info.h"
#include "flight/connections.h"
#include "flight/session.h"
#include "flight/ticket.h"
#include "read/reader.h"

#include <arrakis/reader.h>

/* How far data has come, which only increases, and how far it had come when it last counted as
 * new. */
typedef struct ark_flight_mark {
    int64_t at_ns, news_ns;
} ark_flight_mark;

typedef enum ark_flight_phase {
    ARK_FLIGHT_WAITING,  /* not started: its slice of time has not begun, or starting failed */
    ARK_FLIGHT_READING,  /* the next batch is waited for */
    ARK_FLIGHT_IN_BATCH, /* the batch that arrived last has more rows */
    ARK_FLIGHT_OVER,     /* it has no more data, or no requested channel */
} ark_flight_phase;

/* An endpoint, and how far it has been read. */
typedef struct ark_flight_source {
    ark_endpoint endpoint;
    ark_ticket ticket;
    int64_t begin_ns, end_ns; /* the span to read; ARRAKIS_UNSET: no end */
    size_t location;          /* the number of the location that is read, or tried next */
    ark_bound_input *inputs;
    size_t input_count;
    ark_batches batches;
    ark_flight_phase phase;
    bool watched; /* its descriptor is in the waiter */
    ark_flight_cursor cursor;
    uint64_t schema_id; /* of the schema that the columns were found in; 0: none yet */
    size_t time_column;
    int64_t news_ns;    /* monotonic: when data last counted as new */
    int64_t silence_ns; /* how long there may be no new data */
    bool excused; /* this process caused the silence, which is excused once until new data comes */
    int64_t step_ns;        /* data counts as new when it moves forward by this much */
    int64_t reached_ns;     /* the end of the data that has come */
    ark_flight_mark come;   /* the same, from the location that is read */
    ark_flight_mark filled; /* the end of the data before a leap ahead */
} ark_flight_source;

typedef struct ark_flight_reader {
    arrakis_reader head;
    ark_session *origin;
    ark_connect_options *connect;
    ark_budget budget;
    ark_connections connections;
    int64_t timeout_ns;
    int64_t stall_ns,
        grace_ns;             /* allowed silence: of past data; of live data beyond max_latency */
    int64_t begin_ns, end_ns; /* the requested span */
    ark_flight_source *sources; /* sorted by slice of time */
    size_t count, first, end;   /* sources [first, end) are the slice that is read */
    size_t turn;
    bool *paused; /* per input */
    ark_flight_scratch scratch;
    ark_waiter waiter;
    int64_t armed_ns; /* monotonic: when the timer fires; INT64_MAX: it is not set */
    uint64_t messages, bytes, errors;
    arrakis_error failure; /* the error that ended the reader */
} ark_flight_reader;

#endif
