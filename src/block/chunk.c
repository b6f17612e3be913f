/* SPDX-License-Identifier: Apache-2.0 */
#include "block/chunk.h"

#include "block/bits.h"

#include <stdlib.h>
#include <string.h>

static ark_chunk *take_spare(ark_spares *spares)
{
    ark_chunk *chunk = NULL;
    for (size_t i = 0; spares && !chunk && i < ARK_SPARES; i++)
        chunk = atomic_exchange_explicit(&spares->chunks[i], NULL, memory_order_acquire);
    return chunk;
}

/* False: there are enough of them. */
static bool keep_spare(ark_spares *spares, ark_chunk *chunk)
{
    for (size_t i = 0; spares && i < ARK_SPARES; i++) {
        ark_chunk *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&spares->chunks[i], &none, chunk,
                                                    memory_order_release, memory_order_relaxed))
            return true;
    }
    return false;
}

ark_chunk *ark_chunk_new(const ark_stripe *stripe, int64_t start_ns)
{
    ark_chunk *chunk = take_spare(stripe->spares);
    if (!chunk && !(chunk = malloc(sizeof *chunk + stripe->sample_bytes)))
        return NULL;
    chunk->start_ns = start_ns;
    chunk->begin_ns = start_ns;
    chunk->end_ns = start_ns + stripe->stride_ns * stripe->strides;
    chunk->next = chunk->elements = 0;
    chunk->mask = NULL;
    return chunk;
}

void ark_chunk_free(ark_chunk *chunk, const ark_stripe *stripe)
{
    if (!chunk)
        return;
    free(chunk->mask);
    if (!keep_spare(stripe->spares, chunk))
        free(chunk);
}

/* The mask is made when the first sample is missing: until then everything was there. */
static ark_mask *mask_of(ark_chunk *chunk, const ark_stripe *stripe)
{
    if (!chunk->mask) {
        size_t counts = stripe->slot_count * sizeof(uint32_t);
        ark_mask *mask = calloc(1, sizeof *mask + counts + stripe->mask_bytes);
        if (!mask)
            return NULL;
        mask->missing = (uint32_t *)(mask + 1);
        mask->bits = (uint8_t *)(mask + 1) + counts;
        memset(mask->bits, 0xff, stripe->mask_bytes);
        chunk->mask = mask;
    }
    return chunk->mask;
}

/* Samples [at, at + count) of a slot are missing. Their values are cleared: nothing of this
 * process's memory leaves it in a block. */
static bool mask_samples(ark_chunk *chunk, const ark_stripe *stripe, uint32_t slot, size_t at,
                         size_t count)
{
    ark_mask *mask = mask_of(chunk, stripe);
    if (!mask)
        return false;
    const ark_slot *s = &stripe->slots[slot];
    memset(chunk->samples + s->offset + at * s->size, 0, count * s->size);
    ark_bits_clear(mask->bits + s->bits_at, at, count);
    mask->missing[slot] += (uint32_t)count;
    return true;
}

/* Fails before anything is changed: only the first mask is allocated. */
static bool mask_strides(ark_chunk *chunk, const ark_stripe *stripe, uint32_t from, uint32_t to)
{
    bool ok = from >= to || mask_of(chunk, stripe);
    for (uint32_t i = 0; ok && from < to && i < stripe->slot_count; i++) {
        size_t samples = stripe->slots[i].samples;
        ok = mask_samples(chunk, stripe, i, from * samples, (to - from) * samples);
    }
    return ok;
}

/* Where in its series the first of a piece's samples goes. */
static size_t first_sample(const ark_slot *slot, const ark_stripe *stripe, uint32_t stride,
                           int64_t into_ns)
{
    size_t first = (size_t)stride * slot->samples;
    if (into_ns)
        first += (size_t)((double)into_ns * slot->samples / (double)stripe->stride_ns + 0.5);
    return first;
}

/* One slot of a piece, with the holes around and in it. */
static bool put_slot(ark_chunk *chunk, const ark_stripe *stripe, uint32_t stride, int64_t into_ns,
                     const ark_rows *rows, const ark_piece *piece, uint32_t k)
{
    uint32_t number = piece->slot + k;
    const ark_slot *slot = &stripe->slots[number];
    size_t first = first_sample(slot, stripe, stride, into_ns);
    size_t begin = (size_t)stride * slot->samples, end = begin + slot->samples;
    size_t length = first + piece->length > end ? end - first : piece->length;
    memcpy(chunk->samples + slot->offset + first * slot->size,
           rows->base + piece->samples_at + (size_t)k * piece->length * slot->size,
           length * slot->size);
    bool ok = true;
    if (first > begin)
        ok = mask_samples(chunk, stripe, number, begin, first - begin);
    if (first + length < end)
        ok = mask_samples(chunk, stripe, number, first + length, end - first - length) && ok;
    if (piece->valid_at != SIZE_MAX) {
        ark_mask *mask = mask_of(chunk, stripe);
        if (!mask)
            return false;
        mask->missing[number] += (uint32_t)ark_bits_copy_zeros(
            mask->bits + slot->bits_at, first, rows->base + piece->valid_at,
            piece->valid_bit + (size_t)k * piece->length, length);
    }
    return ok;
}

/* An edge block leaves its end of the span open: the block may be cut there. */
static void note_edges(ark_chunk *chunk, const ark_stripe *stripe, uint32_t stride,
                       const ark_rows *rows)
{
    if (stride == 0)
        chunk->begin_ns = rows->time_ns;
    if (stride == stripe->strides - 1)
        chunk->end_ns = rows->time_ns + rows->duration_ns;
}

arrakis_status ark_chunk_put(ark_chunk *chunk, const ark_stripe *stripe, int64_t slot_ns,
                             const ark_rows *rows)
{
    uint32_t stride = (uint32_t)((slot_ns - chunk->start_ns) / stripe->stride_ns);
    int64_t into_ns = rows->time_ns - slot_ns;
    bool whole = rows->duration_ns == stripe->stride_ns;
    bool together = whole && stripe->packed && stripe->strides == 1;
    bool ok = mask_strides(chunk, stripe, chunk->next, stride);
    for (size_t i = 0; i < rows->piece_count; i++) {
        const ark_piece *piece = &rows->pieces[i];
        if (together && piece->valid_at == SIZE_MAX) {
            const ark_slot *slot = &stripe->slots[piece->slot];
            memcpy(chunk->samples + slot->offset, rows->base + piece->samples_at,
                   (size_t)piece->slots * piece->length * slot->size);
        } else {
            for (uint32_t k = 0; k < piece->slots; k++)
                ok = put_slot(chunk, stripe, stride, into_ns, rows, piece, k) && ok;
        }
    }
    for (size_t i = 0; i < rows->missing_count; i++) {
        size_t samples = stripe->slots[rows->missing[i]].samples;
        ok = mask_samples(chunk, stripe, rows->missing[i], stride * samples, samples) && ok;
    }
    if (!whole)
        note_edges(chunk, stripe, stride, rows);
    chunk->next = stride + 1;
    chunk->elements++;
    return ok ? ARRAKIS_OK : ARRAKIS_ENOMEM;
}

arrakis_status ark_chunk_mask(ark_chunk *chunk, const ark_stripe *stripe, uint32_t slot,
                              const uint8_t *valid)
{
    ark_mask *mask = mask_of(chunk, stripe);
    if (!mask)
        return ARRAKIS_ENOMEM;
    const ark_slot *s = &stripe->slots[slot];
    mask->missing[slot] +=
        (uint32_t)ark_bits_copy_zeros(mask->bits + s->bits_at, 0, valid, 0, s->samples);
    return ARRAKIS_OK;
}

arrakis_status ark_chunk_close(ark_chunk *chunk, const ark_stripe *stripe)
{
    if (!mask_strides(chunk, stripe, chunk->next, stripe->strides))
        return ARRAKIS_ENOMEM;
    chunk->next = stripe->strides;
    return ARRAKIS_OK;
}

void ark_chunk_trim(ark_chunk *chunk, const ark_stripe *stripe, int64_t begin_ns, int64_t end_ns)
{
    int64_t span_ns = stripe->stride_ns * stripe->strides;
    for (uint32_t i = 0; i < stripe->slot_count; i++) {
        const ark_slot *slot = &stripe->slots[i];
        size_t length = ark_layout_part_samples(slot, stripe, end_ns - begin_ns, span_ns);
        size_t skip = ark_layout_part_samples(slot, stripe, begin_ns - chunk->start_ns, span_ns);
        size_t whole = (size_t)slot->samples * stripe->strides;
        if (skip + length > whole) /* both rounded up */
            skip = whole - length;
        memmove(chunk->samples + slot->offset, chunk->samples + slot->offset + skip * slot->size,
                length * slot->size);
        if (!chunk->mask)
            continue;
        uint8_t *bits = chunk->mask->bits + slot->bits_at;
        uint32_t missing = 0;
        for (size_t k = 0; k < length; k++) {
            bool present = bits[(k + skip) / 8] >> (k + skip) % 8 & 1;
            bits[k / 8] = (uint8_t)((bits[k / 8] & ~(1u << k % 8)) | (unsigned)present << k % 8);
            missing += !present;
        }
        chunk->mask->missing[i] = missing;
    }
}
