/* SPDX-License-Identifier: Apache-2.0 */
/* When a program has each block in hand whose messages come one by one: poll(), and
 * arrakis_stream_next(). What comes, and when, is push.c's. */
#include <arrakis/reader.h>

#include "workload.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static arrakis_stream *open_stream(const workload *w)
{
    size_t count;
    const workload_message *messages = workload_load(bench_text("file", NULL), &count);
    arrakis_channels *channels = workload_channels(w, w->wanted);
    arrakis_stream_options what = ARRAKIS_STREAM_OPTIONS_INIT;
    what.start_ns = w->start_ns;
    arrakis_reader *reader;
    arrakis_stream *stream;
    arrakis_error err;
    if (arrakis_memory_reader_new(&reader, channels, &err) < 0)
        bench_fail("%s", err.message);
    for (size_t i = 0; i < count; i++)
        if (arrakis_memory_reader_push(reader, messages[i].partition, messages[i].bytes,
                                       messages[i].size, &err) < 0)
            bench_fail("%s", err.message);
    if (arrakis_stream_open(&stream, reader, &what, &err) < 0)
        bench_fail("%s", err.message);
    arrakis_channels_unref(channels);
    return stream;
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    workload w = workload_read();
    arrakis_stream *stream = open_stream(&w);
    struct pollfd polled = {.fd = arrakis_stream_fd(stream), .events = POLLIN};
    int64_t *in_hand = bench_alloc(w.strides * sizeof *in_hand);
    arrakis_error err;
    for (size_t k = 0; k < w.strides;) {
        arrakis_block *block;
        arrakis_status rc = arrakis_stream_next(stream, 0, &block, &err);
        if (rc == ARRAKIS_OK) {
            in_hand[k++] = bench_real_ns();
            arrakis_block_unref(block);
        } else if (rc != ARRAKIS_TIMEOUT) {
            bench_fail("%s", rc < 0 ? err.message : "the stream ended");
        } else {
            poll(&polled, 1, -1);
        }
    }
    printf("{\"in_hand\": [");
    for (size_t k = 0; k < w.strides; k++)
        printf("%s%lld", k ? ", " : "", (long long)in_hand[k]);
    printf("]}\n");
    free(in_hand);
    arrakis_stream_close(stream);
    return 0;
}
