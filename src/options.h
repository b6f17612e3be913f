/* SPDX-License-Identifier: Apache-2.0 */
/* Structs that begin with their size, from callers built against another header. */
#ifndef ARK_OPTIONS_H
#define ARK_OPTIONS_H

#include <string.h>

/* Copy the part that both sides know; what only the receiver knows keeps its value, and it keeps
 * its own size. */
static inline void ark_copy_struct(void *to, size_t to_size, const void *from, size_t from_size)
{
    memcpy(to, from, from_size < to_size ? from_size : to_size);
    memcpy(to, &to_size, sizeof to_size);
}

#endif
