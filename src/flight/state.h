/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of a server's endpoints knows: shared by the files that it is made of. */
#ifndef ARK_FLIGHT_STATE_H
#define ARK_FLIGHT_STATE_H

#include "base/waiter.h"
#include "flight/batch_rows.h"
#include "flight/batches.h"
#include "flight/budget.h"
#include "flight/dial.h"
#include "flight/info.h"
#include "flight/places.h"
#include "flight/session.h"
#include "flight/ticket.h"
#include "read/reader.h"

#include <arrakis/reader.h>

/* How far something has come, which only increases, and how far it was when data last counted as new. */
typedef struct ark_flight_mark {
    int64_t at_ns, heard_ns;
} ark_flight_mark;

typedef struct ark_flight_source {
    ark_endpoint endpoint;
    ark_ticket ticket;
    int64_t begin_ns, end_ns; /* what is wanted of the ticket's span; ARRAKIS_UNSET: no end */
    size_t location;          /* the one that is read, or tried next */
    ark_flight_part *parts;
    size_t part_count;
    ark_batches batches;
    bool running, over, watched; /* watched: its descriptor is waited for */
    bool in_batch;
    ark_flight_cursor cursor;
    uint64_t schema_id;
    size_t time_column;
    int64_t heard_ns, silence_ns; /* monotonic; how long new data may stay away */
    bool excused; /* the silence was caused by this reader: allowed once, until new data comes */
    int64_t step_ns;        /* the least step forward that counts as new */
    int64_t reached_ns;     /* the end of what has come */
    ark_flight_mark come;   /* the same of the location that is read */
    ark_flight_mark filled; /* the end of what has come before a leap ahead */
} ark_flight_source;

typedef struct ark_flight_reader {
    arrakis_reader head;
    ark_session *here;
    ark_dial_options *dial;
    ark_budget budget;
    ark_places places;
    int64_t timeout_ns;
    int64_t stall_ns, grace_ns; /* silence: of the past; of the present beyond its promise */
    int64_t begin_ns, end_ns;   /* of the options */
    ark_flight_source *sources; /* by slice */
    size_t count, first, end;   /* [first, end): the slice that is read */
    size_t turn;
    bool *paused; /* streams */
    ark_flight_scratch scratch;
    ark_waiter waiter;
    int64_t armed_ns; /* monotonic; INT64_MAX: not */
    uint64_t messages, bytes, errors;
    arrakis_error failure; /* what has ended it */
} ark_flight_reader;

#endif
