/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/location.h"

#include <string.h>
#include <strings.h>

ark_location ark_location_of(const char *uri)
{
    if (strncasecmp(uri, "arrow-flight-reuse-connection:", 30) == 0)
        return ARK_LOCATION_REUSE;
    if (strncasecmp(uri, "kafka://", 8) == 0)
        return ARK_LOCATION_KAFKA;
    return strncasecmp(uri, "grpc", 4) == 0 ? ARK_LOCATION_FLIGHT : ARK_LOCATION_UNKNOWN;
}

const char *ark_location_broker(const char *uri, size_t *length)
{
    if (ark_location_of(uri) != ARK_LOCATION_KAFKA)
        return NULL;
    const char *broker = uri + strlen("kafka://");
    *length = strcspn(broker, "/?#,");
    return *length ? broker : NULL;
}
