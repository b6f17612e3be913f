/* SPDX-License-Identifier: Apache-2.0 */
/* A block out of a file: the wanted channels that the file has, and their samples as they are read. */
#ifndef ARK_FILE_INPUT_BLOCK_H
#define ARK_FILE_INPUT_BLOCK_H

#include "base/buffer.h"
#include "file/input_format.h"

/* Where samples lie in `bytes`, which moves while it grows. */
typedef struct ark_input_part {
    size_t samples, valid;
} ark_input_part;

typedef struct ark_input_block {
    arrakis_channels *known, *channels; /* those that are wanted, and those of the block */
    size_t *index;                      /* of each of the latter among the former */
    ark_input_part *parts;
    arrakis_series *series;
    size_t count, capacity; /* of the parts that are added so far */
    ark_buffer bytes;
} ark_input_block;

void ark_input_block_clear(ark_input_block *block);
/* Begin with a block of up to `capacity` channels. */
arrakis_status ark_input_block_begin(ark_input_block *block, size_t capacity, arrakis_error *err);
/* Whether what a file has is what the channel is: EMISMATCH, with both. */
arrakis_status ark_input_block_check(const arrakis_channel *channel, arrakis_dtype dtype,
                                     double rate, arrakis_error *err);
/* Add the next channel, the one with that index among those that are wanted, with `length` samples
 * that are missing so far, and may be written: *samples and *valid (bits, all 0) stay until the next
 * call. EUNSUPPORTED: the block has more than ARK_INPUT_BLOCK_MAX bytes. */
arrakis_status ark_input_block_add(ark_input_block *block, size_t index, size_t length,
                                   void **samples, uint8_t **valid, arrakis_error *err);
/* Make the block of what was added. */
arrakis_status ark_input_block_make(ark_input_block *block, arrakis_block **out, int64_t start_ns,
                                    int64_t duration_ns, arrakis_error *err);

#endif
