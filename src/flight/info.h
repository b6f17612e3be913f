/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of an answer of a server. No I/O. */
#ifndef ARK_FLIGHT_INFO_H
#define ARK_FLIGHT_INFO_H

#include "flight/budget.h"

#include <arrakis/reader.h>

/* An endpoint, and its locations: each of them has all of its data. */
typedef struct ark_endpoint {
    uint8_t *ticket;
    size_t ticket_size;
    char **uris; /* at least one */
    size_t uri_count;
} ark_endpoint;

typedef struct ark_flight_info {
    ark_endpoint *endpoints;
    size_t count;
} ark_flight_info;

/* Read the bytes of a FlightInfo, the answer to a request of request_size bytes. An endpoint
 * without a location is the server itself. EFORMAT, also for more than flight/budget.h allows;
 * ENOMEM. To be cleared. */
arrakis_status ark_flight_info_read(ark_flight_info *out, const uint8_t *data, size_t size,
                                    size_t request_size, ark_budget *budget, arrakis_error *err);
/* Copies of the endpoints that a program has. EINVAL: over ARK_ENDPOINTS_MAX, or one with over
 * ARK_LOCATIONS_MAX locations. To be cleared, on failure too. */
arrakis_status ark_flight_info_copy(ark_flight_info *out, const arrakis_endpoint *endpoints,
                                    size_t count, arrakis_error *err);
void ark_flight_info_clear(ark_flight_info *info);
void ark_flight_info_clear_endpoint(ark_endpoint *endpoint);

#endif
