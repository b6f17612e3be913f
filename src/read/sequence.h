/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of one partition, in the order of its log -> blocks. What comes out depends on the log alone:
 * whoever begins at the position of a block, on whatever machine and at whatever time, gets the same
 * blocks from it on. So a block is complete with the message that has its last stride, or when
 * rows of a later block come, never because time has passed. No I/O, no clock. */
#ifndef ARK_READ_SEQUENCE_H
#define ARK_READ_SEQUENCE_H

#include "block/held_rows.h"
#include "block/layout.h"
#include "block/rows.h"

#include <arrakis/reader.h>

typedef struct ark_sequence_counts {
    uint64_t late;       /* from before rows that came before */
    uint64_t mismatched; /* off the stride, or with a wrong time */
} ark_sequence_counts;

/* Can be cleared when all bytes are 0. */
typedef struct ark_sequence {
    ark_layout *layout; /* of one input */
    int64_t begin_ns;   /* what is earlier is passed over */
    ark_chunk *chunk;   /* of the block that is being filled; NULL: none */
    int64_t offset;     /* of the message that it began with */
    /* the end of the rows that were taken last; none: the begin, ARRAKIS_UNSET where that is 0 */
    int64_t watermark_ns;
    int64_t message, message_ns; /* the message that rows came of last, and their time */
    /* One, at most, that is far ahead of those before it: the next rows show whether its time is
     * right. */
    ark_held_rows held;
    int64_t held_offset;
    ark_sequence_counts counts;
} ark_sequence;

/* `stride_ns`: that of the channels, which divides block_ns. EINVAL: as ark_layout_new(). */
arrakis_status ark_sequence_init(ark_sequence *sequence, const arrakis_channels *channels,
                                 int64_t stride_ns, int64_t block_ns, int64_t begin_ns,
                                 arrakis_error *err);
void ark_sequence_clear(ark_sequence *sequence);

/* What came out: a block, where reading must begin to get it again, and where to get what follows. */
typedef struct ark_sequence_block {
    arrakis_block *block;
    arrakis_group_position at, next;
} ark_sequence_block;

/* Put rows of the message at `offset` in. Those after `latest_ns` have a wrong time. OK: a block came
 * out, and the same rows are to be put in again; DONE: they have been taken, or dropped and counted;
 * ENOMEM: what has come of the block may be gone, and the sequence is to be cleared. */
arrakis_status ark_sequence_put(ark_sequence *sequence, const ark_rows *rows, int64_t offset,
                                int64_t latest_ns, ark_sequence_block *out, arrakis_error *err);
/* All rows of the message at `offset` have been put in. OK: a block came out, whose last stride
 * that message has; DONE: none; ENOMEM: as ark_sequence_put(). */
arrakis_status ark_sequence_end_message(ark_sequence *sequence, int64_t offset,
                                        ark_sequence_block *out, arrakis_error *err);

#endif
