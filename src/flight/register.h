/* SPDX-License-Identifier: Apache-2.0 */
/* Registering with a server what a publisher has, and what its producer is told. */
#ifndef ARK_FLIGHT_REGISTER_H
#define ARK_FLIGHT_REGISTER_H

#include "flight/server.h"

#include <arrakis/arrakis.h>

/* Have a publisher's channels registered: their places are then found. EAUTH gives the server's
 * reason; EINVAL: a rate that is no whole number. */
arrakis_status ark_register_channels(ark_server *server, const char *publisher_id,
                                     const char *replay_id, arrakis_channel *const *channels,
                                     size_t count, arrakis_error *err);
/* What a producer is told, handed to `fn` one by one; false to stop. */
typedef bool (*ark_property_fn)(const char *name, const char *value, void *opaque);
arrakis_status ark_register_properties(ark_server *server, const char *publisher_id,
                                       const char *replay_id, ark_property_fn fn, void *opaque,
                                       arrakis_error *err);

#endif
