/* SPDX-License-Identifier: Apache-2.0 */
/* Makes errors. */
#ifndef ARK_BASE_ERROR_H
#define ARK_BASE_ERROR_H

#include <arrakis/arrakis.h>

/* Write the status and the text to `err` (which may be NULL) and return the status, so that a
 * failing function ends in `return ark_fail(...)`. The text names what was found and what was
 * expected. It may quote what a peer sent: control characters are replaced (base/plain_text.h). */
arrakis_status ark_fail(arrakis_error *err, arrakis_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fail with ENOMEM. `what` names, as a noun with its size or name, what needed the memory; ": out
 * of memory" is appended. */
arrakis_status ark_no_memory(arrakis_error *err, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "<context>: " before the text that `err` has, set its status and return the status. */
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
