/* SPDX-License-Identifier: Apache-2.0 */
/* Validity bitmaps: least significant bit first, 1 = present. */
#ifndef ARK_BLOCK_BITS_H
#define ARK_BLOCK_BITS_H

#include <arrakis/arrakis.h>

/* Set bits [at, at + count) to 0. */
void ark_bits_clear(uint8_t *bits, size_t at, size_t count);
/* Copy `count` bits, where the target has only ones; returns how many of them are 0. */
size_t ark_bits_copy_zeros(uint8_t *to, size_t to_at, const uint8_t *from, size_t from_at,
                           size_t count);

/* How many of the first `count` bits are 0. */
int64_t ark_bits_zeros(const uint8_t *bits, int64_t count);

#endif
