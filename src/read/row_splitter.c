/* SPDX-License-Identifier: Apache-2.0 */
#include "read/row_splitter.h"

#include "base/error.h"
#include "channel/channel.h"

#include <stdlib.h>
#include <string.h>

arrakis_status ark_row_splitter_init(ark_row_splitter *cut, size_t slots, arrakis_error *err)
{
    *cut = (ark_row_splitter){.slots = (uint32_t)slots};
    cut->places = calloc(slots + 1, sizeof *cut->places);
    cut->pieces = calloc(slots + 1, sizeof *cut->pieces);
    cut->missing = calloc(slots + 1, sizeof *cut->missing);
    if (cut->places && cut->pieces && cut->missing)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_ENOMEM, "%zu channels: out of memory", slots);
}

void ark_row_splitter_clear(ark_row_splitter *cut)
{
    free(cut->places);
    free(cut->pieces);
    free(cut->missing);
    *cut = (ark_row_splitter){0};
}

ark_row_splitter_slot ark_row_splitter_slot_of(const arrakis_channel *channel, uint32_t from,
                                               int64_t stride_ns)
{
    return (ark_row_splitter_slot){
        .from = from,
        .size = (uint32_t)arrakis_dtype_size(ark_info(channel).dtype),
        .samples = ark_channel_samples(channel, stride_ns),
    };
}

void ark_row_splitter_begin(ark_row_splitter *cut, const ark_rows *rows, int64_t stride_ns,
                            const ark_row_splitter_part *parts, size_t count)
{
    cut->rows = *rows;
    cut->parts = parts;
    cut->count = count;
    cut->part = 0;
    cut->step = 0;
    /* rows that do not fit their own stream are the mux's to refuse: they stay as they are */
    cut->in_steps = rows->duration_ns <= stride_ns;
    memset(cut->places, 0, cut->slots * sizeof *cut->places);
    for (size_t i = 0; i < rows->piece_count; i++)
        for (uint32_t k = 0; k < rows->pieces[i].slots; k++)
            cut->places[rows->pieces[i].slot + k] = (ark_row_splitter_place){&rows->pieces[i], k};
}

/* A slot's samples in a step; false: it has none there. A whole stride has all of them: rows that
 * say so and have fewer would leave a hole that nobody knows of. */
static bool make_piece(ark_piece *piece, ark_row_splitter_place place,
                       const ark_row_splitter_slot *slot, uint32_t number, int64_t step,
                       bool whole)
{
    int64_t skip = step * slot->samples;
    if (!place.piece || slot->samples <= 0 || skip >= place.piece->length)
        return false;
    int64_t left = place.piece->length - skip;
    if (whole && left < slot->samples)
        return false;
    *piece = *place.piece;
    size_t first = (size_t)place.at * piece->length + (size_t)skip;
    piece->samples_at += first * slot->size;
    piece->valid_bit += first;
    piece->slot = number;
    piece->slots = 1;
    piece->length = (uint32_t)(left < slot->samples ? left : slot->samples);
    return true;
}

/* Past the part or the step that has been served. */
static void move_on(ark_row_splitter *cut, bool more_steps)
{
    cut->step = more_steps ? cut->step + 1 : 0;
    cut->part += !more_steps;
}

bool ark_row_splitter_next(ark_row_splitter *cut, ark_arrival *arrival)
{
    if (cut->part == cut->count)
        return false;
    const ark_row_splitter_part *part = &cut->parts[cut->part];
    int64_t done_ns = cut->step * part->stride_ns, left_ns = cut->rows.duration_ns - done_ns;
    bool more = cut->in_steps && left_ns > part->stride_ns;
    *arrival = (ark_arrival){.stream = part->stream};
    arrival->rows = (ark_rows){
        .time_ns = cut->rows.time_ns + done_ns,
        .duration_ns = more ? part->stride_ns : left_ns,
        .base = cut->rows.base,
        .pieces = cut->pieces,
        .missing = cut->missing,
    };
    bool whole = arrival->rows.duration_ns >= part->stride_ns;
    for (uint32_t i = 0; i < part->count; i++) {
        const ark_row_splitter_slot *slot = &part->slots[i];
        if (make_piece(&cut->pieces[arrival->rows.piece_count], cut->places[slot->from], slot, i,
                       cut->step, whole))
            arrival->rows.piece_count++;
        else
            cut->missing[arrival->rows.missing_count++] = i;
    }
    move_on(cut, more);
    return true;
}
