/* SPDX-License-Identifier: Apache-2.0 */
/* Sample rates as text, the same in every locale. */
#ifndef ARK_CHANNEL_RATE_H
#define ARK_CHANNEL_RATE_H

#include <arrakis/arrakis.h>

enum { ARK_RATE_TEXT_SIZE = 32 };

/* Print a rate as the reference does: with the fewest digits that read back as the same number,
 * and whole numbers without a point. ENOMEM: no memory for the locale. */
arrakis_status ark_rate_print(char out[ARK_RATE_TEXT_SIZE], double rate, arrakis_error *err);
/* How many digits that takes. */
int ark_rate_digits(double rate);
/* Read a rate; NAN: the text is not a number. ENOMEM: as ark_rate_print(). */
arrakis_status ark_rate_read(double *rate, const char *text, arrakis_error *err);
/* Whether the rate in the metadata of an Arrow column is that of its channel; EMISMATCH names
 * both. */
arrakis_status ark_rate_check(const char *column, const char *text, double expected,
                              arrakis_error *err);

#endif
