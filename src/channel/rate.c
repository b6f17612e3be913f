/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/rate.h"

#include "base/error.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The program's own locale may have another decimal point, of several bytes even. */
typedef struct plain_numbers {
    locale_t plain, before;
} plain_numbers;

static arrakis_status begin(plain_numbers *locale, arrakis_error *err)
{
    locale->plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!locale->plain)
        return ark_no_memory(err, "a rate's text");
    locale->before = uselocale(locale->plain);
    return ARRAKIS_OK;
}

static void end(const plain_numbers *locale)
{
    uselocale(locale->before);
    freelocale(locale->plain);
}

static void print_shortest(char out[ARK_RATE_TEXT_SIZE], double rate)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, ARK_RATE_TEXT_SIZE, "%.*g", digits, rate);
        if (strtod(out, NULL) == rate)
            return;
    }
}

arrakis_status ark_rate_print(char out[ARK_RATE_TEXT_SIZE], double rate, arrakis_error *err)
{
    if (rate == floor(rate) && fabs(rate) < 1e16) {
        snprintf(out, ARK_RATE_TEXT_SIZE, "%.0f", rate);
        return ARRAKIS_OK;
    }
    plain_numbers locale = {0};
    ARK_TRY(begin(&locale, err));
    print_shortest(out, rate);
    end(&locale);
    return ARRAKIS_OK;
}

arrakis_status ark_rate_read(double *rate, const char *text, arrakis_error *err)
{
    plain_numbers locale = {0};
    ARK_TRY(begin(&locale, err));
    char *rest;
    *rate = strtod(text, &rest);
    if (rest == text || *rest)
        *rate = NAN;
    end(&locale);
    return ARRAKIS_OK;
}

arrakis_status ark_rate_check(const char *column, const char *text, double wanted,
                              arrakis_error *err)
{
    double rate;
    arrakis_status rc = ark_rate_read(&rate, text, err);
    if (rc < 0 || rate == wanted)
        return rc;
    return ark_fail(err, ARRAKIS_EMISMATCH,
                    "column '%.200s' has the rate '%.40s', the channel has %.17g Hz", column, text,
                    wanted);
}
