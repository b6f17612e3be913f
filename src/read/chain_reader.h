/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that follow each other in time: what one of them ends with, the next one goes on from.
 *
 * Each has its own idea of which channels are one stream. The chain's streams are the finest of
 * them: every reader's stream is one or several of the chain's. */
#ifndef ARK_READ_CHAIN_READER_H
#define ARK_READ_CHAIN_READER_H

#include "read/chain_plan.h"

#include <arrakis/reader.h>

/* The readers are taken over, on failure too. `channels` are those of all of them, in the order
 * asked for. */
arrakis_status ark_chain_reader_new(arrakis_reader **out, const ark_chain_segment *segments,
                                    size_t count, arrakis_channels *channels, arrakis_error *err);

#endif
