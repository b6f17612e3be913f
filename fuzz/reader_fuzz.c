/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, through a memory reader and a stream, to blocks of which every sample and every
 * validity bit is read.
 *
 * The input: a byte that is the `mode` (see below), then records: the number of an input (1 byte),
 * a length (3 bytes, little-endian), and a message of that length. */
#include <arrakis/reader.h>

#include "arrow_make.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define START_NS (INT64_C(1400000000) * ARRAKIS_SECOND_NS)

enum {
    MODE_READER,     /* no stream: the blocks of each input as they arrive */
    MODE_LIVE,       /* the source ends */
    MODE_LIVE_SKIP,  /* blocks of several strides; strides without any data are left out */
    MODE_SPAN,       /* a start and an end, of a source that does not end */
    MODE_SPAN_SKIP,  /* the same off the grid, skipping */
    MODE_SPAN_RAISE, /* the same in blocks of several strides, of a source that ends */
    MODE_FROM,       /* a start and no end */
    MODE_MULTI,      /* live, from two readers */
    MODES,
    INTERLEAVED = 8,  /* blocks are asked for after each message */
    IMPATIENT = 16,   /* with a latency tolerance, so that deadlines pass */
    MAX_BLOCKS = 200, /* of requests that may go on for decades */
    HELD = 4,
};

static volatile uint8_t sink;
static volatile size_t heard;

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* ------------------------------------------------------------------ channels */

/* In another order than in their inputs. */
static const struct channel {
    const char *name, *partition;
    arrakis_dtype dtype;
    double rate;
    int64_t index, stride_ns, latency_ns;
} specs[] = {
    {"X:Q-C", "q", ARRAKIS_FLOAT64, 256, 2, 62500000, ARRAKIS_UNSET},
    {"X:P-B", "p", ARRAKIS_INT32, 16, 1, 62500000, ARRAKIS_SECOND_NS},
    {"X:Q-A", "q", ARRAKIS_FLOAT64, 64, 0, 62500000, ARRAKIS_UNSET},
    {"X:P-D", "p", ARRAKIS_INT32, 16, 70000, 62500000, ARRAKIS_SECOND_NS},
    {"X:P-A", "p", ARRAKIS_INT32, 16, 0, 62500000, ARRAKIS_SECOND_NS},
    {"X:Q-B", "q", ARRAKIS_FLOAT64, 16, 1, 62500000, ARRAKIS_UNSET},
    {"X:P-C", "p", ARRAKIS_INT32, 16, 2, 62500000, ARRAKIS_SECOND_NS},
    {"X:R-B", "r", ARRAKIS_INT16, 32, 4294967295, 125000000, 500000000},
    {"X:R-A", "r", ARRAKIS_INT16, 8, 0, 125000000, 500000000},
};

static arrakis_channels *channels_of(size_t from, size_t to)
{
    arrakis_channels *channels;
    require(arrakis_channels_new(&channels, NULL) == ARRAKIS_OK);
    for (size_t i = from; i < to; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = specs[i].name;
        info.partition_id = specs[i].partition;
        info.dtype = specs[i].dtype;
        info.sample_rate = specs[i].rate;
        info.partition_index = specs[i].index;
        info.stride_ns = specs[i].stride_ns;
        info.max_latency_ns = specs[i].latency_ns;
        arrakis_channel *channel;
        require(arrakis_channel_new(&channel, &info, NULL) == ARRAKIS_OK);
        require(arrakis_channels_add(channels, channel, NULL) == ARRAKIS_OK);
        arrakis_channel_unref(channel);
    }
    return channels;
}

static arrakis_reader *reader_of(size_t from, size_t to)
{
    arrakis_channels *channels = channels_of(from, to);
    arrakis_reader *reader;
    require(arrakis_memory_reader_new(&reader, channels, NULL) == ARRAKIS_OK);
    arrakis_channels_unref(channels);
    return reader;
}

/* ------------------------------------------------------------------ blocks */

/* Read all of a series; its bits must agree with arrakis_series_missing(). */
static void touch_series(arrakis_series series)
{
    const uint8_t *samples = series.samples;
    size_t bytes = series.length * arrakis_dtype_size(series.dtype), missing = 0;
    require((uintptr_t)samples % arrakis_dtype_size(series.dtype) == 0);
    uint8_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + samples[i]);
    sink = sum;
    for (size_t i = 0; series.valid && i < series.length; i++)
        missing += !(series.valid[i / 8] >> i % 8 & 1);
    require(arrakis_series_missing(series) == missing);
}

static void touch_block(const arrakis_block *block)
{
    const arrakis_channels *channels = arrakis_block_channels(block);
    int64_t start_ns = arrakis_block_start_ns(block), lasts_ns = arrakis_block_duration_ns(block);
    require(start_ns >= 0 && lasts_ns > 0 && lasts_ns <= ARRAKIS_SECOND_NS);
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(channels, i), &info);
        arrakis_series series = arrakis_block_series(block, i);
        require(series.dtype == info.dtype);
        require(fabs((double)series.length - info.sample_rate * (double)lasts_ns * 1e-9) < 1.0);
        touch_series(series);
    }
}

/* The last few blocks; they are read again when the stream is gone. */
typedef struct taken {
    arrakis_block *held[HELD];
    size_t count;
    int64_t last_end_ns;
} taken;

static void take(taken *t, arrakis_block *block, bool in_order)
{
    touch_block(block);
    require(!in_order || arrakis_block_start_ns(block) >= t->last_end_ns);
    t->last_end_ns = arrakis_block_start_ns(block) + arrakis_block_duration_ns(block);
    arrakis_block_unref(t->held[t->count % HELD]);
    t->held[t->count++ % HELD] = block;
}

static void let_go(taken *t)
{
    for (size_t i = 0; i < HELD; i++) {
        if (t->held[i])
            touch_block(t->held[i]);
        arrakis_block_unref(t->held[i]);
    }
}

/* ------------------------------------------------------------------ reading */

/* Push the next record; false: there are no more. */
static bool push(arrakis_reader *const *readers, const size_t *counts, const uint8_t **data,
                 size_t *size)
{
    if (*size < 4)
        return false;
    size_t stream = *data[0] % (counts[0] + counts[1]);
    size_t length = (*data)[1] | (size_t)(*data)[2] << 8 | (size_t)(*data)[3] << 16;
    *data += 4;
    *size -= 4;
    if (length > *size)
        length = *size;
    size_t which = stream >= counts[0];
    stream -= which ? counts[0] : 0;
    require(arrakis_memory_reader_push(readers[which], stream, *data, length, NULL) == ARRAKIS_OK);
    *data += length;
    *size -= length;
    return true;
}

static void read_blocks(arrakis_reader *reader, taken *t)
{
    size_t stream;
    arrakis_block *block;
    while (arrakis_reader_next(reader, 0, &stream, &block, NULL) == ARRAKIS_OK) {
        require(stream < arrakis_reader_input_count(reader));
        take(t, block, false);
    }
}

static arrakis_status stream_blocks(arrakis_stream *stream, taken *t, bool whole)
{
    arrakis_status rc = ARRAKIS_OK;
    for (int i = 0; (rc == ARRAKIS_OK || rc == ARRAKIS_EGAP) && (whole || i < MAX_BLOCKS); i++) {
        arrakis_block *block;
        rc = arrakis_stream_next(stream, 0, &block, NULL);
        require((rc == ARRAKIS_OK) == (block != NULL));
        if (block)
            take(t, block, true);
    }
    require(rc != ARRAKIS_ENOMEM && rc != ARRAKIS_EINVAL);
    return rc;
}

static arrakis_stream_options options_of(unsigned mode, bool impatient)
{
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    bool span = mode == MODE_SPAN || mode == MODE_SPAN_SKIP || mode == MODE_SPAN_RAISE;
    if (span || mode == MODE_FROM)
        o.start_ns = START_NS + (mode == MODE_SPAN_SKIP ? 31250000 : 0);
    if (span)
        o.end_ns = START_NS + ARRAKIS_SECOND_NS;
    if (mode == MODE_LIVE_SKIP || mode == MODE_SPAN_RAISE)
        o.stride_ns = 500000000;
    o.on_gap = mode == MODE_LIVE_SKIP || mode == MODE_SPAN_SKIP ? ARRAKIS_GAP_SKIP
               : mode == MODE_SPAN_RAISE                        ? ARRAKIS_GAP_RAISE
                                                                : ARRAKIS_GAP_FILL;
    if (impatient)
        o.latency_tolerance_ns = ARRAKIS_SECOND_NS;
    return o;
}

static void check_counts(const arrakis_stream *stream, size_t blocks)
{
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &stats);
    require(stats.blocks == blocks);
    require(stats.undecodable + stats.unwanted <= stats.messages);
    for (size_t i = 0; i < 3; i++)
        sink = (uint8_t)arrakis_stream_lag_ns(stream, i);
}

static void run_stream(unsigned mode, unsigned flags, arrakis_reader *const *readers,
                       const size_t *counts, const uint8_t *data, size_t size)
{
    arrakis_reader *reader = readers[0];
    if (mode == MODE_MULTI)
        require(arrakis_multi_reader_new(&reader, readers, 2, NULL) == ARRAKIS_OK);
    arrakis_stream_options options = options_of(mode, flags & IMPATIENT);
    arrakis_stream *stream;
    require(arrakis_stream_open(&stream, reader, &options, NULL) == ARRAKIS_OK);
    taken t = {{NULL}, 0, 0};
    while (push(readers, counts, &data, &size))
        if (flags & INTERLEAVED)
            stream_blocks(stream, &t, false);
    if (mode != MODE_SPAN && mode != MODE_SPAN_SKIP && mode != MODE_FROM)
        for (size_t i = 0; i < 2 && readers[i]; i++)
            arrakis_memory_reader_finish(readers[i]);
    bool bounded = mode >= MODE_SPAN && mode <= MODE_SPAN_RAISE;
    arrakis_status rc = stream_blocks(stream, &t, bounded);
    require(!bounded ||
            rc == ARRAKIS_DONE); /* a request with an end ends, whatever the input is */
    check_counts(stream, t.count);
    arrakis_stream_close(stream);
    let_go(&t);
}

static void run_reader(arrakis_reader *const *readers, const size_t *counts, const uint8_t *data,
                       size_t size)
{
    taken t = {{NULL}, 0, 0};
    require(arrakis_reader_open(readers[0], NULL) == ARRAKIS_OK);
    while (push(readers, counts, &data, &size))
        read_blocks(readers[0], &t);
    arrakis_reader_close(readers[0]);
    let_go(&t);
}

static const int64_t ids[] = {0, 1, 2, 70000};

/* Records of the first two inputs, which every mode reads. */
size_t ark_fuzz_make(uint8_t *out, size_t room, size_t (*below)(size_t))
{
    static const ark_make_column usual[2][3] = {
        {{"time", ARRAKIS_INT64, false, 0, NULL, 0},
         {"id", ARRAKIS_UINT32, false, 0, ids, 4},
         {"data", ARRAKIS_INT32, true, 1, NULL, 0}},
        {{"time", ARRAKIS_INT64, false, 0, NULL, 0},
         {"id", ARRAKIS_UINT32, false, 0, ids, 1},
         {"data", ARRAKIS_FLOAT64, true, 4, NULL, 0}},
    };
    size_t size = 1;
    out[0] = (uint8_t)below(256);
    for (size_t records = 1 + below(4); records > 0 && room - size > 4; records--) {
        size_t stream = below(2);
        size_t length = ark_make_stream(out + size + 4, room - size - 4, usual[!stream], 3, below);
        out[size] = (uint8_t)stream;
        for (int i = 0; i < 3; i++)
            out[size + 1 + (size_t)i] = (uint8_t)(length >> 8 * i);
        size += 4 + length;
    }
    return size;
}

static void hear(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    (void)opaque;
    heard = strlen(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    arrakis_log_set(ARRAKIS_LOG_DEBUG, hear, NULL);
    unsigned mode = data[0] % MODES, flags = data[0];
    bool multi = mode == MODE_MULTI;
    arrakis_reader *readers[] = {reader_of(0, multi ? 7 : 9), multi ? reader_of(7, 9) : NULL};
    const size_t counts[] = {multi ? 2 : 3, multi};
    if (mode == MODE_READER)
        run_reader(readers, counts, data + 1, size - 1);
    else
        run_stream(mode, flags, readers, counts, data + 1, size - 1);
    return 0;
}
