/* SPDX-License-Identifier: Apache-2.0 */
#include "block/bits.h"
#include "block/block.h"
#include "support.h"

static bool bit(const uint8_t *bits, size_t at)
{
    return bits[at / 8] >> at % 8 & 1;
}

static void clearing_touches_the_span_and_nothing_else(void **state)
{
    (void)state;
    for (size_t at = 0; at < 20; at++)
        for (size_t count = 0; count + at <= 40; count++) {
            uint8_t bits[5];
            memset(bits, 0xff, sizeof bits);
            ark_bits_clear(bits, at, count);
            for (size_t i = 0; i < 40; i++)
                assert_int_equal(bit(bits, i), i < at || i >= at + count);
        }
}

/* Each source bitmap ends where its allocation does, so that a read behind it is seen. */
static void zeros_are_copied_from_any_position_to_any_other(void **state)
{
    (void)state;
    const uint8_t pattern[] = {0x35, 0xf0, 0x0f, 0x99, 0x7e};
    for (size_t from = 0; from < 17; from++)
        for (size_t to = 0; to < 11; to++)
            for (size_t count = 0; count + from <= 40 && count + to <= 40; count++) {
                size_t size = (from + count + 7) / 8;
                uint8_t *source = malloc(size ? size : 1);
                assert_non_null(source);
                memcpy(source, pattern, size);
                uint8_t target[5];
                memset(target, 0xff, sizeof target);
                size_t zeros = 0;
                for (size_t i = 0; i < count; i++)
                    zeros += !bit(pattern, from + i);
                assert_int_equal(ark_bits_copy_zeros(target, to, source, from, count), zeros);
                for (size_t i = 0; i < 40; i++)
                    assert_int_equal(bit(target, i),
                                     i < to || i >= to + count || bit(pattern, from + i - to));
                free(source);
            }
}

static void missing_samples_are_counted_to_the_last_bit(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 24; length++) {
        size_t size = (length + 7) / 8;
        uint8_t *valid = malloc(size ? size : 1);
        assert_non_null(valid);
        memset(valid, 0, size);
        arrakis_series series = {"", valid, length, ARRAKIS_INT8};
        assert_int_equal(arrakis_series_missing(series), length);
        for (size_t i = 0; i < length; i++)
            valid[i / 8] = (uint8_t)(valid[i / 8] | 1u << i % 8);
        assert_int_equal(arrakis_series_missing(series), 0);
        free(valid);
    }
    assert_int_equal(arrakis_series_missing((arrakis_series){"", NULL, 9, ARRAKIS_INT8}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clearing_touches_the_span_and_nothing_else),
        cmocka_unit_test(zeros_are_copied_from_any_position_to_any_other),
        cmocka_unit_test(missing_samples_are_counted_to_the_last_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
