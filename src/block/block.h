/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, and how their samples lie in memory.
 *
 * A block is assembled from chunks: one per input, with the samples of that input over the span of
 * the block. A sample is copied once, from the bytes of a message into a chunk; assembling moves
 * nothing. An input without data has no chunk. */
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
    ark_chunk *chunks[]; /* one per input; NULL: the input has no data */
};

/* A block of chunks[]: one per input, closed, NULL where the input has no data. The block owns the
 * chunks, unless the call fails. Where the data of all chunks begins later than the span, at the
 * same time, or ends earlier, the block is that much shorter. */
arrakis_status ark_block_assemble(arrakis_block **out, ark_layout *layout, int64_t start_ns,
                                  ark_chunk **chunks, arrakis_error *err);

/* arrakis_block_series() into memory of the caller: returning a thousand series by value takes 5
 * us more. */
void ark_block_series(arrakis_series *series, const arrakis_block *block, size_t i);

#endif
