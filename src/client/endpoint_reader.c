/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "client/client.h"
#include "flight/endpoints.h"

#include <arrakis/reader.h>

arrakis_status arrakis_endpoint_reader_new(arrakis_reader **out, arrakis_client *client,
                                           const arrakis_endpoint *endpoints, size_t count,
                                           arrakis_channels *channels, int64_t begin_ns,
                                           int64_t end_ns, arrakis_error *err)
{
    if (out)
        *out = NULL;
    if (!out || !client || !endpoints || !channels)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_endpoint_reader_new: %s is NULL",
                        !out         ? "out"
                        : !client    ? "client"
                        : !endpoints ? "endpoints"
                                     : "channels");
    if (!client->server)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "endpoints of a client without a server: expected url");
    if (!count || !arrakis_channels_count(channels))
        return ark_fail(err, ARRAKIS_EINVAL, "a reader of no %s: expected one or more",
                        count ? "channel" : "endpoint");
    return ark_endpoints_relay(client->server, out, endpoints, count, channels, begin_ns, end_ns,
                               err);
}
