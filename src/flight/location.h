/* SPDX-License-Identifier: Apache-2.0 */
/* The locations that servers name. No I/O. */
#ifndef ARK_FLIGHT_LOCATION_H
#define ARK_FLIGHT_LOCATION_H

#include <arrakis/arrakis.h>

typedef enum ark_location {
    ARK_LOCATION_REUSE, /* the server that named it */
    ARK_LOCATION_FLIGHT,
    ARK_LOCATION_KAFKA,
    ARK_LOCATION_UNKNOWN,
} ark_location;

ark_location ark_location_of(const char *uri);
/* host:port of a `kafka://` location, which points into `uri`; NULL: it has none. */
const char *ark_location_broker(const char *uri, size_t *length);

#endif
