/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/rate.h"
#include "support.h"

#include <locale.h>
#include <math.h>

static void rates_read_back_as_the_same_number(void **state)
{
    (void)state;
    static const struct {
        double rate;
        const char *text;
    } cases[] = {{16384, "16384"}, {0.5, "0.5"},
                 {1e-5, "1e-05"},  {1.0 / 3, "0.3333333333333333"},
                 {0, "0"},         {1e300, "1e+300"}};
    static const char *const locales[] = {"C", "de_DE.UTF-8", "ps_AF.UTF-8", "fa_IR.UTF-8"};
    for (size_t k = 0; k < sizeof locales / sizeof *locales; k++) {
        if (!setlocale(LC_NUMERIC, locales[k]))
            continue; /* not on this machine */
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char text[ARK_RATE_TEXT_SIZE];
            double rate;
            PASS(ark_rate_print(text, cases[i].rate, err));
            assert_string_equal(text, cases[i].text);
            PASS(ark_rate_read(&rate, text, err));
            assert_true(rate == cases[i].rate);
        }
    }
    setlocale(LC_NUMERIC, "C");
}

static void what_is_no_number_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x", "1x", "1,5", "1 "};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double rate = 1;
        PASS(ark_rate_read(&rate, texts[i], err));
        assert_true(isnan(rate));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_read_back_as_the_same_number),
        cmocka_unit_test(what_is_no_number_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
