/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/message.h"

#include "base/error.h"
#include "flight/proto.h"

#include <string.h>

enum { DESCRIPTOR_TYPE = 1, DESCRIPTOR_COMMAND = 2, TYPE_COMMAND = 2 };

enum { DATA_DESCRIPTOR = 1, DATA_HEADER = 2, DATA_BODY = 1000 };

arrakis_status ark_flight_message_read_data(ark_flight_data *out, const uint8_t *data, size_t size,
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

arrakis_status ark_flight_message_read_result(const uint8_t **body, size_t *body_size,
                                              const uint8_t *data, size_t size, arrakis_error *err)
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

arrakis_status ark_flight_message_put_command(ark_buffer *to, const void *command, size_t size,
                                              arrakis_error *err)
{
    ARK_TRY(ark_proto_put_number(to, DESCRIPTOR_TYPE, TYPE_COMMAND, err));
    return ark_proto_put_bytes(to, DESCRIPTOR_COMMAND, command, size, err);
}

arrakis_status ark_flight_message_put_ticket(ark_buffer *to, const void *ticket, size_t size,
                                             arrakis_error *err)
{
    return ark_proto_put_bytes(to, 1, ticket, size, err);
}

arrakis_status ark_flight_message_put_action(ark_buffer *to, const char *type, arrakis_error *err)
{
    return ark_proto_put_bytes(to, 1, type, strlen(type), err);
}

arrakis_status ark_flight_message_put_data(ark_buffer *to, const ark_buffer *descriptor,
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
