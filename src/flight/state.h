/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a reader of endpoints, shared by the files that it is made of. */
#ifndef ARK_FLIGHT_STATE_H
#define ARK_FLIGHT_STATE_H

#include "base/log_limit.h"
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
    ARK_FLIGHT_LOST,     /* its stream has broken, and is taken up again later */
    ARK_FLIGHT_OVER,     /* it has no more data, or no requested channel */
} ark_flight_phase;

/* How the stream of a source broke, and what has been done to take it up again (flight/loss.h). */
typedef struct ark_flight_loss {
    bool lost;        /* from when it broke until new data comes */
    bool logged;      /* that it broke */
    bool present;     /* the server is asked for the present, and not for what was missed */
    bool repeats;     /* the present try has brought what it did not ask for */
    int64_t since_ns; /* monotonic: when it broke */
    int64_t again_ns; /* monotonic: ARK_FLIGHT_LOST: when to try again */
    int64_t ended_ns; /* monotonic: when new data came; 0: the source is not behind any more */
    int64_t from_ns;  /* end of the data that had come then; ARRAKIS_UNSET: none had */
    int64_t asked_ns; /* the start that is asked for to have all from there on */
    uint64_t tries;   /* that failed */
    unsigned errors;  /* tries in a row that failed with an error of the server's */
} ark_flight_loss;

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
    int64_t step_ns; /* data counts as new when it moves forward by this much */
    int64_t
        due_after_ns; /* its data is due this long after its stride begins; ARRAKIS_UNSET: never */
    int64_t reached_ns; /* the end of the data that has come */
    int64_t come_ns;    /* the same, without times ahead of the clock; ARRAKIS_UNSET: none */
    int64_t batch_ns;   /* the end of the data of the batch that is read */
    ark_flight_loss loss;
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
    uint64_t messages, bytes, errors, losses, recoveries, fast_forwards;
    bool begun;        /* a message has come: what breaks now has broken in the middle */
    bool fast_forward; /* a source that stays behind goes on at the present */
    size_t lost_count; /* sources that are lost */
    int64_t again_ns;  /* monotonic: when the next of them is tried again, or earlier */
    ark_log_limit loss_log;
    arrakis_error failure; /* the error that ended the reader */
} ark_flight_reader;

#endif
