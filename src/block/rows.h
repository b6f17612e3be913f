/* SPDX-License-Identifier: Apache-2.0 */
/* What a decoder has found in a message: where the samples of one input lie in its bytes. */
#ifndef ARK_BLOCK_ROWS_H
#define ARK_BLOCK_ROWS_H

#include <arrakis/arrakis.h>

/* Samples that follow each other in a message: of `channels` channels with consecutive numbers,
 * `length` samples of each. */
typedef struct ark_run {
    size_t samples_at; /* bytes from `base` */
    size_t valid_at;   /* bytes from `base` to the validity bitmap; SIZE_MAX: all present */
    size_t valid_bit;  /* of the first sample in that bitmap */
    uint32_t channel;  /* the first one's number in the input */
    uint32_t channels, length;
} ark_run;

/* The data of one input for one span, where it lies (unaligned) in a message. */
typedef struct ark_rows {
    int64_t time_ns, duration_ns;
    const uint8_t *base;
    const ark_run *runs;
    size_t run_count;
    const uint32_t *missing; /* numbers of the channels without a row */
    size_t missing_count;
} ark_rows;

#endif
