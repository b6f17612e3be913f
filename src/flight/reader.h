/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of endpoints at servers: of data that servers relay. */
#ifndef ARK_FLIGHT_READER_H
#define ARK_FLIGHT_READER_H

#include "flight/connect_options.h"
#include "flight/info.h"
#include "flight/session.h"

#include <arrakis/reader.h>

typedef struct ark_flight_options {
    ark_session *origin;          /* to the server that named the endpoints; a reference is kept */
    ark_connect_options *connect; /* a reference is kept */
    int64_t timeout_ns;           /* until the first message of an endpoint */
    /* silence beyond the max_latency of the channels; ARRAKIS_UNSET: the defaults */
    int64_t stall_ns;
    /* The requested span, whatever span the tickets have. ARRAKIS_UNSET: from the first data on;
     * without an end. */
    int64_t begin_ns, end_ns;
    bool fast_forward; /* live: a source that stays behind once it is taken up again skips ahead */
} ark_flight_options;

/* Reads the endpoints of one slice of time together, and the slices one after the other. Owns the
 * endpoints, which are taken out of the list, on failure too. EFORMAT: a ticket that cannot be
 * read; ENOTFOUND: no endpoint has a channel. */
arrakis_status ark_flight_reader_new(arrakis_reader **out, ark_endpoint *endpoints, size_t count,
                                     arrakis_channels *channels, const ark_flight_options *options,
                                     arrakis_error *err);

#endif
