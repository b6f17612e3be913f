/* SPDX-License-Identifier: Apache-2.0 */
/* The whole library except librdkafka: messages in memory -> ingest -> mux -> one block per
 * stride, by arrakis_stream_next() over a reader of those messages. Prints ms per stride, and the
 * time that memcpy() of the wanted bytes takes. */
#include <arrakis/arrow.h>
#include <arrakis/reader.h>

#include "base/event.h"
#include "base/wait.h"
#include "read/ingest.h"
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A reader like the memory reader, but it neither copies nor owns the messages. */
typedef struct loaded_reader {
    arrakis_reader head;
    ark_ingest ingest;
    const workload_message *messages;
    size_t count, at;
    size_t *stream_of; /* by partition: the input; SIZE_MAX: no channel of it is wanted */
    bool taken;
} loaded_reader;

static arrakis_status loaded_open(arrakis_reader *reader, arrakis_error *err)
{
    (void)reader;
    (void)err;
    return ARRAKIS_OK;
}

static arrakis_status loaded_next(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *err)
{
    loaded_reader *loaded = (loaded_reader *)reader;
    (void)err;
    for (;;) {
        if (loaded->taken && ark_ingest_next(&loaded->ingest, arrival, NULL) == ARRAKIS_OK)
            return ARRAKIS_OK;
        loaded->taken = false;
        if (loaded->at == loaded->count)
            return ARRAKIS_DONE;
        const workload_message *message = &loaded->messages[loaded->at++];
        size_t stream = loaded->stream_of[message->partition];
        if (stream == SIZE_MAX)
            continue;
        loaded->taken = true;
        if (loaded->at < loaded->count)
            ark_ingest_expect(message[1].bytes, message[1].size);
        ark_ingest_begin(&loaded->ingest, stream, "memory", 0, message->bytes, message->size);
    }
}

static bool loaded_done(const arrakis_reader *reader)
{
    return ((const loaded_reader *)reader)->at == ((const loaded_reader *)reader)->count;
}

static void loaded_stats(const arrakis_reader *reader, arrakis_stats *stats)
{
    ark_ingest_stats(&((const loaded_reader *)reader)->ingest, stats);
}

static void loaded_close(arrakis_reader *reader)
{
    loaded_reader *loaded = (loaded_reader *)reader;
    ark_ingest_clear(&loaded->ingest);
    ark_reader_clear(reader);
    close(reader->fd);
    free(loaded->stream_of);
    free(loaded);
}

static const ark_reader_ops loaded_ops = {
    .open = loaded_open,
    .next = loaded_next,
    .done = loaded_done,
    .stats = loaded_stats,
    .close = loaded_close,
};

static arrakis_reader *make_reader(const workload *w, arrakis_channels *channels,
                                   const workload_message *messages, size_t count)
{
    arrakis_error err;
    loaded_reader *loaded = bench_alloc(sizeof *loaded);
    *loaded = (loaded_reader){.messages = messages, .count = count};
    loaded->head.ops = &loaded_ops;
    loaded->head.fd = ark_event_open();
    if (ark_reader_group(&loaded->head, channels, "memory/", &err) < 0 ||
        ark_ingest_init(&loaded->ingest, loaded->head.inputs, loaded->head.input_count, &err) < 0)
        bench_fail("%s", err.message);
    loaded->stream_of = bench_alloc(w->partitions * sizeof *loaded->stream_of);
    for (size_t i = 0; i < w->partitions; i++)
        loaded->stream_of[i] = SIZE_MAX;
    size_t skip = strlen("memory/") + strlen(w->prefix);
    for (size_t i = 0; i < loaded->head.input_count; i++)
        loaded->stream_of[strtoul(loaded->head.inputs[i].id + skip, NULL, 10)] = i;
    return &loaded->head;
}

/* The least that a user does: get every series, and read its first bytes. */
static uint64_t look(const arrakis_block *block, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        uint32_t first;
        memcpy(&first, series.samples, sizeof first);
        sum += first;
        if (series.valid)
            bench_fail("a channel is missing from a block");
    }
    return sum;
}

/* What a program does that hands blocks on by the Arrow C data interface: export, and release. */
typedef arrakis_status (*export_fn)(const arrakis_block *block, struct ArrowArray *out);

static arrakis_status export_row(const arrakis_block *block, struct ArrowArray *out)
{
    return arrakis_block_export(block, out, NULL);
}

static arrakis_status export_rows(const arrakis_block *block, struct ArrowArray *out)
{
    return arrakis_block_export_rows(block, arrakis_block_series(block, 0).dtype, NULL, out, NULL);
}

static uint64_t hand_on(const arrakis_block *block, export_fn export_block)
{
    struct ArrowArray array;
    if (export_block(block, &array) < 0)
        bench_fail("a block cannot be exported");
    uint64_t sum = (uint64_t)array.length;
    array.release(&array);
    return sum;
}

/* ---- the limit */

typedef struct run {
    const uint8_t *from;
    size_t size;
} run;

static double copy_ms(const workload *w, arrakis_channels *channels,
                      const workload_message *messages, size_t count)
{
    arrakis_error err;
    arrakis_reader *reader = make_reader(w, channels, messages, count);
    size_t run_count = 0, capacity = 0, size = arrakis_dtype_size(w->dtype);
    run *runs = NULL;
    ark_arrival arrival;
    while (loaded_next(reader, &arrival, &err) == ARRAKIS_OK)
        for (size_t k = 0; k < arrival.rows.run_count; k++) {
            const ark_run *from = &arrival.rows.runs[k];
            if (run_count == capacity &&
                !(runs = realloc(runs, (capacity = 2 * capacity + 1024) * sizeof *runs)))
                bench_fail("out of memory");
            runs[run_count++] = (run){arrival.rows.base + from->samples_at,
                                      (size_t)from->channels * from->length * size};
        }
    size_t bytes = w->wanted * w->samples * size;
    uint8_t *out = bench_alloc(bytes);
    memset(out, 1, bytes);
    bench_span span = bench_start();
    for (size_t i = 0, at = 0; i < run_count; i++) {
        if (at + runs[i].size > bytes)
            at = 0;
        memcpy(out + at, runs[i].from, runs[i].size);
        at += runs[i].size;
        __asm__ volatile("" : : "r"(out) : "memory");
    }
    double ms = bench_stop(span).cpu_s * 1e3 / (double)w->strides;
    free(out);
    free(runs);
    arrakis_reader_close(reader);
    return ms;
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    workload w = workload_read();
    size_t count, blocks = 0;
    const workload_message *messages = workload_load(bench_text("file", NULL), &count);
    arrakis_channels *channels = workload_channels(&w, w.wanted);
    const char *export_as = bench_text("export", "none");
    export_fn export_block = !strcmp(export_as, "row")    ? export_row
                             : !strcmp(export_as, "rows") ? export_rows
                                                          : NULL;
    double limit = bench_number("only_align", 0) ? 0 : copy_ms(&w, channels, messages, count);
    /* from a start in the future: no deadline passes */
    arrakis_stream_options what = ARRAKIS_STREAM_OPTIONS_INIT;
    what.start_ns = w.start_ns;
    arrakis_stream *stream;
    arrakis_error err;
    if (arrakis_stream_open(&stream, make_reader(&w, channels, messages, count), &what, &err) < 0)
        bench_fail("%s", err.message);
    arrakis_block *block;
    arrakis_status rc;
    uint64_t sum = 0;
    bench_span span = bench_start();
    while ((rc = arrakis_stream_next(stream, -1, &block, &err)) == ARRAKIS_OK) {
        sum += export_block ? hand_on(block, export_block) : look(block, w.wanted);
        blocks++;
        arrakis_block_unref(block);
    }
    bench_span took = bench_stop(span);
    if (rc < 0 || blocks != w.strides)
        bench_fail("%zu blocks of %zu: %s", blocks, w.strides, rc < 0 ? err.message : "the end");
    printf("{\"ours\": %.6f, \"limit\": %.6f, \"messages\": %zu, \"sum\": %llu}\n",
           took.cpu_s * 1e3 / (double)w.strides, limit, count, (unsigned long long)sum);
    arrakis_stream_close(stream);
    arrakis_channels_unref(channels);
    return 0;
}
