/* SPDX-License-Identifier: Apache-2.0 */
/* Structs that begin with their size: callers may have been built with an older or newer
 * header. */
#ifndef ARK_BASE_SIZED_STRUCT_H
#define ARK_BASE_SIZED_STRUCT_H

#include <arrakis/reader.h>

/* All such structs are much smaller: a larger size was never set. */
#define ARK_STRUCT_SIZE_MAX 4096

/* Copy the caller's struct `from` to `to`, which has `to_size` bytes and holds the defaults.
 * Members that the caller's struct does not have keep their defaults, and `to` keeps its size.
 * `from` NULL changes nothing. EINVAL names `what`, the name of the struct without arrakis_: its
 * size is impossible, or it has members that `to` does not have and that are not 0. */
arrakis_status ark_sized_struct_take(void *to, size_t to_size, const void *from, const char *what,
                                     arrakis_error *err);

/* Copy `from` to the caller's struct `to`: the members that it has. It keeps its size. */
void ark_sized_struct_give(void *to, const void *from, size_t from_size);

#endif
