/* SPDX-License-Identifier: Apache-2.0 */
/* Streams relayed by servers. */
#ifndef ARK_FLIGHT_READER_H
#define ARK_FLIGHT_READER_H

#include "flight/dial.h"
#include "flight/info.h"
#include "flight/session.h"

#include <arrakis/reader.h>

typedef struct ark_flight_options {
    ark_session *here;      /* who gave the endpoints; a reference is kept */
    ark_dial_options *dial; /* a reference is kept */
    int64_t timeout_ns;     /* until an endpoint's first answer */
    int64_t stall_ns;       /* beyond the channels' max_latency; ARRAKIS_UNSET: the defaults */
    /* The requested span, whatever span the tickets have. ARRAKIS_UNSET: whatever comes; no end. */
    int64_t begin_ns, end_ns;
} ark_flight_options;

/* Endpoints of one slice of time are read together, slices one after the other. The endpoints are
 * taken out of the list, on failure too. EFORMAT: a ticket that cannot be read; ENOTFOUND: a channel
 * that no endpoint has. */
arrakis_status ark_flight_reader_new(arrakis_reader **out, ark_endpoint *endpoints, size_t count,
                                     arrakis_channels *channels, const ark_flight_options *options,
                                     arrakis_error *err);

#endif
