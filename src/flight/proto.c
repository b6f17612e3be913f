/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/proto.h"

#include "base/error.h"

#include <string.h>

enum { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 5 };
enum { DESCRIPTOR_TYPE = 1, DESCRIPTOR_COMMAND = 2, TYPE_COMMAND = 2 };
enum { DATA_DESCRIPTOR = 1, DATA_HEADER = 2, DATA_BODY = 1000 };

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

static arrakis_status torn(arrakis_error *err, uint64_t number)
{
    return ark_fail(err, ARRAKIS_EFORMAT, "Flight message: torn in field %llu",
                    (unsigned long long)number);
}

static bool skip(ark_proto *proto, uint64_t size)
{
    if (size > (uint64_t)(proto->end - proto->at))
        return false;
    proto->at += size;
    return true;
}

arrakis_status ark_proto_next(ark_proto *proto, ark_proto_field *field, arrakis_error *err)
{
    if (proto->at == proto->end)
        return ARRAKIS_DONE;
    uint64_t key, size;
    if (!read_varint(proto, &key) || key >> 3 == 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "Flight message: no field where one should be");
    *field = (ark_proto_field){.number = key >> 3};
    switch (key & 7) {
    case WIRE_VARINT:
        return read_varint(proto, &field->value) ? ARRAKIS_OK : torn(err, field->number);
    case WIRE_FIXED64: /* none of Flight's: skipped, as a number that is not known */
        return skip(proto, 8) ? ARRAKIS_OK : torn(err, field->number);
    case WIRE_FIXED32:
        return skip(proto, 4) ? ARRAKIS_OK : torn(err, field->number);
    case WIRE_BYTES:
        if (!read_varint(proto, &size))
            return torn(err, field->number);
        field->is_bytes = true;
        field->data = proto->at;
        field->size = (size_t)size;
        return skip(proto, size) ? ARRAKIS_OK : torn(err, field->number);
    default:
        return ark_fail(err, ARRAKIS_EFORMAT, "Flight message: field %llu has wire type %u",
                        (unsigned long long)field->number, (unsigned)(key & 7));
    }
}

arrakis_status ark_flight_data_read(ark_flight_data *out, const uint8_t *data, size_t size,
                                    arrakis_error *err)
{
    ark_proto proto = {data, data + size};
    ark_proto_field field;
    arrakis_status rc;
    *out = (ark_flight_data){0};
    while ((rc = ark_proto_next(&proto, &field, err)) == ARRAKIS_OK) {
        if (field.is_bytes && field.number == DATA_HEADER) {
            out->header = field.data;
            out->header_size = field.size;
        } else if (field.is_bytes && field.number == DATA_BODY) {
            out->body = field.data;
            out->body_size = field.size;
        }
    }
    return rc == ARRAKIS_DONE ? ARRAKIS_OK : rc;
}

arrakis_status ark_flight_result_read(const uint8_t **body, size_t *body_size, const uint8_t *data,
                                      size_t size, arrakis_error *err)
{
    ark_proto proto = {data, data + size};
    ark_proto_field field;
    arrakis_status rc;
    *body = data;
    *body_size = 0;
    while ((rc = ark_proto_next(&proto, &field, err)) == ARRAKIS_OK)
        if (field.is_bytes && field.number == 1) {
            *body = field.data;
            *body_size = field.size;
        }
    return rc == ARRAKIS_DONE ? ARRAKIS_OK : rc;
}

/* ------------------------------------------------------------------ writing */

/* With room reserved. */
static void put_varint(ark_buffer *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        to->data[to->size++] = (uint8_t)(value | 0x80);
    to->data[to->size++] = (uint8_t)value;
}

arrakis_status ark_proto_put_number(ark_buffer *to, uint32_t number, uint64_t value,
                                    arrakis_error *err)
{
    arrakis_status rc = ark_buffer_reserve(to, 20, err);
    if (rc < 0)
        return rc;
    put_varint(to, (uint64_t)number << 3 | WIRE_VARINT);
    put_varint(to, value);
    return ARRAKIS_OK;
}

arrakis_status ark_proto_put_bytes(ark_buffer *to, uint32_t number, const void *data, size_t size,
                                   arrakis_error *err)
{
    if (size > SIZE_MAX / 4)
        return ark_fail(err, ARRAKIS_EINVAL, "a Flight message of %zu bytes", size);
    arrakis_status rc = ark_buffer_reserve(to, size + 20, err);
    if (rc < 0)
        return rc;
    put_varint(to, (uint64_t)number << 3 | WIRE_BYTES);
    put_varint(to, size);
    if (size)
        memcpy(to->data + to->size, data, size);
    to->size += size;
    return ARRAKIS_OK;
}

arrakis_status ark_flight_put_command(ark_buffer *to, const void *command, size_t size,
                                      arrakis_error *err)
{
    arrakis_status rc = ark_proto_put_number(to, DESCRIPTOR_TYPE, TYPE_COMMAND, err);
    return rc < 0 ? rc : ark_proto_put_bytes(to, DESCRIPTOR_COMMAND, command, size, err);
}

arrakis_status ark_flight_put_ticket(ark_buffer *to, const void *ticket, size_t size,
                                     arrakis_error *err)
{
    return ark_proto_put_bytes(to, 1, ticket, size, err);
}

arrakis_status ark_flight_put_action(ark_buffer *to, const char *type, arrakis_error *err)
{
    return ark_proto_put_bytes(to, 1, type, strlen(type), err);
}

arrakis_status ark_flight_put_data(ark_buffer *to, const ark_buffer *descriptor,
                                   const ark_flight_data *data, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    if (descriptor)
        rc = ark_proto_put_bytes(to, DATA_DESCRIPTOR, descriptor->data, descriptor->size, err);
    if (rc == ARRAKIS_OK && data->header)
        rc = ark_proto_put_bytes(to, DATA_HEADER, data->header, data->header_size, err);
    if (rc == ARRAKIS_OK && data->body)
        rc = ark_proto_put_bytes(to, DATA_BODY, data->body, data->body_size, err);
    return rc;
}
