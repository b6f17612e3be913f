/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/check.h"
#include "block/bits.h"
#include "support.h"

static void zeros_are_counted_bit_by_bit(void **state)
{
    (void)state;
    uint8_t bits[40];
    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = (uint8_t)(i * 37 + 11);
    int64_t zeros = 0;
    for (int64_t count = 0; count < 8 * (int64_t)sizeof bits; count++) {
        assert_int_equal(ark_bits_zeros(bits, count), zeros);
        zeros += !(bits[count / 8] >> count % 8 & 1);
    }
}

static void text_is_utf8_or_not(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "eight by",
                                       "nine byte",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "1234567\xc3\xbc"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x41",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe1\x80",
                                      "\xe1\x80\x41",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "1234567\xc3",
                                      "12345678\xff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(ark_check_utf8((const uint8_t *)good[i], (int64_t)strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(ark_check_utf8((const uint8_t *)bad[i], (int64_t)strlen(bad[i])));
}

static void decimals_have_no_more_digits_than_said(void **state)
{
    (void)state;
    for (int32_t width = 4; width <= 32; width *= 2) {
        uint8_t number[32] = {0};
        assert_true(ark_check_decimal(number, width, 1));
        number[0] = 9;
        assert_true(ark_check_decimal(number, width, 1));
        number[0] = 10;
        assert_false(ark_check_decimal(number, width, 1));
        assert_true(ark_check_decimal(number, width, 2));
        memset(number, 0xff, sizeof number);
        number[0] = 0xf7; /* -9 */
        assert_true(ark_check_decimal(number, width, 1));
        number[0] = 0xf6;
        assert_false(ark_check_decimal(number, width, 1));
        memset(number, 0, sizeof number);
        number[width - 1] = 0x80; /* the least: as Arrow's own check has it */
        assert_int_equal(ark_check_decimal(number, width, 9), width >= 16);
        number[width - 1] = 0x7f;
        assert_false(ark_check_decimal(number, width, 9));
    }
}

static void offsets_of_64_bits_are_judged_alike(void **state)
{
    (void)state;
    static const int64_t good[][3] = {{0, 0, 0}, {0, 2, 5}, {5, 5, 5}};
    static const int64_t bad[][3] = {
        {-1, 0, 0}, {0, 3, 2}, {0, 2, 6}, {6, 6, 6}, {0, INT64_MAX, 0}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(ark_check_long_offsets((const uint8_t *)good[i], 2, 5));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(ark_check_long_offsets((const uint8_t *)bad[i], 2, 5));
}

static void spans_lie_inside(void **state)
{
    (void)state;
    static const int32_t offsets[] = {0, 5, 3}, sizes[] = {5, 0, 2}, more[] = {5, 0, 3};
    static const int32_t before[] = {0, -1, 3}, none[] = {0, 0, -1};
    const uint8_t *at = (const uint8_t *)offsets;
    assert_true(ark_check_spans(at, (const uint8_t *)sizes, 3, 4, 5));
    assert_false(ark_check_spans(at, (const uint8_t *)more, 3, 4, 5));
    assert_false(ark_check_spans(at, (const uint8_t *)sizes, 3, 4, 4));
    assert_false(ark_check_spans((const uint8_t *)before, (const uint8_t *)sizes, 3, 4, 5));
    assert_false(ark_check_spans(at, (const uint8_t *)none, 3, 4, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeros_are_counted_bit_by_bit),
        cmocka_unit_test(text_is_utf8_or_not),
        cmocka_unit_test(decimals_have_no_more_digits_than_said),
        cmocka_unit_test(offsets_of_64_bits_are_judged_alike),
        cmocka_unit_test(spans_lie_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
