/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as they are made inside the library. */
#ifndef ARK_BASE_ERROR_H
#define ARK_BASE_ERROR_H

#include <arrakis/arrakis.h>

/* Write the status and the text to `err` (which may be NULL) and return the status, so that a
 * failing function ends in `return ark_fail(...)`. Name what was found and what was expected; what a
 * peer sent may be quoted as it is, the text is made plain (base/plain_text.h). */
arrakis_status ark_fail(arrakis_error *err, arrakis_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ENOMEM: what there was no memory for, as a noun with its size or name. The text gets ": out of memory". */
arrakis_status ark_no_memory(arrakis_error *err, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "<context>: " before the text of an error that is there already, give it the status and return
 * that. */
arrakis_status ark_fail_within(arrakis_error *err, arrakis_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Return the status of a call that failed, from a function that has nothing to clean up. */
#define ARK_TRY(call)                                                                             \
    do {                                                                                          \
        arrakis_status ark_try_status = (call);                                                   \
        if (ark_try_status < 0)                                                                   \
            return ark_try_status;                                                                \
    } while (0)

#endif
