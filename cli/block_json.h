/* SPDX-License-Identifier: Apache-2.0 */
/* Reads blocks from JSON in the form that 'stream --json' prints. */
#ifndef CLI_BLOCK_JSON_H
#define CLI_BLOCK_JSON_H

#include <arrakis/arrakis.h>

/** The samples of one channel. */
struct block_column {
    size_t index; /* of the channel in `known` */
    char *samples;
    bool *present; /* one per sample */
    size_t count, capacity;
    size_t missing;
};

/** The block of one line. Set it to zeros before the first line; its memory is reused. */
struct block_text {
    int64_t time_ns, duration_ns; /* ARRAKIS_UNSET: not given */
    struct block_column *columns;
    size_t count, capacity;
};

/** Read a line; a zero byte must follow its `size` bytes. It is an object with "time_ns", "data"
 *  (an array of numbers per channel; null for a missing sample; as in Python NaN, Infinity and
 *  -Infinity) and perhaps "_duration_ns"; other members are skipped. Each sample must be exactly
 *  representable in the data type that its channel has in `known`.
 *  @return OK; EFORMAT, ENOTFOUND, EMISMATCH with the place; ENOMEM. */
arrakis_status block_text_read(struct block_text *block, const char *text, size_t size,
                               const arrakis_channels *known, arrakis_error *err);
/** Copy a block whose channels `known` has. @return OK, ENOTFOUND, ENOMEM */
arrakis_status block_text_copy(struct block_text *block, const arrakis_block *from,
                               const arrakis_channels *known, arrakis_error *err);
void block_text_free(struct block_text *block);

#endif
