/* SPDX-License-Identifier: Apache-2.0 */
/* One stripe's samples for one block. A chunk is written straight from a message's bytes, so a sample is
 * copied once. */
#ifndef ARK_BLOCK_CHUNK_H
#define ARK_BLOCK_CHUNK_H

#include "block/layout.h"
#include "block/rows.h"

#include <arrakis/arrakis.h>

#include <stdatomic.h>

typedef struct ark_mask {
    uint32_t *missing; /* missing samples, one count per slot */
    uint8_t *bits;     /* validity, at ark_slot.bits_at */
} ark_mask;

typedef struct ark_chunk {
    int64_t start_ns;         /* of the span it covers */
    int64_t begin_ns, end_ns; /* of the data in it, when an edge block left its ends open */
    uint32_t next;            /* strides before this one are known */
    uint32_t elements;        /* strides with data */
    ark_mask *mask;           /* NULL: nothing is missing */
    _Alignas(8) uint8_t samples[];
} ark_chunk;

ark_chunk *ark_chunk_new(const ark_stripe *stripe, int64_t start_ns);
/* Copy rows into the stride that begins at slot_ns (not before chunk->next); what lies between is
 * missing. A shorter duration leaves the rest of the stride missing. After ENOMEM the content of the
 * chunk is undefined: free it. */
arrakis_status ark_chunk_put(ark_chunk *chunk, const ark_stripe *stripe, int64_t slot_ns,
                             const ark_rows *rows);
/* Mark as missing the samples that are 0 in `valid`: one bit per sample of one stride of one slot.
 * ENOMEM as above. */
arrakis_status ark_chunk_mask(ark_chunk *chunk, const ark_stripe *stripe, uint32_t slot,
                              const uint8_t *valid);
/* No more data will come: mark the rest as missing. After ENOMEM the chunk is unchanged. */
arrakis_status ark_chunk_close(ark_chunk *chunk, const ark_stripe *stripe);
void ark_chunk_free(ark_chunk *chunk, const ark_stripe *stripe);

/* Narrow a closed chunk to [begin, end) of its span: the samples move to the front of each slot. */
void ark_chunk_trim(ark_chunk *chunk, const ark_stripe *stripe, int64_t begin_ns, int64_t end_ns);

#endif
