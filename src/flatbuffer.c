/* SPDX-License-Identifier: Apache-2.0 */
#include "flatbuffer.h"

#include <stdlib.h>

/* ---- reading */

static ark_flat_table no_table(ark_flat *flat)
{
    flat->bad = true;
    return (ark_flat_table){0, 0, 0};
}

static bool inside(const ark_flat *flat, size_t at, size_t size)
{
    return at <= flat->size && size <= flat->size - at;
}

static ark_flat_table table_at(ark_flat *flat, size_t at)
{
    if (at == 0 || !inside(flat, at, 4))
        return no_table(flat);
    int64_t vtable = (int64_t)at - ark_load_i32(flat->data + at);
    if (vtable < 0 || !inside(flat, (size_t)vtable, 4))
        return no_table(flat);
    size_t vtable_size = ark_load_u16(flat->data + vtable);
    if (vtable_size < 4 || !inside(flat, (size_t)vtable, vtable_size))
        return no_table(flat);
    return (ark_flat_table){at, (size_t)vtable, vtable_size};
}

/* The table, or start of a vector, that the offset at `at` refers to. `at` is inside. */
static size_t follow(const ark_flat *flat, size_t at)
{
    return at + ark_load_u32(flat->data + at);
}

ark_flat_table ark_flat_root(ark_flat *flat)
{
    if (!inside(flat, 0, 4))
        return no_table(flat);
    return table_at(flat, follow(flat, 0));
}

/* Where a field lies in its table; 0 when it is absent. */
static size_t field_offset(const ark_flat *flat, ark_flat_table table, unsigned field)
{
    size_t slot = 4 + 2 * (size_t)field;
    if (slot + 2 > table.vtable_size)
        return 0;
    return ark_load_u16(flat->data + table.vtable + slot);
}

bool ark_flat_has(const ark_flat *flat, ark_flat_table table, unsigned field)
{
    return field_offset(flat, table, field) != 0;
}

/* The bytes of a field; NULL when it is absent or leads outside. */
static const uint8_t *field_at(ark_flat *flat, ark_flat_table table, unsigned field, size_t size)
{
    size_t offset = field_offset(flat, table, field);
    if (offset == 0)
        return NULL;
    if (!inside(flat, table.at + offset, size)) {
        flat->bad = true;
        return NULL;
    }
    return flat->data + table.at + offset;
}

uint8_t ark_flat_u8(ark_flat *flat, ark_flat_table table, unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 1);
    return at ? *at : 0;
}

int16_t ark_flat_i16(ark_flat *flat, ark_flat_table table, unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 2);
    return at ? (int16_t)ark_load_u16(at) : 0;
}

int32_t ark_flat_i32(ark_flat *flat, ark_flat_table table, unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 4);
    return at ? ark_load_i32(at) : 0;
}

int64_t ark_flat_i64(ark_flat *flat, ark_flat_table table, unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 8);
    return at ? ark_load_i64(at) : 0;
}

ark_flat_table ark_flat_child(ark_flat *flat, ark_flat_table table, unsigned field)
{
    const uint8_t *at = field_at(flat, table, field, 4);
    if (!at)
        return (ark_flat_table){0, 0, 0};
    return table_at(flat, follow(flat, (size_t)(at - flat->data)));
}

ark_flat_vector ark_flat_elements(ark_flat *flat, ark_flat_table table, unsigned field,
                                  size_t element_size)
{
    ark_flat_vector none = {NULL, 0};
    const uint8_t *at = field_at(flat, table, field, 4);
    if (!at)
        return none;
    size_t start = follow(flat, (size_t)(at - flat->data));
    if (!inside(flat, start, 4)) {
        flat->bad = true;
        return none;
    }
    size_t count = ark_load_u32(flat->data + start);
    if (count > (flat->size - start - 4) / element_size) {
        flat->bad = true;
        return none;
    }
    return (ark_flat_vector){flat->data + start + 4, count};
}

ark_flat_table ark_flat_element(ark_flat *flat, ark_flat_vector vector, size_t i)
{
    size_t at = (size_t)(vector.data - flat->data) + 4 * i;
    return table_at(flat, follow(flat, at));
}

/* ---- building */

void ark_flat_begin(ark_flat_builder *b)
{
    b->data = b->room;
    b->capacity = sizeof b->room;
    b->size = 0;
    b->alignment = 1;
    b->status = ARRAKIS_OK;
    b->vtable_count = 0;
    memset(b->fields, 0, sizeof b->fields);
}

void ark_flat_free(ark_flat_builder *b)
{
    if (b->data != b->room)
        free(b->data);
    b->data = NULL;
}

/* Make room in front for `more` bytes. */
static bool make_room(ark_flat_builder *b, size_t more)
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
static uint8_t *extend(ark_flat_builder *b, size_t size)
{
    if (!make_room(b, size))
        return NULL;
    b->size += size;
    return b->data + b->capacity - b->size;
}

/* Pad so that after `size` more bytes the place is aligned. */
static void align_before(ark_flat_builder *b, size_t size, size_t alignment)
{
    if (alignment > b->alignment)
        b->alignment = alignment;
    size_t padding = (0 - (b->size + size)) & (alignment - 1);
    uint8_t *at = padding ? extend(b, padding) : NULL;
    if (at)
        memset(at, 0, padding);
}

static void push(ark_flat_builder *b, const void *value, size_t size)
{
    align_before(b, 0, size);
    uint8_t *at = extend(b, size);
    if (at)
        memcpy(at, value, size);
}

static void push_u32(ark_flat_builder *b, uint32_t value)
{
    push(b, &value, sizeof value);
}

static void push_place(ark_flat_builder *b, ark_flat_place place)
{
    align_before(b, 0, 4);
    push_u32(b, (uint32_t)(b->size + 4 - place));
}

ark_flat_place ark_flat_add_string(ark_flat_builder *b, const char *text, size_t size)
{
    align_before(b, size + 1, 4);
    uint8_t *at = extend(b, size + 1);
    if (at) {
        memcpy(at, text, size);
        at[size] = 0;
    }
    return ark_flat_vector_end(b, size);
}

uint8_t *ark_flat_vector_begin(ark_flat_builder *b, size_t count, size_t element_size,
                               size_t alignment)
{
    if (count > INT32_MAX / element_size && b->status == ARRAKIS_OK)
        b->status = ARRAKIS_EINVAL;
    align_before(b, count * element_size, 4);
    align_before(b, count * element_size, alignment);
    return extend(b, count * element_size);
}

ark_flat_place ark_flat_vector_end(ark_flat_builder *b, size_t count)
{
    push_u32(b, (uint32_t)count);
    return (ark_flat_place)b->size;
}

ark_flat_place ark_flat_add_places(ark_flat_builder *b, const ark_flat_place *places, size_t count)
{
    align_before(b, 4 * count, 4);
    for (size_t i = count; i-- > 0;)
        push_place(b, places[i]);
    return ark_flat_vector_end(b, count);
}

void ark_flat_table_begin(ark_flat_builder *b)
{
    b->table_start = b->size;
}

static void put(ark_flat_builder *b, unsigned field, const void *value, size_t size)
{
    push(b, value, size);
    b->fields[field] = b->size;
}

void ark_flat_put_u8(ark_flat_builder *b, unsigned field, uint8_t value)
{
    if (value != 0)
        put(b, field, &value, sizeof value);
}

void ark_flat_put_i16(ark_flat_builder *b, unsigned field, int16_t value)
{
    if (value != 0)
        put(b, field, &value, sizeof value);
}

void ark_flat_put_i32(ark_flat_builder *b, unsigned field, int32_t value)
{
    if (value != 0)
        put(b, field, &value, sizeof value);
}

void ark_flat_put_i64(ark_flat_builder *b, unsigned field, int64_t value)
{
    if (value != 0)
        put(b, field, &value, sizeof value);
}

void ark_flat_put_place(ark_flat_builder *b, unsigned field, ark_flat_place place)
{
    if (place == 0)
        return;
    push_place(b, place);
    b->fields[field] = b->size;
}

/* The place of a vtable with the same bytes, written before; 0 when there is none. */
static size_t same_vtable(const ark_flat_builder *b, const uint8_t *vtable, size_t size)
{
    const uint8_t *end = b->data + b->capacity;
    for (size_t i = 0; i < b->vtable_count; i++) {
        const uint8_t *other = end - b->vtables[i];
        if (ark_load_u16(other) == size && memcmp(other, vtable, size) == 0)
            return b->vtables[i];
    }
    return 0;
}

ark_flat_place ark_flat_table_end(ark_flat_builder *b)
{
    push_u32(b, 0); /* becomes the distance to the vtable */
    size_t table = b->size;
    size_t count = ARK_FLAT_MAX_FIELDS;
    while (count > 0 && b->fields[count - 1] == 0)
        count--;
    size_t size = 4 + 2 * count;
    uint8_t *vtable = extend(b, size);
    if (vtable) {
        uint16_t entries[2 + ARK_FLAT_MAX_FIELDS] = {(uint16_t)size,
                                                     (uint16_t)(table - b->table_start)};
        for (size_t i = 0; i < count; i++)
            entries[2 + i] = (uint16_t)(b->fields[i] ? table - b->fields[i] : 0);
        memcpy(vtable, entries, size);
        size_t place = same_vtable(b, vtable, size);
        if (place) {
            b->size = table;
        } else {
            place = b->size;
            if (b->vtable_count < ARK_FLAT_MAX_VTABLES)
                b->vtables[b->vtable_count++] = place;
        }
        int32_t distance = (int32_t)((int64_t)place - (int64_t)table);
        memcpy(b->data + b->capacity - table, &distance, sizeof distance);
    }
    memset(b->fields, 0, sizeof b->fields);
    return (ark_flat_place)table;
}

const uint8_t *ark_flat_finish(ark_flat_builder *b, ark_flat_place root)
{
    align_before(b, 4, b->alignment);
    push_place(b, root);
    return b->status < 0 ? NULL : b->data + b->capacity - b->size;
}
