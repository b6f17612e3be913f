/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/sized_struct.h"
#include "client/client.h"
#include "client/fetch.h"
#include "client/reader.h"
#include "read/reader.h"

#include <arrakis/reader.h>

/* ------------------------------------------------------------------ a stream */

static arrakis_stream_options stream_options(const arrakis_request *request)
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

/* Describe the channels of these names, and make a reader of them. */
static arrakis_status find_reader(arrakis_client *client, arrakis_reader **out,
                                  const char *const *names, size_t count, int64_t time_ns,
                                  arrakis_request *request, arrakis_error *err)
{
    arrakis_channels *channels;
    ARK_TRY(arrakis_client_describe(client, &channels, names, count, time_ns, request->replay_id,
                                    err));
    arrakis_status rc = ark_client_reader(client, out, channels, request, err);
    arrakis_channels_unref(channels);
    return rc;
}

arrakis_status arrakis_client_stream(arrakis_client *client, arrakis_stream **out,
                                     const char *const *names, size_t count,
                                     const arrakis_request *request, arrakis_error *err)
{
    if (out)
        *out = NULL;
    if (!client || !out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_client_stream: %s is NULL",
                        client ? "out" : "client");
    if (!client->kafka_url && !client->server)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "the client has channels from %.300s but no source of data: expected "
                        "kafka_url or url",
                        client->metadata_path);
    arrakis_request full = ARRAKIS_REQUEST_INIT;
    int64_t time_ns;
    arrakis_status rc = ark_sized_struct_take(&full, sizeof full, request, "request", err);
    if (!full.cancel)
        full.cancel = client->cancel;
    if (rc == ARRAKIS_OK)
        rc = ark_client_reader_time(&time_ns, &full, err);
    if (rc < 0)
        return rc;
    arrakis_reader *reader;
    arrakis_cancel *before = ark_client_set_cancel(client, full.cancel);
    rc = find_reader(client, &reader, names, count, time_ns, &full, err);
    ark_client_set_cancel(client, before);
    if (rc < 0)
        return rc;
    const arrakis_stream_options options = stream_options(&full);
    return arrakis_stream_open(out, reader, &options, err);
}

/* ------------------------------------------------------------------ one block */

/* Give a request an end, whatever it has of start, end and duration. */
static arrakis_status bound_request(arrakis_request *request, arrakis_error *err)
{
    if (request->on_gap == ARRAKIS_GAP_SKIP)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a fetch gives one block without holes: on_gap is skip, expected fill or "
                        "raise");
    if (request->end_ns != ARRAKIS_UNSET && request->start_ns == ARRAKIS_UNSET)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a fetch with an end and no start: expected both, or a duration");
    /* One stride: the block with the first nanosecond. */
    if (request->end_ns == ARRAKIS_UNSET && request->duration_ns == ARRAKIS_UNSET)
        request->duration_ns = 1;
    return ARRAKIS_OK;
}

arrakis_status arrakis_client_fetch(arrakis_client *client, arrakis_block **out,
                                    const char *const *names, size_t count,
                                    const arrakis_request *request, arrakis_error *err)
{
    if (out)
        *out = NULL;
    if (!client || !out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_client_fetch: %s is NULL",
                        client ? "out" : "client");
    arrakis_request full = ARRAKIS_REQUEST_INIT;
    arrakis_stream *stream;
    arrakis_status rc = ark_sized_struct_take(&full, sizeof full, request, "request", err);
    if (rc < 0 || (rc = bound_request(&full, err)) < 0 ||
        (rc = arrakis_client_stream(client, &stream, names, count, &full, err)) < 0)
        return rc;
    arrakis_stream_options options = stream_options(&full);
    rc = ark_fetch(stream, out, &options, err);
    arrakis_stream_close(stream);
    return rc;
}
