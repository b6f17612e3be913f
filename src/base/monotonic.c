/* SPDX-License-Identifier: Apache-2.0 */
#include "base/monotonic.h"

#include <time.h>

int64_t ark_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * ARRAKIS_SECOND_NS + now.tv_nsec;
}

int64_t ark_monotonic_in(int64_t timeout_ns)
{
    int64_t deadline_ns;
    if (timeout_ns == ARRAKIS_UNSET ||
        __builtin_add_overflow(ark_monotonic_ns(), timeout_ns, &deadline_ns))
        return INT64_MAX;
    return deadline_ns;
}
