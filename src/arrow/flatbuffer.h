/* SPDX-License-Identifier: Apache-2.0 */
/* Flatbuffers without a schema compiler: tables read with every step checked, and a small builder.
 *
 * A reader that meets an offset leading outside sets `bad`, answers with the default from there on
 * and can be asked once at the end. Nothing is assumed of alignment or of the order of the tables.
 * Format: https://flatbuffers.dev/internals/
 */
#ifndef ARK_ARROW_FLATBUFFER_H
#define ARK_ARROW_FLATBUFFER_H

#include <arrakis/arrakis.h>

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Flatbuffers and Arrow samples are little-endian, and are used here where they lie"
#endif

/* ---- reading */

typedef struct ark_flat {
    const uint8_t *data;
    size_t size;
    bool bad;
} ark_flat;

/* A table, or none where `at` is 0: the fields of none are absent. */
typedef struct ark_flat_table {
    size_t at, vtable, vtable_size;
} ark_flat_table;

/* Elements of one size lying one after the other, inside the flatbuffer. */
typedef struct ark_flat_vector {
    const uint8_t *data; /* NULL: absent */
    size_t count;
} ark_flat_vector;

ark_flat_table ark_flat_root(ark_flat *flat);
/* Fields are numbered from 0 as in the .fbs file. */
bool ark_flat_has(const ark_flat *flat, ark_flat_table table, unsigned field);
/* A number; 0 when it is absent. */
uint8_t ark_flat_u8(ark_flat *flat, ark_flat_table table, unsigned field);
int16_t ark_flat_i16(ark_flat *flat, ark_flat_table table, unsigned field);
int32_t ark_flat_i32(ark_flat *flat, ark_flat_table table, unsigned field);
int64_t ark_flat_i64(ark_flat *flat, ark_flat_table table, unsigned field);
ark_flat_table ark_flat_child(ark_flat *flat, ark_flat_table table, unsigned field);
/* A vector of structs or scalars of that size; a string is one of size 1. */
ark_flat_vector ark_flat_elements(ark_flat *flat, ark_flat_table table, unsigned field,
                                  size_t element_size);
/* Table `i` of a vector of tables that was read with an element size of 4. */
ark_flat_table ark_flat_element(ark_flat *flat, ark_flat_vector vector, size_t i);

/* What the fields of a table are, for ark_flat_verify(). */
typedef enum ark_flat_kind {
    ARK_FLAT_NUMBER,   /* of `size` bytes */
    ARK_FLAT_STRING,   /* ends with a zero byte that is not counted */
    ARK_FLAT_ELEMENTS, /* numbers or structs of `size` bytes */
    ARK_FLAT_TABLE,
    ARK_FLAT_TABLES,
    ARK_FLAT_UNION, /* a table; of which kind, the number of the field before says */
} ark_flat_kind;

typedef struct ark_flat_shape ark_flat_shape;

typedef struct ark_flat_field {
    ark_flat_kind kind;
    unsigned char size;
    bool required;
    const ark_flat_shape *table;
    const ark_flat_shape *const *choices; /* of a union; a choice that is NULL is not looked at */
    size_t choice_count;
} ark_flat_field;

struct ark_flat_shape {
    const ark_flat_field *fields;
    size_t count;
};

/* Whether all of a flatbuffer is as its format wants it: every offset leads inside, every number lies
 * at a multiple of its size, and tables are nested at most 128 deep. These are the checks that Google's
 * verifier makes. Tables may be shared, but counted as often as they are referred to there are at most
 * as many as bytes: so verifying takes no longer than that. */
bool ark_flat_verify(const uint8_t *data, size_t size, const ark_flat_shape *root);

/* ---- building: from the back to the front, as Google's C++ builder does, byte for byte */

enum { ARK_FLAT_MAX_FIELDS = 8, ARK_FLAT_MAX_VTABLES = 16 };

typedef struct ark_flat_builder {
    uint8_t *data; /* the last `size` bytes of `capacity` are written */
    size_t size, capacity;
    size_t alignment;      /* the largest met */
    arrakis_status status; /* ENOMEM or EINVAL (over 2 GiB): everything after it is void */
    size_t table_start;
    size_t fields[ARK_FLAT_MAX_FIELDS];
    size_t vtables[ARK_FLAT_MAX_VTABLES];
    size_t vtable_count;
    uint8_t room[512]; /* small messages allocate nothing */
} ark_flat_builder;

/* A place in the flatbuffer, counted from its end; 0 is none. */
typedef uint32_t ark_flat_place;

void ark_flat_begin(ark_flat_builder *builder);
void ark_flat_free(ark_flat_builder *builder);
ark_flat_place ark_flat_add_string(ark_flat_builder *builder, const char *text, size_t size);
/* Room for `count` structs, to be filled before the next call; NULL when the builder has failed. */
uint8_t *ark_flat_vector_begin(ark_flat_builder *builder, size_t count, size_t element_size,
                               size_t alignment);
ark_flat_place ark_flat_vector_end(ark_flat_builder *builder, size_t count);
ark_flat_place ark_flat_add_places(ark_flat_builder *builder, const ark_flat_place *places,
                                   size_t count);
void ark_flat_table_begin(ark_flat_builder *builder);
/* A field that equals the default (0 for all of them here) is left out. */
void ark_flat_put_u8(ark_flat_builder *builder, unsigned field, uint8_t value);
void ark_flat_put_i16(ark_flat_builder *builder, unsigned field, int16_t value);
void ark_flat_put_i32(ark_flat_builder *builder, unsigned field, int32_t value);
void ark_flat_put_i64(ark_flat_builder *builder, unsigned field, int64_t value);
void ark_flat_put_place(ark_flat_builder *builder, unsigned field, ark_flat_place place);
ark_flat_place ark_flat_table_end(ark_flat_builder *builder);
/* Returns the whole flatbuffer, builder->size bytes, or NULL when the builder has failed. */
const uint8_t *ark_flat_finish(ark_flat_builder *builder, ark_flat_place root);

/* ---- unaligned little-endian numbers */

static inline uint16_t ark_load_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t ark_load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline int32_t ark_load_i32(const uint8_t *at)
{
    int32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline int64_t ark_load_i64(const uint8_t *at)
{
    int64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

#endif
