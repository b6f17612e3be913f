/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/check.h"

#include "arrow/flatbuffer.h"
#include "arrow/type.h"

#include <string.h>

/* ---- offsets */

typedef uint32_t four_words __attribute__((vector_size(16)));

bool ark_check_offsets(const uint8_t *offsets, int64_t length, int64_t child_length)
{
    if (length <= 0)
        return length == 0;
    /* Bit 31 is set by a negative offset, and by the difference of two others only if they
     * decrease. */
    uint32_t wrong = ark_load_u32(offsets);
    four_words some = {0, 0, 0, 0}, more = {0, 0, 0, 0};
    int64_t i = 0;
    for (; i + 8 <= length; i += 8) {
        four_words from[2], to[2];
        memcpy(from, offsets + 4 * i, sizeof from);
        memcpy(to, offsets + 4 * i + 4, sizeof to);
        some |= to[0] | (to[0] - from[0]);
        more |= to[1] | (to[1] - from[1]);
    }
    some |= more;
    wrong |= some[0] | some[1] | some[2] | some[3];
    for (; i < length; i++) {
        uint32_t to = ark_load_u32(offsets + 4 * i + 4);
        wrong |= to | (to - ark_load_u32(offsets + 4 * i));
    }
    return wrong >> 31 == 0 && (int64_t)ark_load_u32(offsets + 4 * length) <= child_length;
}

bool ark_check_long_offsets(const uint8_t *offsets, int64_t length, int64_t limit)
{
    int64_t last = ark_load_i64(offsets);
    bool ok = last >= 0;
    for (int64_t i = 1; ok && i <= length; i++) {
        int64_t next = ark_load_i64(offsets + 8 * i);
        ok = next >= last && next <= limit;
        last = next;
    }
    return ok;
}

bool ark_check_spans(const uint8_t *offsets, const uint8_t *sizes, int64_t length, int32_t width,
                     int64_t limit)
{
    for (int64_t i = 0; i < length; i++) {
        int64_t offset = ark_type_integer_at(offsets, i, width),
                size = ark_type_integer_at(sizes, i, width);
        if (size < 0 || offset < 0 || offset > limit || size > limit - offset)
            return false;
    }
    return true;
}

/* ---- text */

/* How many of the `left` bytes the first character has; 0: they are not valid UTF-8. */
static int64_t utf8_length(const uint8_t *at, int64_t left)
{
    static const struct {
        uint8_t first, last;     /* of the first byte */
        uint8_t lowest, highest; /* of the second byte */
        uint8_t size;
    } ranges[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (*at < 0x80)
        return 1;
    for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
        if (*at < ranges[k].first || *at > ranges[k].last)
            continue;
        if (left < ranges[k].size || at[1] < ranges[k].lowest || at[1] > ranges[k].highest)
            return 0;
        for (int i = 2; i < ranges[k].size; i++)
            if (at[i] >> 6 != 2)
                return 0;
        return ranges[k].size;
    }
    return 0;
}

bool ark_check_utf8(const uint8_t *text, int64_t size)
{
    for (int64_t i = 0; i < size;) {
        uint64_t eight = 0;
        if (i + 8 <= size)
            memcpy(&eight, text + i, sizeof eight);
        bool ascii = i + 8 <= size && !(eight & UINT64_C(0x8080808080808080));
        int64_t step = ascii ? 8 : utf8_length(text + i, size - i);
        if (!step)
            return false;
        i += step;
    }
    return true;
}

/* ---- decimals */

enum { WORDS = 8 };

/* The absolute value of a number, in words of 32 bits, least significant first. */
static void read_amount(uint32_t words[WORDS], const uint8_t *number, int32_t width)
{
    bool negative = number[width - 1] >> 7;
    uint64_t carry = negative;
    for (int i = 0; i < WORDS; i++) {
        uint32_t word = 0;
        if (4 * i < width)
            word = ark_load_u32(number + 4 * (size_t)i);
        else if (negative)
            word = UINT32_MAX;
        carry += negative ? ~word : word;
        words[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

bool ark_check_decimal(const uint8_t *number, int32_t width, int32_t digits)
{
    uint32_t amount[WORDS], limit[WORDS] = {1};
    read_amount(amount, number, width);
    /* The least number of 128 or 256 bits: Arrow's own check overflows there, and accepts the
     * number. */
    if (width >= 16 && amount[width / 4 - 1] >> 31)
        return true;
    for (int32_t k = 0; k < digits; k++) {
        uint64_t carry = 0;
        for (int i = 0; i < WORDS; i++) {
            carry += UINT64_C(10) * limit[i];
            limit[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    for (int i = WORDS; i-- > 0;)
        if (amount[i] != limit[i])
            return amount[i] < limit[i];
    return false;
}
