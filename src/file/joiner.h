/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one block of a file of several that follow each other, whatever their lists of channels. */
#ifndef ARK_FILE_JOINER_H
#define ARK_FILE_JOINER_H

#include "file/block_order.h"

/* A block, and where in it the channels of files are. */
typedef struct ark_ordered_block {
    arrakis_block *block;
    ark_block_order *order;
} ark_ordered_block;

typedef struct ark_joiner {
    ark_ordered_block *blocks;
    size_t count, capacity;
} ark_joiner;

/* Hold a block, later than those before. ENOMEM. */
arrakis_status ark_joiner_add(ark_joiner *joiner, const arrakis_block *block,
                              ark_block_order *order, arrakis_error *err);
/* Make a block of [start_ns, end_ns) of what those that are held, one or more, have of that time.
 * What none of them has is missing, and so is a channel that has another type or rate there.
 * `order` is that of the channels of files, which the block then has. No block is held any more,
 * also after a failure: EINVAL: a channel has no whole number of samples in it; ENOMEM. `out` is to
 * be cleared. */
arrakis_status ark_joiner_take(ark_joiner *joiner, ark_ordered_block *out, ark_block_order *order,
                               int64_t start_ns, int64_t end_ns, arrakis_error *err);
/* Hold none. */
void ark_joiner_drop(ark_joiner *joiner);
void ark_joiner_clear(ark_joiner *joiner);

void ark_joiner_clear_block(ark_ordered_block *block);

#endif
