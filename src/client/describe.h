/* SPDX-License-Identifier: Apache-2.0 */
/* Looks channels up by their names. */
#ifndef ARK_CLIENT_DESCRIBE_H
#define ARK_CLIENT_DESCRIBE_H

#include "client/client.h"
#include "client/places.h"

/* As arrakis_client_describe(), as of now, but channels that do not exist are left out, and two
 * publishers of one channel are not logged. An error where it is not known whether a channel
 * exists. At a broker, `places` receive those that have taken them. */
arrakis_status ark_describe_present(arrakis_client *client, arrakis_channels **out,
                                    const char *const *names, size_t count, const char *replay_id,
                                    ark_places *places, arrakis_error *err);

#endif
