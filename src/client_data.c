/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"
#include "client.h"
#include "error.h"
#include "fetch.h"
#include "options.h"

/* ------------------------------------------------------------------ a stream */

/* What a stream cannot do without, said before anything is opened. */
static arrakis_status check_channels(const arrakis_channels *channels, arrakis_error *err)
{
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        const arrakis_channel_info *info = &arrakis_channels_get(channels, i)->info;
        const char *missing = !info->partition_id                      ? "partition_id"
                              : info->partition_index == ARRAKIS_UNSET ? "partition_index"
                              : info->stride_ns == ARRAKIS_UNSET       ? "stride"
                                                                       : NULL;
        if (missing)
            return ark_fail(err, ARRAKIS_EINVAL, "channel '%.200s' has no %s: it cannot be read",
                            info->name, missing);
    }
    return ARRAKIS_OK;
}

static arrakis_status new_reader(arrakis_client *client, arrakis_reader **out,
                                 arrakis_channels *channels, const arrakis_request *request,
                                 arrakis_error *err)
{
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    options.start_ns = request->stream.start_ns;
    options.fast_forward = request->fast_forward && options.start_ns == ARRAKIS_UNSET;
    options.prefetch_bytes = request->prefetch_bytes;
    options.properties = client->properties;
    options.property_count = client->property_count;
    options.request_timeout_ns = client->request_timeout_ns;
    return arrakis_kafka_reader_new(out, client->kafka_url, channels, &options, err);
}

/* What a request means when the program was built against an older header. */
static arrakis_request complete(const arrakis_request *request)
{
    arrakis_request full = ARRAKIS_REQUEST_INIT;
    if (request)
        ark_copy_struct(&full, sizeof full, request, request->struct_size);
    return full;
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
    if (!client->kafka_url)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "the client has channels from %.300s but no source of data: wanted "
                        "kafka_url",
                        client->metadata_path);
    arrakis_request full = complete(request);
    arrakis_channels *channels;
    arrakis_status rc = arrakis_client_describe(client, &channels, names, count,
                                                full.stream.start_ns, full.replay_id, err);
    if (rc < 0)
        return rc;
    arrakis_reader *reader;
    if ((rc = check_channels(channels, err)) == ARRAKIS_OK &&
        (rc = new_reader(client, &reader, channels, &full, err)) == ARRAKIS_OK)
        rc = arrakis_stream_open(out, reader, &full.stream, err);
    arrakis_channels_free(channels);
    if (rc == ARRAKIS_OK && (rc = ark_client_check(client, err)) < 0) {
        arrakis_stream_close(*out);
        *out = NULL;
    }
    return rc;
}

/* ------------------------------------------------------------------ one block */

/* The five modes as a stream's options: every one has an end. */
static arrakis_status bound(arrakis_stream_options *options, arrakis_error *err)
{
    if (options->on_gap == ARRAKIS_GAP_SKIP)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a fetch gives one block without holes: on_gap is skip, wanted fill or "
                        "raise");
    if (options->end_ns != ARRAKIS_UNSET && options->start_ns == ARRAKIS_UNSET)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a fetch with an end and no start: wanted both, or a duration");
    /* One stride: the block that holds the first nanosecond. */
    if (options->end_ns == ARRAKIS_UNSET && options->duration_ns == ARRAKIS_UNSET)
        options->duration_ns = 1;
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
    arrakis_request full = complete(request);
    arrakis_stream *stream;
    arrakis_status rc = bound(&full.stream, err);
    if (rc < 0 || (rc = arrakis_client_stream(client, &stream, names, count, &full, err)) < 0)
        return rc;
    ark_client_watch(client, stream);
    rc = ark_fetch(stream, out, &full.stream, err);
    ark_client_release(client);
    arrakis_stream_close(stream);
    return rc;
}
