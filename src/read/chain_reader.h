/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of consecutive segments: each reader continues where the one before it ends.
 *
 * Each reader groups the channels into inputs in its own way. The inputs of the chain are the
 * finest common grouping: every input of a reader is one or several inputs of the chain. */
#ifndef ARK_READ_CHAIN_READER_H
#define ARK_READ_CHAIN_READER_H

#include "read/chain_mapping.h"

#include <arrakis/reader.h>

/* Takes ownership of the readers, on failure too. `channels` are those of all readers, in the
 * order of the request. */
arrakis_status ark_chain_reader_new(arrakis_reader **out, const ark_chain_segment *segments,
                                    size_t count, arrakis_channels *channels, arrakis_error *err);

#endif
