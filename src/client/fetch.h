/* SPDX-License-Identifier: Apache-2.0 */
/* All that a bounded stream gives, as one block. */
#ifndef ARK_CLIENT_FETCH_H
#define ARK_CLIENT_FETCH_H

#include <arrakis/reader.h>

/* `options` are those that the stream was opened with; an end or a duration is among them. Waits as
 * long as the stream does. */
arrakis_status ark_fetch(arrakis_stream *stream, arrakis_block **out,
                         const arrakis_stream_options *options, arrakis_error *err);

#endif
