/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that follow each other in time: what one of them ends with, the next one goes on from.
 *
 * Each has its own idea of which channels are one stream. The chain's streams are the finest of
 * them: every reader's stream is one or several of the chain's. */
#ifndef ARK_READ_CHAIN_READER_H
#define ARK_READ_CHAIN_READER_H

#include <arrakis/reader.h>

#include "read/row_splitter.h"
#include "read/reader.h"
#include "base/wait.h"

/* One of the readers. A channel is read from it from begin_ns on, until where the next one begins
 * that has the channel. */
typedef struct ark_chain_leg {
    arrakis_reader *reader;
    int64_t begin_ns; /* of the first it does not matter */
} ark_chain_leg;

/* The readers are taken over, on failure too. `channels` are those of all of them, in the order
 * asked for. */
arrakis_status ark_chain_reader_new(arrakis_reader **out, const ark_chain_leg *legs, size_t count,
                                    arrakis_channels *channels, arrakis_error *err);

/* ---- read/chain_plan.c */

/* How the streams of one of the readers become the chain's. */
typedef struct ark_chain_link {
    size_t *from; /* of a stream of the chain: where it comes from; SIZE_MAX: not from here */
    ark_cut_part *parts; /* those that do, in the order of the reader's streams */
    size_t part_count;
    size_t *first; /* parts [first[i], first[i + 1]) are of the reader's stream i */
    bool *same;    /* that stream is one of the chain's as it is */
} ark_chain_link;

/* Make the head's streams, and the links of all readers. ENOTFOUND: a channel that none has. */
arrakis_status ark_chain_plan(arrakis_reader *head, const ark_chain_leg *legs, size_t count,
                              ark_chain_link *links, arrakis_error *err);
void ark_chain_link_clear(ark_chain_link *link);

#endif
