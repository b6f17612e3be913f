/* SPDX-License-Identifier: Apache-2.0 */
/* The program's number writer, which belongs to no library object. */
#include "../../cli/json_number.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define assert_number(put, value, text)                                                           \
    do {                                                                                          \
        char written[NUMBER_SIZE + 1] = "";                                                       \
        char *end = put(written, value);                                                          \
        assert_true(end - written <= NUMBER_SIZE);                                                \
        *end = '\0';                                                                              \
        assert_string_equal(written, text);                                                       \
    } while (0)

static uint64_t random_bits(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void integers_are_written_to_their_limits(void **state)
{
    (void)state;
    assert_number(put_unsigned, 0, "0");
    assert_number(put_unsigned, UINT64_MAX, "18446744073709551615");
    assert_number(put_signed, -1, "-1");
    assert_number(put_signed, INT64_MAX, "9223372036854775807");
    assert_number(put_signed, INT64_MIN, "-9223372036854775808");
}

/* The right column is what Python's repr() prints. */
static void doubles_look_as_in_python(void **state)
{
    (void)state;
    assert_number(put_double, 0.0, "0.0");
    assert_number(put_double, -0.0, "-0.0");
    assert_number(put_double, 1.0, "1.0");
    assert_number(put_double, 16384.0, "16384.0");
    assert_number(put_double, -0.1, "-0.1");
    assert_number(put_double, 0.3, "0.3");
    assert_number(put_double, 0.1 + 0.2, "0.30000000000000004");
    assert_number(put_double, (double)0.1f, "0.10000000149011612");
    assert_number(put_double, 0.0001, "0.0001");
    assert_number(put_double, 0.00001, "1e-05");
    assert_number(put_double, 1e15, "1000000000000000.0");
    assert_number(put_double, 9007199254740993.0, "9007199254740992.0");
    assert_number(put_double, 1e16, "1e+16");
    assert_number(put_double, 1.5e-21, "1.5e-21");
    assert_number(put_double, 1e22, "1e+22");
    assert_number(put_double, 1e23, "1e+23");
    assert_number(put_double, 5e-324, "5e-324");
    assert_number(put_double, 0x1p-24, "5.960464477539063e-08");
    assert_number(put_double, 2.2250738585072014e-308, "2.2250738585072014e-308");
    assert_number(put_double, -1.7976931348623157e308, "-1.7976931348623157e+308");
}

static void what_is_no_number_has_two_spellings(void **state)
{
    (void)state;
    double infinity = (double)INFINITY;
    assert_number(put_double, (double)NAN, "nan");
    assert_number(put_double, -infinity, "-inf");
    assert_number(put_json_double, (double)NAN, "NaN");
    assert_number(put_json_double, infinity, "Infinity");
    assert_number(put_json_double, -infinity, "-Infinity");
    assert_number(put_json_double, 2.5, "2.5");
}

static void floats_need_fewer_digits(void **state)
{
    (void)state;
    assert_number(put_float, 0.1f, "0.1");
    assert_number(put_float, -123.456f, "-123.456");
    assert_number(put_float, 1e16f, "1e+16");
    assert_number(put_float, 1e-45f, "1e-45");
    assert_number(put_float, 3.4028235e38f, "3.4028235e+38");
    assert_number(put_float, 16777216.0f, "16777216.0");
    assert_number(put_float, NAN, "nan");
    assert_number(put_float, -0.0f, "-0.0");
    assert_number(put_float, 0x1p-149f * 3, "4e-45");
    /* Powers of two, where the float below is nearer: the nearest of nine digits are not the fewest. */
    assert_number(put_float, 0x1p-96f, "1.2621775e-29");
    assert_number(put_float, -0x1p87f, "-1.5474251e+26");
    assert_number(put_float, 0x1p90f, "1.2379401e+27");
}

/* The digits printf needs for the value to come back: never fewer than ours, but that at a power of
 * two ours may be one less, nearer to one side than printf's rounding allows. */
static int digits_needed(double value)
{
    char text[40];
    for (int n = 1; n < 17; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, value);
        if (strtod(text, NULL) == value)
            return n;
    }
    return 17;
}

static int digits_in(const char *text)
{
    int n = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (*text == '0' && n == 0))
            continue;
        n++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return n - zeros;
}

static void check_shortest(double value)
{
    char text[NUMBER_SIZE + 1];
    *put_double(text, value) = '\0';
    assert_true(strtod(text, NULL) == value);
    assert_true(digits_in(text) <= digits_needed(value));
}

static void every_double_comes_back_from_its_shortest_text(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = random_bits();
        double value;
        float narrow;
        memcpy(&value, &bits, sizeof value);
        memcpy(&narrow, &bits, sizeof narrow);
        if (isfinite(value) && value != 0)
            check_shortest(value);
        if (isfinite(narrow) && narrow != 0)
            check_shortest((double)narrow);
        check_shortest((double)(bits >> (bits & 63)) + 1);
    }
}

static void every_exponent_works(void **state)
{
    (void)state;
    for (uint64_t exponent = 0; exponent < 2047; exponent++)
        for (uint64_t fraction = 0; fraction < 3; fraction++) {
            uint64_t bits = exponent << 52 | ((fraction - 1) & ((UINT64_C(1) << 52) - 1));
            double value;
            memcpy(&value, &bits, sizeof value);
            if (value != 0)
                check_shortest(value);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_written_to_their_limits),
        cmocka_unit_test(doubles_look_as_in_python),
        cmocka_unit_test(what_is_no_number_has_two_spellings),
        cmocka_unit_test(floats_need_fewer_digits),
        cmocka_unit_test(every_double_comes_back_from_its_shortest_text),
        cmocka_unit_test(every_exponent_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
