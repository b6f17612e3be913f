/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of deadlines, which nobody sets. */
#ifndef ARK_BASE_MONOTONIC_H
#define ARK_BASE_MONOTONIC_H

#include <arrakis/arrakis.h>

/* Nanoseconds on the clock of deadlines. */
int64_t ark_monotonic_ns(void);

/* The deadline in so many nanoseconds; INT64_MAX, which never comes, for ARRAKIS_UNSET. */
int64_t ark_monotonic_in(int64_t timeout_ns);

#endif
