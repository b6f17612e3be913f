/* SPDX-License-Identifier: Apache-2.0 */
/* The lookout of a stream: a thread that notices when the channels change, and opens the stream anew. */
#ifndef ARK_CLIENT_LOOKOUT_H
#define ARK_CLIENT_LOOKOUT_H

#include "client/client.h"

/* Begin to look out for changes of the channels of a stream, if it goes on into the future. `direct`: some channels
 * are read at a broker, so their partitions matter. */
arrakis_status ark_lookout_begin(arrakis_stream *stream, const arrakis_client *client,
                                 const arrakis_request *request, bool direct, arrakis_error *err);

#endif
