/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/sized_struct.h"
#include "client/fetch.h"
#include "client/lookout.h"
#include "client/reader.h"
#include "read/reader.h"

#include <arrakis/reader.h>

/* ------------------------------------------------------------------ a stream */

/* Describe the channels of these names, and open a stream of them. */
static arrakis_status open_named(arrakis_client *client, arrakis_stream **out,
                                 const char *const *names, size_t count,
                                 const arrakis_request *request, bool *direct, arrakis_error *err)
{
    int64_t time_ns;
    arrakis_channels *channels;
    ARK_TRY(ark_client_reader_time(&time_ns, request, err));
    arrakis_cancel *before = ark_client_set_cancel(client, request->cancel);
    arrakis_status rc =
        arrakis_client_describe(client, &channels, names, count, time_ns, request->replay_id, err);
    if (rc == ARRAKIS_OK)
        rc = ark_client_reader_stream(client, out, channels, request, direct, err);
    ark_client_set_cancel(client, before);
    arrakis_channels_unref(channels);
    return rc;
}

static arrakis_status take_request(arrakis_request *full, const arrakis_client *client,
                                   const arrakis_request *request, arrakis_error *err)
{
    if (!client->kafka_url && !client->server)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "the client has channels from %.300s but no source of data: expected "
                        "kafka_url or url",
                        client->metadata_path);
    *full = (arrakis_request)ARRAKIS_REQUEST_INIT;
    ARK_TRY(ark_sized_struct_take(full, sizeof *full, request, "request", err));
    if (!full->cancel)
        full->cancel = client->cancel;
    return ARRAKIS_OK;
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
    arrakis_request full;
    bool direct;
    ARK_TRY(take_request(&full, client, request, err));
    ARK_TRY(open_named(client, out, names, count, &full, &direct, err));
    arrakis_status rc = ark_lookout_begin(*out, client, &full, direct, err);
    if (rc < 0) {
        arrakis_stream_close(*out);
        *out = NULL;
    }
    return rc;
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
    arrakis_request full;
    arrakis_stream *stream;
    bool direct;
    ARK_TRY(take_request(&full, client, request, err));
    ARK_TRY(bound_request(&full, err));
    ARK_TRY(open_named(client, &stream, names, count, &full, &direct, err));
    arrakis_stream_options options = ark_client_reader_options(&full);
    arrakis_status rc = ark_fetch(stream, out, &options, err);
    arrakis_stream_close(stream);
    return rc;
}
