/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "output_block.h"
#include "report.h"
#include "request.h"

#include <stdint.h>

static int print_block(arrakis_block *block, const struct options *o)
{
    struct block_printer printer;
    int code = block_printer_begin(&printer, o, arrakis_block_channels(block), false);
    if (!code)
        block_printer_add(&printer, block, ARRAKIS_UNSET);
    return block_printer_end(&printer, code);
}

static int fetch_block(arrakis_client *client, const struct names *names,
                       const arrakis_request *request, const struct options *o)
{
    arrakis_block *block = NULL;
    arrakis_error err;
    arrakis_status rc =
        arrakis_client_fetch(client, &block, names->list.items, names->list.count, request, &err);
    int code = rc < 0 || !block ? finish(rc, &err) : print_block(block, o);
    arrakis_block_unref(block);
    return code;
}

static int run_fetch(const struct options *o)
{
    if (o->end_ns != ARRAKIS_UNSET && o->start_ns == ARRAKIS_UNSET)
        return fail("fetch: --end needs --start");
    return request_run(o, fetch_block);
}

static const struct arg_option span[] = {
    REQUEST_START("first time; alone, one stride from there"),
    REQUEST_END("end of the span; needs --start"),
    REQUEST_DURATION("length of the span, from --start, else from now"),
    REQUEST_LATENCY_TOLERANCE(
        "wait S seconds after the end for the data (default: the channels' max_latency)"),
    REQUEST_STALL_TIMEOUT,
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
    .description = REQUEST_DESCRIPTION("Without any time, the block is the next one published."),
    .tables = tables,
    .min_arguments = 1,
    .max_arguments = SIZE_MAX,
    .run = run_fetch,
};
