/* SPDX-License-Identifier: Apache-2.0 */
/* All that a bounded stream gives, as one block. */
#ifndef ARK_FETCH_H
#define ARK_FETCH_H

#include <arrakis/arrakis.h>

/* `request` is what the stream was opened for; it has an end or a duration. Waits as long as the
 * stream does. */
arrakis_status ark_fetch(arrakis_stream *stream, arrakis_block **out,
                         const arrakis_request *request, arrakis_error *err);

#endif
