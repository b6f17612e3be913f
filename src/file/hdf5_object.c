/* SPDX-License-Identifier: Apache-2.0 */
#include "file/hdf5_object.h"

#include "base/error.h"
#include "file/hdf5_format.h"

#include <string.h>

enum { DEPTH_MAX = 8, TEXT_REFERENCE = 16 };

uint64_t ark_hdf5_object_number(const ark_hdf5_view *file, uint64_t at, size_t size)
{
    uint64_t value = 0;
    if (at <= file->size && size <= file->size - at)
        memcpy(&value, file->bytes + at, size);
    return value;
}

bool ark_hdf5_object_has(const ark_hdf5_view *file, uint64_t at, const char *bytes, size_t size)
{
    return at <= file->size && size <= file->size - at &&
           memcmp(file->bytes + at, bytes, size) == 0;
}

arrakis_status ark_hdf5_object_unknown(arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                    "this version of libhdf5 lays files out in an unknown way");
}

/* ------------------------------------------------------------------ messages */

static size_t padded(uint64_t size)
{
    return (size_t)(size + 7) & ~(size_t)7;
}

/* An attribute of version 1 pads its name and its types, those of later versions do not. */
static bool meet_attribute(ark_hdf5_object *o, const ark_hdf5_view *header, size_t at, size_t size)
{
    uint64_t version = ark_hdf5_object_number(header, at, 1),
             name_size = ark_hdf5_object_number(header, at + 2, 2);
    uint64_t type_size = ark_hdf5_object_number(header, at + 4, 2);
    uint64_t space_size = ark_hdf5_object_number(header, at + 6, 2);
    size_t name = at + (version == 3 ? 9 : 8);
    if (version == 1) {
        name_size = padded(name_size);
        type_size = padded(type_size);
        space_size = padded(space_size);
    }
    size_t value = name + (size_t)(name_size + type_size + space_size), left = at + size - value;
    if (value > at + size)
        return false;
    if (ark_hdf5_object_has(header, name, "x0", sizeof "x0"))
        o->x0 = left >= 8 ? value : 0;
    if (ark_hdf5_object_has(header, name, "x0", sizeof "x0") ||
        ark_hdf5_object_has(header, name, "dx", sizeof "dx"))
        return left >= 8;
    size_t *place = ark_hdf5_object_has(header, name, "name", sizeof "name")         ? &o->name
                    : ark_hdf5_object_has(header, name, "channel", sizeof "channel") ? &o->channel
                    : ark_hdf5_object_has(header, name, "unit", sizeof "unit")       ? &o->unit
                    : ark_hdf5_object_has(header, name, "xunit", sizeof "xunit")     ? &o->xunit
                                                                                     : NULL;
    if (place)
        *place = value;
    return place && left >= TEXT_REFERENCE;
}

static bool meet_layout(ark_hdf5_object *o, const ark_hdf5_view *header, size_t at)
{
    uint64_t version = ark_hdf5_object_number(header, at, 1),
             kind = ark_hdf5_object_number(header, at + 1, 1);
    if (version == 3 && kind == LAYOUT_CONTIGUOUS)
        o->samples = at + 2;
    else if (version == 3 && kind == LAYOUT_CHUNKED)
        o->chunks = at + 3;
    return o->samples || o->chunks;
}

/* Note where a fill value is, if one is set that has a byte at least. */
static void meet_fill(ark_hdf5_object *o, const ark_hdf5_view *header, size_t at, size_t size)
{
    bool set = ark_hdf5_object_number(header, at, 1) == 2 &&
               ark_hdf5_object_number(header, at + 3, 1) == 1 &&
               ark_hdf5_object_number(header, at + 4, 4) > 0;
    if (set && size > 8)
        o->fill = at + 8;
}

static void meet_old_fill(ark_hdf5_object *o, const ark_hdf5_view *header, size_t at, size_t size)
{
    if (ark_hdf5_object_number(header, at, 4) > 0 && size > 4)
        o->old_fill = at + 4;
}

/* Note what is changed in a copy. False: the message holds what is not known, and may hold an
 * address. */
static bool meet_message(ark_hdf5_object *o, uint64_t type, size_t at, size_t size)
{
    const ark_hdf5_view header = {o->header.data, o->header.size};
    switch (type) {
    case MESSAGE_SPACE:
    case MESSAGE_TYPE:
    case MESSAGE_FILTERS:
        return true;
    case MESSAGE_FILL:
        meet_fill(o, &header, at, size);
        return true;
    case MESSAGE_OLD_FILL:
        meet_old_fill(o, &header, at, size);
        return true;
    case MESSAGE_LAYOUT:
        return meet_layout(o, &header, at);
    case MESSAGE_ATTRIBUTE:
        return meet_attribute(o, &header, at, size);
    case MESSAGE_GROUP:
        o->group = at;
        return size >= 16;
    default:
        return false;
    }
}

static arrakis_status add_message(ark_hdf5_object *o, const uint8_t *message, size_t size,
                                  arrakis_error *err)
{
    size_t at = o->header.size;
    ARK_TRY(ark_buffer_reserve(&o->header, size, err));
    memcpy(o->header.data + at, message, size);
    o->header.size += size;
    return ARRAKIS_OK;
}

/* Add the messages of a piece of the header, and of those in which it goes on. */
static arrakis_status take_messages(ark_hdf5_object *o, uint16_t *count, const ark_hdf5_view *file,
                                    uint64_t at, uint64_t size, unsigned depth, arrakis_error *err)
{
    if (at > file->size || size > file->size - at || depth > DEPTH_MAX)
        return ark_hdf5_object_unknown(err);
    for (uint64_t end = at + size; at + MESSAGE_HEAD <= end;) {
        uint64_t type = ark_hdf5_object_number(file, at, 2),
                 body = ark_hdf5_object_number(file, at + 2, 2);
        uint64_t next = at + MESSAGE_HEAD + body;
        if (next > end || body % 8 || (ark_hdf5_object_number(file, at + 4, 1) & MESSAGE_SHARED))
            return ark_hdf5_object_unknown(err);
        if (type == MESSAGE_CONTINUED) {
            ARK_TRY(take_messages(
                o, count, file, ark_hdf5_object_number(file, at + MESSAGE_HEAD, 8),
                ark_hdf5_object_number(file, at + MESSAGE_HEAD + 8, 8), depth + 1, err));
        } else if (type != MESSAGE_NONE) {
            size_t place = o->header.size + MESSAGE_HEAD;
            ARK_TRY(add_message(o, file->bytes + at, (size_t)(next - at), err));
            if (!meet_message(o, type, place, (size_t)body))
                return ark_hdf5_object_unknown(err);
            ++*count;
        }
        at = next;
    }
    return ARRAKIS_OK;
}

arrakis_status ark_hdf5_object_take(ark_hdf5_object *object, const ark_hdf5_view *file,
                                    uint64_t at, arrakis_error *err)
{
    uint16_t count = 0;
    *object = (ark_hdf5_object){.header = {NULL, 0, 0}};
    if (ark_hdf5_object_number(file, at, 1) != 1 || at > file->size ||
        file->size - at < HEADER_SIZE)
        return ark_hdf5_object_unknown(err);
    ARK_TRY(add_message(object, file->bytes + at, HEADER_SIZE, err));
    ARK_TRY(take_messages(object, &count, file, at + HEADER_SIZE,
                          ark_hdf5_object_number(file, at + 8, 4), 0, err));
    const uint32_t size = (uint32_t)(object->header.size - HEADER_SIZE);
    memcpy(object->header.data + 2, &count, sizeof count);
    memcpy(object->header.data + 8, &size, sizeof size);
    return ARRAKIS_OK;
}

void ark_hdf5_object_clear(ark_hdf5_object *object)
{
    ark_buffer_clear(&object->header);
}
