/* SPDX-License-Identifier: Apache-2.0 */
/* The streams of a reader of a server's endpoints: out of what their tickets carry. */
#ifndef ARK_FLIGHT_STREAMS_H
#define ARK_FLIGHT_STREAMS_H

#include "flight/state.h"

#include <arrakis/arrakis.h>

/* Make the reader's streams, and each source's parts and limits of silence, out of the tickets.
 * ENOTFOUND: no source has a channel. */
arrakis_status ark_flight_streams_plan(ark_flight_reader *flight, const arrakis_channels *channels,
                                       arrakis_error *err);
bool ark_flight_streams_carry(const ark_flight_source *source, size_t stream);

#endif
