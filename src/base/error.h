/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as they are made inside the library. */
#ifndef ARK_BASE_ERROR_H
#define ARK_BASE_ERROR_H

#include <arrakis/arrakis.h>

/* Write the status and the text to `err` (which may be NULL) and return the status, so that a
 * failing function ends in `return ark_fail(...)`. Name what was found and what was wanted; what a
 * peer sent may be quoted as it is, the text is made plain (base/plain_text.h). */
arrakis_status ark_fail(arrakis_error *err, arrakis_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "<context>: " before the text of an error that is there already, give it the status and return
 * that. */
arrakis_status ark_fail_within(arrakis_error *err, arrakis_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
