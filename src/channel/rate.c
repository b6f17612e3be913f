/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/rate.h"

#include "base/error.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The locale of the program may have another decimal point, even of several bytes. */
typedef struct c_locale {
    locale_t c, before;
} c_locale;

static arrakis_status enter_c_locale(c_locale *locale, arrakis_error *err)
{
    locale->c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!locale->c)
        return ark_no_memory(err, "a rate's text");
    locale->before = uselocale(locale->c);
    return ARRAKIS_OK;
}

static void leave_c_locale(const c_locale *locale)
{
    uselocale(locale->before);
    freelocale(locale->c);
}

int ark_rate_digits(double rate)
{
    char text[ARK_RATE_TEXT_SIZE];
    int digits = 0;
    do
        snprintf(text, sizeof text, "%.*g", ++digits, rate);
    while (digits < 17 && strtod(text, NULL) != rate);
    return digits;
}

arrakis_status ark_rate_print(char out[ARK_RATE_TEXT_SIZE], double rate, arrakis_error *err)
{
    if (rate == floor(rate) && fabs(rate) < 1e16) {
        snprintf(out, ARK_RATE_TEXT_SIZE, "%.0f", rate);
        return ARRAKIS_OK;
    }
    c_locale locale = {0};
    ARK_TRY(enter_c_locale(&locale, err));
    snprintf(out, ARK_RATE_TEXT_SIZE, "%.*g", ark_rate_digits(rate), rate);
    leave_c_locale(&locale);
    return ARRAKIS_OK;
}

arrakis_status ark_rate_read(double *rate, const char *text, arrakis_error *err)
{
    c_locale locale = {0};
    ARK_TRY(enter_c_locale(&locale, err));
    char *rest;
    *rate = strtod(text, &rest);
    if (rest == text || *rest)
        *rate = NAN;
    leave_c_locale(&locale);
    return ARRAKIS_OK;
}

arrakis_status ark_rate_check(const char *column, const char *text, double expected,
                              arrakis_error *err)
{
    double rate;
    arrakis_status rc = ark_rate_read(&rate, text, err);
    if (rc < 0 || rate == expected)
        return rc;
    return ark_fail(err, ARRAKIS_EMISMATCH,
                    "column '%.200s' has the rate '%.40s', the channel has %.17g Hz", column, text,
                    expected);
}
