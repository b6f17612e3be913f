/* SPDX-License-Identifier: Apache-2.0 */
#include "block/series_span.h"

#include "channel/channel.h"

#include <math.h>

static double rate_of(const arrakis_channels *channels, size_t i)
{
    return ark_info(arrakis_channels_get(channels, i)).sample_rate;
}

int64_t ark_series_span(arrakis_series *series, const arrakis_channels *channels)
{
    size_t count = arrakis_channels_count(channels);
    int64_t span_ns = 0;
    for (size_t i = 0; i < count && !span_ns; i++) {
        double lasts_ns =
            (double)series[i].length * (double)ARRAKIS_SECOND_NS / rate_of(channels, i);
        if (series[i].samples && lasts_ns < (double)ARRAKIS_TIME_MAX_NS)
            span_ns = llround(lasts_ns);
    }
    for (size_t i = 0; i < count; i++) {
        double length = rate_of(channels, i) * (double)span_ns / (double)ARRAKIS_SECOND_NS;
        if (!series[i].samples && length < (double)INT32_MAX)
            series[i].length = (size_t)llround(length);
    }
    return span_ns;
}
