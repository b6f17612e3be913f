/* SPDX-License-Identifier: Apache-2.0 */
#include "record_group.h"

#include "interrupt.h"
#include "monotonic.h"
#include "properties.h"
#include "record_progress.h"
#include "report.h"
#include "screen.h"
#include "source.h"

#include <arrakis/file.h>
#include <arrakis/reader.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LOOK_MS = 1000 };

struct member {
    const struct options *options;
    arrakis_recorder_options how;
    arrakis_group *group;
    arrakis_recorder **recorders; /* one per partition; NULL: another member has it */
    size_t held;
    int64_t length_ns;           /* of a file */
    arrakis_recorder_stats past; /* of recorders that are closed, and spans before their first */
    bool terminal;
    int64_t drawn_ns, summary_ns;
};

int64_t record_group_bytes_kept(const struct options *o)
{
    return o->keep_bytes < 0 || o->keep_bytes >= 9e18 ? ARRAKIS_UNSET : (int64_t)o->keep_bytes;
}

int record_group_check(const struct options *o)
{
    const char *other = o->file_name                               ? "--name"
                        : o->write_empty                           ? "--write-empty"
                        : o->end_ns != ARRAKIS_UNSET               ? "--end"
                        : o->duration_ns != ARRAKIS_UNSET          ? "--duration"
                        : o->replay_start_ns != ARRAKIS_UNSET      ? "--replay-start"
                        : o->latency_tolerance_ns != ARRAKIS_UNSET ? "--latency-tolerance"
                        : o->follow                                ? "--follow"
                        : o->state                                 ? "--state"
                                                                   : NULL;
    if (!*o->group)
        return fail_usage(o->command, "--group needs a name");
    if (other)
        return fail_usage(o->command, "%s cannot be used with --group", other);
    if (!o->kafka_url && source_server(o))
        return fail_usage(o->command,
                          "--group shares the partitions of brokers, which the server %s does not "
                          "name: give --kafka-url HOST:PORT, too, and the server is asked for the "
                          "channels and their partitions",
                          source_server(o));
    if (!o->kafka_url)
        return fail_usage(o->command, "--group reads from brokers: give --kafka-url HOST:PORT");
    return 0;
}

/* A partition needs two descriptors, and a site has thousands. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---------------------------------------------------------------- what was done */

/* Spans of a partition of which there is nothing, so that they have no file: all is missing. */
static void add_empty_spans(const struct member *m, arrakis_recorder_stats *all, size_t i,
                            int64_t spans)
{
    const arrakis_channels *channels = arrakis_group_partition_channels(m->group, i);
    double rate = 0;
    for (size_t k = 0; spans && k < arrakis_channels_count(channels); k++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(channels, k), &info);
        rate += info.sample_rate;
    }
    uint64_t samples = (uint64_t)(rate * (double)m->length_ns / 1e9 * (double)spans + 0.5);
    all->samples += samples;
    all->missing += samples;
}

static void add_stats(const struct member *m, arrakis_recorder_stats *all, size_t i)
{
    const arrakis_recorder *recorder = m->recorders[i];
    arrakis_recorder_stats one = ARRAKIS_RECORDER_STATS_INIT;
    arrakis_recorder_get_stats(recorder, &one);
    all->files += one.files;
    all->bytes += one.bytes;
    all->failed += one.failed;
    all->removed += one.removed;
    all->samples += one.samples;
    all->missing += one.missing;
    add_empty_spans(m, all, i, (int64_t)one.empty);
}

static arrakis_recorder_stats stats_of(const struct member *m)
{
    arrakis_recorder_stats all = m->past;
    for (size_t i = 0; i < arrakis_group_partition_count(m->group); i++)
        if (m->recorders[i])
            add_stats(m, &all, i);
    return all;
}

static void describe_member(struct out *line, const struct member *m)
{
    char size[32];
    arrakis_stats taken = ARRAKIS_STATS_INIT;
    arrakis_recorder_stats kept = stats_of(m);
    arrakis_group_stats(m->group, &taken);
    record_progress_size(size, kept.bytes);
    out_format(line,
               "%zu of %zu partitions, %" PRIu64 " files, %s, %.3g %% of the samples missing, "
               "%" PRIu64 " blocks late, %" PRIu64 " with a wrong time, %" PRIu64
               " messages not readable, %" PRIu64 " files removed",
               m->held, arrakis_group_partition_count(m->group), kept.files, size,
               record_progress_percent(kept.missing, kept.samples), taken.late, taken.mismatched,
               taken.undecodable, kept.removed);
}

static void summarize(const struct member *m, const char *when)
{
    struct out line = {.fd = -1};
    describe_member(&line, m);
    report_info("group %s, %s: %.*s", m->options->group, when, (int)line.size, line.data);
    out_free(&line);
}

static void show_member(struct member *m)
{
    int64_t now_ns = monotonic_ns();
    if (m->terminal && now_ns - m->drawn_ns >= ARRAKIS_SECOND_NS) {
        struct out frame = {.fd = -1};
        describe_member(&frame, m);
        out_char(&frame, '\n');
        screen_draw(&frame);
        out_free(&frame);
        m->drawn_ns = now_ns;
    }
    int64_t interval_ns = record_progress_interval(m->options);
    if (interval_ns && now_ns - m->summary_ns >= interval_ns) {
        summarize(m, "so far");
        m->summary_ns = now_ns;
    }
}

/* ---------------------------------------------------------------- partitions */

static arrakis_status take_partition(struct member *m, size_t i, arrakis_error *err)
{
    arrakis_status rc = arrakis_recorder_open(
        &m->recorders[i], arrakis_group_partition_channels(m->group, i), &m->how, err);
    if (rc < 0)
        return rc;
    m->held++;
    return arrakis_group_set_stride(m->group, i, arrakis_recorder_stride_ns(m->recorders[i]), err);
}

static void drop_partition(struct member *m, size_t i)
{
    if (!m->recorders[i])
        return;
    add_stats(m, &m->past, i);
    arrakis_recorder_close(m->recorders[i]); /* without the file that is being written */
    m->recorders[i] = NULL;
    m->held--;
}

/* Spans between what is done of a partition and its first block: no recorder knows of them. */
static void count_spans_before(struct member *m, const arrakis_group_event *event)
{
    int64_t start_ns = arrakis_block_start_ns(event->block);
    if (event->since_ns != ARRAKIS_UNSET && event->since_ns < start_ns)
        add_empty_spans(m, &m->past, event->partition,
                        start_ns / m->length_ns - event->since_ns / m->length_ns);
}

/* What is a file now need not be read again. */
static arrakis_status keep_block(struct member *m, const arrakis_group_event *event,
                                 arrakis_error *err)
{
    arrakis_recorder *recorder = m->recorders[event->partition];
    count_spans_before(m, event);
    int64_t before_ns = arrakis_recorder_kept_ns(recorder);
    arrakis_status rc = arrakis_recorder_block(recorder, event->block, err);
    if (rc < 0)
        return rc;
    int64_t kept_ns = arrakis_recorder_kept_ns(recorder);
    if (kept_ns > arrakis_block_start_ns(event->block))
        return arrakis_group_commit(m->group, event->partition, &event->next, err);
    if (kept_ns != before_ns && before_ns != ARRAKIS_UNSET)
        return arrakis_group_commit(m->group, event->partition, &event->at, err);
    return ARRAKIS_OK;
}

static arrakis_status take_event(struct member *m, const arrakis_group_event *event,
                                 arrakis_error *err)
{
    switch (event->kind) {
    case ARRAKIS_GROUP_TAKEN:
        return take_partition(m, event->partition, err);
    case ARRAKIS_GROUP_LOST:
        drop_partition(m, event->partition);
        return ARRAKIS_OK;
    default:
        return keep_block(m, event, err);
    }
}

static arrakis_status record_events(struct member *m, arrakis_error *err)
{
    for (;;) {
        arrakis_group_event event = ARRAKIS_GROUP_EVENT_INIT;
        arrakis_status rc = arrakis_group_next(m->group, LOOK_MS, &event, err);
        if (rc == ARRAKIS_OK)
            rc = take_event(m, &event, err);
        arrakis_block_unref(event.block);
        if (rc < 0)
            return rc;
        show_member(m);
    }
}

/* ---------------------------------------------------------------- the member */

static void choose_how(struct member *m, const char *format)
{
    const struct options *o = m->options;
    m->how = (arrakis_recorder_options)ARRAKIS_RECORDER_OPTIONS_INIT;
    m->how.directory = o->directory;
    m->how.format = format;
    m->how.length_ns = o->length_ns;
    m->how.compression = o->deflate == ARRAKIS_UNSET ? 0 : o->deflate;
    m->how.max_files = o->keep_files;
    m->how.max_bytes = record_group_bytes_kept(o);
    m->length_ns = o->length_ns > 0 ? o->length_ns : ARRAKIS_RECORDER_LENGTH_DEFAULT_NS;
    m->how.max_failures = 1; /* what cannot be written here, another member writes */
    m->how.shared = true;
}

static arrakis_status join_group(struct member *m, arrakis_channels *channels,
                                 const struct properties *properties, arrakis_error *err)
{
    const struct options *o = m->options;
    arrakis_connection c = ARRAKIS_CONNECTION_INIT;
    source_connection(&c, o);
    arrakis_group_options options = ARRAKIS_GROUP_OPTIONS_INIT;
    options.group = o->group;
    options.properties = properties->items;
    options.property_count = properties->count;
    options.request_timeout_ns = o->timeout_ns;
    options.kafka_token_fn = c.kafka_token_fn;
    options.kafka_token_opaque = c.kafka_token_opaque;
    options.cancel = interrupt_cancel();
    options.fetch_wait_ns = RECORD_FETCH_WAIT_NS;
    if (o->start_ns != ARRAKIS_UNSET) /* the span that holds it is the first */
        options.start_ns = o->start_ns - o->start_ns % m->length_ns;
    arrakis_status rc = arrakis_group_join(&m->group, o->kafka_url, channels, &options, err);
    size_t count = arrakis_group_partition_count(m->group);
    if (rc >= 0 && !(m->recorders = calloc(count + 1, sizeof *m->recorders))) {
        snprintf(err->message, sizeof err->message, "out of memory");
        rc = err->status = ARRAKIS_ENOMEM;
    }
    return rc;
}

static arrakis_status record_member(struct member *m, arrakis_error *err)
{
    m->terminal = isatty(STDOUT_FILENO);
    m->summary_ns = monotonic_ns();
    report_info("recording as a member of the group %s, which has %zu partitions",
                m->options->group, arrakis_group_partition_count(m->group));
    if (m->terminal)
        screen_begin();
    arrakis_status rc = record_events(m, err);
    if (m->terminal)
        screen_end();
    summarize(m, "in all");
    return rc;
}

int record_group(arrakis_channels *channels, const char *format, const struct options *o)
{
    arrakis_error err;
    struct properties properties;
    struct member m = {.options = o, .past = ARRAKIS_RECORDER_STATS_INIT};
    allow_descriptors();
    choose_how(&m, format);
    int code = properties_load(&properties, o);
    if (!code) {
        arrakis_status rc = join_group(&m, channels, &properties, &err);
        if (rc >= 0)
            rc = record_member(&m, &err);
        code = finish(rc, &err);
    }
    for (size_t i = 0; m.recorders && i < arrakis_group_partition_count(m.group); i++)
        drop_partition(&m, i);
    free(m.recorders);
    arrakis_group_leave(m.group);
    properties_free(&properties);
    return code;
}
