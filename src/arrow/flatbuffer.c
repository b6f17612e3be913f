/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/flatbuffer.h"

#include <assert.h>
#include <stdlib.h>

/* ---- reading */

static ark_flatbuffer_table no_table(ark_flatbuffer *flat)
{
    flat->bad = true;
    return (ark_flatbuffer_table){0, 0, 0};
}

static bool is_inside(const ark_flatbuffer *flat, size_t at, size_t size)
{
    return at <= flat->size && size <= flat->size - at;
}

static ark_flatbuffer_table table_at(ark_flatbuffer *flat, size_t at)
{
    if (at == 0 || !is_inside(flat, at, 4))
        return no_table(flat);
    int64_t vtable = (int64_t)at - ark_load_i32(flat->data + at);
    if (vtable < 0 || !is_inside(flat, (size_t)vtable, 2))
        return no_table(flat);
    size_t vtable_size = ark_load_u16(flat->data + vtable);
    if (!is_inside(flat, (size_t)vtable, vtable_size))
        return no_table(flat);
    return (ark_flatbuffer_table){at, (size_t)vtable, vtable_size};
}

/* Where the table or vector begins that the offset at `at` refers to. `at` must be inside. */
static size_t follow_offset(const ark_flatbuffer *flat, size_t at)
{
    return at + ark_load_u32(flat->data + at);
}

ark_flatbuffer_table ark_flatbuffer_root(ark_flatbuffer *flat)
{
    if (!is_inside(flat, 0, 4))
        return no_table(flat);
    return table_at(flat, follow_offset(flat, 0));
}

/* The offset of a field in its table; 0: it is absent. */
static size_t field_offset(const ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field)
{
    size_t entry = 4 + 2 * (size_t)field;
    if (entry + 2 > table.vtable_size)
        return 0;
    return ark_load_u16(flat->data + table.vtable + entry);
}

bool ark_flatbuffer_has(const ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field)
{
    return field_offset(flat, table, field) != 0;
}

/* The bytes of a field; NULL: it is absent or leads outside. */
static const uint8_t *field_at(ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field,
                               size_t size)
{
    size_t offset = field_offset(flat, table, field);
    if (offset == 0)
        return NULL;
    if (!is_inside(flat, table.at + offset, size)) {
        flat->bad = true;
        return NULL;
    }
    return flat->data + table.at + offset;
}

uint8_t ark_flatbuffer_u8(ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 1);
    return at ? *at : 0;
}

int16_t ark_flatbuffer_i16(ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 2);
    return at ? (int16_t)ark_load_u16(at) : 0;
}

int32_t ark_flatbuffer_i32(ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 4);
    return at ? ark_load_i32(at) : 0;
}

int64_t ark_flatbuffer_i64(ark_flatbuffer *flat, ark_flatbuffer_table table, unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 8);
    return at ? ark_load_i64(at) : 0;
}

ark_flatbuffer_table ark_flatbuffer_child(ark_flatbuffer *flat, ark_flatbuffer_table table,
                                          unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 4);
    if (!at)
        return (ark_flatbuffer_table){0, 0, 0};
    return table_at(flat, follow_offset(flat, (size_t)(at - flat->data)));
}

ark_flatbuffer_vector ark_flatbuffer_elements(ark_flatbuffer *flat, ark_flatbuffer_table table,
                                              unsigned field, size_t element_size)
{
    ark_flatbuffer_vector none = {NULL, 0};
    const uint8_t *at = field_at(flat, table, field, 4);
    if (!at)
        return none;
    size_t start = follow_offset(flat, (size_t)(at - flat->data));
    if (!is_inside(flat, start, 4)) {
        flat->bad = true;
        return none;
    }
    size_t count = ark_load_u32(flat->data + start);
    if (count > (flat->size - start - 4) / element_size) {
        flat->bad = true;
        return none;
    }
    return (ark_flatbuffer_vector){flat->data + start + 4, count};
}

ark_flatbuffer_table ark_flatbuffer_element(ark_flatbuffer *flat, ark_flatbuffer_vector vector,
                                            size_t i)
{
    size_t at = (size_t)(vector.data - flat->data) + 4 * i;
    return table_at(flat, follow_offset(flat, at));
}

/* ---- verifying */

enum { MAX_DEPTH = 128 };

typedef struct verifying {
    const uint8_t *data;
    size_t size;
    unsigned depth;
    size_t tables_left;
} verifying;

static bool verify_table(verifying *v, size_t at, const ark_flatbuffer_shape *shape);

static bool has_bytes(const verifying *v, size_t at, size_t size)
{
    return size < v->size && at <= v->size - size;
}

static bool has_number(const verifying *v, size_t at, size_t size)
{
    return at % size == 0 && has_bytes(v, at, size);
}

/* Where the offset at `at` leads; 0: outside. */
static size_t verify_offset(const verifying *v, size_t at)
{
    if (!has_number(v, at, 4))
        return 0;
    int32_t distance = ark_load_i32(v->data + at);
    return distance > 0 && has_bytes(v, at + (size_t)distance, 1) ? at + (size_t)distance : 0;
}

/* @return where the elements end; 0: they are not all inside */
static size_t verify_elements(const verifying *v, size_t at, size_t size)
{
    if (!has_number(v, at, 4))
        return 0;
    uint64_t count = ark_load_u32(v->data + at);
    uint64_t bytes = 4 + count * size;
    return count < INT32_MAX / size && has_bytes(v, at, bytes) ? at + bytes : 0;
}

static bool verify_string(const verifying *v, size_t at)
{
    size_t end = verify_elements(v, at, 1);
    return end && has_bytes(v, end, 1) && v->data[end] == 0;
}

static bool verify_tables(verifying *v, size_t at, const ark_flatbuffer_shape *shape)
{
    if (!verify_elements(v, at, 4))
        return false;
    size_t count = ark_load_u32(v->data + at);
    for (size_t i = 0; i < count; i++) {
        size_t element = at + 4 + 4 * i;
        if (!verify_table(v, element + ark_load_u32(v->data + element), shape))
            return false;
    }
    return true;
}

/* `choice`: which table a union is, as the field before it has it. */
static bool verify_field(verifying *v, size_t at, const ark_flatbuffer_field *field,
                         unsigned choice)
{
    if (field->kind == ARK_FLATBUFFER_NUMBER)
        return has_number(v, at, field->size);
    size_t to = verify_offset(v, at);
    if (!to)
        return false;
    switch (field->kind) {
    case ARK_FLATBUFFER_STRING:
        return verify_string(v, to);
    case ARK_FLATBUFFER_ELEMENTS:
        return verify_elements(v, to, field->size) != 0;
    case ARK_FLATBUFFER_TABLE:
        return verify_table(v, to, field->table);
    case ARK_FLATBUFFER_TABLES:
        return verify_tables(v, to, field->table);
    case ARK_FLATBUFFER_UNION:
    case ARK_FLATBUFFER_NUMBER:
        break;
    }
    return choice >= field->choice_count || !field->choices[choice] ||
           verify_table(v, to, field->choices[choice]);
}

static bool verify_fields(verifying *v, ark_flatbuffer_table table,
                          const ark_flatbuffer_shape *shape)
{
    const ark_flatbuffer flat = {v->data, v->size, false};
    unsigned choice = 0;
    for (unsigned i = 0; i < shape->count; i++) {
        size_t offset = field_offset(&flat, table, i);
        if (offset ? !verify_field(v, table.at + offset, &shape->fields[i], choice)
                   : shape->fields[i].required)
            return false;
        if (shape->fields[i].kind == ARK_FLATBUFFER_NUMBER)
            choice = offset ? v->data[table.at + offset] : 0;
    }
    return true;
}

static bool verify_table(verifying *v, size_t at, const ark_flatbuffer_shape *shape)
{
    if (!has_number(v, at, 4) || v->depth == MAX_DEPTH || !v->tables_left)
        return false;
    v->depth++;
    v->tables_left--;
    size_t vtable = at - (size_t)(int64_t)ark_load_i32(v->data + at);
    if (!has_number(v, vtable, 2))
        return false;
    size_t vtable_size = ark_load_u16(v->data + vtable);
    if (vtable_size % 2 || !has_bytes(v, vtable, vtable_size) ||
        !verify_fields(v, (ark_flatbuffer_table){at, vtable, vtable_size}, shape))
        return false;
    v->depth--;
    return true;
}

bool ark_flatbuffer_verify(const uint8_t *data, size_t size, const ark_flatbuffer_shape *root)
{
    verifying v = {data, size, 0, size};
    size_t at = verify_offset(&v, 0);
    return at && verify_table(&v, at, root);
}

/* ---- building */

void ark_flatbuffer_init(ark_flatbuffer_builder *b)
{
    b->data = b->room;
    b->capacity = sizeof b->room;
    b->size = 0;
    b->alignment = 1;
    b->status = ARRAKIS_OK;
    b->vtable_count = 0;
    memset(b->fields, 0, sizeof b->fields);
}

void ark_flatbuffer_clear(ark_flatbuffer_builder *b)
{
    if (b->data != b->room)
        free(b->data);
    b->data = NULL;
}

/* Make room in front for `more` bytes. */
static bool make_room(ark_flatbuffer_builder *b, size_t more)
{
    if (b->status < 0)
        return false;
    if (more <= b->capacity - b->size)
        return true;
    if (more > (size_t)INT32_MAX - b->size) {
        b->status = ARRAKIS_EINVAL;
        return false;
    }
    size_t capacity = 2 * (b->size + more);
    uint8_t *data = malloc(capacity);
    if (!data) {
        b->status = ARRAKIS_ENOMEM;
        return false;
    }
    memcpy(data + capacity - b->size, b->data + b->capacity - b->size, b->size);
    if (b->data != b->room)
        free(b->data);
    b->data = data;
    b->capacity = capacity;
    return true;
}

/* Extend to the front by `size` bytes; NULL when the builder has failed. */
static uint8_t *builder_extend(ark_flatbuffer_builder *b, size_t size)
{
    if (!make_room(b, size))
        return NULL;
    b->size += size;
    return b->data + b->capacity - b->size;
}

/* Pad so that after `size` more bytes the place is aligned. */
static void align_before(ark_flatbuffer_builder *b, size_t size, size_t alignment)
{
    if (alignment > b->alignment)
        b->alignment = alignment;
    size_t padding = (0 - (b->size + size)) & (alignment - 1);
    uint8_t *at = padding ? builder_extend(b, padding) : NULL;
    if (at)
        memset(at, 0, padding);
}

static void builder_push(ark_flatbuffer_builder *b, const void *value, size_t size)
{
    align_before(b, 0, size);
    uint8_t *at = builder_extend(b, size);
    if (at)
        memcpy(at, value, size);
}

static void push_u32(ark_flatbuffer_builder *b, uint32_t value)
{
    builder_push(b, &value, sizeof value);
}

static void push_offset(ark_flatbuffer_builder *b, ark_flatbuffer_offset offset)
{
    align_before(b, 0, 4);
    push_u32(b, (uint32_t)(b->size + 4 - offset));
}

ark_flatbuffer_offset ark_flatbuffer_add_string(ark_flatbuffer_builder *b, const char *text,
                                                size_t size)
{
    align_before(b, size + 1, 4);
    uint8_t *at = builder_extend(b, size + 1);
    if (at) {
        memcpy(at, text, size);
        at[size] = 0;
    }
    return ark_flatbuffer_vector_end(b, size);
}

uint8_t *ark_flatbuffer_vector_begin(ark_flatbuffer_builder *b, size_t count, size_t element_size,
                                     size_t alignment)
{
    assert(element_size && alignment && !(alignment & (alignment - 1)));
    if (count > INT32_MAX / element_size && b->status == ARRAKIS_OK)
        b->status = ARRAKIS_EINVAL;
    align_before(b, count * element_size, 4);
    align_before(b, count * element_size, alignment);
    return builder_extend(b, count * element_size);
}

ark_flatbuffer_offset ark_flatbuffer_vector_end(ark_flatbuffer_builder *b, size_t count)
{
    push_u32(b, (uint32_t)count);
    return (ark_flatbuffer_offset)b->size;
}

ark_flatbuffer_offset ark_flatbuffer_add_offsets(ark_flatbuffer_builder *b,
                                                 const ark_flatbuffer_offset *offsets,
                                                 size_t count)
{
    align_before(b, 4 * count, 4);
    for (size_t i = count; i-- > 0;)
        push_offset(b, offsets[i]);
    return ark_flatbuffer_vector_end(b, count);
}

void ark_flatbuffer_table_begin(ark_flatbuffer_builder *b)
{
    b->table_start = b->size;
}

static void builder_put(ark_flatbuffer_builder *b, unsigned field, const void *value, size_t size)
{
    assert(field < ARK_FLATBUFFER_MAX_FIELDS);
    assert(!b->fields[field]);
    builder_push(b, value, size);
    b->fields[field] = b->size;
}

void ark_flatbuffer_put_u8(ark_flatbuffer_builder *b, unsigned field, uint8_t value)
{
    if (value != 0)
        builder_put(b, field, &value, sizeof value);
}

void ark_flatbuffer_put_i16(ark_flatbuffer_builder *b, unsigned field, int16_t value)
{
    if (value != 0)
        builder_put(b, field, &value, sizeof value);
}

void ark_flatbuffer_put_i32(ark_flatbuffer_builder *b, unsigned field, int32_t value)
{
    if (value != 0)
        builder_put(b, field, &value, sizeof value);
}

void ark_flatbuffer_put_i64(ark_flatbuffer_builder *b, unsigned field, int64_t value)
{
    if (value != 0)
        builder_put(b, field, &value, sizeof value);
}

void ark_flatbuffer_put_offset(ark_flatbuffer_builder *b, unsigned field,
                               ark_flatbuffer_offset offset)
{
    assert(field < ARK_FLATBUFFER_MAX_FIELDS);
    if (offset == 0)
        return;
    push_offset(b, offset);
    b->fields[field] = b->size;
}

/* The offset of a vtable with the same bytes that was written before; 0: there is none. */
static size_t same_vtable(const ark_flatbuffer_builder *b, const uint8_t *vtable, size_t size)
{
    const uint8_t *end = b->data + b->capacity;
    for (size_t i = 0; i < b->vtable_count; i++) {
        const uint8_t *other = end - b->vtables[i];
        if (ark_load_u16(other) == size && memcmp(other, vtable, size) == 0)
            return b->vtables[i];
    }
    return 0;
}

ark_flatbuffer_offset ark_flatbuffer_table_end(ark_flatbuffer_builder *b)
{
    push_u32(b, 0); /* becomes the distance to the vtable */
    size_t table = b->size;
    size_t count = ARK_FLATBUFFER_MAX_FIELDS;
    while (count > 0 && b->fields[count - 1] == 0)
        count--;
    size_t size = 4 + 2 * count;
    uint8_t *vtable = builder_extend(b, size);
    if (vtable) {
        uint16_t entries[2 + ARK_FLATBUFFER_MAX_FIELDS] = {(uint16_t)size,
                                                           (uint16_t)(table - b->table_start)};
        for (size_t i = 0; i < count; i++)
            entries[2 + i] = (uint16_t)(b->fields[i] ? table - b->fields[i] : 0);
        memcpy(vtable, entries, size);
        size_t offset = same_vtable(b, vtable, size);
        if (offset) {
            b->size = table;
        } else {
            offset = b->size;
            if (b->vtable_count < ARK_FLATBUFFER_MAX_VTABLES)
                b->vtables[b->vtable_count++] = offset;
        }
        int32_t distance = (int32_t)((int64_t)offset - (int64_t)table);
        memcpy(b->data + b->capacity - table, &distance, sizeof distance);
    }
    memset(b->fields, 0, sizeof b->fields);
    return (ark_flatbuffer_offset)table;
}

const uint8_t *ark_flatbuffer_finish(ark_flatbuffer_builder *b, ark_flatbuffer_offset root)
{
    align_before(b, 4, b->alignment);
    push_offset(b, root);
    return b->status < 0 ? NULL : b->data + b->capacity - b->size;
}

ark_flatbuffer_mark ark_flatbuffer_mark_of(const ark_flatbuffer_builder *b)
{
    return (ark_flatbuffer_mark){b->size, b->alignment, b->vtable_count};
}

void ark_flatbuffer_back_to(ark_flatbuffer_builder *b, ark_flatbuffer_mark mark)
{
    b->size = mark.size;
    b->alignment = mark.alignment;
    b->vtable_count = mark.vtable_count;
    b->status = ARRAKIS_OK;
    memset(b->fields, 0, sizeof b->fields);
}
