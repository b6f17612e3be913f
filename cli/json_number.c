/* SPDX-License-Identifier: Apache-2.0 */
#include "json_number.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

char *put_unsigned(char *p, uint64_t value)
{
    char text[20];
    char *t = text + sizeof text;
    do {
        *--t = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    size_t n = (size_t)(text + sizeof text - t);
    memcpy(p, t, n);
    return p + n;
}

char *put_signed(char *p, int64_t value)
{
    if (value >= 0)
        return put_unsigned(p, (uint64_t)value);
    *p++ = '-';
    return put_unsigned(p, 0 - (uint64_t)value);
}

/* ---------------------------------------------------------------- powers of ten
 *
 * The shortest digits are found by R. Giulietti's method ("The Schubfach way to render doubles"),
 * which needs 10^k for every k a double can ask for, as 128 bits, rounded up. They are computed
 * once, exactly, with long multiplication and division: shorter than a table of 617 constants. */

enum { POWER_MIN = -292, POWER_MAX = 324, LIMBS = 40 };

struct wide {
    uint64_t high, low;
};

static struct wide powers[POWER_MAX - POWER_MIN + 1];
static bool powers_ready;

static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* Least significant limb first, 32 bits in each. */
static void multiply_limbs(uint32_t *limbs, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static uint32_t divide_limbs(uint32_t *limbs, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int i = LIMBS; i-- > 0;) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    return (uint32_t)rest;
}

static uint64_t bit_of(const uint32_t *limbs, int i)
{
    return i < 0 ? 0 : limbs[i / 32] >> (i % 32) & 1;
}

/* The 128 bits from the highest one down, plus one unless all that follows is zero. */
static struct wide leading_bits(const uint32_t *limbs, bool inexact)
{
    int top = LIMBS * 32 - 1;
    while (!bit_of(limbs, top))
        top--;
    struct wide w = {0, 0};
    for (int i = 0; i < 64; i++) {
        w.high = w.high << 1 | bit_of(limbs, top - i);
        w.low = w.low << 1 | bit_of(limbs, top - 64 - i);
    }
    for (int i = top - 128; i >= 0 && !inexact; i--)
        inexact = bit_of(limbs, i);
    if (inexact && ++w.low == 0)
        w.high++;
    return w;
}

static void make_powers(void)
{
    uint32_t limbs[LIMBS] = {1};
    for (int k = 0; k <= POWER_MAX; k++) {
        powers[k - POWER_MIN] = leading_bits(limbs, false);
        multiply_limbs(limbs, 10);
    }
    /* 2^1279 / 10^k keeps well over 128 bits down to the last k. Dividing floor by floor gives the
     * floor of the whole, and it is never exact. */
    memset(limbs, 0, sizeof limbs);
    limbs[LIMBS - 1] = UINT32_C(1) << 31;
    for (int k = -1; k >= POWER_MIN; k--) {
        divide_limbs(limbs, 10);
        powers[k - POWER_MIN] = leading_bits(limbs, true);
    }
    powers_ready = true;
}

/* ---------------------------------------------------------------- shortest digits */

__extension__ typedef unsigned __int128 uint128;

/* The high part of power * value, its last bit set when anything below was not zero. */
static uint64_t round_to_odd(struct wide power, uint64_t value)
{
    uint128 x = (uint128)power.low * value;
    uint128 y = (uint128)power.high * value + (uint64_t)(x >> 64);
    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

struct decimal {
    uint64_t digits;
    int exponent; /* value = digits * 10^exponent */
};

/* Of the decimals of one digit less and of full length that read back as the double, the nearest.
 * All but `c` are scaled by four, so that the ends of the double's interval are integers. */
static struct decimal choose_decimal(uint64_t lower, uint64_t v, uint64_t upper, int k)
{
    uint64_t s = v / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
        if (below != above)
            return (struct decimal){tens + above, k + 1};
    }
    bool below = lower <= 4 * s, above = 4 * s + 4 <= upper;
    if (below != above)
        return (struct decimal){s + above, k};
    bool up = v > 4 * s + 2 || (v == 4 * s + 2 && (s & 1));
    return (struct decimal){s + up, k};
}

/* A float or a double: c times two to the power q, with `size` bits for the fraction in it. */
static struct decimal shortest_decimal(uint64_t fraction, int size, int biased, int least)
{
    uint64_t c = biased ? fraction | UINT64_C(1) << size : fraction;
    int q = biased ? biased - 1 + least : least;
    if (q <= 0 && q > -53 && (c & ((UINT64_C(1) << -q) - 1)) == 0)
        return (struct decimal){c >> -q, 0}; /* an integer */
    bool odd = c & 1;
    bool closer = fraction == 0 && biased > 1; /* the next below is at half the distance */
    int k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
    int shift = q + floor_log2_pow10(-k) + 1;
    struct wide power = powers[-k - POWER_MIN];
    uint64_t lower = round_to_odd(power, (4 * c - 2 + closer) << shift);
    uint64_t v = round_to_odd(power, 4 * c << shift);
    uint64_t upper = round_to_odd(power, (4 * c + 2) << shift);
    return choose_decimal(lower + odd, v, upper - odd, k);
}

/* ---------------------------------------------------------------- layout */

static char *put_exponent(char *p, int exponent)
{
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    if (abs(exponent) < 10)
        *p++ = '0';
    return put_unsigned(p, (uint64_t)abs(exponent));
}

/* `digits` (n of them, no trailing zero) with the point after the first `point` of them. */
static char *put_plain(char *p, const char *digits, int n, int point)
{
    if (point <= 0) {
        *p++ = '0';
        *p++ = '.';
        memset(p, '0', (size_t)-point);
        p += -point;
        memcpy(p, digits, (size_t)n);
        return p + n;
    }
    int whole = point < n ? point : n;
    memcpy(p, digits, (size_t)whole);
    memset(p + whole, '0', (size_t)(point - whole));
    p += point;
    *p++ = '.';
    if (n <= point) {
        *p++ = '0';
        return p;
    }
    memcpy(p, digits + point, (size_t)(n - point));
    return p + n - point;
}

static char *put_decimal(char *p, struct decimal d)
{
    char digits[20];
    int n = (int)(put_unsigned(digits, d.digits) - digits);
    int point = n + d.exponent;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (point > -4 && point <= 16)
        return put_plain(p, digits, n, point);
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, (size_t)n - 1);
        p += n - 1;
    }
    return put_exponent(p, point - 1);
}

static char *put_text(char *p, const char *text)
{
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

/* `bits` are those of a finite double, or of a float when that is_float. */
static char *put_bits(char *p, uint64_t bits, bool is_float)
{
    int size = is_float ? 23 : 52, exponent = is_float ? 8 : 11, least = is_float ? -149 : -1074;
    uint64_t fraction = bits & ((UINT64_C(1) << size) - 1);
    int biased = (int)(bits >> size & ((UINT64_C(1) << exponent) - 1));
    if (!powers_ready)
        make_powers();
    if (bits >> (size + exponent))
        *p++ = '-';
    if (!fraction && !biased)
        return put_text(p, "0.0");
    return put_decimal(p, shortest_decimal(fraction, size, biased, least));
}

static char *put_finite(char *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_bits(p, bits, false);
}

char *put_double(char *p, double value)
{
    if (isfinite(value))
        return put_finite(p, value);
    return put_text(p, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
}

char *put_json_double(char *p, double value)
{
    if (isfinite(value))
        return put_finite(p, value);
    return put_text(p, isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
}

char *put_float(char *p, float value)
{
    if (!isfinite(value))
        return put_double(p, (double)value);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_bits(p, bits, true);
}
