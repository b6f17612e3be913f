/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, and how their samples lie in memory.
 *
 * A block is put together from chunks, one a stream, each holding what one stream has for the
 * block's span. A chunk is written straight from a message's bytes, so a sample is copied once;
 * putting a block together moves nothing. A stream without data has no chunk. */
#ifndef ARK_BLOCK_BLOCK_H
#define ARK_BLOCK_BLOCK_H

#include <arrakis/arrakis.h>

#include <stdatomic.h>

/* ---- rows: what a decoder found in a message */

/* `slots` channels in a row, `length` samples each, that lie one behind the other in the message. */
typedef struct ark_piece {
    size_t samples_at; /* bytes from `base` */
    size_t valid_at;   /* bytes from `base` to the validity bitmap; SIZE_MAX: all present */
    size_t valid_bit;  /* bit of the first sample in it */
    uint32_t slot, slots, length;
} ark_piece;

/* One stream's data for one span, as it lies (unaligned) in a message. */
typedef struct ark_rows {
    int64_t time_ns, duration_ns;
    const uint8_t *base;
    const ark_piece *pieces;
    size_t piece_count;
    const uint32_t *missing; /* slots that have no row */
    size_t missing_count;
} ark_rows;

/* ---- layout: where samples go */

typedef struct ark_slot {
    size_t offset;    /* bytes into a chunk's samples */
    size_t bits_at;   /* bytes into a mask's bits */
    uint32_t samples; /* in one stride */
    uint16_t size;    /* bytes a sample */
    uint16_t dtype;   /* so that a series is told without looking up its channel */
} ark_slot;

typedef struct ark_chunk ark_chunk;
typedef struct ark_spares ark_spares;

/* One stream of a layout. */
typedef struct ark_stripe {
    int64_t stride_ns;
    uint32_t strides; /* in a block */
    uint32_t slot_count;
    bool packed; /* neighbouring slots lie without a hole */
    size_t sample_bytes, mask_bytes;
    ark_slot *slots;
    ark_spares *spares; /* NULL: its chunks are small */
} ark_stripe;

/* Where a channel is. */
typedef struct ark_place {
    uint32_t stripe, slot;
} ark_place;

/* Shared by all blocks of a stream. */
typedef struct ark_layout {
    atomic_uint refs;
    int64_t duration_ns;
    arrakis_channels *channels;
    ark_place *places; /* one a channel */
    size_t stripe_count;
    ark_stripe *stripes;
    uint8_t *zeros; /* stands for the samples, and the validity, of a stream without data */
    _Atomic(uint32_t *) by_name; /* made when it is first asked for */
} ark_layout;

/* One stripe a list of channels; all channels of stripe i have the stride strides_ns[i], of which
 * duration_ns is a multiple. EINVAL names a channel whose rate gives no whole number of samples. */
arrakis_status ark_layout_new(ark_layout **out, const arrakis_channels *const *lists,
                              const int64_t *strides_ns, size_t count, int64_t duration_ns,
                              arrakis_error *err);
/* Give the channels another order than that of the lists: `order` holds the same ones. */
arrakis_status ark_layout_order(ark_layout *layout, arrakis_channels *order, arrakis_error *err);
/* The places of the channels in the order of their names. Any thread. NULL: out of memory. */
const uint32_t *ark_layout_by_name(ark_layout *layout);
void ark_layout_free(ark_layout *layout);

/* ---- chunks: one stripe's samples for one block */

typedef struct ark_mask {
    uint32_t *missing; /* samples missing, a slot */
    uint8_t *bits;     /* validity, at ark_slot.bits_at */
} ark_mask;

struct ark_chunk {
    int64_t start_ns;         /* of the span it covers */
    int64_t begin_ns, end_ns; /* of the data in it, when an edge block left its ends open */
    uint32_t next;            /* strides before this one are known */
    uint32_t elements;        /* strides with data */
    ark_mask *mask;           /* NULL: nothing is missing */
    _Alignas(8) uint8_t samples[];
};

/* Chunks to be used again, a few of each stripe. An allocator gives memory of this size back to the
 * system at every block, and every page of it then costs a fault and 4 kB of zeros: as much as the
 * copy of the samples. Small ones it handles well. Any thread may free a block. */
enum { ARK_SPARES = 4, ARK_SPARES_FROM = 32 << 10 };
struct ark_spares {
    _Atomic(ark_chunk *) chunks[ARK_SPARES];
};

ark_chunk *ark_chunk_new(const ark_stripe *stripe, int64_t start_ns);
/* Copy rows into the stride that begins at slot_ns (not before chunk->next); what lies between is
 * missing. A shorter duration leaves the rest of the stride missing. After ENOMEM the chunk does not
 * know what it holds: free it. */
arrakis_status ark_chunk_put(ark_chunk *chunk, const ark_stripe *stripe, int64_t slot_ns,
                             const ark_rows *rows);
/* Mark missing what `valid` (a bit a sample of one stride of one slot) has as 0. ENOMEM as above. */
arrakis_status ark_chunk_mask(ark_chunk *chunk, const ark_stripe *stripe, uint32_t slot,
                              const uint8_t *valid);
/* Nothing more will come: the rest is missing. After ENOMEM it is as before. */
arrakis_status ark_chunk_close(ark_chunk *chunk, const ark_stripe *stripe);
void ark_chunk_free(ark_chunk *chunk, const ark_stripe *stripe);

/* ---- blocks */

struct arrakis_block {
    atomic_uint refs;
    int64_t start_ns, duration_ns;
    ark_layout *layout;
    ark_chunk *chunks[]; /* one a stripe; NULL: it has no data */
};

/* A block of chunks[] (one a stripe, closed, NULL for none), taken over unless it fails. Where all
 * chunks leave the same end of the span open, the block is that much shorter. */
arrakis_status ark_block_assemble(arrakis_block **out, ark_layout *layout, int64_t start_ns,
                                  ark_chunk **chunks, arrakis_error *err);

/* arrakis_block_series(), written to its place: a thousand returned by value take 5 us more. */
void ark_block_series(arrakis_series *series, const arrakis_block *block, size_t i);

/* Narrow a closed chunk to [begin, end) of its span: the samples move to the front of each slot. */
void ark_chunk_trim(ark_chunk *chunk, const ark_stripe *stripe, int64_t begin_ns, int64_t end_ns);

/* Samples of a slot in part_ns of a block of whole_ns. */
static inline size_t ark_part_samples(const ark_slot *slot, const ark_stripe *stripe,
                                      int64_t part_ns, int64_t whole_ns)
{
    double whole = (double)slot->samples * stripe->strides;
    return (size_t)(whole * (double)part_ns / (double)whole_ns + 0.5);
}

/* Bits [at, at + count) of a bitmap, LSB first. */
void ark_bits_clear(uint8_t *bits, size_t at, size_t count);
/* Copy count bits; returns how many of them were 0. Target bits must be 1 before. */
size_t ark_bits_copy_zeros(uint8_t *to, size_t to_at, const uint8_t *from, size_t from_at,
                           size_t count);

#endif
