/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of one stream -> rows of several finer ones: fewer channels each, perhaps shorter strides.
 * Nothing is copied: the pieces point where they did. No I/O. */
#ifndef ARK_READ_ROW_SPLITTER_H
#define ARK_READ_ROW_SPLITTER_H

#include "block/rows.h"
#include "read/reader.h"

/* Where a slot of a finer stream comes from. */
typedef struct ark_row_splitter_slot {
    uint32_t from;   /* slot of the coarse stream */
    uint32_t size;   /* bytes per sample */
    int64_t samples; /* in one stride of the finer stream */
} ark_row_splitter_slot;

/* A finer stream. */
typedef struct ark_row_splitter_part {
    size_t stream; /* its number in the arrivals */
    int64_t stride_ns;
    ark_row_splitter_slot *slots;
    uint32_t count;
} ark_row_splitter_part;

/* A slot of the coarse rows: the `at`-th of a piece. */
typedef struct ark_row_splitter_place {
    const ark_piece *piece; /* NULL: missing */
    uint32_t at;
} ark_row_splitter_place;

/* All zero can be cleared, and has no rows. */
typedef struct ark_row_splitter {
    ark_rows rows;
    bool in_steps; /* rows longer than a part's stride come in steps of it */
    const ark_row_splitter_part *parts;
    size_t count, part; /* parts of them, and the one that comes next */
    int64_t step;
    ark_row_splitter_place *places;
    ark_piece *pieces;
    uint32_t *missing;
    uint32_t slots; /* that the coarse stream may have */
} ark_row_splitter;

/* For streams of up to that many slots. */
arrakis_status ark_row_splitter_init(ark_row_splitter *cut, size_t slots, arrakis_error *err);
void ark_row_splitter_clear(ark_row_splitter *cut);

/* What describes a slot: a channel in the stride of its finer stream. */
ark_row_splitter_slot ark_row_splitter_slot_of(const arrakis_channel *channel, uint32_t from,
                                               int64_t stride_ns);

/* Begin with rows of a stream of that stride. They stay, and the parts, until ark_row_splitter_next() returns
 * false. */
void ark_row_splitter_begin(ark_row_splitter *cut, const ark_rows *rows, int64_t stride_ns,
                            const ark_row_splitter_part *parts, size_t count);
/* The next of the finer rows, in the order of time for each part; they last until the next call. */
bool ark_row_splitter_next(ark_row_splitter *cut, ark_arrival *arrival);

#endif
