/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes a message into a chunk of a block. Prints ns per message: warm (the decoder has decoded
 * messages of the topic before), cold (the first message of a decoder), and memcpy() of the wanted
 * bytes. */
#include "block/chunk.h"
#include "block/layout.h"
#include "read/row_decoder.h"
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLD = 200 };

typedef struct run {
    const uint8_t *from;
    size_t size;
} run;

static void decode(ark_row_decoder *decoder, const workload_message *message,
                   const ark_layout_input *input, ark_chunk *chunk)
{
    ark_rows rows;
    arrakis_error err;
    ark_row_decoder_begin(decoder, message->bytes, message->size);
    while (ark_row_decoder_next(decoder, &rows, &err) == ARRAKIS_OK) {
        chunk->next = 0;
        if (ark_chunk_put(chunk, input, chunk->start_ns, &rows) < 0)
            bench_fail("out of memory");
    }
}

/* Where the wanted bytes lie in each message. */
static run *find_runs(ark_row_decoder *decoder, const workload_message *messages, size_t count,
                      size_t sample_size, size_t *run_count)
{
    run *runs = NULL;
    *run_count = 0;
    for (size_t i = 0; i < count; i++) {
        ark_rows rows;
        arrakis_error err;
        ark_row_decoder_begin(decoder, messages[i].bytes, messages[i].size);
        if (ark_row_decoder_next(decoder, &rows, &err) < 0)
            bench_fail("%s", err.message);
        runs = realloc(runs, (*run_count + rows.run_count) * sizeof *runs);
        for (size_t k = 0; runs && k < rows.run_count; k++) {
            const ark_run *from = &rows.runs[k];
            runs[(*run_count)++] = (run){rows.base + from->samples_at,
                                         (size_t)from->channels * from->length * sample_size};
        }
    }
    return runs;
}

static double warm_ns(ark_row_decoder *decoder, const workload_message *messages, size_t count,
                      const ark_layout_input *input, ark_chunk *chunk, size_t loops)
{
    for (size_t i = 0; i < count; i++)
        decode(decoder, &messages[i], input, chunk);
    bench_span span = bench_start();
    for (size_t loop = 0; loop < loops; loop++)
        for (size_t i = 0; i < count; i++)
            decode(decoder, &messages[i], input, chunk);
    return bench_stop(span).cpu_s * 1e9 / (double)(count * loops);
}

static double cold_ns(const arrakis_channels *channels, const workload_message *message,
                      const ark_layout_input *input, ark_chunk *chunk)
{
    ark_row_decoder *decoders[COLD];
    arrakis_error err;
    for (size_t i = 0; i < COLD; i++)
        if (ark_row_decoder_new(&decoders[i], channels, STRIDE_NS, NULL, &err) < 0)
            bench_fail("%s", err.message);
    bench_span span = bench_start();
    for (size_t i = 0; i < COLD; i++)
        decode(decoders[i], message, input, chunk);
    double ns = bench_stop(span).cpu_s * 1e9 / COLD;
    for (size_t i = 0; i < COLD; i++)
        ark_row_decoder_free(decoders[i]);
    return ns;
}

static double copy_ns(const run *runs, size_t run_count, size_t messages, uint8_t *out,
                      size_t loops)
{
    bench_span span = {0, 0, 0};
    for (size_t loop = 0; loop <= loops; loop++) {
        if (loop == 1)
            span = bench_start();
        size_t at = 0;
        for (size_t i = 0; i < run_count; i++) {
            memcpy(out + at, runs[i].from, runs[i].size);
            at = (i + 1) % (run_count / messages) ? at + runs[i].size : 0;
            __asm__ volatile("" : : "r"(out) : "memory");
        }
    }
    return bench_stop(span).cpu_s * 1e9 / (double)(messages * loops);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    workload w = workload_read();
    size_t count, loops = (size_t)bench_number("loops", 10), run_count;
    const workload_message *messages = workload_load(bench_text("file", NULL), &count);
    arrakis_channels *channels = workload_channels(&w, w.wanted);
    const arrakis_channels *list = channels;
    const int64_t stride_ns = STRIDE_NS;
    ark_layout *layout;
    ark_row_decoder *decoder;
    arrakis_error err;
    if (ark_layout_new(&layout, &list, &stride_ns, 1, STRIDE_NS, &err) < 0 ||
        ark_row_decoder_new(&decoder, channels, STRIDE_NS, NULL, &err) < 0)
        bench_fail("%s", err.message);
    const ark_layout_input *input = &layout->inputs[0];
    ark_chunk *chunk = ark_chunk_new(input, 0);
    uint8_t *out = bench_alloc(input->sample_bytes);
    run *runs = find_runs(decoder, messages, count, arrakis_dtype_size(w.dtype), &run_count);
    if (bench_number("only_warm", 0)) { /* for counting instructions */
        warm_ns(decoder, messages, count, input, chunk, loops);
    } else {
        double warm = warm_ns(decoder, messages, count, input, chunk, loops);
        double cold = cold_ns(channels, &messages[0], input, chunk);
        double copy = copy_ns(runs, run_count, count, out, loops);
        printf("{\"warm\": %.1f, \"cold\": %.1f, \"limit\": %.1f}\n", warm, cold, copy);
    }
    free(runs);
    free(out);
    ark_chunk_free(chunk, input);
    ark_row_decoder_free(decoder);
    ark_layout_unref(layout);
    arrakis_channels_unref(channels);
    return 0;
}
