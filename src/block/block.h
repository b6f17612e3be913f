/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, and how their samples lie in memory.
 *
 * A block is put together from chunks, one per input, each holding what one input has for the
 * block's span. A chunk is written straight from a message's bytes, so a sample is copied once;
 * putting a block together moves nothing. A stream without data has no chunk. */
#ifndef ARK_BLOCK_BLOCK_H
#define ARK_BLOCK_BLOCK_H

#include "block/chunk.h"
#include "block/layout.h"

#include <arrakis/arrakis.h>

#include <stdatomic.h>

struct arrakis_block {
    atomic_uint refs;
    int64_t start_ns, duration_ns;
    ark_layout *layout;
    ark_chunk *chunks[]; /* one a stripe; NULL: it has no data */
};

/* A block of chunks[] (one a stripe, closed, NULL for none), taken over unless it fails. Where all
 * chunks leave the same end of the span open, the block is that much shorter. */
arrakis_status ark_block_assemble(arrakis_block **out, ark_layout *layout, int64_t start_ns,
                                  ark_chunk **chunks, arrakis_error *err);

/* arrakis_block_series(), written to its place: a thousand returned by value take 5 us more. */
void ark_block_series(arrakis_series *series, const arrakis_block *block, size_t i);

#endif
