/* SPDX-License-Identifier: Apache-2.0 */
/* What a decoder has found in a message: where the samples of one stream lie in it. */
#ifndef ARK_BLOCK_ROWS_H
#define ARK_BLOCK_ROWS_H

#include <arrakis/arrakis.h>

/* `slots` channels in a row, `length` samples each, that lie one behind the other in the message. */
typedef struct ark_piece {
    size_t samples_at; /* bytes from `base` */
    size_t valid_at;   /* bytes from `base` to the validity bitmap; SIZE_MAX: all present */
    size_t valid_bit;  /* bit of the first sample in it */
    uint32_t slot, slots, length;
} ark_piece;

/* One stream's data for one span, as it lies (unaligned) in a message. */
typedef struct ark_rows {
    int64_t time_ns, duration_ns;
    const uint8_t *base;
    const ark_piece *pieces;
    size_t piece_count;
    const uint32_t *missing; /* slots that have no row */
    size_t missing_count;
} ark_rows;

#endif
