/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what columns hold, apart from where it lies. All at any address. */
#ifndef ARK_ARROW_CHECK_H
#define ARK_ARROW_CHECK_H

#include <arrakis/arrakis.h>

/* How many of the first `count` bits are 0. */
int64_t ark_zeros(const uint8_t *bits, int64_t count);
/* Whether length + 1 offsets of 64 bits never decrease and lie in 0..limit. */
bool ark_long_offsets_ok(const uint8_t *offsets, int64_t length, int64_t limit);
/* Whether offsets and sizes of `width` bytes (4 or 8) all lie in 0..limit. */
bool ark_spans_ok(const uint8_t *offsets, const uint8_t *sizes, int64_t length, int32_t width,
                  int64_t limit);
bool ark_utf8_ok(const uint8_t *text, int64_t size);
/* Whether a number of `width` bytes (4 to 32) has no more than that many decimal digits. */
bool ark_decimal_ok(const uint8_t *number, int32_t width, int32_t digits);
/* An integer of 1, 2, 4 or 8 bytes, signed. */
int64_t ark_integer_at(const uint8_t *values, int64_t i, int32_t width);

#endif
