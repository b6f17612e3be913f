/* SPDX-License-Identifier: Apache-2.0 */
/* The monotonic clock, for deadlines: it cannot be set. */
#ifndef ARK_BASE_MONOTONIC_H
#define ARK_BASE_MONOTONIC_H

#include <arrakis/arrakis.h>

/* The present time. */
int64_t ark_monotonic_ns(void);

/* The time `timeout_ns` from now; INT64_MAX, which never comes, for ARRAKIS_UNSET. */
int64_t ark_monotonic_in(int64_t timeout_ns);

#endif
