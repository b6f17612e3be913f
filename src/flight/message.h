/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads the messages of Flight, which are protocol buffers. No I/O. */
#ifndef ARK_FLIGHT_MESSAGE_H
#define ARK_FLIGHT_MESSAGE_H

#include "base/buffer.h"

#include <arrakis/arrakis.h>

/* A FlightDescriptor that holds a command. */
arrakis_status ark_flight_message_put_command(ark_buffer *to, const void *command, size_t size,
                                              arrakis_error *err);
/* A Ticket. */
arrakis_status ark_flight_message_put_ticket(ark_buffer *to, const void *ticket, size_t size,
                                             arrakis_error *err);
/* An Action without a body. */
arrakis_status ark_flight_message_put_action(ark_buffer *to, const char *type, arrakis_error *err);

/* The parts of a FlightData; NULL: it lacks that part. */
typedef struct ark_flight_data {
    const uint8_t *header, *body;
    size_t header_size, body_size;
} ark_flight_data;

/* A FlightData; parts that are NULL are left out. `descriptor`: the bytes of a
 * FlightDescriptor. */
arrakis_status ark_flight_message_put_data(ark_buffer *to, const ark_buffer *descriptor,
                                           const ark_flight_data *data, arrakis_error *err);
arrakis_status ark_flight_message_read_data(ark_flight_data *out, const uint8_t *data, size_t size,
                                            arrakis_error *err);
/* The body of a Result. */
arrakis_status ark_flight_message_read_result(const uint8_t **body, size_t *body_size,
                                              const uint8_t *data, size_t size,
                                              arrakis_error *err);

#endif
