/* SPDX-License-Identifier: Apache-2.0 */
/* Finds, for each channel of a file, its series in a block. */
#ifndef ARK_FILE_BLOCK_ORDER_H
#define ARK_FILE_BLOCK_ORDER_H

#include <arrakis/arrakis.h>

#define ARK_BLOCK_ORDER_OTHER SIZE_MAX

/* One per list of channels; blocks that are kept for a while share it. */
typedef struct ark_block_order {
    size_t refs;
    arrakis_channels *list; /* of the blocks */
    bool same;              /* all have the type and rate there that they have in files */
    int64_t own_ns;         /* the stride of that list; 0: it does not matter */
    /* of each channel of files: the index of its series; ARK_BLOCK_ORDER_OTHER: it has another
     * type or rate there */
    size_t at[];
} ark_block_order;

/* EMISMATCH: the list is not of the same names; the text tells what is not. EINVAL: its own stride
 * is wanted, and there is none. */
arrakis_status ark_block_order_new(ark_block_order **out, const arrakis_channels *in_files,
                                   const arrakis_channels *list, bool with_stride,
                                   arrakis_error *err);
ark_block_order *ark_block_order_ref(ark_block_order *order);
/* NULL is taken, too. */
void ark_block_order_unref(ark_block_order *order);

#endif
