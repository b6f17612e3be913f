/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow streams for fuzz targets: random columns of random types with random names, several of one
 * name among them, in several batches, well-formed so that mutations of them get far. */
#ifndef ARK_ARROW_MAKE_H
#define ARK_ARROW_MAKE_H

#include <arrakis/arrakis.h>

/* A column that the target expects. Most streams have it, mostly of its own type, and some twice;
 * other columns are added. */
typedef struct ark_make_column {
    const char *name;
    arrakis_dtype dtype;
    bool is_list;
    uint32_t samples;      /* of a list, mostly */
    const int64_t *values; /* what its numbers may be; NULL: anything */
    size_t value_count;
} ark_make_column;

/* @return the size of the stream; 0: it does not fit. below(n) returns a random number from 0 to n
 * - 1. */
size_t ark_make_stream(uint8_t *out, size_t room, const ark_make_column *usual, size_t count,
                       size_t (*below)(size_t));

/* A target may define this to make inputs besides those of its corpus. standalone.c */
size_t ark_fuzz_make(uint8_t *out, size_t room, size_t (*below)(size_t)) __attribute__((weak));

#endif
