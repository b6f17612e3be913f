/* SPDX-License-Identifier: Apache-2.0 */
#include "client/reader.h"

#include "base/error.h"
#include "channel/channel.h"
#include "channel/latency.h"
#include "channel/stride.h"
#include "flight/endpoints.h"
#include "kafka/policy.h"
#include "read/reader.h"

#include <arrakis/reader.h>

/* Time for the way through a server, besides the strides that it waits for. */
static const int64_t relay_grace_ns = 2 * ARRAKIS_SECOND_NS;

/* In a replay, whose window of time is repeated: the time in the window that the start stands
 * for. */
arrakis_status ark_client_reader_time(int64_t *time_ns, const arrakis_request *request,
                                      arrakis_error *err)
{
    int64_t from_ns = request->replay_start_ns, to_ns = request->replay_end_ns;
    *time_ns = request->start_ns;
    if (from_ns == ARRAKIS_UNSET && to_ns == ARRAKIS_UNSET)
        return ARRAKIS_OK;
    if (from_ns < 0 || to_ns <= from_ns || request->replay_id)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a replay from %lld to %lld ns%s: expected a start, a later end and no "
                        "replay_id",
                        (long long)from_ns, (long long)to_ns,
                        request->replay_id ? " and a replay_id" : "");
    int64_t now_ns = *time_ns == ARRAKIS_UNSET ? arrakis_gps_now_ns() : *time_ns;
    *time_ns = now_ns - ark_stride_floor(now_ns - from_ns, to_ns - from_ns);
    return ARRAKIS_OK;
}

/* Relayed data has been aligned by the server, which waits for max_latency: this library must wait
 * longer, or the data would always be late. */
static void add_headroom(arrakis_request *request, const arrakis_channels *channels)
{
    int64_t latency_ns = ark_latency_of(channels), stride_ns = 0;
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        int64_t own_ns = ark_info(arrakis_channels_get(channels, i)).stride_ns;
        stride_ns = own_ns > stride_ns ? own_ns : stride_ns;
    }
    int64_t grace_ns = 2 * stride_ns > relay_grace_ns ? 2 * stride_ns : relay_grace_ns;
    if (request->latency_tolerance_ns == ARRAKIS_UNSET && latency_ns > 0)
        request->latency_tolerance_ns = latency_ns + grace_ns;
}

/* The blocks of a server begin at the requested start: request the stride that contains it. */
static arrakis_status align_start(arrakis_request *request, const arrakis_channels *channels,
                                  arrakis_error *err)
{
    int64_t stride_ns;
    arrakis_status rc = ark_stride_of(&stride_ns, channels, err);
    if (rc < 0 || request->start_ns == ARRAKIS_UNSET)
        return rc;
    /* invalid durations are refused when the stream is opened */
    if (request->duration_ns > 0 && request->duration_ns <= ARRAKIS_TIME_MAX_NS &&
        request->start_ns > 0 && request->start_ns <= ARRAKIS_TIME_MAX_NS)
        request->end_ns = request->start_ns + request->duration_ns;
    request->start_ns = ark_stride_floor(request->start_ns, stride_ns);
    return ARRAKIS_OK;
}

arrakis_status ark_client_reader(arrakis_client *client, arrakis_reader **out,
                                 arrakis_channels *channels, arrakis_request *request,
                                 bool *direct, arrakis_error *err)
{
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    options.start_ns = request->start_ns;
    options.fast_forward = request->fast_forward && options.start_ns == ARRAKIS_UNSET;
    options.prefetch_bytes = request->prefetch_bytes;
    options.fetch_wait_ns = request->fetch_wait_ns;
    options.properties = client->properties.list;
    options.property_count = client->properties.count;
    options.kafka_token_fn = client->tokens.fn;
    options.kafka_token_opaque = client->tokens.opaque;
    options.request_timeout_ns = client->request_timeout_ns;
    *direct = true;
    if (client->kafka_url)
        return arrakis_kafka_reader_new(out, client->kafka_url, channels, &options, err);
    const ark_allowed_brokers allowed = {(const char *const *)client->allowed_brokers,
                                         client->allowed_broker_count};
    arrakis_request asked = *request;
    ark_endpoint_kinds kinds = {0};
    arrakis_status rc = align_start(&asked, channels, err);
    if (rc == ARRAKIS_OK)
        rc = ark_endpoints_reader(client->server, out, channels, &asked, &options, &allowed,
                                  ark_client_asks_server(client), &kinds, err);
    *direct = kinds.brokers;
    if (rc == ARRAKIS_OK)
        (*out)->has_start = false; /* its parts may begin earlier than the request */
    if (rc == ARRAKIS_OK && kinds.servers)
        add_headroom(request, channels);
    return rc;
}

arrakis_stream_options ark_client_reader_options(const arrakis_request *request)
{
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    options.start_ns = request->start_ns;
    options.end_ns = request->end_ns;
    options.duration_ns = request->duration_ns;
    options.on_gap = request->on_gap;
    options.stride_ns = request->stride_ns;
    options.latency_tolerance_ns = request->latency_tolerance_ns;
    options.cancel = request->cancel;
    options.retry = request->retry;
    options.retry_time_ns = request->retry_time_ns;
    options.retry_tries = request->retry_tries;
    return options;
}

arrakis_status ark_client_reader_stream(arrakis_client *client, arrakis_stream **out,
                                        arrakis_channels *channels, const arrakis_request *request,
                                        bool *direct, arrakis_error *err)
{
    arrakis_request full = *request;
    arrakis_reader *reader;
    ARK_TRY(ark_client_reader(client, &reader, channels, &full, direct, err));
    const arrakis_stream_options options = ark_client_reader_options(&full);
    return arrakis_stream_open(out, reader, &options, err);
}
