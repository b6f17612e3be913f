/* SPDX-License-Identifier: Apache-2.0 */
#include "client/fetch.h"

#include "base/error.h"
#include "block/bits.h"
#include "channel/channel.h"

#include <arrakis/reader.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Consecutive blocks, joined to one. */
typedef struct joined {
    arrakis_channels *channels;
    arrakis_series *series;
    uint8_t **samples, **valid; /* what the series point to */
    size_t *capacity;
    size_t count;
    int64_t start_ns, end_ns;
} joined;

static void clear_joined(joined *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->samples[i]);
        free(all->valid[i]);
    }
    free(all->series);
    free(all->samples);
    free(all->valid);
    free(all->capacity);
    arrakis_channels_unref(all->channels);
}

/* Make room for the span from the begin of the first block to the end, and one stride more: the
 * last block is the first that reaches the end, and goes beyond it by less than a stride. The
 * first block may be shorter than a stride. */
static arrakis_status prepare_joined(joined *all, const arrakis_block *first, int64_t stride_ns,
                                     int64_t end_ns, arrakis_error *err)
{
    all->start_ns = all->end_ns = arrakis_block_start_ns(first);
    int64_t blocks = (end_ns - all->start_ns - 1) / stride_ns + 2;
    all->channels = arrakis_channels_ref(arrakis_block_channels(first));
    size_t count = arrakis_channels_count(all->channels);
    all->series = calloc(count, sizeof *all->series);
    all->samples = calloc(count, sizeof *all->samples);
    all->valid = calloc(count, sizeof *all->valid);
    all->capacity = calloc(count, sizeof *all->capacity);
    if (!all->series || !all->samples || !all->valid || !all->capacity)
        return ark_no_memory(err, "a fetch of %zu channels", count);
    for (; all->count < count; all->count++) {
        arrakis_series *series = &all->series[all->count];
        const arrakis_channel *channel = arrakis_channels_get(all->channels, all->count);
        int64_t samples = ark_channel_samples(channel, blocks * stride_ns);
        *series = (arrakis_series){.dtype = ark_info(channel).dtype};
        if (samples < 0)
            return ark_fail(
                err, ARRAKIS_EINVAL,
                "a fetch of %g s: channel '%.200s' has more samples in it than a block "
                "can hold; stream it instead",
                (double)(end_ns - all->start_ns) / 1e9, ark_info(channel).name);
        all->capacity[all->count] = (size_t)samples;
        series->samples = all->samples[all->count] =
            calloc((size_t)samples + 1, arrakis_dtype_size(series->dtype));
        if (!series->samples)
            return ark_no_memory(err, "a fetch of %g s, %lld samples of channel '%.200s'",
                                 (double)(end_ns - all->start_ns) / 1e9, (long long)samples,
                                 ark_info(channel).name);
    }
    return ARRAKIS_OK;
}

static bool add_mask(joined *all, size_t i, arrakis_series from)
{
    size_t bytes = all->capacity[i] / 8 + 1;
    if (!all->valid[i]) {
        if (!(all->valid[i] = malloc(bytes)))
            return false;
        memset(all->valid[i], 0xff, bytes);
        all->series[i].valid = all->valid[i];
    }
    ark_bits_copy_zeros(all->valid[i], all->series[i].length, from.valid, 0, from.length);
    return true;
}

static arrakis_status append_block(joined *all, const arrakis_block *block, arrakis_error *err)
{
    if (arrakis_block_start_ns(block) != all->end_ns)
        return ark_fail(err, ARRAKIS_EGAP, "a block at %lld ns where one at %lld ns was due",
                        (long long)arrakis_block_start_ns(block), (long long)all->end_ns);
    for (size_t i = 0; i < all->count; i++) {
        arrakis_series from = arrakis_block_series(block, i), *to = &all->series[i];
        size_t size = arrakis_dtype_size(to->dtype);
        if (from.length > all->capacity[i] - to->length)
            return ark_fail(err, ARRAKIS_EMISMATCH, "channel '%.200s': %zu samples where %zu fit",
                            arrakis_channel_name(arrakis_channels_get(all->channels, i)),
                            from.length, all->capacity[i] - to->length);
        if (from.valid && !add_mask(all, i, from))
            return ark_no_memory(err, "a fetch");
        memcpy(all->samples[i] + to->length * size, from.samples, from.length * size);
        to->length += from.length;
    }
    all->end_ns += arrakis_block_duration_ns(block);
    return ARRAKIS_OK;
}

/* The end of the request, told from its first block. */
static int64_t request_end(const arrakis_stream_options *options, const arrakis_block *first)
{
    if (options->end_ns != ARRAKIS_UNSET)
        return options->end_ns;
    int64_t from_ns =
        options->start_ns != ARRAKIS_UNSET ? options->start_ns : arrakis_block_start_ns(first);
    return from_ns + options->duration_ns;
}

/* Join `first` and all blocks after it to one. */
static arrakis_status join_blocks(arrakis_stream *stream, arrakis_block **out,
                                  const arrakis_block *first, int64_t end_ns, arrakis_error *err)
{
    joined all = {0};
    arrakis_block *block = NULL;
    arrakis_status rc = prepare_joined(&all, first, arrakis_stream_stride_ns(stream), end_ns, err);
    if (rc == ARRAKIS_OK)
        rc = append_block(&all, first, err);
    while (rc == ARRAKIS_OK && (rc = arrakis_stream_next(stream, -1, &block, err)) == ARRAKIS_OK) {
        rc = append_block(&all, block, err);
        arrakis_block_unref(block);
    }
    if (rc == ARRAKIS_DONE)
        rc = arrakis_block_new(out, all.channels, all.start_ns, all.end_ns - all.start_ns,
                               all.series, err);
    clear_joined(&all);
    return rc;
}

arrakis_status ark_fetch(arrakis_stream *stream, arrakis_block **out,
                         const arrakis_stream_options *options, arrakis_error *err)
{
    assert(options->end_ns != ARRAKIS_UNSET || options->duration_ns != ARRAKIS_UNSET);
    *out = NULL;
    arrakis_block *first;
    arrakis_status rc = arrakis_stream_next(stream, -1, &first, err);
    if (rc == ARRAKIS_DONE)
        return ark_fail(err, ARRAKIS_EGAP, "the source ended before the first block");
    if (rc != ARRAKIS_OK)
        return rc;
    int64_t end_ns = request_end(options, first);
    if (arrakis_block_start_ns(first) + arrakis_block_duration_ns(first) >= end_ns) {
        *out = first;
        return ARRAKIS_OK;
    }
    rc = join_blocks(stream, out, first, end_ns, err);
    arrakis_block_unref(first);
    return rc;
}
