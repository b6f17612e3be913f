/* SPDX-License-Identifier: Apache-2.0 */
/* How columns of any type are stored in a batch: enough to skip and to check them. */
#ifndef ARK_ARROW_TYPE_H
#define ARK_ARROW_TYPE_H

#include <arrakis/arrakis.h>

typedef enum ark_storage {
    ARK_STORE_NOTHING,    /* the type null: no buffers */
    ARK_STORE_NUMBERS,    /* `width` bytes each */
    ARK_STORE_BITS,       /* bool */
    ARK_STORE_BYTES,      /* fixed-size binary: `width` bytes each, which may be 0 */
    ARK_STORE_DAYS,       /* milliseconds of whole days */
    ARK_STORE_TIMES,      /* `width` bytes each: 0 to `limit`, exclusive */
    ARK_STORE_DECIMALS,   /* `width` bytes each, of `precision` digits */
    ARK_STORE_TEXT,       /* offsets of `width` bytes, then bytes */
    ARK_STORE_VIEWS,      /* views of 16 bytes, then any number of buffers of bytes */
    ARK_STORE_LIST,       /* offsets of `width` bytes; a child */
    ARK_STORE_LIST_VIEW,  /* offsets and sizes of `width` bytes; a child */
    ARK_STORE_FIXED_LIST, /* a child with `width` elements each */
    ARK_STORE_MAP,        /* offsets of 4 bytes; a struct of keys and items */
    ARK_STORE_STRUCT,
    ARK_STORE_SPARSE_UNION, /* codes of a byte */
    ARK_STORE_DENSE_UNION,  /* codes of a byte, then offsets of 4 bytes */
    ARK_STORE_RUNS,         /* two children: the ends of the runs, and their values */
} ark_storage;

typedef struct ark_type {
    unsigned char storage; /* ark_storage */
    unsigned char arrow;   /* the number in Arrow's union Type */
    signed char code;      /* of a union's child */
    unsigned char dtype;   /* numbers that are samples: arrakis_dtype, else ARRAKIS_DTYPE_NONE */
    bool utf8;             /* text that must be UTF-8 */
    bool nullable;
    int32_t width, precision;
    int64_t limit;
    uint32_t child, child_count; /* the children follow each other in ark_schema.types */
} ark_type;

/* The type's name, as Arrow's documentation has it. */
const char *ark_type_name(const ark_type *type);

/* An integer of 1, 2, 4 or 8 bytes, signed. */
int64_t ark_type_integer_at(const uint8_t *values, int64_t i, int32_t width);

#endif
