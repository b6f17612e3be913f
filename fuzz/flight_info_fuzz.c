/* SPDX-License-Identifier: Apache-2.0 */
/* A FlightInfo, and the tickets and locations in it. */
#include "flight_info.h"
#include "flight_request.h"
#include "flight_url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_location(const char *uri)
{
    ark_url url;
    arrakis_error err;
    size_t length;
    ark_location_broker(uri, &length);
    if (ark_url_parse(&url, uri, &err) < 0) {
        if (err.status != ARRAKIS_EINVAL || !err.message[0])
            abort();
        return;
    }
    if (!url.host[0] || !url.target[0] || !url.port)
        abort();
    ark_url_is_loopback(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ark_flight_info info;
    arrakis_error err;
    if (ark_flight_info_read(&info, data, size, &err) < 0) {
        if (info.count || info.endpoints || err.status != ARRAKIS_EFORMAT)
            abort();
        return 0;
    }
    for (size_t i = 0; i < info.count; i++) {
        const ark_endpoint *endpoint = &info.endpoints[i];
        ark_ticket ticket;
        if (!endpoint->uri_count)
            abort();
        for (size_t k = 0; k < endpoint->uri_count; k++)
            read_location(endpoint->uris[k]);
        if (ark_ticket_read(&ticket, endpoint->ticket, endpoint->ticket_size, &err) ==
            ARRAKIS_OK) {
            if (!ticket.name_count)
                abort();
            ark_ticket_clear(&ticket);
        }
    }
    ark_flight_info_clear(&info);
    return 0;
}
