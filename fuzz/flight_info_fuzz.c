/* SPDX-License-Identifier: Apache-2.0 */
/* A FlightInfo, the tickets and locations in it, and the order that they are read in. */
#include "flight/info.h"
#include "flight/location.h"
#include "flight/request.h"
#include "flight/segments.h"
#include "flight/ticket.h"
#include "flight/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_location(const char *uri)
{
    ark_url url;
    arrakis_error err;
    size_t length;
    ark_location_broker(uri, &length);
    if (ark_url_parse(&url, uri, &err) < 0) {
        if (err.status != ARRAKIS_EINVAL || !err.message[0])
            abort();
        return;
    }
    if (!url.host[0] || !url.target[0] || !url.port)
        abort();
    ark_url_is_loopback(&url);
}

static arrakis_channels *some_channels(void)
{
    static const char *const names[] = {"H1:A", "H1:B"};
    arrakis_channels *list;
    if (arrakis_channels_new(&list, NULL) < 0)
        abort();
    for (size_t i = 0; i < 2; i++) {
        arrakis_channel_info channel = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel *added;
        channel.name = names[i];
        channel.dtype = ARRAKIS_INT32;
        channel.sample_rate = 16;
        if (arrakis_channel_new(&added, &channel, NULL) < 0 ||
            arrakis_channels_add(list, added, NULL) < 0)
            abort();
        arrakis_channel_unref(added);
    }
    return list;
}

/* In a segment one source reads a channel, and later segments begin later. */
static void order(ark_flight_info *info)
{
    ark_segments segments;
    arrakis_error err;
    arrakis_channels *channels = some_channels();
    arrakis_status rc = ark_segments_init(&segments, info, channels, 5, "here", &err);
    if (rc < 0 && !err.message[0])
        abort();
    for (size_t i = 0; rc == ARRAKIS_OK && i < segments.count; i++) {
        const ark_segment *segment = &segments.segments[i];
        size_t count = arrakis_channels_count(segment->relayed);
        for (size_t k = 0; k < segment->broker_count; k++)
            count += arrakis_channels_count(segment->brokers[k].channels);
        if (count > arrakis_channels_count(channels) ||
            (i > 1 && segment->begin_ns <= segments.segments[i - 1].begin_ns))
            abort();
    }
    ark_segments_clear(&segments);
    arrakis_channels_unref(channels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ark_flight_info info;
    arrakis_error err;
    ark_budget budget = ark_budget_stream("here", INT64_MAX);
    if (ark_flight_info_read(&info, data, size, 0, &budget, &err) < 0) {
        if (info.count || info.endpoints || err.status != ARRAKIS_EFORMAT)
            abort();
        return 0;
    }
    for (size_t i = 0; i < info.count; i++) {
        const ark_endpoint *endpoint = &info.endpoints[i];
        ark_ticket ticket;
        if (!endpoint->uri_count)
            abort();
        for (size_t k = 0; k < endpoint->uri_count; k++)
            read_location(endpoint->uris[k]);
        if (ark_ticket_read(&ticket, endpoint->ticket, endpoint->ticket_size, &err) ==
            ARRAKIS_OK) {
            if (!ticket.name_count)
                abort();
            ark_ticket_clear(&ticket);
        }
    }
    order(&info);
    ark_flight_info_clear(&info);
    return 0;
}
