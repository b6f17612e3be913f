/* SPDX-License-Identifier: Apache-2.0 */
/* The library's publisher: one block after the other, each confirmed. */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    workload w = workload_read();
    size_t size = arrakis_dtype_size(w.dtype), all = w.partitions * w.channels;
    arrakis_channels *channels = workload_channels(&w, all);
    uint8_t *samples = bench_alloc(all * w.samples * size);
    arrakis_series *series = bench_alloc(all * sizeof *series);
    for (size_t p = 0; p < w.partitions; p++)
        workload_samples(&w, p, 0, samples + p * w.channels * w.samples * size);
    for (size_t i = 0; i < all; i++)
        series[i] = (arrakis_series){samples + i * w.samples * size, NULL, w.samples, w.dtype};
    arrakis_block **blocks = bench_alloc(w.strides * sizeof(arrakis_block *));
    arrakis_error err;
    for (size_t i = 0; i < w.strides; i++)
        if (arrakis_block_new(&blocks[i], channels, w.start_ns + (int64_t)i * STRIDE_NS, STRIDE_NS,
                              series, &err) < 0)
            bench_fail("%s", err.message);
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    options.kafka_url = bench_text("url", NULL);
    options.publisher_id = "BENCH";
    options.channels = channels;
    arrakis_publisher *publisher;
    if (arrakis_publisher_open(&publisher, &options, &err) < 0)
        bench_fail("%s", err.message);
    bench_span span = bench_start();
    for (size_t i = 0; i < w.strides; i++) {
        if (i == 3) /* connected by then */
            span = bench_start();
        if (arrakis_publisher_publish(publisher, blocks[i], -1, &err) < 0)
            bench_fail("%s", err.message);
    }
    span = bench_stop(span);
    printf("{\"blocks\": %zu, \"wall\": %.6f, \"cpu\": %.6f, \"peak_kb\": %ld}\n", w.strides - 3,
           (double)span.wall_ns * 1e-9, span.cpu_s, bench_peak_kb());
    arrakis_publisher_close(publisher);
    for (size_t i = 0; i < w.strides; i++)
        arrakis_block_free(blocks[i]);
    arrakis_channels_free(channels);
    free(blocks);
    free(series);
    free(samples);
    return 0;
}
