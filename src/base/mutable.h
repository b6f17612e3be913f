/* SPDX-License-Identifier: Apache-2.0 */
/* The only place where const is cast away. */
#ifndef ARK_BASE_MUTABLE_H
#define ARK_BASE_MUTABLE_H

#include <stdint.h>

/* For counts of references, which are the only thing that changes in shared objects; and for
 * arguments that another library does not change, but does not declare as const. */
static inline void *ark_mutable(const void *shared)
{
    return (void *)(uintptr_t)shared;
}

#endif
