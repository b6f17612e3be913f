/* SPDX-License-Identifier: Apache-2.0 */
#include "block/block.h"

#include "base/error.h"
#include "block/rows.h"
#include "channel/channel.h"

#include <stdlib.h>
#include <string.h>

/* Narrow the block to the span that its data covers: it is shorter than the layout's where all
 * chunks begin late, or end early, at the same time, as at the begin and the end of a request. */
static void narrow_span(arrakis_block *block)
{
    int64_t begin_ns = block->start_ns, end_ns = block->start_ns + block->duration_ns;
    bool first = true;
    int64_t open_begin = begin_ns, open_end = end_ns;
    for (size_t i = 0; i < block->layout->input_count; i++) {
        const ark_chunk *chunk = block->chunks[i];
        if (!chunk)
            continue;
        if (first || chunk->begin_ns == open_begin)
            open_begin = chunk->begin_ns;
        else
            open_begin = begin_ns;
        if (first || chunk->end_ns == open_end)
            open_end = chunk->end_ns;
        else
            open_end = end_ns;
        first = false;
    }
    if (open_begin == begin_ns && open_end == end_ns)
        return;
    for (size_t i = 0; i < block->layout->input_count; i++)
        if (block->chunks[i])
            ark_chunk_trim(block->chunks[i], &block->layout->inputs[i], open_begin, open_end);
    block->start_ns = open_begin;
    block->duration_ns = open_end - open_begin;
}

arrakis_status ark_block_assemble(arrakis_block **out, ark_layout *layout, int64_t start_ns,
                                  ark_chunk **chunks, arrakis_error *err)
{
    size_t count = layout->input_count;
    arrakis_block *block = malloc(sizeof *block + count * sizeof *block->chunks);
    *out = block;
    if (!block)
        return ark_no_memory(err, "a block");
    atomic_init(&block->refs, 1);
    atomic_fetch_add_explicit(&layout->refs, 1, memory_order_relaxed);
    block->layout = layout;
    block->start_ns = start_ns;
    block->duration_ns = layout->duration_ns;
    memcpy(block->chunks, chunks, count * sizeof *chunks);
    narrow_span(block);
    return ARRAKIS_OK;
}

/* Whether a series of the caller fits its channel; the error names what was found and expected. */
static arrakis_status check_series(const arrakis_channel *channel, int64_t duration_ns,
                                   const arrakis_series *series, arrakis_error *err)
{
    int64_t wanted = ark_channel_samples(channel, duration_ns);
    if (wanted <= 0)
        return ark_fail(
            err, ARRAKIS_EINVAL, "%s: %g Hz gives no whole number of samples in %lld ns",
            ark_info(channel).name, ark_info(channel).sample_rate, (long long)duration_ns);
    if (series->length != (size_t)wanted)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "%s: got %zu samples, expected %lld (%g Hz for %lld ns)",
                        ark_info(channel).name, series->length, (long long)wanted,
                        ark_info(channel).sample_rate, (long long)duration_ns);
    if (series->dtype != ARRAKIS_DTYPE_NONE && series->dtype != ark_info(channel).dtype)
        return ark_fail(err, ARRAKIS_EINVAL, "%s: got %s samples, expected %s",
                        ark_info(channel).name, arrakis_dtype_name(series->dtype),
                        arrakis_dtype_name(ark_info(channel).dtype));
    return ARRAKIS_OK;
}

/* One run per series. Each is copied as if it came from a message of its own, because the caller
 * may have the samples of each channel in other memory. */
static arrakis_status fill_chunk(ark_chunk *chunk, const ark_layout_input *input,
                                 const arrakis_series *series, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    for (uint32_t i = 0; rc == ARRAKIS_OK && i < input->channel_count; i++) {
        ark_rows rows = {.time_ns = chunk->start_ns, .duration_ns = input->stride_ns};
        ark_run run = {.channel = i,
                       .channels = 1,
                       .length = (uint32_t)series[i].length,
                       .valid_at = SIZE_MAX};
        if (series[i].samples) {
            rows.base = series[i].samples;
            rows.runs = &run;
            rows.run_count = 1;
        } else {
            rows.missing = &i;
            rows.missing_count = 1;
        }
        chunk->next = 0;
        rc = ark_chunk_put(chunk, input, chunk->start_ns, &rows);
        if (rc == ARRAKIS_OK && series[i].samples && series[i].valid)
            rc = ark_chunk_mask(chunk, input, i, series[i].valid);
    }
    if (rc < 0)
        return ark_no_memory(err, "a block");
    return ARRAKIS_OK;
}

arrakis_status arrakis_block_new(arrakis_block **out, arrakis_channels *channels, int64_t start_ns,
                                 int64_t duration_ns, const arrakis_series *series,
                                 arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_block_new: out is NULL");
    *out = NULL;
    if (!channels || !series)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_block_new: %s is NULL",
                        channels ? "series" : "channels");
    if (duration_ns <= 0)
        return ark_fail(err, ARRAKIS_EINVAL, "a block's duration is %lld ns, expected over 0",
                        (long long)duration_ns);
    if (start_ns == ARRAKIS_UNSET || start_ns > INT64_MAX - duration_ns)
        return ark_fail(err, ARRAKIS_EINVAL, "a block of %lld ns cannot begin at %lld ns",
                        (long long)duration_ns, (long long)start_ns);
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        ARK_TRY(check_series(arrakis_channels_get(channels, i), duration_ns, &series[i], err));
    }
    ark_layout *layout;
    const arrakis_channels *list = channels;
    ARK_TRY(ark_layout_new(&layout, &list, &duration_ns, 1, duration_ns, err));
    ark_chunk *chunk = ark_chunk_new(&layout->inputs[0], start_ns);
    arrakis_status rc =
        chunk ? fill_chunk(chunk, &layout->inputs[0], series, err) : ark_no_memory(err, "a block");
    if (rc == ARRAKIS_OK)
        rc = ark_block_assemble(out, layout, start_ns, &chunk, err);
    if (rc < 0)
        ark_chunk_free(chunk, &layout->inputs[0]);
    ark_layout_unref(layout);
    return rc;
}

arrakis_block *arrakis_block_ref(arrakis_block *block)
{
    if (block)
        atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    return block;
}

void arrakis_block_unref(arrakis_block *block)
{
    if (!block || atomic_fetch_sub(&block->refs, 1) != 1)
        return;
    for (size_t i = 0; i < block->layout->input_count; i++)
        ark_chunk_free(block->chunks[i], &block->layout->inputs[i]);
    ark_layout_unref(block->layout);
    free(block);
}

int64_t arrakis_block_start_ns(const arrakis_block *block)
{
    return block ? block->start_ns : ARRAKIS_UNSET;
}

int64_t arrakis_block_duration_ns(const arrakis_block *block)
{
    return block ? block->duration_ns : 0;
}

const arrakis_channels *arrakis_block_channels(const arrakis_block *block)
{
    return block ? block->layout->channels : NULL;
}

void ark_block_series(arrakis_series *series, const arrakis_block *block, size_t i)
{
    const ark_layout *layout = block->layout;
    const ark_layout_position *position = &layout->positions[i];
    const ark_layout_input *input = &layout->inputs[position->input];
    const ark_chunk *chunk = block->chunks[position->input];
    uint32_t number = position->channel;
    const ark_layout_channel *channel = &input->channels[number];
    series->dtype = (arrakis_dtype)channel->dtype;
    series->length = (size_t)channel->samples * input->strides;
    series->valid = NULL;
    if (block->duration_ns != layout->duration_ns)
        series->length =
            ark_layout_part_samples(channel, input, block->duration_ns, layout->duration_ns);
    if (!chunk) {
        series->samples = series->valid = layout->zeros;
        return;
    }
    series->samples = chunk->samples + channel->offset;
    if (chunk->mask && chunk->mask->missing[number])
        series->valid = chunk->mask->bits + channel->bits_at;
}

arrakis_series arrakis_block_series(const arrakis_block *block, size_t i)
{
    arrakis_series series = {0};
    if (block)
        ark_block_series(&series, block, i);
    return series;
}
