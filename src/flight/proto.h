/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol buffers as far as Arrow Flight uses them: seven small messages of bytes and numbers.
 * Written by hand: smaller than generated code, with every step checked, and without copies of
 * large fields. No I/O. Format: https://protobuf.dev/programming-guides/encoding */
#ifndef ARK_FLIGHT_PROTO_H
#define ARK_FLIGHT_PROTO_H

#include "base/buffer.h"

/* One field; it points into the bytes of the message. */
typedef struct ark_proto_field {
    uint64_t number;
    bool is_bytes;
    uint64_t value; /* of a number */
    const uint8_t *data;
    size_t size;
} ark_proto_field;

/* The rest of a message. */
typedef struct ark_proto {
    const uint8_t *at, *end;
} ark_proto;

/* The next field. DONE: no more; EFORMAT: torn, or an unknown wire type. */
arrakis_status ark_proto_next(ark_proto *proto, ark_proto_field *field, arrakis_error *err);

arrakis_status ark_proto_put_bytes(ark_buffer *to, uint32_t number, const void *data, size_t size,
                                   arrakis_error *err);
arrakis_status ark_proto_put_number(ark_buffer *to, uint32_t number, uint64_t value,
                                    arrakis_error *err);

#endif
