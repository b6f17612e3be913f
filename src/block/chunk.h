/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of one input for one block. They are copied once: from the bytes of a message into
 * the chunk. */
#ifndef ARK_BLOCK_CHUNK_H
#define ARK_BLOCK_CHUNK_H

#include "block/layout.h"
#include "block/rows.h"

#include <arrakis/arrakis.h>

#include <stdatomic.h>

typedef struct ark_mask {
    uint32_t *missing; /* missing samples, one count per channel */
    uint8_t *bits;     /* validity, at ark_layout_channel.bits_at */
} ark_mask;

typedef struct ark_chunk {
    int64_t start_ns; /* of the span it covers */
    int64_t begin_ns,
        end_ns;        /* of the data in it: narrower, if a row was shorter than its stride */
    uint32_t next;     /* number of the first stride that has neither samples nor mask yet */
    uint32_t elements; /* strides with data */
    ark_mask *mask;    /* NULL: nothing is missing */
    _Alignas(8) uint8_t samples[];
} ark_chunk;

ark_chunk *ark_chunk_new(const ark_layout_input *input, int64_t start_ns);
/* Copy rows into the stride that begins at stride_start_ns, which is not before stride
 * chunk->next. The strides from there up to it are masked, and the rest of the stride where the
 * rows are shorter. After ENOMEM the content of the chunk is undefined: free it. */
arrakis_status ark_chunk_put(ark_chunk *chunk, const ark_layout_input *input,
                             int64_t stride_start_ns, const ark_rows *rows);
/* Mask the samples of the first stride of a channel that are 0 in `valid`, which has one bit per
 * sample. ENOMEM: as ark_chunk_put(). */
arrakis_status ark_chunk_mask(ark_chunk *chunk, const ark_layout_input *input, uint32_t channel,
                              const uint8_t *valid);
/* No more data comes: mask the rest. After ENOMEM the chunk is unchanged. */
arrakis_status ark_chunk_close(ark_chunk *chunk, const ark_layout_input *input);
void ark_chunk_free(ark_chunk *chunk, const ark_layout_input *input);

/* Narrow a closed chunk to [begin_ns, end_ns) of its span: the samples of each channel move to the
 * begin. */
void ark_chunk_trim(ark_chunk *chunk, const ark_layout_input *input, int64_t begin_ns,
                    int64_t end_ns);

#endif
