/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of one stream -> rows of several finer ones: fewer channels each, perhaps shorter strides.
 * Nothing is copied: the pieces point where they did. No I/O. */
#ifndef ARK_READ_ROW_SPLITTER_H
#define ARK_READ_ROW_SPLITTER_H

#include "read/reader.h"

/* Where a slot of a finer stream comes from. */
typedef struct ark_cut_slot {
    uint32_t from;   /* slot of the coarse stream */
    uint32_t size;   /* bytes a sample */
    int64_t samples; /* in one stride of the finer stream */
} ark_cut_slot;

/* A finer stream. */
typedef struct ark_cut_part {
    size_t stream; /* its number in the arrivals */
    int64_t stride_ns;
    ark_cut_slot *slots;
    uint32_t count;
} ark_cut_part;

/* A slot of the coarse rows: the `at`-th of a piece. */
typedef struct ark_cut_place {
    const ark_piece *piece; /* NULL: missing */
    uint32_t at;
} ark_cut_place;

/* All zero can be cleared, and has no rows. */
typedef struct ark_cut {
    ark_rows rows;
    bool in_steps; /* rows longer than a part's stride come in steps of it */
    const ark_cut_part *parts;
    size_t count, part; /* parts of them, and the one that comes next */
    int64_t step;
    ark_cut_place *places;
    ark_piece *pieces;
    uint32_t *missing;
    uint32_t slots; /* that the coarse stream may have */
} ark_cut;

/* For streams of up to that many slots. */
arrakis_status ark_cut_init(ark_cut *cut, size_t slots, arrakis_error *err);
void ark_cut_clear(ark_cut *cut);

/* What describes a slot: a channel in the stride of its finer stream. */
ark_cut_slot ark_cut_slot_of(const arrakis_channel *channel, uint32_t from, int64_t stride_ns);

/* Begin with rows of a stream of that stride. They stay, and the parts, until ark_cut_next() returns
 * false. */
void ark_cut_begin(ark_cut *cut, const ark_rows *rows, int64_t stride_ns,
                   const ark_cut_part *parts, size_t count);
/* The next of the finer rows, in the order of time for each part; they last until the next call. */
bool ark_cut_next(ark_cut *cut, ark_arrival *arrival);

#endif
