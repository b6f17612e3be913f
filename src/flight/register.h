/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the channels of a publisher with a server, and asks it for the properties of the
 * producer. */
#ifndef ARK_FLIGHT_REGISTER_H
#define ARK_FLIGHT_REGISTER_H

#include "flight/server.h"

#include <arrakis/arrakis.h>

/* Register the channels of a publisher; the server assigns their partitions. EAUTH: with the
 * reason of the server; EINVAL: a rate is not a whole number. */
arrakis_status ark_register_channels(ark_server *server, const char *publisher_id,
                                     const char *replay_id, arrakis_channel *const *channels,
                                     size_t count, arrakis_error *err);
/* Receives the properties for a producer one by one; returns false to stop. */
typedef bool (*ark_property_fn)(const char *name, const char *value, void *opaque);
arrakis_status ark_register_properties(ark_server *server, const char *publisher_id,
                                       const char *replay_id, ark_property_fn fn, void *opaque,
                                       arrakis_error *err);

#endif
