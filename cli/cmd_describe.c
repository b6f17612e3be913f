/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "interrupt.h"
#include "output_channels.h"
#include "report.h"
#include "source.h"

#include <stdint.h>

static int print_channels(const arrakis_channels *channels, const struct options *o)
{
    struct channel_list list;
    channel_list_begin(&list, o);
    for (size_t i = 0; i < arrakis_channels_count(channels); i++)
        if (!channel_list_add(arrakis_channels_get(channels, i), &list))
            break;
    return channel_list_end(&list, 0);
}

static int describe_channels(arrakis_client *client, const struct names *names,
                             const struct options *o)
{
    arrakis_channels *channels = NULL;
    arrakis_error err;
    arrakis_status rc = arrakis_client_describe(client, &channels, names->list.items,
                                                names->list.count, o->time_ns, o->replay_id, &err);
    int code = rc < 0 ? finish(rc, &err) : print_channels(channels, o);
    arrakis_channels_unref(channels);
    return code;
}

static int run_describe(const struct options *o)
{
    struct names names;
    arrakis_client *client = NULL;
    int code = names_load(&names, o);
    if (!code && !interrupt_seen())
        code = source_open(&client, o, false);
    if (!code && client)
        code = describe_channels(client, &names, o);
    source_close(client);
    names_free(&names);
    return code;
}

static const struct arg_table *const tables[] = {
    &metadata_options,
    &channel_formats,
    &source_options,
    NULL,
};

const struct command cmd_describe = {
    .name = "describe",
    .aliases = {"show", NULL},
    .summary = "show the metadata of channels",
    .arguments = "CHANNEL...",
    .description = "CHANNEL may be '-': then names are read from stdin, one per line.",
    .tables = tables,
    .min_arguments = 1,
    .max_arguments = SIZE_MAX,
    .run = run_describe,
};
