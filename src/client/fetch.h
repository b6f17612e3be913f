/* SPDX-License-Identifier: Apache-2.0 */
/* All blocks of a stream with an end, as one. */
#ifndef ARK_CLIENT_FETCH_H
#define ARK_CLIENT_FETCH_H

#include <arrakis/reader.h>

/* `options`: those that the stream was opened with; they have an end or a duration. Waits as long
 * as the stream. */
arrakis_status ark_fetch(arrakis_stream *stream, arrakis_block **out,
                         const arrakis_stream_options *options, arrakis_error *err);

#endif
