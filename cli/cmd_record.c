/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "interrupt.h"
#include "monotonic.h"
#include "record_channels.h"
#include "record_group.h"
#include "record_progress.h"
#include "report.h"
#include "request.h"
#include "state.h"

#include <arrakis/file.h>
#include <arrakis/reader.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 1000 };
/* So late the last block of a backlog is: a stream that begins after it begins within the 10 s that
 * are no backlog. */
#define CAUGHT_UP_NS (5 * ARRAKIS_SECOND_NS)
/* After a stream could not take over from one that has caught up, the next try. */
#define AGAIN_NS (60 * ARRAKIS_SECOND_NS)

static const char *const formats[] = {"hdf5", "arrow", "gwf", NULL};

/* start_ns: where to begin when nothing was recorded before. */
static int open_recorder(arrakis_recorder **recorder, arrakis_channels *channels, int64_t start_ns,
                         const struct options *o)
{
    arrakis_error err;
    arrakis_recorder_options options = ARRAKIS_RECORDER_OPTIONS_INIT;
    options.directory = o->directory;
    options.format = formats[o->file_format];
    options.name = o->file_name;
    options.length_ns = o->length_ns;
    options.start_ns = start_ns;
    options.compression = o->deflate == ARRAKIS_UNSET ? 0 : o->deflate;
    options.write_empty = o->write_empty;
    options.follow = o->follow;
    options.max_files = o->keep_files;
    options.max_bytes = record_group_bytes_kept(o);
    arrakis_status rc = arrakis_recorder_open(recorder, channels, &options, &err);
    return rc < 0 ? finish(rc, &err) : 0;
}

/* ---------------------------------------------------------------- a stream of blocks */

struct recording {
    arrakis_client *client;
    const char **names;
    size_t count;
    arrakis_request request;
    arrakis_recorder *recorder;
    arrakis_stream *stream;
    struct record_progress progress;
    struct state *state;
    int64_t summary_ns; /* between summaries */
    bool to_present;    /* the request goes on into the present */
    bool behind;        /* the stream has begun with a backlog of brokers */
    uint64_t changes;   /* after which the stream has begun anew */
    int64_t again_ns;   /* when to try again to leave it behind, on the steady clock */
};

static arrakis_status open_stream(struct recording *r, arrakis_stream **stream, arrakis_error *err)
{
    return arrakis_client_stream(r->client, stream, r->names, r->count, &r->request, err);
}

static bool is_backlog(int64_t time_ns)
{
    return time_ns != ARRAKIS_UNSET && time_ns < arrakis_gps_now_ns() - CAUGHT_UP_NS;
}

static bool is_server(const char *input)
{
    return strncmp(input, "grpc://", 7) == 0 || strncmp(input, "grpc+tls://", 11) == 0;
}

/* How many inputs of a stream are a server's in the present. The others are brokers', which a server
 * may have named. */
static size_t count_servers(const arrakis_stream *stream)
{
    const arrakis_reader *reader = arrakis_stream_reader(stream);
    size_t servers = 0;
    for (size_t i = 0; i < arrakis_reader_input_count(reader); i++)
        servers += is_server(arrakis_reader_input_id(reader, i));
    return servers;
}

/* Whether a stream that begins at that time asks brokers as often as for a backlog. */
static bool begins_behind(const struct recording *r, int64_t time_ns)
{
    return r->to_present && is_backlog(time_ns) &&
           count_servers(r->stream) < arrakis_reader_input_count(arrakis_stream_reader(r->stream));
}

/* Where a channel has changed just before, the stream that there is hands out all that there was
 * of it, and then follows it or ends. It goes on also where no other one can be opened. */
static void go_over(struct recording *r, int64_t from_ns)
{
    arrakis_stream *next;
    arrakis_error err;
    r->request.start_ns = from_ns;
    r->again_ns = monotonic_ns() + AGAIN_NS;
    if (open_stream(r, &next, &err) < 0) {
        if (!interrupt_seen())
            report_info("%s; for another minute the brokers are asked as often as for a backlog",
                        err.message);
        return;
    }
    if (count_servers(next)) { /* it may take a moment ago for the present */
        r->behind = false;
        arrakis_stream_close(next);
        return;
    }
    if (!record_channels_same(arrakis_stream_channels(r->stream), arrakis_stream_channels(next))) {
        report_info("%s has caught up, at GPS %" PRId64
                    ", where channels have changed: the brokers "
                    "are asked as often as for a backlog until that is over",
                    arrakis_recorder_name(r->recorder), from_ns / ARRAKIS_SECOND_NS);
        arrakis_stream_close(next);
        return;
    }
    record_progress_stream(&r->progress, next);
    arrakis_stream_close(r->stream);
    r->stream = next;
    r->behind = false;
    r->changes = 0;
    report_info("%s has caught up, at GPS %" PRId64, arrakis_recorder_name(r->recorder),
                from_ns / ARRAKIS_SECOND_NS);
}

/* Where channels have changed, the stream has begun anew with this block, perhaps with a backlog. */
static void look_for_changes(struct recording *r, int64_t block_ns)
{
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(r->stream, &stats);
    if (stats.changes == r->changes)
        return;
    r->changes = stats.changes;
    r->behind = begins_behind(r, block_ns);
    r->again_ns = 0;
}

/* What is read as a backlog is asked for often. Once that is over, a stream that begins with the
 * present takes over. */
static void catch_up(struct recording *r)
{
    int64_t from_ns = arrakis_stream_position(r->stream);
    if (r->request.follow)
        look_for_changes(r, from_ns - arrakis_stream_stride_ns(r->stream));
    if (r->behind && !is_backlog(from_ns) && monotonic_ns() >= r->again_ns)
        go_over(r, from_ns);
}

/* A state that cannot be saved is reported, and recording goes on: its directory has the time, too. */
static void keep_state(const struct recording *r)
{
    const int64_t kept_ns = arrakis_recorder_kept_ns(r->recorder);
    if (state_is_due(r->state, kept_ns))
        state_save(r->state, kept_ns);
}

/* Until the end of the request, an error, or an interrupt. */
static arrakis_status record_blocks(struct recording *r, arrakis_error *err)
{
    for (;;) {
        arrakis_block *block;
        arrakis_status rc = arrakis_stream_next(r->stream, LOOK_MS, &block, err);
        interrupt_dump(r->stream);
        record_progress_show(&r->progress);
        if (rc == ARRAKIS_TIMEOUT)
            continue;
        if (rc == ARRAKIS_OK)
            rc = arrakis_recorder_block(r->recorder, block, err);
        arrakis_block_unref(block);
        if (rc < 0)
            return rc;
        if (rc == ARRAKIS_DONE)
            return arrakis_recorder_finish(r->recorder, err);
        keep_state(r);
        catch_up(r);
    }
}

static int record_stream(struct recording *r)
{
    arrakis_error err;
    record_progress_begin(&r->progress, r->recorder, r->stream, r->summary_ns);
    arrakis_status rc = record_blocks(r, &err);
    record_progress_end(&r->progress);
    state_save(r->state, arrakis_recorder_kept_ns(r->recorder));
    if (interrupt_seen())
        report_info("interrupted: the next recorder of %s goes on with the last span that is not "
                    "a file",
                    arrakis_recorder_name(r->recorder));
    return finish(rc, &err);
}

static int record_channels(arrakis_client *client, arrakis_channels *channels,
                           arrakis_recorder *recorder, struct state *state,
                           const struct options *o)
{
    struct recording r = {.client = client,
                          .recorder = recorder,
                          .state = state,
                          .count = arrakis_channels_count(channels),
                          .summary_ns = record_progress_interval(o)};
    arrakis_error err;
    int code = source_request(&r.request, o);
    if (code)
        return code;
    r.request.start_ns = arrakis_recorder_next_ns(recorder);
    r.request.stride_ns = o->follow ? ARRAKIS_UNSET : arrakis_recorder_stride_ns(recorder);
    r.request.fast_forward = false;
    r.request.fetch_wait_ns = RECORD_FETCH_WAIT_NS;
    r.to_present = o->duration_ns == ARRAKIS_UNSET &&
                   (o->end_ns == ARRAKIS_UNSET || o->end_ns > arrakis_gps_now_ns());
    if (o->end_ns != ARRAKIS_UNSET && r.request.start_ns >= o->end_ns) {
        report_info("all before GPS %" PRId64 " is recorded",
                    r.request.start_ns / ARRAKIS_SECOND_NS);
        return EXIT_SUCCESS;
    }
    if (!(r.names = record_channels_names(channels)))
        return EXIT_FAILURE;
    arrakis_status rc = open_stream(&r, &r.stream, &err);
    r.behind = rc >= 0 && begins_behind(&r, r.request.start_ns);
    code = rc < 0 ? finish(rc, &err) : record_stream(&r);
    free(r.names);
    arrakis_stream_close(r.stream);
    return code;
}

/* With the channels, and until the end. */
static int record_here(arrakis_client *client, arrakis_channels *channels, const struct options *o)
{
    arrakis_recorder *recorder = NULL;
    struct state state = {0};
    int64_t start_ns = o->start_ns, position_ns = ARRAKIS_UNSET;
    int code = o->state ? state_open(&state, o->state, &position_ns) : 0;
    if (position_ns != ARRAKIS_UNSET)
        start_ns = position_ns;
    if (!code)
        code = open_recorder(&recorder, channels, start_ns, o);
    if (!code && recorder)
        code = record_channels(client, channels, recorder, &state, o);
    arrakis_recorder_close(recorder);
    return state_close(&state, code);
}

static int run_record(const struct options *o)
{
    arrakis_client *client = NULL;
    arrakis_channels *channels = NULL;
    if (!o->directory)
        return fail_usage(o->command, "where to? Give --dir DIR");
    if (o->start_ns != ARRAKIS_UNSET && o->end_ns != ARRAKIS_UNSET && o->end_ns <= o->start_ns)
        return fail_usage(o->command, "--end is not later than --start");
    int code = state_check(o);
    if (!code && o->group)
        code = record_group_check(o);
    if (!code)
        code = source_open(&client, o, true);
    if (!code && client)
        code = record_channels_find(&channels, client, o);
    if (!code && channels && !interrupt_seen())
        code = o->group ? record_group(channels, formats[o->file_format], o)
                        : record_here(client, channels, o);
    arrakis_channels_unref(channels);
    source_close(client);
    return code;
}

#define PLACE(member) .offset = OPTION_AT(member)

static const struct arg_option choice[] = {
    {.name = "publisher",
     .metavar = "ID",
     .kind = ARG_LIST,
     PLACE(publishers),
     .help = "all channels of this publisher; may be repeated"},
    {.name = "match",
     .metavar = "REGEX",
     .kind = ARG_TEXT,
     PLACE(match),
     .help = "all channels whose names match from their first character on"},
    OPTIONS_END,
};

static const struct arg_option files[] = {
    {.name = "dir",
     .metavar = "DIR",
     .kind = ARG_TEXT,
     PLACE(directory),
     .help = "the directory of the files, which must exist; must be given"},
    {.name = "format",
     .metavar = "FORMAT",
     .kind = ARG_CHOICE,
     PLACE(file_format),
     .choices = formats,
     .help = "hdf5 (the default), arrow or gwf"},
    {.name = "length",
     .metavar = "S",
     .kind = ARG_SECONDS,
     PLACE(length_ns),
     .help = "seconds in a file, which begins at a multiple of them (default: 64)"},
    {.name = "name",
     .metavar = "SITE-WHAT",
     .kind = ARG_TEXT,
     PLACE(file_name),
     .help = "how the files' names begin, as in H-H1_RAW-1400000000-64.h5 (default: made of the "
             "channels' domains and publisher)"},
    {.name = "deflate",
     .metavar = "LEVEL",
     .kind = ARG_COUNT,
     PLACE(deflate),
     .help = "deflate the samples, 1 (fast) to 9 (small); hdf5 and gwf only"},
    {.name = "write-empty",
     .kind = ARG_FLAG,
     PLACE(write_empty),
     .value = true,
     .help = "write files of spans without any data, too"},
    {.name = "keep-files",
     .metavar = "N",
     .kind = ARG_COUNT,
     PLACE(keep_files),
     .help = "remove the earliest files when there are more than N"},
    {.name = "keep-bytes",
     .metavar = "N",
     .kind = ARG_NUMBER,
     PLACE(keep_bytes),
     .help = "remove the earliest files when they have more than N bytes (2e12: 2 TB)"},
    OPTIONS_END,
};

static const struct arg_option log_options[] = {
    {.name = "summary",
     .metavar = "S",
     .kind = ARG_SECONDS,
     PLACE(summary_ns),
     .help = "log what was recorded every S seconds (default: 900; 0: only at the end): since the "
             "last time, or, with --group, so far"},
    OPTIONS_END,
};

static const struct arg_option group[] = {
    {.name = "group",
     .metavar = "NAME",
     .kind = ARG_TEXT,
     PLACE(group),
     .help = "share the partitions with all recorders of this group, on any machines; needs "
             "--kafka-url; --url may be given, too: then the server describes the channels"},
    OPTIONS_END,
};

static const struct arg_option span[] = {
    REQUEST_START("where to begin when nothing was recorded before (default: now)"),
    REQUEST_END("stop when this time has been reached"),
    REQUEST_DURATION("stop after this many seconds of data"),
    {.name = "state",
     .metavar = "FILE",
     .kind = ARG_TEXT,
     PLACE(state),
     .help = "keep in FILE, too, where the next run goes on: a position there is used in place of "
             "--start, so that DIR may be another one, or empty"},
    REQUEST_LATENCY_TOLERANCE(
        "wait S seconds after a block's end for its data (default: the channels' max_latency)"),
    REQUEST_STALL_TIMEOUT,
    {.name = "follow",
     .kind = ARG_FLAG,
     PLACE(follow),
     .value = true,
     .help = "go on with channels that are given another partition, type, rate or stride "
             "meanwhile; a file ends, and another one begins, at the first second after a type, "
             "rate or stride has changed (default: end with an error that names what has "
             "changed)"},
    OPTIONS_END,
};

static const struct arg_table choice_options = {"Which channels", choice};
static const struct arg_table file_options = {"Files", files};
static const struct arg_table span_options = {"Span", span};
static const struct arg_table group_options = {"More than one machine", group};
static const struct arg_table summary_options = {"Log", log_options};

static const struct arg_table *const tables[] = {
    &choice_options,  &file_options,   &group_options,  &span_options,
    &summary_options, &replay_options, &source_options, NULL,
};

const struct command cmd_record = {
    .name = "record",
    .aliases = {NULL},
    .summary = "keep channels in files",
    .arguments = "[CHANNEL...]",
    .description =
        "Writes a file for each span of --length seconds, under a name such as "
        "H-H1_RAW-1400000000-64.h5 once it is whole and on the disk. Goes on until it is "
        "interrupted. Started again, however it ended, it goes on with the first span that is "
        "not a file, as long as the broker or the server still has it, or, with --follow, "
        "within a span where channels have changed; so a file that was "
        "interrupted is not kept. Where to go on is in DIR/.SITE-WHAT.next, as a "
        "GPS second, and in FILE with --state FILE; with --group it is at the brokers. What is "
        "missing is marked as "
        "missing. A file that cannot be "
        "written is dropped "
        "with an error in the log, and the next one is tried; ten in a row end the program. "
        "With --group, any number of recorders share the partitions: each has a file of its own "
        "per span, as in DIR/H-H1_CAL_0/H-H1_CAL_0-1400000000-64.h5, and what a recorder leaves "
        "behind the others take over, from the first span that is not a file. All recorders of a "
        "group are to "
        "be given the same channels, format and length.",
    .tables = tables,
    .max_arguments = SIZE_MAX,
    .run = run_record,
};
