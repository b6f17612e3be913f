/* SPDX-License-Identifier: Apache-2.0 */
#include "block/hold.h"

#include <stdlib.h>
#include <string.h>

void ark_hold_clear(ark_hold *hold)
{
    while (hold->count)
        free(ark_hold_take_newest(hold));
}

static size_t samples_of(const ark_piece *piece)
{
    return (size_t)piece->slots * piece->length;
}

static size_t sample_bytes(const ark_piece *piece, const ark_stripe *stripe)
{
    return samples_of(piece) * stripe->slots[piece->slot].size;
}

/* Of its validity, from the byte that holds the first bit. */
static size_t valid_bytes(const ark_piece *piece)
{
    return piece->valid_at == SIZE_MAX ? 0 : (piece->valid_bit % 8 + samples_of(piece) + 7) / 8;
}

static void copy_piece(ark_piece *to, const ark_piece *from, const ark_stripe *stripe,
                       uint8_t *base, const uint8_t *from_base, size_t *at)
{
    size_t samples = sample_bytes(from, stripe), valid = valid_bytes(from);
    *to = *from;
    to->samples_at = *at;
    memcpy(base + *at, from_base + from->samples_at, samples);
    *at += samples;
    if (!valid)
        return;
    to->valid_at = *at;
    to->valid_bit = from->valid_bit % 8;
    memcpy(base + *at, from_base + from->valid_at + from->valid_bit / 8, valid);
    *at += valid;
}

bool ark_hold_add(ark_hold *hold, const ark_stripe *stripe, const ark_rows *rows, int64_t slot_ns,
                  int64_t now_ns)
{
    size_t bytes = 0, pieces_size = rows->piece_count * sizeof *rows->pieces;
    size_t missing_size = rows->missing_count * sizeof *rows->missing;
    for (size_t i = 0; i < rows->piece_count; i++)
        bytes += sample_bytes(&rows->pieces[i], stripe) + valid_bytes(&rows->pieces[i]);
    ark_held *held = malloc(sizeof *held + pieces_size + missing_size + bytes);
    if (!held)
        return false;
    ark_piece *pieces = (ark_piece *)(held + 1);
    uint32_t *missing = (uint32_t *)((uint8_t *)pieces + pieces_size);
    uint8_t *base = (uint8_t *)missing + missing_size;
    size_t at = 0;
    for (size_t i = 0; i < rows->piece_count; i++)
        copy_piece(&pieces[i], &rows->pieces[i], stripe, base, rows->base, &at);
    if (missing_size)
        memcpy(missing, rows->missing, missing_size);
    *held = (ark_held){slot_ns, now_ns, *rows};
    held->rows.base = base;
    held->rows.pieces = pieces;
    held->rows.missing = missing;
    hold->held[hold->count++] = held;
    return true;
}

ark_held *ark_hold_take_oldest(ark_hold *hold)
{
    ark_held *oldest = hold->held[0];
    hold->count--;
    memmove(hold->held, hold->held + 1, hold->count * sizeof(ark_held *));
    return oldest;
}

ark_held *ark_hold_take_newest(ark_hold *hold)
{
    return hold->held[--hold->count];
}
