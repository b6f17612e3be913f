/* SPDX-License-Identifier: Apache-2.0 */
/* A user of the library. mode=drain: every block of a backlog. mode=live: note when each block was
 * handed out. */
#include <arrakis/reader.h>

#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRIDES = 1 << 14 };

static bool whole(const arrakis_block *block, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (arrakis_block_series(block, i).valid)
            return false;
    return true;
}

static void print_stats(const arrakis_stream *stream, bench_span span)
{
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &stats);
    printf("{\"messages\": %llu, \"bytes\": %llu, \"wall\": %.6f, \"cpu\": %.6f, "
           "\"thread\": %.6f, \"peak_kb\": %ld, \"blocks\": %llu, \"late\": %llu, \"gaps\": %llu",
           (unsigned long long)stats.messages, (unsigned long long)stats.bytes,
           (double)span.wall_ns * 1e-9, span.cpu_s, span.thread_s, bench_peak_kb(),
           (unsigned long long)stats.blocks, (unsigned long long)stats.late,
           (unsigned long long)stats.gaps);
}

static arrakis_stream *open_stream(const workload *w, arrakis_channels *channels, bool drain)
{
    arrakis_kafka_options how = ARRAKIS_KAFKA_OPTIONS_INIT;
    arrakis_stream_options what = ARRAKIS_STREAM_OPTIONS_INIT;
    how.fast_forward = !drain;
    if (drain) {
        how.start_ns = what.start_ns = w->start_ns;
        what.end_ns = w->start_ns + (int64_t)w->strides * STRIDE_NS;
    }
    enum { PROPERTIES = 8 };
    char text[PROPERTIES][2][64];
    arrakis_property properties[PROPERTIES];
    how.properties = properties;
    for (size_t i = 0; i < PROPERTIES && bench_property(i, text[i][0], text[i][1]); i++)
        properties[how.property_count++] = (arrakis_property){text[i][0], text[i][1]};
    arrakis_reader *reader;
    arrakis_stream *stream;
    arrakis_error err;
    if (arrakis_kafka_reader_new(&reader, bench_text("url", NULL), channels, &how, &err) < 0 ||
        arrakis_stream_open(&stream, reader, &what, &err) < 0)
        bench_fail("%s", err.message);
    return stream;
}

static void print_log(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    (void)opaque;
    fprintf(stderr, "%s\n", message);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    arrakis_log_set((arrakis_log_level)bench_number("log", ARRAKIS_LOG_WARNING), print_log, NULL);
    workload w = workload_read();
    bool drain = !strcmp(bench_text("mode", NULL), "drain");
    arrakis_channels *channels = workload_channels(&w, w.wanted);
    int64_t(*stamps)[2] = calloc(STRIDES, sizeof *stamps);
    size_t count = 0, broken = 0;
    int64_t begun_ns = bench_real_ns() + 1000000000; /* a second to get going */
    bench_span span = bench_start();
    int64_t end_ns = span.wall_ns + bench_number("seconds", 60) * 1000000000;
    arrakis_stream *stream = open_stream(&w, channels, drain);
    bench_span opened = bench_stop(span);
    arrakis_block *block;
    arrakis_error err;
    arrakis_status rc;
    while ((rc = arrakis_stream_next(stream, -1, &block, &err)) == ARRAKIS_OK) {
        int64_t now_ns = drain ? 0 : bench_real_ns();
        int64_t at_ns = arrakis_gps_to_unix_ns(arrakis_block_start_ns(block));
        if (!drain && count < STRIDES && whole(block, w.wanted)) {
            stamps[count][0] = at_ns / STRIDE_NS;
            stamps[count++][1] = now_ns;
        } else if (!drain && now_ns > begun_ns) {
            broken++;
        }
        arrakis_block_unref(block);
        if (!drain && bench_clock_ns() >= end_ns)
            break;
    }
    if (rc < 0)
        bench_fail("%s", err.message);
    print_stats(stream, bench_stop(span));
    printf(", \"open_wall\": %.6f, \"open_cpu\": %.6f", (double)opened.wall_ns * 1e-9,
           opened.cpu_s);
    if (!drain) {
        printf(", \"broken\": %zu, \"strides\": {", broken);
        for (size_t i = 0; i < count; i++)
            printf("%s\"%lld\": %lld", i ? ", " : "", (long long)stamps[i][0],
                   (long long)stamps[i][1]);
        printf("}");
    }
    printf("}\n");
    arrakis_stream_close(stream);
    arrakis_channels_unref(channels);
    free(stamps);
    return 0;
}
