/* SPDX-License-Identifier: Apache-2.0 */
/* Where the samples of a block lie in memory. All blocks of a stream share one layout. */
#ifndef ARK_BLOCK_LAYOUT_H
#define ARK_BLOCK_LAYOUT_H

#include <arrakis/arrakis.h>

#include <stdatomic.h>

/* The samples of one channel. */
typedef struct ark_layout_channel {
    size_t offset;    /* bytes into a chunk's samples */
    size_t bits_at;   /* bytes into a mask's bits */
    uint32_t samples; /* in one stride */
    uint16_t size;    /* bytes per sample */
    uint16_t dtype;   /* an arrakis_dtype; here, so that a series is made without the channel */
} ark_layout_channel;

typedef struct ark_chunk ark_chunk;

/* A few free chunks of one input, to be used again. malloc() returns memory of this size to the
 * system whenever a block is freed; each page that is then used again costs a fault and 4 kB of
 * zeros, which is as much as the copy of the samples. Chunks below ARK_CHUNK_POOL_FROM bytes are
 * left to malloc(). Any thread may free a block. */
enum { ARK_CHUNK_POOL = 4, ARK_CHUNK_POOL_FROM = 32 << 10 };
typedef struct ark_chunk_pool {
    _Atomic(ark_chunk *) chunks[ARK_CHUNK_POOL];
} ark_chunk_pool;

/* The channels of one input. Their numbers are those in the input's list of channels. */
typedef struct ark_layout_input {
    int64_t stride_ns;
    uint32_t strides; /* in a block */
    uint32_t channel_count;
    bool packed; /* channels of one size, with no bytes between them */
    size_t sample_bytes, mask_bytes;
    ark_layout_channel *channels;
    ark_chunk_pool *pool; /* NULL: the chunks are small */
} ark_layout_input;

/* Where a channel of the block is: an input, and the number of the channel in it. */
typedef struct ark_layout_position {
    uint32_t input, channel;
} ark_layout_position;

typedef struct ark_layout {
    atomic_uint refs;
    int64_t duration_ns;
    arrakis_channels *channels;
    ark_layout_position *positions; /* one per channel */
    size_t input_count;
    ark_layout_input *inputs;
    uint8_t *zeros;              /* the samples, and the validity, of an input without data */
    _Atomic(uint32_t *) by_name; /* made by the first ark_layout_by_name() */
} ark_layout;

/* One input per list of channels. All channels of input i have the stride strides_ns[i], of which
 * duration_ns is a multiple. EINVAL names a channel whose rate does not give a whole number of
 * samples. */
arrakis_status ark_layout_new(ark_layout **out, const arrakis_channels *const *lists,
                              const int64_t *strides_ns, size_t count, int64_t duration_ns,
                              arrakis_error *err);
/* Give the channels of the blocks the order of `order`, which holds the channels of all lists. */
arrakis_status ark_layout_order(ark_layout *layout, arrakis_channels *order, arrakis_error *err);
/* The numbers of the channels, sorted by name. May be called in any thread. NULL: out of
 * memory. */
const uint32_t *ark_layout_by_name(ark_layout *layout);
void ark_layout_unref(ark_layout *layout);

/* How many samples of a channel lie in part_ns of a block of whole_ns. */
static inline size_t ark_layout_part_samples(const ark_layout_channel *channel,
                                             const ark_layout_input *input, int64_t part_ns,
                                             int64_t whole_ns)
{
    double whole = (double)channel->samples * input->strides;
    return (size_t)(whole * (double)part_ns / (double)whole_ns + 0.5);
}

#endif
