/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of channels as of now. A server describes channels as of the start of a request,
 * and such a description may lack the partition that a broker has now. */
#ifndef ARK_FLIGHT_REFRESH_H
#define ARK_FLIGHT_REFRESH_H

#include "flight/segments.h"
#include "flight/server.h"

#include <arrakis/arrakis.h>

/* Ask the server for new descriptions, if a channel is read from a broker after the start of the
 * request, or its description lacks its partition. *channels is replaced by a list with the new
 * descriptions; unref it. ENOTFOUND; EMISMATCH: a channel has changed its type, rate or stride. */
arrakis_status ark_refresh_segments(ark_segments *segments, ark_server *server,
                                    arrakis_channels **channels, const char *replay_id,
                                    arrakis_error *err);

#endif
