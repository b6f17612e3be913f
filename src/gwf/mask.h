/* SPDX-License-Identifier: Apache-2.0 */
/* Missing samples: bitmaps (least significant bit first, 1 = present) and the auxiliary vectors of
 * a frame file, whose values each stand for a block of samples (0 = present). No I/O. */
#ifndef ARK_GWF_MASK_H
#define ARK_GWF_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool ark_gwf_mask_has(const uint8_t *valid, size_t i)
{
    return valid[i / 8] >> i % 8 & 1;
}

/* How many of `count` samples are missing. */
size_t ark_gwf_mask_missing(const uint8_t *valid, size_t count);
/* For how many samples a value stands: for 1/16 s where that is a whole number of samples and no
 * block has both missing and present ones; else for one. */
size_t ark_gwf_mask_block(const uint8_t *valid, size_t count, double rate);
/* The values, one per block. */
void ark_gwf_mask_values(int16_t *values, const uint8_t *valid, size_t count, size_t block);
/* The bitmap of `count` samples from the `blocks` values of 16 bits, of which `count` is a multiple. */
void ark_gwf_mask_bits(uint8_t *valid, size_t count, const uint16_t *values, size_t blocks);

#endif
