/* SPDX-License-Identifier: Apache-2.0 */
/* Which inputs of the readers of a chain become which inputs of the chain. */
#ifndef ARK_READ_CHAIN_MAPPING_H
#define ARK_READ_CHAIN_MAPPING_H

#include "read/row_splitter.h"

#include <arrakis/reader.h>

/* One of the readers, and where it takes over: a channel is read from it from begin_ns on, until
 * begin_ns of the next reader that has the channel. */
typedef struct ark_chain_segment {
    arrakis_reader *reader;
    int64_t begin_ns; /* ignored for the first reader */
} ark_chain_segment;

/* How the inputs of one of the readers become the inputs of the chain. */
typedef struct ark_chain_mapping {
    /* by input of the chain: the reader's input it comes from; SIZE_MAX: none */
    size_t *source_of;
    /* inputs of the chain, in the order of the reader's inputs */
    ark_row_splitter_output *outputs;
    size_t output_count;
    size_t *first_output; /* [i] to [i + 1]: the outputs that come from the reader's input i */
    /* by input of the reader: it is an input of the chain, and need not be split */
    bool *unchanged;
} ark_chain_mapping;

/* Make the inputs of the head, and the mappings of all readers. ENOTFOUND: no reader has a
 * channel. */
arrakis_status ark_chain_mapping_init(arrakis_reader *head, const ark_chain_segment *segments,
                                      size_t count, ark_chain_mapping *mappings,
                                      arrakis_error *err);
void ark_chain_mapping_clear(ark_chain_mapping *mapping);

#endif
