/* SPDX-License-Identifier: Apache-2.0 */
#include "record_progress.h"

#include "monotonic.h"
#include "report.h"
#include "screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

void record_progress_size(char text[32], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double size = (double)bytes;
    size_t unit = 0;
    while (size >= 1000 && unit < 6) {
        size /= 1000;
        unit++;
    }
    snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

double record_progress_percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

int64_t record_progress_interval(const struct options *o)
{
    return o->summary_ns == ARRAKIS_UNSET ? RECORD_SUMMARY_NS : o->summary_ns;
}

static uint64_t late_blocks(const struct record_progress *p)
{
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(p->stream, &stats);
    return p->late + stats.late;
}

void record_progress_stream(struct record_progress *p, const arrakis_stream *stream)
{
    p->late = late_blocks(p);
    p->stream = stream;
}

void record_progress_begin(struct record_progress *p, const arrakis_recorder *recorder,
                           const arrakis_stream *stream, int64_t interval_ns)
{
    *p = (struct record_progress){.recorder = recorder, .stream = stream};
    p->interval_ns = interval_ns;
    p->before = (struct record_counts){ARRAKIS_RECORDER_STATS_INIT, 0};
    p->summary_ns = monotonic_ns();
    p->terminal = isatty(STDOUT_FILENO);
    report_info("recording %s from GPS %" PRId64 " on", arrakis_recorder_name(recorder),
                arrakis_recorder_next_ns(recorder) / ARRAKIS_SECOND_NS);
    if (p->terminal)
        screen_begin();
}

static void draw(struct record_progress *p)
{
    char size[32];
    struct out frame = {.fd = -1};
    arrakis_recorder_stats stats = ARRAKIS_RECORDER_STATS_INIT;
    arrakis_recorder_get_stats(p->recorder, &stats);
    record_progress_size(size, stats.bytes);
    int64_t next_ns = arrakis_recorder_next_ns(p->recorder);
    out_format(&frame, "GPS %" PRId64 ", %.1f s ago: %" PRIu64 " files, %s, %.3g %% missing",
               next_ns / ARRAKIS_SECOND_NS, (double)(arrakis_gps_now_ns() - next_ns) / 1e9,
               stats.files, size, record_progress_percent(stats.missing, stats.samples));
    if (stats.failed)
        out_format(&frame, ", %" PRIu64 " FAILED", stats.failed);
    out_char(&frame, '\n');
    screen_draw(&frame);
    out_free(&frame);
}

static struct record_counts count_recorded(const struct record_progress *p)
{
    struct record_counts now = {ARRAKIS_RECORDER_STATS_INIT, late_blocks(p)};
    arrakis_recorder_get_stats(p->recorder, &now.kept);
    return now;
}

static void summarize(const struct record_progress *p, const struct record_counts *now,
                      const struct record_counts *before, const char *when)
{
    const arrakis_recorder_stats *kept = &now->kept, *past = &before->kept;
    char size[32];
    record_progress_size(size, kept->bytes - past->bytes);
    report_info(
        "%s %s: %" PRIu64 " files, %s, up to GPS %" PRId64 "; %.3g %% of the samples are "
        "missing, %" PRIu64 " blocks came late; %" PRIu64 " spans had no data, %" PRIu64
        " files failed, %" PRIu64 " were removed",
        arrakis_recorder_name(p->recorder), when, kept->files - past->files, size,
        arrakis_recorder_next_ns(p->recorder) / ARRAKIS_SECOND_NS,
        record_progress_percent(kept->missing - past->missing, kept->samples - past->samples),
        now->late - before->late, kept->empty - past->empty, kept->failed - past->failed,
        kept->removed - past->removed);
}

/* An interval in words: "15 min" or "20 s". */
static void print_interval(char text[32], int64_t interval_ns)
{
    const int64_t minute_ns = 60 * ARRAKIS_SECOND_NS;
    bool minutes = interval_ns % minute_ns == 0;
    snprintf(text, 32, minutes ? "in %g min" : "in %g s",
             (double)interval_ns / (double)(minutes ? minute_ns : ARRAKIS_SECOND_NS));
}

void record_progress_show(struct record_progress *p)
{
    int64_t now_ns = monotonic_ns();
    if (p->terminal && now_ns - p->drawn_ns >= ARRAKIS_SECOND_NS) {
        draw(p);
        p->drawn_ns = now_ns;
    }
    if (p->interval_ns && now_ns - p->summary_ns >= p->interval_ns) {
        const struct record_counts now = count_recorded(p);
        char when[32];
        print_interval(when, p->interval_ns);
        summarize(p, &now, &p->before, when);
        p->summary_ns = now_ns;
        p->before = now;
    }
}

void record_progress_end(struct record_progress *p)
{
    const struct record_counts none = {ARRAKIS_RECORDER_STATS_INIT, 0}, all = count_recorded(p);
    if (p->terminal)
        screen_end();
    summarize(p, &all, &none, "in all");
}
