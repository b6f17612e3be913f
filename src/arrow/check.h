/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the contents of columns, which may lie at any address. */
#ifndef ARK_ARROW_CHECK_H
#define ARK_ARROW_CHECK_H

#include <arrakis/arrakis.h>

/* Whether length + 1 offsets of 64 bits never decrease and lie in 0..limit. */
bool ark_check_long_offsets(const uint8_t *offsets, int64_t length, int64_t limit);
/* Whether offsets and sizes of `width` bytes (4 or 8) all lie in 0..limit. */
bool ark_check_spans(const uint8_t *offsets, const uint8_t *sizes, int64_t length, int32_t width,
                     int64_t limit);
bool ark_check_utf8(const uint8_t *text, int64_t size);
/* Whether a number of `width` bytes (4 to 32) has no more than that many decimal digits. */
bool ark_check_decimal(const uint8_t *number, int32_t width, int32_t digits);

/* Whether length + 1 offsets never decrease and lie in 0..child_length. `length` 0: true, and
 * `offsets` may be NULL. */
bool ark_check_offsets(const uint8_t *offsets, int64_t length, int64_t child_length);

#endif
