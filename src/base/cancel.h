/* SPDX-License-Identifier: Apache-2.0 */
/* Cancels calls from outside them: a flag for loops, and a descriptor for waiting. */
#ifndef ARK_BASE_CANCEL_H
#define ARK_BASE_CANCEL_H

#include <arrakis/arrakis.h>

#include <stdatomic.h>

/* The flag; NULL for NULL, which is never canceled. */
const atomic_bool *ark_cancel_flag(const arrakis_cancel *cancel);
/* ECANCELED, with `what` in the error, once the cancel is set; OK before, and for NULL. */
arrakis_status ark_cancel_check(const arrakis_cancel *cancel, const char *what,
                                arrakis_error *err);

#endif
