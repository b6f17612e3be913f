/* SPDX-License-Identifier: Apache-2.0 */
/* The only place where const is taken away. */
#ifndef ARK_BASE_MUTABLE_H
#define ARK_BASE_MUTABLE_H

#include <stdint.h>

/* For a count of references, which is all that changes in what is shared and const; and for an argument of
 * another library that it does not change, and does not declare as const either. */
static inline void *ark_mutable(const void *shared)
{
    return (void *)(uintptr_t)shared;
}

#endif
