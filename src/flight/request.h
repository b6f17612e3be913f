/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as JSON, for descriptors and tickets. No I/O. */
#ifndef ARK_FLIGHT_REQUEST_H
#define ARK_FLIGHT_REQUEST_H

#include <arrakis/arrakis.h>

/* Each makes a text; free() it. ENOMEM; EINVAL: a text is not UTF-8, or a rate cannot be in a
 * request. */

/* `kind` is "Find" or "Count". */
arrakis_status ark_request_search(char **out, const char *kind, const arrakis_query *query,
                                  arrakis_error *err);
arrakis_status ark_request_describe(char **out, const char *const *names, size_t count,
                                    int64_t time_ns, const char *replay_id, arrakis_error *err);

/* `kind` is "Publish" or "Partition". */
arrakis_status ark_request_publisher(char **out, const char *kind, const char *publisher_id,
                                     const char *replay_id, arrakis_error *err);

typedef struct ark_stream_request {
    const arrakis_channels *channels;
    int64_t start_ns, end_ns, replay_start_ns, replay_end_ns;
    const char *replay_id;
} ark_stream_request;

arrakis_status ark_request_stream(char **out, const ark_stream_request *request,
                                  arrakis_error *err);

#endif
