/* SPDX-License-Identifier: Apache-2.0 */
/* Streams relayed by servers. */
#ifndef ARK_FLIGHT_READER_H
#define ARK_FLIGHT_READER_H

#include <arrakis/reader.h>

#include "flight/batches.h"
#include "flight/info.h"
#include "flight/request.h"
#include "flight/server.h"
#include "read/reader.h"
#include "base/wait.h"

typedef struct ark_flight_options {
    ark_session *here;      /* who gave the endpoints; a reference is kept */
    ark_dial_options *dial; /* a reference is kept */
    int64_t timeout_ns;     /* until an endpoint's first word */
    int64_t stall_ns;       /* beyond what is promised; ARRAKIS_UNSET: the defaults */
    /* What is wanted, whatever span the tickets have. ARRAKIS_UNSET: whatever comes; without an end. */
    int64_t begin_ns, end_ns;
} ark_flight_options;

/* Endpoints of one slice of time are read together, slices one after the other. The endpoints are
 * taken out of the list, on failure too. EFORMAT: a ticket that cannot be read; ENOTFOUND: a channel
 * that no endpoint has. */
arrakis_status ark_flight_reader_new(arrakis_reader **out, ark_endpoint *endpoints, size_t count,
                                     arrakis_channels *channels, const ark_flight_options *options,
                                     arrakis_error *err);

/* ---- flight/batch_rows.c: a batch's columns -> rows of streams */

/* What an endpoint carries of one stream: all of its channels. */
typedef struct ark_flight_part {
    size_t stream;
    size_t *columns; /* a slot's column */
} ark_flight_part;

/* The place in a batch that comes next. All zero: its begin. */
typedef struct ark_flight_cursor {
    int64_t row;
    size_t part;
    int64_t step; /* blocks longer than the stream's stride come in steps */
} ark_flight_cursor;

typedef struct ark_flight_scratch {
    ark_piece *pieces;
    uint32_t *missing;
} ark_flight_scratch;

/* Find the parts' columns in a new schema. EMISMATCH names the channel, found and wanted. */
arrakis_status ark_flight_bind(ark_flight_part *parts, size_t count, const arrakis_reader *reader,
                               const ark_batches *batches, size_t *time_column,
                               arrakis_error *err);
/* The rows at the cursor, which moves on. DONE: the batch is used up. */
arrakis_status ark_flight_rows(ark_arrival *arrival, ark_flight_cursor *cursor,
                               const ark_flight_part *parts, size_t count,
                               const arrakis_reader *reader, const ark_batches *batches,
                               size_t time_column, ark_flight_scratch *scratch,
                               arrakis_error *err);

/* ---- flight/reader.c, for flight/streams.c */

/* How far something has come, which only goes on, and how far it was when it was last heard. */
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
    int64_t heard_ns, silence_ns; /* on the monotonic clock; how long it may say nothing */
    bool excused;                 /* silence that was our own: once, until it is heard again */
    int64_t step_ns;              /* the least by which it must come forward to be heard */
    int64_t reached_ns;           /* the end of what has come */
    ark_flight_mark come;         /* the same of the place that is read */
    ark_flight_mark filled;       /* the end of what has come before a leap ahead */
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

/* Make the reader's streams, and each source's parts and limits of silence, out of the tickets.
 * ENOTFOUND: no source has a channel. */
arrakis_status ark_flight_plan(ark_flight_reader *flight, const arrakis_channels *channels,
                               arrakis_error *err);
bool ark_flight_carries(const ark_flight_source *source, size_t stream);

#endif
