/* SPDX-License-Identifier: Apache-2.0 */
/* How long series of samples last. */
#ifndef ARK_BLOCK_SERIES_SPAN_H
#define ARK_BLOCK_SERIES_SPAN_H

#include <arrakis/arrakis.h>

/* The duration of series, one per channel, told from the first that has samples; 0: no series has
 * any. Each series without samples gets the length that it would have over that duration: its
 * channel is missing for as long as the others last. */
int64_t ark_series_span(arrakis_series *series, const arrakis_channels *channels);

#endif
