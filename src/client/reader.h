/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of a request's data. */
#ifndef ARK_CLIENT_READER_H
#define ARK_CLIENT_READER_H

#include "client/client.h"

#include <arrakis/reader.h>

/* The time that a request's channels are looked up for. EINVAL for an invalid replay window. */
arrakis_status ark_client_reader_time(int64_t *time_ns, const arrakis_request *request,
                                      arrakis_error *err);
/* A reader for a request, from the broker or from where the server says. What a server relays is
 * waited for longer: request->latency_tolerance_ns. */
arrakis_status ark_client_reader(arrakis_client *client, arrakis_reader **out,
                                 arrakis_channels *channels, arrakis_request *request,
                                 arrakis_error *err);

#endif
