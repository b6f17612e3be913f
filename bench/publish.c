/* SPDX-License-Identifier: Apache-2.0 */
/* The publisher of the library: one block after the other, each confirmed. Making a block is not
 * measured. */
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
    arrakis_error err;
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    to.kafka_url = bench_text("url", NULL);
    options.publisher_id = "BENCH";
    options.channels = channels;
    arrakis_publisher *publisher;
    if (arrakis_publisher_open(&publisher, &to, &options, &err) < 0)
        bench_fail("%s", err.message);
    bench_span sum = {0};
    for (size_t i = 0; i < w.strides; i++) {
        arrakis_block *block;
        if (arrakis_block_new(&block, channels, w.start_ns + (int64_t)i * STRIDE_NS, STRIDE_NS,
                              series, &err) < 0)
            bench_fail("%s", err.message);
        bench_span span = bench_start();
        if (arrakis_publisher_publish(publisher, block, -1, &err) < 0)
            bench_fail("%s", err.message);
        span = bench_stop(span);
        if (i >= 3) { /* connected by then */
            sum.wall_ns += span.wall_ns;
            sum.cpu_s += span.cpu_s;
        }
        arrakis_block_unref(block);
    }
    printf("{\"blocks\": %zu, \"wall\": %.6f, \"cpu\": %.6f, \"peak_kb\": %ld}\n", w.strides - 3,
           (double)sum.wall_ns * 1e-9, sum.cpu_s, bench_peak_kb());
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
    free(series);
    free(samples);
    return 0;
}
