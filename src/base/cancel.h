/* SPDX-License-Identifier: Apache-2.0 */
/* What ends calls from outside: a flag that loops look at, and a descriptor for who waits. */
#ifndef ARK_BASE_CANCEL_H
#define ARK_BASE_CANCEL_H

#include <arrakis/arrakis.h>

#include <stdatomic.h>

/* The flag; NULL for NULL, which is never set. */
const atomic_bool *ark_cancel_flag(const arrakis_cancel *cancel);
/* ECANCELED, of `what`, once it is set; OK for NULL. */
arrakis_status ark_cancel_check(const arrakis_cancel *cancel, const char *what,
                                arrakis_error *err);

#endif
