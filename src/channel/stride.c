/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/stride.h"

#include "base/error.h"
#include "channel/channel.h"

#include <assert.h>

int64_t ark_stride_lcm(int64_t a_ns, int64_t b_ns)
{
    assert(a_ns > 0 && b_ns > 0);
    const int64_t most = 86400 * ARRAKIS_SECOND_NS;
    int64_t a = a_ns, b = b_ns;
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    int64_t factor = b_ns / a;
    return factor > most / a_ns ? -1 : a_ns * factor;
}

arrakis_status ark_stride_of(int64_t *stride_ns, const arrakis_channels *channels,
                             arrakis_error *err)
{
    *stride_ns = 1;
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        const arrakis_channel_info info = ark_info(arrakis_channels_get(channels, i));
        if (info.stride_ns == ARRAKIS_UNSET)
            return ark_fail(err, ARRAKIS_EINVAL, "channel %s has no stride", info.name);
        if ((*stride_ns = ark_stride_lcm(*stride_ns, info.stride_ns)) < 0)
            return ark_fail(
                err, ARRAKIS_EINVAL,
                "the stride of channel %s, %lld ns, has no usable common multiple with "
                "the others'",
                info.name, (long long)info.stride_ns);
    }
    return ARRAKIS_OK;
}
