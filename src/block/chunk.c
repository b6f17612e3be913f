/* SPDX-License-Identifier: Apache-2.0 */
#include "block/chunk.h"

#include "block/bits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static ark_chunk *pool_take(ark_chunk_pool *pool)
{
    ark_chunk *chunk = NULL;
    for (size_t i = 0; pool && !chunk && i < ARK_CHUNK_POOL; i++)
        chunk = atomic_exchange_explicit(&pool->chunks[i], NULL, memory_order_acquire);
    return chunk;
}

/* False: the pool is full, or there is none. */
static bool pool_put(ark_chunk_pool *pool, ark_chunk *chunk)
{
    for (size_t i = 0; pool && i < ARK_CHUNK_POOL; i++) {
        ark_chunk *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&pool->chunks[i], &none, chunk,
                                                    memory_order_release, memory_order_relaxed))
            return true;
    }
    return false;
}

ark_chunk *ark_chunk_new(const ark_layout_input *input, int64_t start_ns)
{
    ark_chunk *chunk = pool_take(input->pool);
    if (!chunk && !(chunk = malloc(sizeof *chunk + input->sample_bytes)))
        return NULL;
    chunk->start_ns = start_ns;
    chunk->begin_ns = start_ns;
    chunk->end_ns = start_ns + input->stride_ns * input->strides;
    chunk->next = chunk->elements = 0;
    chunk->mask = NULL;
    return chunk;
}

void ark_chunk_free(ark_chunk *chunk, const ark_layout_input *input)
{
    if (!chunk)
        return;
    free(chunk->mask);
    if (!pool_put(input->pool, chunk))
        free(chunk);
}

/* The mask is made when the first sample is missing. */
static ark_mask *mask_of(ark_chunk *chunk, const ark_layout_input *input)
{
    if (!chunk->mask) {
        size_t counts = input->channel_count * sizeof(uint32_t);
        ark_mask *mask = calloc(1, sizeof *mask + counts + input->mask_bytes);
        if (!mask)
            return NULL;
        mask->missing = (uint32_t *)(mask + 1);
        mask->bits = (uint8_t *)(mask + 1) + counts;
        memset(mask->bits, 0xff, input->mask_bytes);
        chunk->mask = mask;
    }
    return chunk->mask;
}

/* Mask samples [first, first + count) of a channel. Their values become 0: what the memory held
 * before must not leave the process in a block. */
static bool mask_samples(ark_chunk *chunk, const ark_layout_input *input, uint32_t channel,
                         size_t first, size_t count)
{
    assert(channel < input->channel_count);
    assert(first + count <= (size_t)input->channels[channel].samples * input->strides);
    ark_mask *mask = mask_of(chunk, input);
    if (!mask)
        return false;
    const ark_layout_channel *at = &input->channels[channel];
    memset(chunk->samples + at->offset + first * at->size, 0, count * at->size);
    ark_bits_clear(mask->bits + at->bits_at, first, count);
    mask->missing[channel] += (uint32_t)count;
    return true;
}

/* Mask strides [from, to). When it fails, nothing is changed: only making the mask can fail. */
static bool mask_strides(ark_chunk *chunk, const ark_layout_input *input, uint32_t from,
                         uint32_t to)
{
    bool ok = from >= to || mask_of(chunk, input);
    for (uint32_t i = 0; ok && from < to && i < input->channel_count; i++) {
        size_t samples = input->channels[i].samples;
        ok = mask_samples(chunk, input, i, from * samples, (to - from) * samples);
    }
    return ok;
}

/* Where in its series the first sample of a run belongs. */
static size_t first_sample(const ark_layout_channel *channel, const ark_layout_input *input,
                           uint32_t stride, int64_t into_ns)
{
    size_t first = (size_t)stride * channel->samples;
    if (into_ns)
        first += (size_t)((double)into_ns * channel->samples / (double)input->stride_ns + 0.5);
    return first;
}

enum { PAGE = 4096 };

/* The first lines of the page that begins at or after `at`. */
static const uint8_t *next_page(const uint8_t *at)
{
    return at + (PAGE - (uintptr_t)at % PAGE) % PAGE;
}

static void fetch_lines(const uint8_t *at)
{
    enum { LINE = 64, LINES = 4 };
    for (size_t i = 0; i < LINES; i++)
        __builtin_prefetch(at + i * LINE);
}

/* A call: of a page at most the compiler makes an instruction, which is slower than the C library. */
static void *(*volatile const copy)(void *, const void *, size_t) = memcpy;

static void copy_pages(uint8_t *to, const uint8_t *from, size_t size)
{
    while (size > PAGE) {
        size_t left = PAGE - (uintptr_t)from % PAGE;
        fetch_lines(from + left);
        fetch_lines(next_page(to + left));
        copy(to, from, left);
        to += left;
        from += left;
        size -= left;
    }
    copy(to, from, size);
}

/*
 * A processor fetches memory ahead of a copy up to the end of a page, and waits anew at the begin
 * of the next one. So the first lines of that are fetched while a page is copied: of what is read,
 * which another core has written, and of what is written, which left the caches since it was used
 * last. That pays where there are several pages.
 */
static inline void copy_samples(uint8_t *to, const uint8_t *from, size_t size)
{
    enum { LONG = 8 * PAGE };
    if (size >= LONG)
        copy_pages(to, from, size);
    else
        memcpy(to, from, size);
}

/* Copy one channel of a run, and mask what is missing before, in and after it. */
static bool put_channel(ark_chunk *chunk, const ark_layout_input *input, uint32_t stride,
                        int64_t into_ns, const ark_rows *rows, const ark_run *run, uint32_t k)
{
    uint32_t number = run->channel + k;
    const ark_layout_channel *channel = &input->channels[number];
    size_t first = first_sample(channel, input, stride, into_ns);
    size_t begin = (size_t)stride * channel->samples, end = begin + channel->samples;
    size_t length = first + run->length > end ? end - first : run->length;
    copy_samples(chunk->samples + channel->offset + first * channel->size,
                 rows->base + run->samples_at + (size_t)k * run->length * channel->size,
                 length * channel->size);
    bool ok = true;
    if (first > begin)
        ok = mask_samples(chunk, input, number, begin, first - begin);
    if (first + length < end)
        ok = mask_samples(chunk, input, number, first + length, end - first - length) && ok;
    if (run->valid_at != SIZE_MAX) {
        ark_mask *mask = mask_of(chunk, input);
        if (!mask)
            return false;
        mask->missing[number] += (uint32_t)ark_bits_copy_zeros(
            mask->bits + channel->bits_at, first, rows->base + run->valid_at,
            run->valid_bit + (size_t)k * run->length, length);
    }
    return ok;
}

/* Rows that are shorter than the first or last stride: the block may begin or end there. */
static void note_ends(ark_chunk *chunk, const ark_layout_input *input, uint32_t stride,
                      const ark_rows *rows)
{
    if (stride == 0)
        chunk->begin_ns = rows->time_ns;
    if (stride == input->strides - 1)
        chunk->end_ns = rows->time_ns + rows->duration_ns;
}

arrakis_status ark_chunk_put(ark_chunk *chunk, const ark_layout_input *input,
                             int64_t stride_start_ns, const ark_rows *rows)
{
    assert(stride_start_ns >= chunk->start_ns + chunk->next * input->stride_ns);
    assert(rows->time_ns >= stride_start_ns);
    assert(rows->duration_ns > 0 &&
           rows->time_ns + rows->duration_ns <= stride_start_ns + input->stride_ns);
    uint32_t stride = (uint32_t)((stride_start_ns - chunk->start_ns) / input->stride_ns);
    int64_t into_ns = rows->time_ns - stride_start_ns;
    bool whole = rows->duration_ns == input->stride_ns;
    bool in_one_copy = whole && input->packed && input->strides == 1;
    bool ok = mask_strides(chunk, input, chunk->next, stride);
    for (size_t i = 0; i < rows->run_count; i++) {
        const ark_run *run = &rows->runs[i];
        if (in_one_copy && run->valid_at == SIZE_MAX) {
            const ark_layout_channel *channel = &input->channels[run->channel];
            copy_samples(chunk->samples + channel->offset, rows->base + run->samples_at,
                         (size_t)run->channels * run->length * channel->size);
        } else {
            for (uint32_t k = 0; k < run->channels; k++)
                ok = put_channel(chunk, input, stride, into_ns, rows, run, k) && ok;
        }
    }
    for (size_t i = 0; i < rows->missing_count; i++) {
        size_t samples = input->channels[rows->missing[i]].samples;
        ok = mask_samples(chunk, input, rows->missing[i], stride * samples, samples) && ok;
    }
    if (!whole)
        note_ends(chunk, input, stride, rows);
    chunk->next = stride + 1;
    chunk->elements++;
    return ok ? ARRAKIS_OK : ARRAKIS_ENOMEM;
}

arrakis_status ark_chunk_mask(ark_chunk *chunk, const ark_layout_input *input, uint32_t channel,
                              const uint8_t *valid)
{
    assert(channel < input->channel_count);
    ark_mask *mask = mask_of(chunk, input);
    if (!mask)
        return ARRAKIS_ENOMEM;
    const ark_layout_channel *at = &input->channels[channel];
    mask->missing[channel] +=
        (uint32_t)ark_bits_copy_zeros(mask->bits + at->bits_at, 0, valid, 0, at->samples);
    return ARRAKIS_OK;
}

arrakis_status ark_chunk_close(ark_chunk *chunk, const ark_layout_input *input)
{
    assert(chunk->next <= input->strides);
    if (!mask_strides(chunk, input, chunk->next, input->strides))
        return ARRAKIS_ENOMEM;
    chunk->next = input->strides;
    return ARRAKIS_OK;
}

void ark_chunk_trim(ark_chunk *chunk, const ark_layout_input *input, int64_t begin_ns,
                    int64_t end_ns)
{
    assert(chunk->next == input->strides);
    assert(begin_ns >= chunk->start_ns && begin_ns < end_ns);
    int64_t span_ns = input->stride_ns * input->strides;
    for (uint32_t i = 0; i < input->channel_count; i++) {
        const ark_layout_channel *channel = &input->channels[i];
        size_t length = ark_layout_part_samples(channel, input, end_ns - begin_ns, span_ns);
        size_t skip = ark_layout_part_samples(channel, input, begin_ns - chunk->start_ns, span_ns);
        size_t whole = (size_t)channel->samples * input->strides;
        if (skip + length > whole) /* both were rounded up */
            skip = whole - length;
        memmove(chunk->samples + channel->offset,
                chunk->samples + channel->offset + skip * channel->size, length * channel->size);
        if (!chunk->mask)
            continue;
        uint8_t *bits = chunk->mask->bits + channel->bits_at;
        uint32_t missing = 0;
        for (size_t k = 0; k < length; k++) {
            bool present = bits[(k + skip) / 8] >> (k + skip) % 8 & 1;
            bits[k / 8] = (uint8_t)((bits[k / 8] & ~(1u << k % 8)) | (unsigned)present << k % 8);
            missing += !present;
        }
        chunk->mask->missing[i] = missing;
    }
}
