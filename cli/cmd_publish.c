/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/arrow.h>
#include <arrakis/file.h>

#include "block_json.h"
#include "command.h"
#include "interrupt.h"
#include "lines.h"
#include "pace.h"
#include "properties.h"
#include "report.h"
#include "source.h"
#include "ssh.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_SIZE = 65536 };

#define CONFIRMATION_NS (30 * ARRAKIS_SECOND_NS) /* unless --timeout is given */

struct sender {
    const char *server;      /* NULL: publish to --kafka-url, without a server */
    arrakis_channels *known; /* all channels of the publisher */
    char *publisher_id;
    int64_t stride_ns;
    arrakis_publisher *publisher;
    int timeout_ms;
    char input[64]; /* where the block comes from, for messages */
    /* those of the last block, in its order; the next block mostly has the same */
    arrakis_channels *list;
    arrakis_series *series; /* one per channel of the list */
    uint8_t *bits;          /* validity of one block */
    size_t bits_size;
    struct pace pace;
};

/* ---------------------------------------------------------------- the publisher's channels */

/* Channels of a file may be of several publishers. */
struct selection {
    arrakis_channels *channels;
    const char *publisher_id;
    arrakis_error err;
    arrakis_status status;
};

static bool select_channel(arrakis_channel *channel, void *opaque)
{
    struct selection *s = opaque;
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    if (s->publisher_id && info.publisher && strcmp(info.publisher, s->publisher_id) != 0)
        return true;
    s->status = arrakis_channels_add(s->channels, channel, &s->err);
    return s->status >= 0;
}

static int find_channels(struct sender *s, const struct options *o)
{
    arrakis_client *client;
    int code = source_open(&client, o, false);
    if (code)
        return code;
    struct selection selection = {.publisher_id = o->publisher_id};
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.publishers = (const char *const *)&o->publisher_id;
    query.publisher_count = o->publisher_id && !o->metadata;
    query.replay_id = o->replay_id;
    arrakis_error err;
    arrakis_status rc = arrakis_channels_new(&selection.channels, &err);
    if (rc >= 0)
        rc = arrakis_client_find(client, &query, select_channel, &selection, &err);
    if (rc >= 0 && selection.status < 0) {
        rc = selection.status;
        err = selection.err;
    }
    s->known = selection.channels;
    source_close(client);
    return rc < 0 ? finish(rc, &err) : 0;
}

/* The publisher is the one that the first channel names; the library checks the other channels. */
static int choose_publisher(struct sender *s, const struct options *o)
{
    if (interrupt_seen())
        return 0;
    if (!arrakis_channels_count(s->known))
        return fail("no %s channel is known%s%s: there is nothing to publish",
                    o->replay_id ? "replay's" : "live", o->publisher_id ? " of publisher " : "",
                    o->publisher_id ? o->publisher_id : "");
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(arrakis_channels_get(s->known, 0), &info);
    const char *id = o->publisher_id ? o->publisher_id : info.publisher;
    if (!id || !*id)
        return fail_usage(o->command, "'%s' has no publisher: give --publisher ID", info.name);
    s->publisher_id = strdup(id);
    return s->publisher_id ? 0 : fail("out of memory");
}

/* A server that names the broker also has the channels; the channels of a file are registered with
 * it. */
static int choose_channels(struct sender *s, const struct options *o)
{
    if (!s->server || o->metadata) {
        int code = find_channels(s, o);
        return code ? code : choose_publisher(s, o);
    }
    s->publisher_id = strdup(o->publisher_id);
    return s->publisher_id ? 0 : fail("out of memory");
}

/* Use the channels as they are registered: all of them have the same stride. */
static void take_registered(struct sender *s)
{
    arrakis_channels *registered = arrakis_channels_ref(arrakis_publisher_channels(s->publisher));
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(arrakis_channels_get(registered, 0), &info);
    s->stride_ns = info.stride_ns;
    arrakis_channels_unref(s->known);
    s->known = registered;
}

static int open_publisher(struct sender *s, const struct options *o)
{
    struct properties properties;
    int code = properties_load(&properties, o);
    arrakis_error err;
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    options.publisher_id = s->publisher_id;
    options.replay_id = o->replay_id;
    options.channels = s->known;
    options.close_timeout_ns = 0; /* the confirmation of each block is waited for */
    options.max_failures = o->max_failures;
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    source_connection(&to, o);
    to.url = s->server;
    to.kafka_url = o->kafka_url;
    to.properties = properties.items;
    to.property_count = properties.count;
    if (!code) {
        arrakis_status rc = arrakis_publisher_open(&s->publisher, &to, &options, &err);
        code = rc < 0 ? finish(rc, &err) : 0;
    }
    properties_free(&properties);
    if (s->publisher) /* NULL without an error: interrupted */
        take_registered(s);
    int64_t wait_ns = o->timeout_ns == ARRAKIS_UNSET ? CONFIRMATION_NS : o->timeout_ns;
    s->timeout_ms = wait_ns / 1000000 < INT32_MAX ? (int)(wait_ns / 1000000) : INT32_MAX;
    return code;
}

/* ---------------------------------------------------------------- a block */

static bool same_list(const struct sender *s, const struct block_text *text)
{
    if (!s->list || arrakis_channels_count(s->list) != text->count)
        return false;
    for (size_t i = 0; i < text->count; i++)
        if (arrakis_channels_get(s->list, i) !=
            arrakis_channels_get(s->known, text->columns[i].index))
            return false;
    return true;
}

static arrakis_status make_list(struct sender *s, const struct block_text *text,
                                arrakis_error *err)
{
    if (same_list(s, text))
        return ARRAKIS_OK;
    arrakis_channels_unref(s->list);
    free(s->series);
    s->list = NULL;
    s->series = calloc(text->count, sizeof *s->series);
    *err = (arrakis_error){ARRAKIS_ENOMEM, "out of memory"};
    arrakis_status rc = s->series ? arrakis_channels_new(&s->list, err) : ARRAKIS_ENOMEM;
    for (size_t i = 0; rc >= 0 && i < text->count; i++)
        rc = arrakis_channels_add(s->list, arrakis_channels_get(s->known, text->columns[i].index),
                                  err);
    return rc;
}

static arrakis_status make_bits(struct sender *s, const struct block_text *text,
                                arrakis_error *err)
{
    size_t size = 0;
    for (size_t i = 0; i < text->count; i++)
        size += text->columns[i].count / 8 + 1;
    if (size <= s->bits_size)
        return ARRAKIS_OK;
    uint8_t *bits = realloc(s->bits, size);
    if (!bits) {
        *err = (arrakis_error){ARRAKIS_ENOMEM, "out of memory"};
        return ARRAKIS_ENOMEM;
    }
    s->bits = bits;
    s->bits_size = size;
    return ARRAKIS_OK;
}

/* The series of stride `k` of `strides` of a column. @return where the bits of the next series
 * go */
static uint8_t *cut_stride(arrakis_series *series, const struct block_column *column, int64_t k,
                           int64_t strides, arrakis_dtype type, uint8_t *bits)
{
    size_t length = column->count / (size_t)strides, first = (size_t)k * length;
    *series = (arrakis_series){.samples = column->samples + first * arrakis_dtype_size(type),
                               .length = length,
                               .dtype = type};
    if (!column->missing)
        return bits;
    memset(bits, 0, length / 8 + 1);
    for (size_t i = 0; i < length; i++)
        if (column->present[first + i])
            bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << i % 8);
    series->valid = bits;
    return bits + length / 8 + 1;
}

/* Whether the user has interrupted the wait for the end of a span. */
static bool is_given_up(const struct sender *s, int64_t end_ns)
{
    return s->pace.live && interrupt_seen() && end_ns > arrakis_gps_now_ns();
}

/* DONE: it is not published, as its span is not over, and the user does not want to wait for that. */
static arrakis_status publish_stride(struct sender *s, const struct block_text *text, int64_t k,
                                     int64_t strides, int64_t duration_ns, arrakis_error *err)
{
    uint8_t *bits = s->bits;
    for (size_t i = 0; i < text->count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(s->list, i), &info);
        bits = cut_stride(&s->series[i], &text->columns[i], k, strides, info.dtype, bits);
    }
    arrakis_block *block;
    int64_t time_ns = pace_block(&s->pace, text->time_ns + k * duration_ns, duration_ns);
    if (is_given_up(s, time_ns + duration_ns))
        return ARRAKIS_DONE;
    arrakis_status rc = arrakis_block_new(&block, s->list, time_ns, duration_ns, s->series, err);
    if (rc < 0)
        return rc;
    rc = arrakis_publisher_publish(s->publisher, block, s->timeout_ms, err);
    arrakis_block_unref(block);
    if (rc != ARRAKIS_EBROKER && rc != ARRAKIS_EDEADLINE)
        return rc;
    report_error("%s: dropped: %s", s->input, err->message);
    return ARRAKIS_OK;
}

/* A block of several strides, such as those of 'stream --stride' or 'fetch', is published as
 * several blocks. */
static arrakis_status publish_block(struct sender *s, const struct block_text *text,
                                    arrakis_error *err)
{
    int64_t duration_ns = text->duration_ns == ARRAKIS_UNSET ? s->stride_ns : text->duration_ns;
    int64_t strides = 1;
    if (s->stride_ns > 0 && duration_ns > 0 && duration_ns % s->stride_ns == 0)
        strides = duration_ns / s->stride_ns;
    for (size_t i = 0; i < text->count; i++)
        if (text->columns[i].count % (size_t)strides)
            strides = 1; /* publishing it fails, with an error about its numbers of samples */
    if (duration_ns <= 0 || text->time_ns < 0 || text->time_ns > ARRAKIS_TIME_MAX_NS) {
        snprintf(err->message, sizeof err->message,
                 "a block of %" PRId64 " ns from %" PRId64 " ns: expected a time since 1980 and a "
                 "duration above 0",
                 duration_ns, text->time_ns);
        return err->status = ARRAKIS_EINVAL;
    }
    arrakis_status rc = make_list(s, text, err);
    if (rc >= 0)
        rc = make_bits(s, text, err);
    int64_t k = 0;
    while (rc == ARRAKIS_OK && k < strides && !interrupt_seen()) {
        rc = publish_stride(s, text, k, strides, duration_ns / strides, err);
        k += rc != ARRAKIS_DONE;
    }
    if (rc >= 0 && k > 0 && k < strides) {
        snprintf(err->message, sizeof err->message,
                 "interrupted after %" PRId64 " of %" PRId64 " strides", k, strides);
        rc = err->status = ARRAKIS_ECANCELED;
    }
    return rc < 0 ? rc : ARRAKIS_OK;
}

/* ---------------------------------------------------------------- all of stdin */

static bool blank_column(const char *line)
{
    return !line[strspn(line, " \t\r")];
}

static int publish_lines(struct sender *s)
{
    struct lines lines = {0};
    struct block_text text = {0};
    char *line;
    size_t size;
    int code;
    while (!(code = lines_next(&lines, &line, &size)) && line) {
        if (size == strlen(line) && blank_column(line))
            continue;
        arrakis_error err;
        snprintf(s->input, sizeof s->input, "stdin, line %zu", lines.number);
        arrakis_status rc = block_text_read(&text, line, size, s->known, &err);
        if (rc >= 0)
            rc = publish_block(s, &text, &err);
        if (rc < 0) {
            code = fail("%s: %s", s->input, err.message);
            break;
        }
    }
    block_text_free(&text);
    lines_free(&lines);
    return code;
}

/* Publish all blocks that are whole so far. @return 0 or the exit code */
static int publish_blocks(struct sender *s, arrakis_arrow_reader *reader, struct block_text *text,
                          size_t *number)
{
    arrakis_error err;
    arrakis_block *block;
    arrakis_status rc = ARRAKIS_OK;
    while (rc >= 0 && !interrupt_seen() &&
           (rc = arrakis_arrow_reader_next(reader, &block, &err)) == ARRAKIS_OK) {
        ++*number;
        snprintf(s->input, sizeof s->input, "stdin, block %zu", *number);
        rc = block_text_copy(text, block, s->known, &err);
        arrakis_block_unref(block);
        if (rc >= 0)
            rc = publish_block(s, text, &err);
    }
    return rc >= 0 ? 0 : fail("stdin, after %zu blocks: %s", *number, err.message);
}

/* *ended receives whether there is nothing more to read. */
static int read_piece(arrakis_arrow_reader *reader, bool *ended)
{
    static char piece[PIECE_SIZE];
    ssize_t n;
    do
        n = interrupt_wait(STDIN_FILENO) ? read(STDIN_FILENO, piece, sizeof piece) : 0;
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail("reading stdin: %s", strerror(errno));
    arrakis_error err;
    *ended = n == 0;
    if (*ended)
        arrakis_arrow_reader_finish(reader);
    arrakis_status rc = n ? arrakis_arrow_reader_push(reader, piece, (size_t)n, &err) : 0;
    return rc < 0 ? finish(rc, &err) : 0;
}

static int publish_arrow(struct sender *s)
{
    arrakis_arrow_reader *reader;
    arrakis_error err;
    arrakis_status rc = arrakis_arrow_reader_new(&reader, s->known, &err);
    if (rc < 0)
        return finish(rc, &err);
    struct block_text text = {0};
    size_t number = 0;
    bool ended = false;
    int code = 0;
    while (!code && !ended && !interrupt_seen()) {
        code = read_piece(reader, &ended);
        if (!code)
            code = publish_blocks(s, reader, &text, &number);
    }
    block_text_free(&text);
    arrakis_arrow_reader_free(reader);
    return code;
}

/* ---------------------------------------------------------------- files */

/* Publish what is left of the files. @return 0 or the exit code */
static int publish_round(struct sender *s, arrakis_file_reader *reader, struct block_text *text,
                         size_t *number)
{
    arrakis_error err;
    arrakis_block *block;
    while (!interrupt_seen()) {
        arrakis_status rc = arrakis_file_reader_next(reader, &block, &err);
        if (rc == ARRAKIS_DONE)
            return 0;
        if (rc < 0)
            return finish(rc, &err);
        snprintf(s->input, sizeof s->input, "block %zu of the files", ++*number);
        rc = block_text_copy(text, block, s->known, &err);
        arrakis_block_unref(block);
        if (rc >= 0)
            rc = publish_block(s, text, &err);
        if (rc == ARRAKIS_ECANCELED && s->pace.live)
            return 0; /* how a player ends */
        if (rc < 0)
            return fail("%s: %s", s->input, err.message);
    }
    return 0;
}

static int publish_files(struct sender *s, const struct options *o)
{
    arrakis_file_reader *reader;
    arrakis_error err;
    arrakis_status rc =
        arrakis_file_reader_open(&reader, o->arguments.items, o->arguments.count, s->known, &err);
    if (rc < 0)
        return finish(rc, &err);
    struct block_text text = {0};
    size_t number = 0;
    s->pace.first_ns = arrakis_file_reader_start_ns(reader);
    s->pace.last_ns = arrakis_file_reader_end_ns(reader);
    int code = publish_round(s, reader, &text, &number);
    while (!code && o->loop && number > 0 && !interrupt_seen()) {
        arrakis_file_reader_rewind(reader);
        pace_repeat(&s->pace);
        code = publish_round(s, reader, &text, &number);
    }
    block_text_free(&text);
    arrakis_file_reader_close(reader);
    return code;
}

static int publish_input(struct sender *s, const struct options *o)
{
    if (o->arguments.count)
        return publish_files(s, o);
    return o->format == FORMAT_ARROW ? publish_arrow(s) : publish_lines(s);
}

static int report_dropped(const struct sender *s, int code)
{
    arrakis_publisher_stats stats = ARRAKIS_PUBLISHER_STATS_INIT;
    arrakis_publisher_get_stats(s->publisher, &stats);
    if (!stats.dropped)
        return code;
    return fail("%" PRIu64 " of %" PRIu64 " blocks were not delivered", stats.dropped,
                stats.blocks);
}

static int run_publish(const struct options *o)
{
    struct sender s = {.pace = {.live = o->pace || o->loop, .start_ns = o->start_ns}};
    if (!o->kafka_url)
        s.server = source_server(o);
    if (!o->kafka_url && !s.server)
        return fail_usage(o->command, "nowhere to publish to: give --kafka-url HOST:PORT, or "
                                      "--url URL (or set ARRAKIS_SERVER)");
    if (!o->publisher_id && !o->metadata)
        return fail_usage(o->command, "whose channels? Give --publisher ID, or --metadata FILE");
    if (o->loop && !o->arguments.count)
        return fail_usage(o->command, "--loop: stdin comes once, expected files");
    int code = s.server ? ssh_forward(&s.server, o, NULL) : 0;
    if (!code)
        code = choose_channels(&s, o);
    if (!code && !interrupt_seen())
        code = open_publisher(&s, o);
    if (!code && !interrupt_seen())
        code = report_dropped(&s, publish_input(&s, o));
    arrakis_publisher_close(s.publisher);
    arrakis_channels_unref(s.list);
    arrakis_channels_unref(s.known);
    free(s.publisher_id);
    free(s.series);
    free(s.bits);
    return code;
}

#define PLACE(member) .offset = OPTION_AT(member)

static const struct arg_option publisher[] = {
    {.name = "publisher",
     .metavar = "ID",
     .kind = ARG_TEXT,
     PLACE(publisher_id),
     .help = "publisher ID (default: that of the --metadata file)"},
    {.name = "replay-id",
     .metavar = "ID",
     .kind = ARG_TEXT,
     PLACE(replay_id),
     .help = "publish a replay under this name, not live data"},
    {.name = "max-failures",
     .metavar = "N",
     .kind = ARG_COUNT,
     PLACE(max_failures),
     .help = "give up when N blocks in a row were not delivered (default: 10); before that each "
             "is dropped"},
    OPTIONS_END,
};

static const struct arg_option input[] = {
    {.name = "json",
     .kind = ARG_SET,
     PLACE(format),
     .value = FORMAT_JSON,
     .group = GROUP_FORMAT,
     .help = "stdin is JSON, one block per line (the default)"},
    {.name = "arrow",
     .kind = ARG_SET,
     PLACE(format),
     .value = FORMAT_ARROW,
     .group = GROUP_FORMAT,
     .help = "stdin is an Arrow IPC stream, as 'stream --arrow' writes it, or an Arrow file, as "
             "'record' does; several may follow each other"},
    OPTIONS_END,
};

static const struct arg_option times[] = {
    {.name = "pace",
     .kind = ARG_FLAG,
     PLACE(pace),
     .value = true,
     .help = "publish each block when its span is over, as a detector does; the first one, or "
             "the first file, begins now, or at --start"},
    {.name = "start",
     .metavar = "TIME",
     .kind = ARG_TIME,
     PLACE(start_ns),
     .help = "move all blocks in time, so that the first one, or the first file by its name, "
             "begins there"},
    {.name = "loop",
     .kind = ARG_FLAG,
     PLACE(loop),
     .value = true,
     .help = "play the files again and again, as with --pace, each time from where the last time "
             "ended"},
    OPTIONS_END,
};

static const struct arg_table publisher_options = {"Publisher", publisher};
static const struct arg_table input_options = {"Input", input};
static const struct arg_table time_options = {"Times", times};
static const struct arg_table *const tables[] = {&publisher_options, &input_options, &time_options,
                                                 &source_options, NULL};

const struct command cmd_publish = {
    .name = "publish",
    .aliases = {NULL},
    .summary = "publish blocks out of files, or from stdin",
    .arguments = "[FILE...]",
    .description =
        "Each FILE is HDF5, GWF or Arrow, as 'record' writes them, or a directory with such "
        "files; "
        "several follow each other as the times in their names do. Channels that are in a file of "
        "HDF5 or GWF but are not the publisher's are ignored. "
        "Without a FILE each line of stdin is a block in JSON, as 'stream --json' prints it: its "
        "\"time_ns\", "
        "its "
        "\"data\", null where a sample is missing, and its \"_duration_ns\". It goes to the "
        "broker "
        "--kafka-url, else to the one that the server names. Of the channels, their types and "
        "partitions come from --metadata, else from the server, else from the broker; type and "
        "rate in the line are ignored. Without --kafka-url the server registers the channels "
        "of --metadata that it does not have, for publishers that may do that; a token is taken "
        "from ARRAKIS_TOKEN. Blocks must follow each other in time. One that is not delivered "
        "within --timeout (here 30 seconds) is dropped, with a message; anything else that is "
        "wrong with a block ends the program. The exit status is 1 if any was dropped.",
    .tables = tables,
    .max_arguments = SIZE_MAX,
    .run = run_publish,
};
