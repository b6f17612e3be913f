/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes a block as one Kafka message. Prints ns per message, and for memcpy() of the samples. */
#include "messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    workload w = workload_read();
    size_t loops = (size_t)bench_number("loops", 1000), size = arrakis_dtype_size(w.dtype);
    size_t bytes = w.channels * w.samples * size;
    arrakis_channels *channels = workload_channels(&w, w.channels);
    uint8_t *samples = bench_alloc(bytes), *copy = bench_alloc(bytes + 4096);
    arrakis_series *series = bench_alloc(w.channels * sizeof *series);
    uint32_t *ids = bench_alloc(w.channels * sizeof *ids);
    ark_buffer buffer = {0};
    arrakis_block *block;
    arrakis_error err;
    message_write(&buffer, &w, 0, 0, w.start_ns, samples, series, ids);
    if (arrakis_block_new(&block, channels, w.start_ns, STRIDE_NS, series, &err) < 0)
        bench_fail("%s", err.message);
    double ns[2] = {0, 0};
    for (int what = 0; what < 2; what++) {
        bench_span span = bench_start();
        for (size_t loop = 0; loop < loops; loop++) {
            for (size_t i = 0; i < w.channels; i++)
                series[i] = arrakis_block_series(block, i);
            if (what == 0 && ark_write_rows(&buffer, w.dtype, w.start_ns + (int64_t)loop,
                                            w.channels, ids, series, &err) < 0)
                bench_fail("%s", err.message);
            if (what == 1)
                memcpy(copy, series[0].samples, bytes);
            __asm__ volatile("" : : "r"(copy), "r"(buffer.data) : "memory");
        }
        ns[what] = bench_stop(span).cpu_s * 1e9 / (double)loops;
    }
    printf("{\"ours\": %.1f, \"limit\": %.1f, \"bytes\": %zu}\n", ns[0], ns[1], buffer.size);
    arrakis_block_unref(block);
    ark_buffer_clear(&buffer);
    arrakis_channels_unref(channels);
    free(samples);
    free(copy);
    free(series);
    free(ids);
    return 0;
}
