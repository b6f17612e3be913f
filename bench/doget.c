/* SPDX-License-Identifier: Apache-2.0 */
/* A user of the library: every block that a Flight server has of a span. */
#include "bench.h"

#include <arrakis/arrakis.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t count_samples(const arrakis_block *block, size_t channels)
{
    uint64_t samples = 0;
    for (size_t i = 0; i < channels; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        if (!series.valid)
            samples += series.length;
    }
    return samples;
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    size_t channels = (size_t)bench_number("channels", 0);
    const char **names = bench_names(channels);
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    to.url = bench_text("url", NULL);
    to.token = "";
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    request.start_ns = bench_number("start", 0) * ARRAKIS_SECOND_NS;
    request.end_ns =
        request.start_ns + bench_number("blocks", 1) * bench_number("stride", STRIDE_NS);
    arrakis_client *client;
    arrakis_stream *stream;
    arrakis_block *block;
    arrakis_error err;
    arrakis_status rc;
    bench_span span = bench_start();
    if (arrakis_client_open(&client, &to, NULL, &err) < 0 ||
        arrakis_client_stream(client, &stream, names, channels, &request, &err) < 0)
        bench_fail("%s", err.message);
    uint64_t blocks = 0, samples = 0;
    while ((rc = arrakis_stream_next(stream, -1, &block, &err)) == ARRAKIS_OK) {
        samples += count_samples(block, channels);
        blocks++;
        arrakis_block_unref(block);
    }
    if (rc < 0)
        bench_fail("%s", err.message);
    span = bench_stop(span);
    printf("{\"blocks\": %llu, \"samples\": %llu, \"wall\": %.6f, \"cpu\": %.6f, "
           "\"thread\": %.6f, \"peak_kb\": %ld}\n",
           (unsigned long long)blocks, (unsigned long long)samples, (double)span.wall_ns * 1e-9,
           span.cpu_s, span.thread_s, bench_peak_kb());
    arrakis_stream_close(stream);
    arrakis_client_close(client);
    return 0;
}
