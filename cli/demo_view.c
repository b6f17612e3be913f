/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/reader.h>

#include "demo_view.h"

#include "output_table.h"
#include "report.h"
#include "screen.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For channels of a higher rate the view shows the loudness, for others the value. */
#define LOUDNESS_FROM_HZ 64.0
/* How long a gap is mentioned. */
#define GAP_MEMORY_NS (10 * ARRAKIS_SECOND_NS)

/* ---------------------------------------------------------------- begin and end */

static size_t stream_of(const arrakis_stream *stream, const char *name)
{
    const arrakis_reader *reader = arrakis_stream_reader(stream);
    for (size_t i = 0; i < arrakis_reader_input_count(reader); i++)
        if (arrakis_channels_index(arrakis_reader_input_channels(reader, i), name) >= 0)
            return i;
    return 0;
}

int view_begin(struct view *v, const arrakis_stream *stream, bool live)
{
    const arrakis_channels *channels = arrakis_stream_channels(stream);
    size_t n = arrakis_channels_count(channels);
    *v = (struct view){
        .live = live, .out = {.fd = STDOUT_FILENO}, .stream = stream, .channels = channels};
    setlocale(LC_CTYPE, "");
    v->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    v->traces = calloc(n, sizeof *v->traces);
    v->latencies_ns = calloc(VIEW_LATENCIES, sizeof *v->latencies_ns);
    if (!v->traces || !v->latencies_ns)
        return fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        struct trace *t = &v->traces[i];
        t->stream = stream_of(stream, arrakis_channel_name(arrakis_channels_get(channels, i)));
        t->gap_ns = ARRAKIS_UNSET;
        for (size_t k = 0; k < VIEW_HISTORY; k++)
            t->values[k] = NAN;
    }
    if (live)
        screen_begin();
    return 0;
}

static void put_totals(struct view *v)
{
    arrakis_stats s = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(v->stream, &s);
    out_format(&v->out,
               "end: %" PRIu64 " blocks of %" PRIu64 " messages (%.1f MB), %" PRIu64
               " strides of partitions missing, %" PRIu64 " late\n",
               s.blocks, s.messages, (double)s.bytes / 1e6, s.gaps, s.late);
}

int view_end(struct view *v, int code)
{
    if (v->live)
        screen_end();
    if (v->traces && v->stream && !code)
        put_totals(v);
    arrakis_block_unref(v->block);
    free(v->traces);
    free(v->latencies_ns);
    return out_finish(&v->out, code);
}

/* ---------------------------------------------------------------- taking in */

static double sample_at(arrakis_series s, size_t i)
{
    switch (s.dtype) {
    case ARRAKIS_FLOAT32:
        return (double)((const float *)s.samples)[i];
    case ARRAKIS_FLOAT64:
        return ((const double *)s.samples)[i];
    case ARRAKIS_UINT32:
        return (double)((const uint32_t *)s.samples)[i];
    default:
        return (double)((const int32_t *)s.samples)[i];
    }
}

static double loudness_of(arrakis_series s)
{
    double sum = 0;
    for (size_t i = 0; i < s.length; i++)
        sum += sample_at(s, i) * sample_at(s, i);
    return sqrt(sum / (double)s.length);
}

static void add_series(struct view *v, size_t i, arrakis_series s, int64_t now_ns)
{
    struct trace *t = &v->traces[i];
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(arrakis_channels_get(v->channels, i), &info);
    double value = NAN;
    t->in_gap = s.length == 0 || arrakis_series_missing(s) > 0;
    if (t->in_gap) {
        t->gap_ns = now_ns;
        v->gap_channel = i;
        v->new_gaps++;
    } else if (info.sample_rate > LOUDNESS_FROM_HZ) {
        value = loudness_of(s);
    } else {
        value = sample_at(s, s.length - 1);
    }
    t->values[t->next] = (float)value;
    t->next = (t->next + 1) % VIEW_HISTORY;
}

void view_add(struct view *v, arrakis_block *block)
{
    int64_t now_ns = arrakis_gps_now_ns();
    int64_t end_ns = arrakis_block_start_ns(block) + arrakis_block_duration_ns(block);
    arrakis_block_unref(v->block);
    v->block = block;
    v->latencies_ns[v->new_blocks % VIEW_LATENCIES] = now_ns - end_ns;
    v->new_blocks++;
    v->blocks++;
    for (size_t i = 0; i < arrakis_channels_count(v->channels); i++)
        add_series(v, i, arrakis_block_series(block, i), now_ns);
}

/* ---------------------------------------------------------------- a line */

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The position of the stream, and what has arrived since the last summary. */
static void put_summary(struct view *v, struct out *out)
{
    if (!v->new_blocks) {
        out_text(out, "nothing came");
        return;
    }
    size_t n = v->new_blocks < VIEW_LATENCIES ? v->new_blocks : VIEW_LATENCIES;
    qsort(v->latencies_ns, n, sizeof *v->latencies_ns, by_size);
    out_format(out, "GPS %.4f  %zu blocks  latency %.1f ms, at most %.1f ms  ",
               (double)arrakis_block_start_ns(v->block) / 1e9, v->new_blocks,
               (double)v->latencies_ns[n / 2] / 1e6, (double)v->latencies_ns[n - 1] / 1e6);
    if (v->new_gaps)
        out_format(out, "%zu gaps, as in %s", v->new_gaps,
                   arrakis_channel_name(arrakis_channels_get(v->channels, v->gap_channel)));
    else
        out_text(out, "no gap");
}

/* ---------------------------------------------------------------- a table */

static void find_range(const struct trace *t, float *low, float *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t k = 0; k < VIEW_HISTORY; k++) {
        *low = fminf(*low, t->values[k]);
        *high = fmaxf(*high, t->values[k]);
    }
}

/* The last `width` values. */
static void put_sparkline(const struct view *v, struct out *out, const struct trace *t,
                          size_t width)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const letters[] = {".", ":", "-", "=", "+", "*", "#", "@"};
    const char *const *levels = v->unicode ? bars : letters;
    float low, high;
    find_range(t, &low, &high);
    for (size_t k = VIEW_HISTORY - width; k < VIEW_HISTORY; k++) {
        float value = t->values[(t->next + k) % VIEW_HISTORY];
        if (isnan(value))
            out_char(out, ' ');
        else if (high > low)
            out_text(out, levels[(size_t)((value - low) / (high - low) * 7.99f)]);
        else
            out_text(out, levels[3]);
    }
}

static void state_text(char text[32], const struct trace *t, int64_t now_ns)
{
    bool recent = t->gap_ns != ARRAKIS_UNSET && now_ns - t->gap_ns < GAP_MEMORY_NS;
    snprintf(text, 32, "%s", t->in_gap ? "GAP" : "ok");
    if (recent && !t->in_gap)
        snprintf(text, 32, "gap %.0f s ago", (double)(now_ns - t->gap_ns) / 1e9);
}

enum { NAME_WIDTH = 25, VALUE_WIDTH = 11, LATENCY_WIDTH = 7, STATE_WIDTH = 11, TYPE_WIDTH = 7 };

/* On a narrow terminal the last columns and half of the values are not shown. */
static size_t spark_width(size_t columns)
{
    return columns < 110 ? VIEW_HISTORY / 2 : VIEW_HISTORY;
}

static void put_row(struct view *v, size_t i, size_t columns, int64_t now_ns)
{
    struct out line = {.fd = -1};
    char text[32] = "-";
    arrakis_series s = arrakis_block_series(v->block, i);
    const struct trace *t = &v->traces[i];
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(arrakis_channels_get(v->channels, i), &info);
    table_cell(&line, info.name, NAME_WIDTH, false);
    put_sparkline(v, &line, t, spark_width(columns));
    out_text(&line, "  ");
    if (!t->in_gap)
        snprintf(text, sizeof text, "%.6g", sample_at(s, s.length - 1));
    table_cell(&line, text, VALUE_WIDTH, true);
    int64_t lag_ns = arrakis_stream_lag_ns(v->stream, t->stream);
    snprintf(text, sizeof text, "%.0f ms", (double)lag_ns / 1e6);
    table_cell(&line, lag_ns == ARRAKIS_UNSET ? "-" : text, LATENCY_WIDTH, true);
    state_text(text, t, now_ns);
    table_cell(&line, text, STATE_WIDTH, false);
    table_cell(&line, arrakis_dtype_name(info.dtype), TYPE_WIDTH, false);
    out_format(&line, "%g Hz", info.sample_rate);
    table_line(&v->out, &line, columns);
    out_free(&line);
}

static void put_titles(struct view *v, size_t columns)
{
    struct out line = {.fd = -1};
    table_cell(&line, "channel", NAME_WIDTH, false);
    table_cell(&line, columns < 110 ? "one second" : "two seconds", spark_width(columns), false);
    table_cell(&line, "latest", VALUE_WIDTH, true);
    table_cell(&line, "latency", LATENCY_WIDTH, true);
    table_cell(&line, "state", STATE_WIDTH, false);
    table_cell(&line, "type", TYPE_WIDTH, false);
    out_text(&line, "rate");
    table_line(&v->out, &line, columns);
    out_free(&line);
}

static void put_table(struct view *v)
{
    enum { OTHER_LINES = 4 }; /* summary, titles, hidden channels, and the line of the cursor */
    size_t columns, rows, n = arrakis_channels_count(v->channels);
    screen_size(&columns, &rows);
    size_t room = rows > OTHER_LINES ? rows - OTHER_LINES : 1;
    size_t shown = n < room ? n : room;
    struct out line = {.fd = -1};
    put_summary(v, &line);
    table_line(&v->out, &line, columns);
    put_titles(v, columns);
    int64_t now_ns = arrakis_gps_now_ns();
    for (size_t i = 0; i < shown; i++)
        put_row(v, i, columns, now_ns);
    if (shown < n) {
        out_format(&line, "and %zu more channels", n - shown);
        table_line(&v->out, &line, columns);
    }
    out_free(&line);
}

bool view_show(struct view *v)
{
    if (v->live && !v->block)
        return true;
    if (v->live) {
        put_table(v);
        screen_draw(&v->out);
    } else {
        put_summary(v, &v->out);
        out_char(&v->out, '\n');
        out_flush(&v->out);
    }
    v->new_blocks = 0;
    v->new_gaps = 0;
    return !v->out.error;
}
