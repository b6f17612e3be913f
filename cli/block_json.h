/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks out of JSON, as 'stream --json' prints them. */
#ifndef CLI_BLOCK_JSON_H
#define CLI_BLOCK_JSON_H

#include <arrakis/arrakis.h>

/** One channel's samples as they were read. */
struct block_column {
    size_t place; /* of its channel among those known */
    char *samples;
    bool *present; /* one per sample */
    size_t count, capacity;
    size_t missing;
};

/** One line. Set to zeros before the first; the memory is used again. */
struct block_text {
    int64_t time_ns, duration_ns; /* ARRAKIS_UNSET: not given */
    struct block_column *columns;
    size_t count, capacity;
};

/** Read a line (a terminating zero follows its `size` bytes): an object with "time_ns", "data" (an
 *  array of numbers by channel, null for a missing sample, and as in Python NaN, Infinity,
 *  -Infinity) and perhaps "_duration_ns". What else is in it is skipped. Samples become what
 *  `known` says of their channels' types, exactly, or it is an error.
 *  @return OK; EFORMAT, ENOTFOUND, EMISMATCH with the place; ENOMEM. */
arrakis_status block_text_read(struct block_text *block, const char *text, size_t size,
                               const arrakis_channels *known, arrakis_error *err);
/** The same from a block whose channels are all known. @return OK, ENOTFOUND, ENOMEM */
arrakis_status block_text_copy(struct block_text *block, const arrakis_block *from,
                               const arrakis_channels *known, arrakis_error *err);
void block_text_free(struct block_text *block);

#endif
