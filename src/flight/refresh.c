/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/refresh.h"

#include "base/error.h"
#include "channel/channel.h"
#include "flight/query.h"

#include <math.h>
#include <stdlib.h>

/* Whether the description of a channel at a broker lacks its partition. */
static bool lacks_place(const ark_segments *segments)
{
    for (size_t i = 0; i < segments->count; i++)
        for (size_t b = 0; b < segments->segments[i].broker_count; b++) {
            const arrakis_channels *list = segments->segments[i].brokers[b].channels;
            for (size_t k = 0; k < arrakis_channels_count(list); k++) {
                const arrakis_channel_info info = ark_info(arrakis_channels_get(list, k));
                if (!info.partition_id || info.partition_index == ARRAKIS_UNSET)
                    return true;
            }
        }
    return false;
}

/* The names of all channels that a segment reads from a broker; they point into the channels. */
static arrakis_status list_names(const char ***out, size_t *count, const ark_segments *segments,
                                 const arrakis_channels *channels, arrakis_error *err)
{
    size_t total = arrakis_channels_count(channels);
    bool *wanted = calloc(total + 1, sizeof *wanted);
    *count = 0;
    *out = calloc(total + 1, sizeof **out);
    for (size_t i = 0; wanted && i < segments->count; i++)
        for (size_t b = 0; b < segments->segments[i].broker_count; b++) {
            const arrakis_channels *list = segments->segments[i].brokers[b].channels;
            for (size_t k = 0; k < arrakis_channels_count(list); k++)
                wanted[arrakis_channels_index(
                    channels, arrakis_channel_name(arrakis_channels_get(list, k)))] = true;
        }
    for (size_t i = 0; wanted && *out && i < total; i++)
        if (wanted[i])
            (*out)[(*count)++] = arrakis_channel_name(arrakis_channels_get(channels, i));
    bool ok = wanted && *out;
    free(wanted);
    return ok ? ARRAKIS_OK : ark_no_memory(err, "%zu channels", total);
}

typedef struct answers {
    const arrakis_channels *asked; /* other channels in the answer are ignored */
    arrakis_channels *found;
    arrakis_error *err;
} answers;

static bool take_channel(arrakis_channel *channel, void *opaque)
{
    const answers *a = opaque;
    const char *name = arrakis_channel_name(channel);
    if (arrakis_channels_index(a->asked, name) >= 0 && arrakis_channels_index(a->found, name) < 0)
        arrakis_channels_add(a->found, channel, a->err);
    return a->err->status == ARRAKIS_OK;
}

/* A channel keeps its data type and rate over a request, and its new stride must fit into the old
 * one. */
static arrakis_status check_same(const arrakis_channel *before, const arrakis_channel *now,
                                 arrakis_error *err)
{
    const arrakis_channel_info x = ark_info(before), y = ark_info(now), *a = &x, *b = &y;
    bool fits = b->stride_ns == ARRAKIS_UNSET || a->stride_ns == ARRAKIS_UNSET ||
                a->stride_ns % b->stride_ns == 0;
    if (a->dtype == b->dtype && fabs(a->sample_rate - b->sample_rate) < 1e-9 && fits)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EMISMATCH,
                    "channel '%.200s' is %s, %g Hz, in strides of %lld ns at the start, and %s, "
                    "%g Hz, of %lld ns now: ask for either span alone",
                    a->name, arrakis_dtype_name(a->dtype), a->sample_rate, (long long)a->stride_ns,
                    arrakis_dtype_name(b->dtype), b->sample_rate, (long long)b->stride_ns);
}

/* The channels, with new descriptions in place of the old ones. */
static arrakis_status merge_channels(arrakis_channels **out, const arrakis_channels *channels,
                                     const arrakis_channels *found, const char *const *names,
                                     size_t count, arrakis_error *err)
{
    arrakis_status rc = arrakis_channels_new(out, err);
    size_t named = 0;
    for (size_t i = 0; rc == ARRAKIS_OK && i < arrakis_channels_count(channels); i++) {
        arrakis_channel *channel = arrakis_channels_get(channels, i);
        if (named < count && names[named] == arrakis_channel_name(channel)) {
            int64_t at = arrakis_channels_index(found, names[named++]);
            if (at < 0)
                return ark_fail(err, ARRAKIS_ENOTFOUND,
                                "channel '%.200s' is to be read from a broker now, and the server "
                                "describes it as of the request's start only",
                                arrakis_channel_name(channel));
            arrakis_channel *now = arrakis_channels_get(found, (size_t)at);
            rc = check_same(channel, now, err);
            channel = now;
        }
        if (rc == ARRAKIS_OK)
            rc = arrakis_channels_add(*out, channel, err);
    }
    return rc;
}

/* Replace the channels of a list by those of the same names in another. */
static arrakis_status replace_list(arrakis_channels **list, const arrakis_channels *by,
                                   arrakis_error *err)
{
    arrakis_channels *fresh;
    arrakis_status rc = arrakis_channels_new(&fresh, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < arrakis_channels_count(*list); i++) {
        const char *name = arrakis_channel_name(arrakis_channels_get(*list, i));
        int64_t at = arrakis_channels_index(by, name);
        rc = arrakis_channels_add(fresh, arrakis_channels_get(by, (size_t)at), err);
    }
    if (rc < 0) {
        arrakis_channels_unref(fresh);
        return rc;
    }
    arrakis_channels_unref(*list);
    *list = fresh;
    return ARRAKIS_OK;
}

static arrakis_status replace_all(ark_segments *segments, const arrakis_channels *by,
                                  arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < segments->count; i++) {
        ark_segment *segment = &segments->segments[i];
        rc = replace_list(&segment->relayed, by, err);
        for (size_t b = 0; rc == ARRAKIS_OK && b < segment->broker_count; b++)
            rc = replace_list(&segment->brokers[b].channels, by, err);
    }
    return rc;
}

arrakis_status ark_refresh_segments(ark_segments *segments, ark_server *server,
                                    arrakis_channels **channels, const char *replay_id,
                                    arrakis_error *err)
{
    const char **names = NULL;
    size_t count = 0;
    if (segments->count == 1 && !lacks_place(segments))
        return ARRAKIS_OK;
    arrakis_channels *fresh = NULL;
    arrakis_error why = {ARRAKIS_OK, ""};
    answers a = {*channels, NULL, &why};
    arrakis_status rc = list_names(&names, &count, segments, *channels, err);
    if (rc == ARRAKIS_OK && !count) { /* no channel is read from a broker */
        free(names);
        return ARRAKIS_OK;
    }
    if (rc == ARRAKIS_OK)
        rc = arrakis_channels_new(&a.found, err);
    if (rc == ARRAKIS_OK)
        rc = ark_query_describe(server, names, count, ARRAKIS_UNSET, replay_id, take_channel, &a,
                                err);
    if (rc == ARRAKIS_OK && why.status < 0)
        rc = ark_fail(err, why.status, "%s", why.message);
    if (rc == ARRAKIS_OK)
        rc = merge_channels(&fresh, *channels, a.found, names, count, err);
    if (rc == ARRAKIS_OK)
        rc = replace_all(segments, fresh, err);
    free(names);
    arrakis_channels_unref(a.found);
    if (rc < 0) {
        arrakis_channels_unref(fresh);
        return rc;
    }
    arrakis_channels_unref(*channels);
    *channels = fresh;
    return ARRAKIS_OK;
}
