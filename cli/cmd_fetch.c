/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "interrupt.h"
#include "output_block.h"
#include "report.h"
#include "source.h"

#include <stdint.h>

static int print(const arrakis_block *block, const struct options *o)
{
    struct block_printer printer;
    int code = block_printer_begin(&printer, o, arrakis_block_channels(block), false);
    if (!code)
        block_printer_add(&printer, block, ARRAKIS_UNSET);
    return block_printer_end(&printer, code);
}

static int fetch(arrakis_client *client, const struct names *names, const arrakis_request *request,
                 const struct options *o)
{
    arrakis_block *block = NULL;
    arrakis_error err;
    arrakis_status rc =
        arrakis_client_fetch(client, &block, names->list.items, names->list.count, request, &err);
    int code = rc < 0 || !block ? finish(rc, &err) : print(block, o);
    arrakis_block_free(block);
    return code;
}

static int run(const struct options *o)
{
    if (o->end_ns != ARRAKIS_UNSET && o->start_ns == ARRAKIS_UNSET)
        return fail("fetch: --end needs --start");
    struct names names = {{NULL, 0}, NULL};
    arrakis_client *client = NULL;
    arrakis_request request;
    int code = source_request(&request, o);
    if (!code)
        code = block_printer_check(o);
    if (!code)
        code = names_load(&names, o);
    if (!code && !interrupt_seen())
        code = source_open(&client, o, true);
    if (!code && client)
        code = fetch(client, &names, &request, o);
    source_close(client);
    names_free(&names);
    return code;
}

#define PLACE(member) .offset = OPTION_AT(member)

static const struct arg_option span[] = {
    {.name = "start",
     .metavar = "TIME",
     .kind = ARG_TIME,
     PLACE(start_ns),
     .help = "first time wanted; alone, one stride from there"},
    {.name = "end",
     .metavar = "TIME",
     .kind = ARG_TIME,
     PLACE(end_ns),
     .group = GROUP_SPAN,
     .help = "end of the span; needs --start"},
    {.name = "duration",
     .metavar = "S",
     .kind = ARG_SECONDS,
     PLACE(duration_ns),
     .group = GROUP_SPAN,
     .help = "length of the span, from --start, else from now"},
    {.name = "latency-tolerance",
     .metavar = "S",
     .kind = ARG_SECONDS,
     PLACE(latency_tolerance_ns),
     .help = "seconds after the end to wait for the data (what the channels promise)"},
    {.name = "stall-timeout",
     .metavar = "S",
     .kind = ARG_SECONDS,
     PLACE(stall_timeout_ns),
     .help = "seconds of silence after which a server is given up: of the past (300), or beyond "
             "what its live channels promise (30)"},
    OPTIONS_END,
};

static const struct arg_table span_options = {"Span", span};

static const struct arg_table *const tables[] = {
    &span_options, &replay_options, &block_formats, &source_options, NULL,
};

const struct command cmd_fetch = {
    .name = "fetch",
    .aliases = {NULL},
    .summary = "print one block of channels, of any length",
    .arguments = "CHANNEL...",
    .description = "CHANNEL may be '-': then names are read from stdin, one a line. TIME is GPS "
                   "seconds, a date and time (UTC), 'now' or an offset from it such as 'now-90s'. "
                   "Without any time, the block is the next that is published.",
    .tables = tables,
    .min_arguments = 1,
    .max_arguments = SIZE_MAX,
    .run = run,
};
