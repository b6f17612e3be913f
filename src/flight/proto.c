/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/proto.h"

#include "base/error.h"

#include <assert.h>
#include <string.h>

enum { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 5 };

/* ------------------------------------------------------------------ reading */

static bool read_varint(ark_proto *proto, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && proto->at < proto->end; shift += 7) {
        uint8_t byte = *proto->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return shift < 63 || byte <= 1;
    }
    return false;
}

static arrakis_status fail_torn(arrakis_error *err, uint64_t number)
{
    return ark_fail(err, ARRAKIS_EFORMAT, "Flight message: torn in field %llu",
                    (unsigned long long)number);
}

static bool skip_bytes(ark_proto *proto, uint64_t size)
{
    if (size > (uint64_t)(proto->end - proto->at))
        return false;
    proto->at += size;
    return true;
}

arrakis_status ark_proto_next(ark_proto *proto, ark_proto_field *field, arrakis_error *err)
{
    assert(proto->at <= proto->end);
    if (proto->at == proto->end)
        return ARRAKIS_DONE;
    uint64_t key, size;
    if (!read_varint(proto, &key) || key >> 3 == 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "Flight message: no field where one should be");
    *field = (ark_proto_field){.number = key >> 3};
    switch (key & 7) {
    case WIRE_VARINT:
        return read_varint(proto, &field->value) ? ARRAKIS_OK : fail_torn(err, field->number);
    case WIRE_FIXED64: /* Flight has none: skipped, like unknown fields */
        return skip_bytes(proto, 8) ? ARRAKIS_OK : fail_torn(err, field->number);
    case WIRE_FIXED32:
        return skip_bytes(proto, 4) ? ARRAKIS_OK : fail_torn(err, field->number);
    case WIRE_BYTES:
        if (!read_varint(proto, &size))
            return fail_torn(err, field->number);
        field->is_bytes = true;
        field->data = proto->at;
        field->size = (size_t)size;
        return skip_bytes(proto, size) ? ARRAKIS_OK : fail_torn(err, field->number);
    default:
        return ark_fail(err, ARRAKIS_EFORMAT, "Flight message: field %llu has wire type %u",
                        (unsigned long long)field->number, (unsigned)(key & 7));
    }
}

/* ------------------------------------------------------------------ writing */

/* The room must be reserved. */
static void put_varint(ark_buffer *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        to->data[to->size++] = (uint8_t)(value | 0x80);
    to->data[to->size++] = (uint8_t)value;
}

arrakis_status ark_proto_put_number(ark_buffer *to, uint32_t number, uint64_t value,
                                    arrakis_error *err)
{
    assert(number);
    ARK_TRY(ark_buffer_reserve(to, 20, err));
    put_varint(to, (uint64_t)number << 3 | WIRE_VARINT);
    put_varint(to, value);
    return ARRAKIS_OK;
}

arrakis_status ark_proto_put_bytes(ark_buffer *to, uint32_t number, const void *data, size_t size,
                                   arrakis_error *err)
{
    assert(number);
    if (size > SIZE_MAX / 4)
        return ark_fail(err, ARRAKIS_EINVAL, "a Flight message of %zu bytes", size);
    ARK_TRY(ark_buffer_reserve(to, size + 20, err));
    put_varint(to, (uint64_t)number << 3 | WIRE_BYTES);
    put_varint(to, size);
    if (size)
        memcpy(to->data + to->size, data, size);
    to->size += size;
    return ARRAKIS_OK;
}
