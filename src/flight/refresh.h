/* SPDX-License-Identifier: Apache-2.0 */
/* How the channels of brokers are described now. */
#ifndef ARK_FLIGHT_REFRESH_H
#define ARK_FLIGHT_REFRESH_H

#include "flight/segments.h"
#include "flight/server.h"

#include <arrakis/arrakis.h>

/* Ask the server how the brokers' channels are described now, where a channel is read from a broker
 * after the request's start, or lacks its place there. *channels, to be freed, gives way to a list
 * with the answers. ENOTFOUND; EMISMATCH: a channel that was another. */
arrakis_status ark_refresh_segments(ark_segments *segments, ark_server *server,
                                    arrakis_channels **channels, const char *replay_id,
                                    arrakis_error *err);

#endif
