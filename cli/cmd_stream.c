/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "interrupt.h"
#include "output_block.h"
#include "report.h"
#include "request.h"
#include "state.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct progress {
    const struct options *options;
    struct block_printer printer;
    struct state state;
    int64_t count;     /* blocks so far */
    int64_t next_ns;   /* where gaps are filled: begin of the next block */
    int64_t lasted_ns; /* the last block */
    bool refused;      /* the stream's last block did not begin there, and was not printed */
};

/* Where channels are followed to a longer stride, less than that is left out. */
static bool is_contiguous(const struct progress *p, const arrakis_block *block)
{
    int64_t start_ns = arrakis_block_start_ns(block);
    int64_t duration_ns = arrakis_block_duration_ns(block);
    if (p->options->on_gap != ARRAKIS_GAP_FILL || !p->count || start_ns == p->next_ns)
        return true;
    if (p->options->follow && duration_ns > p->lasted_ns && start_ns > p->next_ns &&
        start_ns - p->next_ns < duration_ns)
        return true;
    fail("a block begins at %lld ns where the one before ended at %lld ns", (long long)start_ns,
         (long long)p->next_ns);
    return false;
}

static bool show_block(struct progress *p, arrakis_block *block)
{
    int64_t latency_ns = arrakis_gps_now_ns() - arrakis_block_start_ns(block);
    bool go_on = block_printer_add(&p->printer, block, latency_ns);
    if (p->options->latency && p->options->format != FORMAT_TABLE)
        fprintf(stderr, "block %lld latency: %.6f s\n", (long long)p->count,
                (double)latency_ns / 1e9);
    p->lasted_ns = arrakis_block_duration_ns(block);
    p->next_ns = arrakis_block_start_ns(block) + p->lasted_ns;
    p->count++;
    return go_on && p->count != p->options->count;
}

/* Keep the position of the stream, once all blocks before it are written. False: they may be lost. */
static bool save_position(struct progress *p, const arrakis_stream *stream, bool now)
{
    int64_t position_ns = p->refused ? p->next_ns : arrakis_stream_position(stream);
    if (!now && !state_is_due(&p->state, position_ns))
        return true;
    return !block_printer_flush(&p->printer) || state_save_printed(&p->state, position_ns);
}

static int print_blocks(arrakis_stream *stream, struct progress *p)
{
    arrakis_block *block = NULL;
    arrakis_error err;
    arrakis_status rc;
    bool go_on = true;
    while (go_on) {
        interrupt_dump(stream);
        if ((rc = arrakis_stream_next(stream, 0, &block, &err)) == ARRAKIS_DONE)
            break;
        if (rc < 0)
            return finish(rc, &err);
        if (rc == ARRAKIS_TIMEOUT) {
            if ((go_on = block_printer_flush(&p->printer)))
                interrupt_wait_or_dump(arrakis_stream_fd(stream));
            continue;
        }
        p->refused = !is_contiguous(p, block);
        go_on = !p->refused && show_block(p, block);
        arrakis_block_unref(block);
        if (p->refused || !save_position(p, stream, false))
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int stream_from(arrakis_client *client, const struct names *names,
                       const arrakis_request *request, struct progress *p)
{
    arrakis_stream *stream = NULL;
    arrakis_error err;
    arrakis_status rc = arrakis_client_stream(client, &stream, names->list.items,
                                              names->list.count, request, &err);
    if (rc < 0)
        return finish(rc, &err);
    int code = block_printer_begin(&p->printer, p->options, arrakis_stream_channels(stream), true);
    if (!code) {
        code = print_blocks(stream, p);
        save_position(p, stream, true);
    }
    code = block_printer_end(&p->printer, code);
    arrakis_stream_close(stream);
    return code;
}

/* What a stream without a block prints: what stands before the first one, and after the last. */
static int print_no_block(arrakis_client *client, const struct names *names,
                          const arrakis_request *request, struct progress *p)
{
    arrakis_channels *channels = NULL;
    arrakis_error err;
    arrakis_status rc =
        arrakis_client_describe(client, &channels, names->list.items, names->list.count,
                                request->start_ns, request->replay_id, &err);
    if (rc < 0)
        return finish(rc, &err);
    int code = block_printer_begin(&p->printer, p->options, channels, true);
    code = block_printer_end(&p->printer, code);
    arrakis_channels_unref(channels);
    return code;
}

static int stream_names(arrakis_client *client, const struct names *names,
                        const arrakis_request *request, const struct options *o)
{
    struct progress p = {.options = o};
    arrakis_request from = *request;
    int64_t position_ns = ARRAKIS_UNSET;
    int code = o->state ? state_open(&p.state, o->state, &position_ns) : 0;
    if (position_ns != ARRAKIS_UNSET)
        from.start_ns = position_ns;
    bool over =
        position_ns != ARRAKIS_UNSET && o->end_ns != ARRAKIS_UNSET && position_ns >= o->end_ns;
    if (!code)
        code = (over ? print_no_block : stream_from)(client, names, &from, &p);
    return state_close(&p.state, code);
}

static int run_stream(const struct options *o)
{
    int code = state_check(o);
    return code ? code : request_run(o, stream_names);
}

static const char *const retry_policies[] = {"default", "on", "off", NULL};
static const char *const gap_policies[] = {"fill", "skip", "raise", NULL};

#define PLACE(member) .offset = OPTION_AT(member)

static const struct arg_option span[] = {
    REQUEST_START("first time (default: now)"),
    REQUEST_END("stop when this time has been reached"),
    REQUEST_DURATION("stop after this many seconds of data"),
    {.name = "count",
     .metavar = "N",
     .kind = ARG_COUNT,
     PLACE(count),
     .help = "stop after N blocks"},
    {.name = "stride",
     .metavar = "S",
     .kind = ARG_SECONDS,
     PLACE(stride_ns),
     .help = "seconds in a block: a multiple of the channels' own stride (the default)"},
    {.name = "state",
     .metavar = "FILE",
     .kind = ARG_TEXT,
     PLACE(state),
     .help = "keep in FILE where the next run with this FILE goes on; a position there is used in "
             "place of --start. After a crash, what was printed since the last save (one per "
             "second) is printed again"},
    OPTIONS_END,
};

static const struct arg_option lateness[] = {
    {.name = "on-gap",
     .metavar = "POLICY",
     .kind = ARG_CHOICE,
     PLACE(on_gap),
     .choices = gap_policies,
     .help = "in a gap: fill with masked samples (the default), skip the time, or raise "
             "an error"},
    REQUEST_LATENCY_TOLERANCE(
        "wait S seconds after a block's end for its data (default: the channels' max_latency)"),
    REQUEST_STALL_TIMEOUT,
    {.name = "retry",
     .metavar = "POLICY",
     .kind = ARG_CHOICE,
     PLACE(retry),
     .choices = retry_policies,
     .help = "whether a server's stream that breaks is taken up again: on, off, or default: on "
             "without an end"},
    {.name = "retry-time",
     .metavar = "S",
     .kind = ARG_SECONDS,
     PLACE(retry_time_ns),
     .help = "give up on it after S seconds (default: never)"},
    {.name = "retry-tries",
     .metavar = "N",
     .kind = ARG_COUNT,
     PLACE(retry_tries),
     .help = "give up on it when N tries in a row have failed (default: never)"},
    {.name = "follow",
     .kind = ARG_FLAG,
     PLACE(follow),
     .value = true,
     .help =
         "go on with channels that are given another partition, type, rate or stride meanwhile "
         "(default: end with an error that names what has changed)"},
    {.name = "no-fast-forward",
     .kind = ARG_FLAG,
     PLACE(fast_forward),
     .value = false,
     .help = "never skip to the present when the stream has fallen far behind"},
    {.name = "latency",
     .kind = ARG_FLAG,
     PLACE(latency),
     .value = true,
     .help = "print on stderr how old each block is (a table always shows it)"},
    OPTIONS_END,
};

static const struct arg_table span_options = {"Span", span};
static const struct arg_table lateness_options = {"Gaps and lateness", lateness};

static const struct arg_table *const tables[] = {
    &span_options, &lateness_options, &replay_options, &block_formats, &source_options, NULL,
};

const struct command cmd_stream = {
    .name = "stream",
    .aliases = {NULL},
    .summary = "print blocks of channels as they come",
    .arguments = "CHANNEL...",
    .description =
        REQUEST_DESCRIPTION("Without an end the stream goes on until it is interrupted."),
    .tables = tables,
    .min_arguments = 1,
    .max_arguments = SIZE_MAX,
    .run = run_stream,
};
