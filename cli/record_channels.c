/* SPDX-License-Identifier: Apache-2.0 */
#include "record_channels.h"

#include "interrupt.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

struct found {
    arrakis_channels *channels;
    arrakis_status status;
    arrakis_error err;
};

static bool add_channel(arrakis_channel *channel, void *opaque)
{
    struct found *found = opaque;
    found->status = arrakis_channels_add(found->channels, channel, &found->err);
    return found->status >= 0;
}

static int find_matching(arrakis_channels **out, arrakis_client *client, const struct options *o)
{
    struct found found = {.status = ARRAKIS_OK};
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.pattern = o->match;
    query.publishers = o->publishers.items;
    query.publisher_count = o->publishers.count;
    query.replay_id = o->replay_id;
    arrakis_status rc = arrakis_channels_new(&found.channels, &found.err);
    if (rc >= 0)
        rc = arrakis_client_find(client, &query, add_channel, &found, &found.err);
    *out = found.channels;
    if (rc < 0 || found.status < 0)
        return finish(rc < 0 ? rc : found.status, &found.err);
    if (!arrakis_channels_count(found.channels))
        return fail("no channel matches: there is nothing to record");
    return 0;
}

static int describe_named(arrakis_channels **out, arrakis_client *client, const struct options *o)
{
    struct names names = {{NULL, 0}, NULL};
    arrakis_error err;
    int code = names_load(&names, o);
    if (!code && !interrupt_seen()) {
        arrakis_status rc = arrakis_client_describe(
            client, out, names.list.items, names.list.count, ARRAKIS_UNSET, o->replay_id, &err);
        code = rc < 0 ? finish(rc, &err) : 0;
    }
    names_free(&names);
    return code;
}

int record_channels_find(arrakis_channels **channels, arrakis_client *client,
                         const struct options *o)
{
    *channels = NULL;
    if (o->arguments.count && (o->match || o->publishers.count))
        return fail_usage(o->command, "either channels are named, or --match and --publisher "
                                      "choose them");
    if (!o->arguments.count && !o->match && !o->publishers.count)
        return fail_usage(o->command, "which channels? Name them, or give --publisher ID, or "
                                      "--match REGEX ('.' for all)");
    return o->arguments.count ? describe_named(channels, client, o)
                              : find_matching(channels, client, o);
}

static bool same_place(const arrakis_channel_info *a, const arrakis_channel_info *b)
{
    if (!a->partition_id || !b->partition_id)
        return a->partition_id == b->partition_id;
    return a->partition_index == b->partition_index &&
           strcmp(a->partition_id, b->partition_id) == 0;
}

bool record_channels_same(const arrakis_channels *a, const arrakis_channels *b)
{
    size_t count = arrakis_channels_count(a);
    if (count != arrakis_channels_count(b))
        return false;
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info was = ARRAKIS_CHANNEL_INFO_INIT, is = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(a, i), &was);
        arrakis_channel_get(arrakis_channels_get(b, i), &is);
        if (was.dtype != is.dtype || was.sample_rate != is.sample_rate ||
            was.stride_ns != is.stride_ns || !same_place(&was, &is))
            return false;
    }
    return true;
}

const char **record_channels_names(const arrakis_channels *channels)
{
    size_t count = arrakis_channels_count(channels);
    const char **names = calloc(count + 1, sizeof *names);
    if (!names)
        fail("out of memory");
    for (size_t i = 0; names && i < count; i++)
        names[i] = arrakis_channel_name(arrakis_channels_get(channels, i));
    return names;
}
