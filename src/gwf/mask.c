/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/mask.h"

#include <string.h>

/* Blocks of the length that the detectors' own files have. */
#define BLOCKS_PER_SECOND 16

size_t ark_gwf_mask_missing(const uint8_t *valid, size_t count)
{
    size_t missing = 0;
    for (size_t i = 0; i < count;)
        if (i % 8 == 0 && count - i >= 8) {
            missing += 8 - (size_t)__builtin_popcount(valid[i / 8]);
            i += 8;
        } else {
            missing += !ark_gwf_mask_has(valid, i++);
        }
    return missing;
}

/* Whether all samples from `at` on are missing, or all are present. */
static bool block_is_uniform(const uint8_t *valid, size_t at, size_t block)
{
    bool first = ark_gwf_mask_has(valid, at);
    for (size_t i = at + 1; i < at + block; i++)
        if (ark_gwf_mask_has(valid, i) != first)
            return false;
    return true;
}

size_t ark_gwf_mask_block(const uint8_t *valid, size_t count, double rate)
{
    if (!(rate >= BLOCKS_PER_SECOND && rate <= (double)count * BLOCKS_PER_SECOND))
        return 1;
    size_t block = (size_t)(rate / BLOCKS_PER_SECOND);
    if ((double)block * BLOCKS_PER_SECOND != rate || count % block != 0)
        return 1;
    for (size_t at = 0; at < count; at += block)
        if (!block_is_uniform(valid, at, block))
            return 1;
    return block;
}

void ark_gwf_mask_values(int16_t *values, const uint8_t *valid, size_t count, size_t block)
{
    for (size_t i = 0; i < count / block; i++)
        values[i] = !ark_gwf_mask_has(valid, i * block);
}

void ark_gwf_mask_bits(uint8_t *valid, size_t count, const uint16_t *values, size_t blocks)
{
    size_t block = count / blocks;
    memset(valid, 0xff, (count + 7) / 8);
    for (size_t i = 0; i < count; i++)
        if (values[i / block] != 0)
            valid[i / 8] = (uint8_t)(valid[i / 8] & ~(1u << i % 8));
}
