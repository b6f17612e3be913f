/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the reader for a request. */
#ifndef ARK_CLIENT_READER_H
#define ARK_CLIENT_READER_H

#include "client/client.h"

#include <arrakis/reader.h>

/* The time as of which the channels of a request are described. EINVAL: the replay window is
 * invalid. */
arrakis_status ark_client_reader_time(int64_t *time_ns, const arrakis_request *request,
                                      arrakis_error *err);
/* A reader for a request: of the broker, or of the endpoints that the server names. For relayed
 * data, which arrives later, request->latency_tolerance_ns is increased. *direct: in the end some channels are
 * read at a broker. */
arrakis_status ark_client_reader(arrakis_client *client, arrakis_reader **out,
                                 arrakis_channels *channels, arrakis_request *request,
                                 bool *direct, arrakis_error *err);
/* The options of the stream of a request. */
arrakis_stream_options ark_client_reader_options(const arrakis_request *request);
/* Make a reader, and open a stream of it. */
arrakis_status ark_client_reader_stream(arrakis_client *client, arrakis_stream **out,
                                        arrakis_channels *channels, const arrakis_request *request,
                                        bool *direct, arrakis_error *err);

#endif
