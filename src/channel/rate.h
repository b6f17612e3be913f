/* SPDX-License-Identifier: Apache-2.0 */
/* Sample rates as text, the same in every locale. */
#ifndef ARK_CHANNEL_RATE_H
#define ARK_CHANNEL_RATE_H

#include <arrakis/arrakis.h>

enum { ARK_RATE_TEXT_SIZE = 32 };

/* As the reference prints it: the shortest digits that read back as the same number, a whole one
 * without a point. ENOMEM: the locale could not be had. */
arrakis_status ark_rate_print(char out[ARK_RATE_TEXT_SIZE], double rate, arrakis_error *err);
/* The number that the whole text is; NAN where the text is not a number. ENOMEM as above. */
arrakis_status ark_rate_read(double *rate, const char *text, arrakis_error *err);
/* Whether an Arrow column's rate, as its metadata has it, is that of its channel: EMISMATCH names both. */
arrakis_status ark_rate_check(const char *column, const char *text, double wanted,
                              arrakis_error *err);

#endif
