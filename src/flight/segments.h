/* SPDX-License-Identifier: Apache-2.0 */
/* Divides the answer of a server to a request for data into segments: from which source each
 * channel is read, and from when on. */
#ifndef ARK_FLIGHT_SEGMENTS_H
#define ARK_FLIGHT_SEGMENTS_H

#include "flight/info.h"

/* The channels that are read from one broker. */
typedef struct ark_segment_broker {
    char *url; /* for the Kafka reader: host:port,host:port */
    arrakis_channels *channels;
} ark_segment_broker;

/* The sources that are read at one time: servers and brokers, but no channel from two of them. */
typedef struct ark_segment {
    int64_t begin_ns; /* of the first segment: the begin of the request */
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

/* Takes the endpoints of servers out of the info. There is one segment, unless a channel is read
 * from several sources one after the other, or is not in all slices of time. ENOTFOUND: no
 * endpoint has a channel; EUNSUPPORTED: a channel has two kinds of sources, and the time of the
 * change is not known; EFORMAT: an invalid ticket, or over ARK_CONNECTIONS_MAX hosts of brokers in
 * all segments together. No I/O. To be cleared, on failure too. */
arrakis_status ark_segments_init(ark_segments *out, ark_flight_info *info,
                                 const arrakis_channels *channels, int64_t start_ns,
                                 const char *url, arrakis_error *err);
void ark_segments_clear(ark_segments *segments);

#endif
