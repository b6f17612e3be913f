/* SPDX-License-Identifier: Apache-2.0 */
/* Which streams of a chain's readers become which streams of the chain. */
#ifndef ARK_READ_CHAIN_PLAN_H
#define ARK_READ_CHAIN_PLAN_H

#include "read/row_splitter.h"

#include <arrakis/reader.h>

/* One of the readers. A channel is read from it from begin_ns on, until where the next one begins
 * that has the channel. */
typedef struct ark_chain_segment {
    arrakis_reader *reader;
    int64_t begin_ns; /* of the first it does not matter */
} ark_chain_segment;

/* How the streams of one of the readers become the chain's. */
typedef struct ark_chain_link {
    size_t *from; /* of a stream of the chain: where it comes from; SIZE_MAX: not from here */
    ark_row_splitter_part *parts; /* those that do, in the order of the reader's streams */
    size_t part_count;
    size_t *first; /* parts [first[i], first[i + 1]) are of the reader's stream i */
    bool *same;    /* that stream is one of the chain's as it is */
} ark_chain_link;

/* Make the head's streams, and the links of all readers. ENOTFOUND: a channel that none has. */
arrakis_status ark_chain_plan(arrakis_reader *head, const ark_chain_segment *segments,
                              size_t count, ark_chain_link *links, arrakis_error *err);
void ark_chain_plan_clear(ark_chain_link *link);

#endif
