/* SPDX-License-Identifier: Apache-2.0 */
/* How long a row of samples lasts. */
#ifndef ARK_BLOCK_SERIES_SPAN_H
#define ARK_BLOCK_SERIES_SPAN_H

#include <arrakis/arrakis.h>

/* How long series (one for each channel) last, by the first that has samples; 0: none has any. Those
 * without samples get the length that they would have: a channel without data is missing for as long as
 * the others last. */
int64_t ark_series_span(arrakis_series *series, const arrakis_channels *channels);

#endif
