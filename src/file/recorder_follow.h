/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the channels of a block are those of a recorder's files, and files of others. */
#ifndef ARK_FILE_RECORDER_FOLLOW_H
#define ARK_FILE_RECORDER_FOLLOW_H

#include "file/recorder_state.h"

/* The order of a block's channels, as long as that block is there. EMISMATCH: they are others, and
 * not followed. */
arrakis_status ark_recorder_follow_order(const arrakis_recorder *r, ark_block_order **out,
                                         const arrakis_channels *found, arrakis_error *err);
/* Go on with the channels of a block from its start on, if they are followed, have changed, and a
 * file can end there. *order: theirs. */
arrakis_status ark_recorder_follow(arrakis_recorder *r, const arrakis_block *block,
                                   ark_block_order **order, arrakis_error *err);

#endif
