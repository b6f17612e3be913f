/* SPDX-License-Identifier: Apache-2.0 */
/* A server's answer to a request for data, in order: from which source each channel is read, and from when
 * on. */
#ifndef ARK_FLIGHT_SEGMENTS_H
#define ARK_FLIGHT_SEGMENTS_H

#include "flight/info.h"

/* Channels that are read from one broker. */
typedef struct ark_segment_broker {
    char *url; /* as the reader wants it: host:port,host:port */
    arrakis_channels *channels;
} ark_segment_broker;

/* The sources that are read at one time: servers and brokers side by side, no channel from both. */
typedef struct ark_segment {
    int64_t begin_ns; /* of the first it is the request's */
    ark_segment_broker *brokers;
    size_t broker_count;
    ark_endpoint *relays; /* the endpoints of servers */
    size_t relay_count;
    arrakis_channels *relayed; /* the channels of these endpoints */
} ark_segment;

typedef struct ark_segments {
    ark_segment *segments; /* in the order of time */
    size_t count;
} ark_segments;

/* The endpoints of servers are taken out of the info. One segment, unless a channel is read first here
 * and then there, or is not in all slices of time. ENOTFOUND: a channel that no endpoint has; EUNSUPPORTED: a channel with two kinds of
 * source and no time between them; EFORMAT: a ticket, or over ARK_CONNECTIONS_MAX hosts of brokers in
 * all segments together. No I/O. To be cleared, on failure too. */
arrakis_status ark_segments_make(ark_segments *out, ark_flight_info *info,
                                 const arrakis_channels *channels, int64_t start_ns,
                                 const char *url, arrakis_error *err);
void ark_segments_clear(ark_segments *segments);

#endif
