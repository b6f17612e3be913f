/* SPDX-License-Identifier: Apache-2.0 */
/* Flatbuffers without a schema compiler: reads tables with every step checked, and builds small
 * ones.
 *
 * When an offset leads outside, a call sets `bad` and returns the default: it is enough to look at
 * `bad` once, at the end. Nothing is assumed about alignment or the order of the tables. Format:
 * https://flatbuffers.dev/internals/ / */
#ifndef ARK_ARROW_FLATBUFFER_H
#define ARK_ARROW_FLATBUFFER_H

#include <arrakis/arrakis.h>

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Flatbuffers and Arrow samples are little-endian, and are used here where they lie"
#endif

/* ---- reading */

typedef struct ark_flatbuffer {
    const uint8_t *data;
    size_t size;
    bool bad;
} ark_flatbuffer;

/* A table. `at` 0: there is none, and all its fields are absent. */
typedef struct ark_flatbuffer_table {
    size_t at, vtable, vtable_size;
} ark_flatbuffer_table;

/* Elements of one size that follow each other, inside the flatbuffer. */
typedef struct ark_flatbuffer_vector {
    const uint8_t *data; /* NULL: absent */
    size_t count;
} ark_flatbuffer_vector;

ark_flatbuffer_table ark_flatbuffer_root(ark_flatbuffer *flat);
/* Fields are numbered from 0 as in the .fbs file. */
bool ark_flatbuffer_has(const ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field);
/* A number; 0 when it is absent. */
uint8_t ark_flatbuffer_u8(ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field);
int16_t ark_flatbuffer_i16(ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field);
int32_t ark_flatbuffer_i32(ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field);
int64_t ark_flatbuffer_i64(ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field);
ark_flatbuffer_table ark_flatbuffer_child(ark_flatbuffer *flat, ark_flatbuffer_table table,
                                          unsigned field);
/* A vector of structs or scalars of that size; a string is one of size 1. */
ark_flatbuffer_vector ark_flatbuffer_elements(ark_flatbuffer *flat, ark_flatbuffer_table table,
                                              unsigned field, size_t element_size);
/* Table `i` of a vector of tables that was read with an element size of 4. */
ark_flatbuffer_table ark_flatbuffer_element(ark_flatbuffer *flat, ark_flatbuffer_vector vector,
                                            size_t i);

/* What the fields of a table are, for ark_flatbuffer_verify(). */
typedef enum ark_flatbuffer_kind {
    ARK_FLATBUFFER_NUMBER,   /* of `size` bytes */
    ARK_FLATBUFFER_STRING,   /* ends with a zero byte that is not counted */
    ARK_FLATBUFFER_ELEMENTS, /* numbers or structs of `size` bytes */
    ARK_FLATBUFFER_TABLE,
    ARK_FLATBUFFER_TABLES,
    ARK_FLATBUFFER_UNION, /* a table; which one, is the number that the field before has */
} ark_flatbuffer_kind;

typedef struct ark_flatbuffer_shape ark_flatbuffer_shape;

typedef struct ark_flatbuffer_field {
    ark_flatbuffer_kind kind;
    unsigned char size;
    bool required;
    const ark_flatbuffer_shape *table;
    const ark_flatbuffer_shape *const
        *choices; /* of a union; a choice that is NULL is not looked at */
    size_t choice_count;
} ark_flatbuffer_field;

struct ark_flatbuffer_shape {
    const ark_flatbuffer_field *fields;
    size_t count;
};

/* Whether all of a flatbuffer is valid: every offset leads inside, every number lies at a multiple
 * of its size, and tables are nested at most 128 deep. These are the checks that Google's verifier
 * makes. Tables may be shared. Each reference to a table counts, and there may be as many
 * references as bytes: this bounds the time. */
bool ark_flatbuffer_verify(const uint8_t *data, size_t size, const ark_flatbuffer_shape *root);

/* ---- building: from the back to the front, as Google's C++ builder does, byte for byte */

enum { ARK_FLATBUFFER_MAX_FIELDS = 8, ARK_FLATBUFFER_MAX_VTABLES = 16 };

typedef struct ark_flatbuffer_builder {
    uint8_t *data; /* the last `size` bytes of `capacity` are written */
    size_t size, capacity;
    size_t alignment;      /* the largest of all values */
    arrakis_status status; /* ENOMEM or EINVAL (over 2 GiB): all that follows is ignored */
    size_t table_start;
    size_t fields[ARK_FLATBUFFER_MAX_FIELDS];
    size_t vtables[ARK_FLATBUFFER_MAX_VTABLES];
    size_t vtable_count;
    uint8_t room[512]; /* small messages need no allocation */
} ark_flatbuffer_builder;

/* The distance of a table, vector or string from the end of the flatbuffer; 0: none. */
typedef uint32_t ark_flatbuffer_offset;

void ark_flatbuffer_init(ark_flatbuffer_builder *builder);
void ark_flatbuffer_clear(ark_flatbuffer_builder *builder);
ark_flatbuffer_offset ark_flatbuffer_add_string(ark_flatbuffer_builder *builder, const char *text,
                                                size_t size);
/* Room for `count` structs, to be filled before the next call; NULL when the builder has
 * failed. */
uint8_t *ark_flatbuffer_vector_begin(ark_flatbuffer_builder *builder, size_t count,
                                     size_t element_size, size_t alignment);
ark_flatbuffer_offset ark_flatbuffer_vector_end(ark_flatbuffer_builder *builder, size_t count);
ark_flatbuffer_offset ark_flatbuffer_add_offsets(ark_flatbuffer_builder *builder,
                                                 const ark_flatbuffer_offset *offsets,
                                                 size_t count);
void ark_flatbuffer_table_begin(ark_flatbuffer_builder *builder);
/* A field that is 0, which is the default of all fields here, is left out. */
void ark_flatbuffer_put_u8(ark_flatbuffer_builder *builder, unsigned field, uint8_t value);
void ark_flatbuffer_put_i16(ark_flatbuffer_builder *builder, unsigned field, int16_t value);
void ark_flatbuffer_put_i32(ark_flatbuffer_builder *builder, unsigned field, int32_t value);
void ark_flatbuffer_put_i64(ark_flatbuffer_builder *builder, unsigned field, int64_t value);
void ark_flatbuffer_put_offset(ark_flatbuffer_builder *builder, unsigned field,
                               ark_flatbuffer_offset offset);
ark_flatbuffer_offset ark_flatbuffer_table_end(ark_flatbuffer_builder *builder);
/* Returns the whole flatbuffer, builder->size bytes, or NULL when the builder has failed. */
const uint8_t *ark_flatbuffer_finish(ark_flatbuffer_builder *builder, ark_flatbuffer_offset root);

/* How much has been built. What is built afterwards can be taken back, and with it that it failed:
 * several flatbuffers may have one part that is built once. */
typedef struct ark_flatbuffer_mark {
    size_t size, alignment, vtable_count;
} ark_flatbuffer_mark;

ark_flatbuffer_mark ark_flatbuffer_mark_of(const ark_flatbuffer_builder *builder);
void ark_flatbuffer_back_to(ark_flatbuffer_builder *builder, ark_flatbuffer_mark mark);

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
