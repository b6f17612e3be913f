/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of a reader of endpoints, made from the channels of their tickets. */
#ifndef ARK_FLIGHT_INPUTS_H
#define ARK_FLIGHT_INPUTS_H

#include "flight/state.h"

#include <arrakis/arrakis.h>

/* Make the inputs of the reader, and set which of them each source has and how long the source may
 * be silent. ENOTFOUND: no source has a channel. */
arrakis_status ark_flight_inputs_plan(ark_flight_reader *flight, const arrakis_channels *channels,
                                      arrakis_error *err);
bool ark_flight_inputs_has(const ark_flight_source *source, size_t input);

#endif
