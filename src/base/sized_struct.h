/* SPDX-License-Identifier: Apache-2.0 */
/* Structs that begin with their size, from callers built against another header. */
#ifndef ARK_BASE_SIZED_STRUCT_H
#define ARK_BASE_SIZED_STRUCT_H

#include <arrakis/reader.h>

/* No such struct comes near it: more is a size that was never set. */
#define ARK_STRUCT_SIZE_MAX 4096

/* Copy the part of `from` that both sides have over `to`, which is of `to_size` bytes and holds the
 * defaults: what only the receiver has keeps its value, and `to` keeps its own size. `from` NULL
 * changes nothing. EINVAL names `what`, the struct's name without arrakis_: a size that cannot be,
 * or something that is not zero in the part that only the caller has. */
arrakis_status ark_sized_struct_take(void *to, size_t to_size, const void *from, const char *what,
                                     arrakis_error *err);

/* The other way: the part of `from` that a caller's struct has room for. Its size stays. */
void ark_sized_struct_give(void *to, const void *from, size_t from_size);

#endif
