/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "out.h"
#include "server.h"

#include <stdlib.h>
#include <unistd.h>

/* A time in seconds, as the server sends it: with or without a fraction. */
static void put_time(struct out *out, const json_t *time)
{
    if (json_is_integer(time))
        out_format(out, "%lld", (long long)json_integer_value(time));
    else if (json_is_real(time))
        out_format(out, "%.15g", json_real_value(time));
    else
        out_text(out, "None");
}

static int show_replays(json_t *replays)
{
    struct out out = {.fd = STDOUT_FILENO};
    const char *id;
    json_t *span;
    if (!json_object_size(replays))
        out_text(&out, "no replays configured\n");
    json_object_foreach(replays, id, span)
    {
        out_plain(&out, id);
        out_text(&out, ": start=");
        put_time(&out, json_object_get(span, "start"));
        out_text(&out, ", end=");
        put_time(&out, json_object_get(span, "end"));
        out_char(&out, '\n');
    }
    return out_finish(&out, EXIT_SUCCESS);
}

static int run_replays(const struct options *o)
{
    return server_show(o, arrakis_client_replays, show_replays);
}

static const struct arg_table *const tables[] = {&server_options, NULL};

const struct command cmd_replays = {
    .name = "replays",
    .aliases = {NULL},
    .summary = "list the spans of time that a server replays",
    .arguments = "",
    .tables = tables,
    .run = run_replays,
};
