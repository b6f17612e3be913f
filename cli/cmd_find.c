/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "output_channels.h"
#include "report.h"
#include "source.h"

static int find_channels(arrakis_client *client, const arrakis_query *query,
                         const struct options *o)
{
    struct channel_list list;
    channel_list_begin(&list, o);
    arrakis_error err;
    arrakis_status rc = arrakis_client_find(client, query, channel_list_add, &list, &err);
    int code = channel_list_end(&list, 0);
    return rc < 0 ? finish(rc, &err) : code;
}

static int run_find(const struct options *o)
{
    if (!o->arguments.count)
        return fail("find needs a pattern: '.' finds every channel, of which there may be very "
                    "many ('arrakis-cli count' prints the number)");
    return source_search(o, find_channels);
}

static const struct arg_table *const tables[] = {
    &find_filters, &metadata_options, &channel_formats, &source_options, NULL,
};

const struct command cmd_find = {
    .name = "find",
    .aliases = {"search", "list", NULL},
    .summary = "list the channels whose names match a pattern",
    .arguments = "PATTERN",
    .description =
        "PATTERN is a regular expression. It is matched from the first character of the "
        "name on, but need not reach its end.",
    .tables = tables,
    .max_arguments = 1,
    .run = run_find,
};
