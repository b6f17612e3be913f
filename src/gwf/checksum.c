/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/checksum.h"

#include <pthread.h>
#include <stdbool.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* x^32 + x^26 + ... + 1 without its first term. The highest bit of a state is that of x^31. */
#define POLYNOMIAL UINT32_C(0x04c11db7)
enum { SLICES = 16 };

/* table[k][b]: the state after byte b and k zeros. */
static uint32_t table[SLICES][256];
/* power[k]: x to the 8 * 2^k, which moves a state by 2^k bytes. */
static uint32_t power[64];
/* x to so many bits: what moves the upper and the lower half of 16 bytes by 64 bytes, and by 16. */
static uint64_t by_64_bytes[2], by_16_bytes[2];
static bool folds; /* this processor multiplies polynomials */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t shift_bit(uint32_t state)
{
    return state << 1 ^ (state >> 31 ? POLYNOMIAL : 0);
}

static uint32_t multiply_states(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (int bit = 31; bit >= 0; bit--)
        product = shift_bit(product) ^ (a >> bit & 1 ? b : 0);
    return product;
}

static uint32_t power_of_bits(unsigned bits)
{
    uint32_t state = 1;
    for (; bits > 0; bits--)
        state = shift_bit(state);
    return state;
}

static void make_factors(void)
{
    by_64_bytes[0] = power_of_bits(512 + 64);
    by_64_bytes[1] = power_of_bits(512);
    by_16_bytes[0] = power_of_bits(128 + 64);
    by_16_bytes[1] = power_of_bits(128);
#ifdef __x86_64__
    folds = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3");
#endif
}

static void make_tables(void)
{
    make_factors();
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t state = byte << 24;
        for (int bit = 0; bit < 8; bit++)
            state = shift_bit(state);
        table[0][byte] = state;
    }
    for (int k = 1; k < SLICES; k++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t before = table[k - 1][byte];
            table[k][byte] = before << 8 ^ table[0][before >> 24];
        }
    power[0] = 1u << 8;
    for (int k = 1; k < 64; k++)
        power[k] = multiply_states(power[k - 1], power[k - 1]);
}

/* What four bytes, with their first one highest, become after `zeros` more bytes that are 0. */
static inline uint32_t shift_word(uint32_t word, int zeros)
{
    return table[zeros + 3][word >> 24] ^ table[zeros + 2][word >> 16 & 0xff] ^
           table[zeros + 1][word >> 8 & 0xff] ^ table[zeros][word & 0xff];
}

static inline uint32_t load_word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ------------------------------------------------------------------ bytes */

static uint32_t add_bytes(uint32_t state, const uint8_t *p, size_t size)
{
    /* The look-ups of the words do not wait for each other. */
    for (; size >= SLICES; size -= SLICES, p += SLICES)
        state = shift_word(state ^ load_word(p), 12) ^ shift_word(load_word(p + 4), 8) ^
                shift_word(load_word(p + 8), 4) ^ shift_word(load_word(p + 12), 0);
    for (; size >= 4; size -= 4, p += 4)
        state = shift_word(state ^ load_word(p), 0);
    for (; size > 0; size--, p++)
        state = state << 8 ^ table[0][state >> 24 ^ *p];
    return state;
}

#ifdef __x86_64__

#define FOLDING __attribute__((target("pclmul,ssse3")))

/* 16 bytes as the polynomial that they are: the first bit has the highest power. */
FOLDING static inline __m128i load_block(const uint8_t *p)
{
    const __m128i reverse = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), reverse);
}

/* A block moved by what `factor` moves it, to be added to the one that is there. Its remainder is
 * right; it is not reduced to it. */
FOLDING static inline __m128i move_block(__m128i block, __m128i factor)
{
    return _mm_xor_si128(_mm_clmulepi64_si128(block, factor, 0x11),
                         _mm_clmulepi64_si128(block, factor, 0x00));
}

/* As add_bytes(), of 64 bytes or more: four blocks go along the bytes, and become one. *p is moved
 * to what is left, less than 16 bytes. */
FOLDING static uint32_t fold_bytes(uint32_t state, const uint8_t **p, size_t *size)
{
    const __m128i far = _mm_set_epi64x((int64_t)by_64_bytes[0], (int64_t)by_64_bytes[1]);
    const __m128i near = _mm_set_epi64x((int64_t)by_16_bytes[0], (int64_t)by_16_bytes[1]);
    __m128i blocks[4];
    for (int i = 0; i < 4; i++)
        blocks[i] = load_block(*p + 16 * i);
    blocks[0] = _mm_xor_si128(blocks[0], _mm_set_epi32((int)state, 0, 0, 0));
    *p += 64;
    *size -= 64;
    for (; *size >= 64; *size -= 64, *p += 64)
        for (int i = 0; i < 4; i++)
            blocks[i] = _mm_xor_si128(move_block(blocks[i], far), load_block(*p + 16 * i));
    __m128i sum = blocks[0];
    for (int i = 1; i < 4; i++)
        sum = _mm_xor_si128(move_block(sum, near), blocks[i]);
    for (; *size >= 16; *size -= 16, *p += 16)
        sum = _mm_xor_si128(move_block(sum, near), load_block(*p));
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)(void *)rest, load_block((const uint8_t *)&sum));
    return add_bytes(0, rest, sizeof rest);
}

#endif

uint32_t ark_gwf_checksum_add(uint32_t state, const void *bytes, size_t size)
{
    pthread_once(&once, make_tables);
    const uint8_t *p = bytes;
#ifdef __x86_64__
    if (folds && size >= 64)
        state = fold_bytes(state, &p, &size);
#endif
    return add_bytes(state, p, size);
}

/* ------------------------------------------------------------------ sums of sums */

uint32_t ark_gwf_checksum_join(uint32_t first, uint32_t second, uint64_t size)
{
    pthread_once(&once, make_tables);
    for (int k = 0; k < 64 && size >> k; k++)
        if (size >> k & 1)
            first = multiply_states(first, power[k]);
    return first ^ second;
}

uint32_t ark_gwf_checksum_end(uint32_t state, uint64_t size)
{
    pthread_once(&once, make_tables);
    for (; size > 0; size >>= 8)
        state = state << 8 ^ table[0][state >> 24 ^ (size & 0xff)];
    return ~state;
}
