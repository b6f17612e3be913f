/* SPDX-License-Identifier: Apache-2.0 */
/* Where the samples of a block lie: shared by all blocks of a stream. */
#ifndef ARK_BLOCK_LAYOUT_H
#define ARK_BLOCK_LAYOUT_H

#include <arrakis/arrakis.h>

#include <stdatomic.h>

typedef struct ark_slot {
    size_t offset;    /* bytes into a chunk's samples */
    size_t bits_at;   /* bytes into a mask's bits */
    uint32_t samples; /* in one stride */
    uint16_t size;    /* bytes per sample */
    uint16_t dtype;   /* so that a series is told without looking up its channel */
} ark_slot;

typedef struct ark_chunk ark_chunk;

/* Chunks to be used again, a few of each stripe. An allocator gives memory of this size back to the
 * system at every block, and every page of it then costs a fault and 4 kB of zeros: as much as the
 * copy of the samples. Small ones it handles well. Any thread may free a block. */
enum { ARK_SPARES = 4, ARK_SPARES_FROM = 32 << 10 };
typedef struct ark_spares {
    _Atomic(ark_chunk *) chunks[ARK_SPARES];
} ark_spares;

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

typedef struct ark_layout {
    atomic_uint refs;
    int64_t duration_ns;
    arrakis_channels *channels;
    ark_place *places; /* one per channel */
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

/* Samples of a slot in part_ns of a block of whole_ns. */
static inline size_t ark_layout_part_samples(const ark_slot *slot, const ark_stripe *stripe,
                                             int64_t part_ns, int64_t whole_ns)
{
    double whole = (double)slot->samples * stripe->strides;
    return (size_t)(whole * (double)part_ns / (double)whole_ns + 0.5);
}

#endif
