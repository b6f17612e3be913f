/* SPDX-License-Identifier: Apache-2.0 */
#include "block/bits.h"

#include <assert.h>
#include <string.h>

void ark_bits_clear(uint8_t *bits, size_t at, size_t count)
{
    for (; count > 0 && at % 8; at++, count--)
        bits[at / 8] = (uint8_t)(bits[at / 8] & ~(1u << at % 8));
    memset(bits + at / 8, 0, count / 8);
    at += count / 8 * 8;
    for (count %= 8; count > 0; at++, count--)
        bits[at / 8] = (uint8_t)(bits[at / 8] & ~(1u << at % 8));
}

/* The eight bits at any position. Only `left` of them exist, the others read as 1. */
static uint8_t eight_bits(const uint8_t *bits, size_t at, size_t left)
{
    const uint8_t *byte = bits + at / 8;
    unsigned shift = at % 8;
    unsigned value = (unsigned)byte[0] >> shift;
    if (shift && left > 8 - shift)
        value |= (unsigned)byte[1] << (8 - shift);
    if (left < 8)
        value |= 0xffu << left;
    return (uint8_t)value;
}

size_t ark_bits_copy_zeros(uint8_t *to, size_t to_at, const uint8_t *from, size_t from_at,
                           size_t count)
{
    size_t zeros = 0;
    for (size_t i = 0; i < count; i += 8) {
        uint8_t eight = eight_bits(from, from_at + i, count - i);
        if (eight == 0xff)
            continue;
        for (size_t k = 0; k < 8 && i + k < count; k++)
            if (!(eight >> k & 1)) {
                size_t at = to_at + i + k;
                to[at / 8] = (uint8_t)(to[at / 8] & ~(1u << at % 8));
                zeros++;
            }
    }
    return zeros;
}

size_t arrakis_series_missing(arrakis_series series)
{
    size_t missing = 0;
    for (size_t i = 0; series.valid && i < series.length; i += 8)
        missing += 8u - (size_t)__builtin_popcount(eight_bits(series.valid, i, series.length - i));
    return missing;
}

int64_t ark_bits_zeros(const uint8_t *bits, int64_t count)
{
    assert(count >= 0);
    int64_t ones = 0, i = 0;
    for (; i + 64 <= count; i += 64) {
        uint64_t word;
        memcpy(&word, bits + i / 8, sizeof word);
        ones += __builtin_popcountll(word);
    }
    for (; i + 8 <= count; i += 8)
        ones += __builtin_popcount(bits[i / 8]);
    if (i < count)
        ones += __builtin_popcount(bits[i / 8] & ((1u << (count - i)) - 1));
    return count - ones;
}
