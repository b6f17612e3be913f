/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/latency.h"

#include "channel/channel.h"

int64_t ark_latency_of(const arrakis_channels *channels)
{
    int64_t latest_ns = ARRAKIS_UNSET; /* earlier than all times */
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        int64_t latency_ns = ark_info(arrakis_channels_get(channels, i)).max_latency_ns;
        latest_ns = latency_ns > latest_ns ? latency_ns : latest_ns;
    }
    return latest_ns < ARK_MOST_LATENCY_NS ? latest_ns : ARK_MOST_LATENCY_NS;
}

int64_t ark_latency_max_ahead(int64_t due_after_ns, int64_t stride_ns)
{
    const int64_t least_ns = ARRAKIS_SECOND_NS, most_ns = 60 * ARRAKIS_SECOND_NS;
    int64_t latency_ns =
        due_after_ns == ARRAKIS_UNSET ? 2 * ARRAKIS_SECOND_NS : due_after_ns - stride_ns;
    if (latency_ns < least_ns)
        latency_ns = least_ns;
    return (latency_ns < most_ns ? latency_ns : most_ns) + stride_ns;
}
