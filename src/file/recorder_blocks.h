/* SPDX-License-Identifier: Apache-2.0 */
/* Puts blocks into the file that a recorder is in, joined to those that files have. */
#ifndef ARK_FILE_RECORDER_BLOCKS_H
#define ARK_FILE_RECORDER_BLOCKS_H

#include "file/recorder_state.h"

/* Hold a block for each block of the file that it has some time of before end_ns, and add those
 * that are whole. */
arrakis_status ark_recorder_blocks_add(arrakis_recorder *r, const arrakis_block *block,
                                       ark_block_order *order, int64_t end_ns, arrakis_error *err);
/* Where the block of the file ends that is being joined. */
int64_t ark_recorder_blocks_end(const arrakis_recorder *r);
/* Add what is joined, as a block that ends at end_ns. */
arrakis_status ark_recorder_blocks_flush(arrakis_recorder *r, int64_t end_ns, arrakis_error *err);

#endif
