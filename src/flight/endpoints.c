/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/endpoints.h"

#include "base/error.h"
#include "flight/info.h"
#include "flight/location.h"
#include "flight/reader.h"
#include "flight/refresh.h"
#include "flight/request.h"
#include "flight/segments.h"
#include "flight/ticket.h"
#include "read/chain_mapping.h"
#include "read/chain_reader.h"
#include "read/closing.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <stdlib.h>
#include <string.h>

/* The readers of a segment: one for all servers, and one per broker. */
typedef struct readers {
    arrakis_reader **list;
    size_t count;
} readers;

/* A reader of the endpoints of servers, which it takes out of the list. */
static arrakis_status relay_reader(arrakis_reader **out, const ark_server *server,
                                   ark_endpoint *endpoints, size_t count,
                                   arrakis_channels *channels, int64_t begin_ns, int64_t end_ns,
                                   bool fast_forward, arrakis_error *err)
{
    const ark_flight_options options = {
        .origin = server->session,
        .connect = server->connect,
        .timeout_ns = server->timeout_ns,
        .stall_ns = server->stall_ns,
        .begin_ns = begin_ns,
        .end_ns = end_ns,
        .fast_forward = fast_forward,
    };
    return ark_flight_reader_new(out, endpoints, count, channels, &options, err);
}

static arrakis_status make_readers(readers *made, ark_server *server, ark_segment *segment,
                                   int64_t end_ns, const arrakis_kafka_options *kafka,
                                   arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    if (!(made->list = calloc(segment->broker_count + 1, sizeof *made->list)))
        return ark_no_memory(err, "a server's endpoints");
    for (size_t i = 0; rc == ARRAKIS_OK && i < segment->broker_count; i++) {
        rc = arrakis_kafka_reader_new(&made->list[made->count], segment->brokers[i].url,
                                      segment->brokers[i].channels, kafka, err);
        made->count += rc == ARRAKIS_OK;
    }
    if (rc < 0 || !arrakis_channels_count(segment->relayed))
        return rc;
    rc = relay_reader(&made->list[made->count], server, segment->relays, segment->relay_count,
                      segment->relayed, segment->begin_ns, end_ns, kafka->fast_forward, err);
    made->count += rc == ARRAKIS_OK;
    return rc;
}

static void close_readers(const readers *made)
{
    ark_closing closing = ARK_CLOSING_NONE;
    for (size_t i = 0; i < made->count; i++)
        ark_reader_close_into(made->list[i], &closing);
    ark_closing_wait(&closing);
}

static void close_segments(const ark_chain_segment *made, size_t count)
{
    ark_closing closing = ARK_CLOSING_NONE;
    for (size_t i = 0; i < count; i++)
        ark_reader_close_into(made[i].reader, &closing);
    ark_closing_wait(&closing);
}

/* Make one reader of the endpoints of a segment. */
static arrakis_status read_segment(ark_server *server, arrakis_reader **out, ark_segment *segment,
                                   int64_t end_ns, const arrakis_kafka_options *kafka,
                                   arrakis_error *err)
{
    *out = NULL;
    readers made = {NULL, 0};
    arrakis_status rc = make_readers(&made, server, segment, end_ns, kafka, err);
    if (rc < 0)
        close_readers(&made);
    else if (made.count == 1)
        *out = made.list[0];
    else
        rc = arrakis_multi_reader_new(out, made.list, made.count, err);
    free(made.list);
    return rc;
}

/* Make one reader of all segments, one after the other. */
static arrakis_status read_segments(ark_server *server, arrakis_reader **out,
                                    ark_segments *segments, arrakis_channels *channels,
                                    int64_t end_ns, const arrakis_kafka_options *kafka,
                                    arrakis_error *err)
{
    if (segments->count == 1)
        return read_segment(server, out, &segments->segments[0], end_ns, kafka, err);
    *out = NULL;
    ark_chain_segment *made = calloc(segments->count, sizeof *made);
    arrakis_status rc = made ? ARRAKIS_OK : ark_no_memory(err, "a server's endpoints");
    size_t count = 0;
    for (; rc == ARRAKIS_OK && count < segments->count; count++) {
        arrakis_kafka_options from = *kafka;
        from.start_ns = segments->segments[count].begin_ns;
        made[count].begin_ns = from.start_ns;
        rc = read_segment(server, &made[count].reader, &segments->segments[count], end_ns, &from,
                          err);
    }
    if (rc == ARRAKIS_OK)
        rc = ark_chain_reader_new(out, made, count, channels, err);
    else
        close_segments(made, count);
    free(made);
    return rc;
}

static arrakis_status ask_endpoints(ark_server *server, ark_flight_info *info,
                                    const ark_stream_request *request, arrakis_error *err)
{
    char *text;
    ARK_TRY(ark_request_stream(&text, request, err));
    return ark_server_ask(server, info, text, err);
}

/* Whether an endpoint has data until end_ns. */
static bool reaches_end(const ark_flight_info *info, int64_t end_ns)
{
    bool found = false;
    for (size_t i = 0; i < info->count && !found; i++) {
        ark_ticket ticket;
        if (ark_ticket_read(&ticket, info->endpoints[i].ticket, info->endpoints[i].ticket_size,
                            NULL) < 0)
            continue;
        found = ticket.end_ns == end_ns;
        ark_ticket_clear(&ticket);
    }
    return found;
}

/* Servers divide a span among them only if it has an end; without one they refuse it, unless one
 * server has all of it. So a request from the past without an end is sent with the latest possible
 * time as its end. */
static arrakis_status ask_for_ever(ark_server *server, ark_flight_info *info,
                                   const ark_stream_request *request, arrakis_error *err)
{
    arrakis_status rc = ask_endpoints(server, info, request, err);
    bool endless = request->start_ns != ARRAKIS_UNSET && request->end_ns == ARRAKIS_UNSET;
    if (!endless || (rc != ARRAKIS_ESERVER && rc != ARRAKIS_ENOTFOUND))
        return rc;
    ark_stream_request long_one = *request;
    long_one.end_ns = ARRAKIS_TIME_MAX_NS;
    if (ask_endpoints(server, info, &long_one, NULL) == ARRAKIS_OK &&
        reaches_end(info, long_one.end_ns))
        return ARRAKIS_OK;
    ark_flight_info_clear(info);
    return rc;
}

/* A broker must not get a login that is not meant for it. */
static arrakis_status check_brokers(const ark_segments *segments, const ark_server *server,
                                    const arrakis_kafka_options *kafka,
                                    const ark_allowed_brokers *allowed, arrakis_error *err)
{
    const ark_properties users = {kafka->properties, kafka->property_count};
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < segments->count; i++)
        for (size_t k = 0; rc == ARRAKIS_OK && k < segments->segments[i].broker_count; k++)
            rc = ark_kafka_policy_brokers(segments->segments[i].brokers[k].url, &users, allowed,
                                          err);
    return rc < 0 ? ark_fail_within(err, rc, "%.100s", server->session->url) : rc;
}

arrakis_status ark_endpoints_reader(ark_server *server, arrakis_reader **out,
                                    arrakis_channels *channels, const arrakis_request *request,
                                    const arrakis_kafka_options *kafka,
                                    const ark_allowed_brokers *allowed, bool refresh,
                                    ark_endpoint_kinds *kinds, arrakis_error *err)
{
    ark_flight_info info = {0};
    ark_segments segments = {0};
    const ark_stream_request stream = {
        .channels = channels,
        .start_ns = request->start_ns,
        .end_ns = request->end_ns,
        .replay_start_ns = request->replay_start_ns,
        .replay_end_ns = request->replay_end_ns,
        .replay_id = request->replay_id,
    };
    *out = NULL;
    arrakis_channels *list = arrakis_channels_ref(channels);
    arrakis_status rc = ask_for_ever(server, &info, &stream, err);
    if (rc == ARRAKIS_OK)
        rc = ark_segments_init(&segments, &info, channels, request->start_ns, server->session->url,
                               err);
    if (rc == ARRAKIS_OK)
        rc = check_brokers(&segments, server, kafka, allowed, err);
    if (rc == ARRAKIS_OK && refresh)
        rc = ark_refresh_segments(&segments, server, &list, request->replay_id, err);
    if (rc == ARRAKIS_OK)
        rc = read_segments(server, out, &segments, list, request->end_ns, kafka, err);
    if (rc == ARRAKIS_OK) { /* in the order of the request, whatever reader they come from */
        const ark_segment *last = &segments.segments[segments.count - 1];
        kinds->servers = arrakis_channels_count(last->relayed) > 0;
        kinds->brokers = last->broker_count > 0;
        arrakis_channels_unref((*out)->channels);
        (*out)->channels = arrakis_channels_ref(list);
    }
    arrakis_channels_unref(list);
    ark_segments_clear(&segments);
    ark_flight_info_clear(&info);
    return rc;
}

static arrakis_status check_relayed(const ark_flight_info *info, arrakis_error *err)
{
    for (size_t i = 0; i < info->count; i++)
        if (ark_location_of(info->endpoints[i].uris[0]) == ARK_LOCATION_KAFKA)
            return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                            "endpoint '%.200s' is a broker: arrakis_kafka_reader_new() reads it",
                            info->endpoints[i].uris[0]);
    return ARRAKIS_OK;
}

arrakis_status ark_endpoints_relay(ark_server *server, arrakis_reader **out,
                                   const arrakis_endpoint *endpoints, size_t count,
                                   arrakis_channels *channels, int64_t begin_ns, int64_t end_ns,
                                   arrakis_error *err)
{
    ark_flight_info info;
    *out = NULL;
    arrakis_status rc = ark_flight_info_copy(&info, endpoints, count, err);
    if (rc == ARRAKIS_OK)
        rc = check_relayed(&info, err);
    if (rc == ARRAKIS_OK)
        rc = relay_reader(out, server, info.endpoints, info.count, channels, begin_ns, end_ns,
                          false, err);
    ark_flight_info_clear(&info);
    return rc;
}
