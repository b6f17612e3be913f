/* SPDX-License-Identifier: Apache-2.0 */
#include "monotonic.h"

#include <arrakis/arrakis.h>

#include <time.h>

int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * ARRAKIS_SECOND_NS + now.tv_nsec;
}
