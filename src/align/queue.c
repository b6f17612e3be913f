/* SPDX-License-Identifier: Apache-2.0 */
#include "align/queue.h"

#include "channel/stride.h"

#include <assert.h>
#include <stdlib.h>

enum { MIN_CAPACITY = 1000 };

/* Each chunk counts with a mask: whether samples are missing is up to the publisher. */
static uint32_t max_chunks(const ark_layout_input *layout)
{
    size_t bytes = sizeof(ark_chunk) + layout->sample_bytes + sizeof(ark_mask) +
                   layout->channel_count * sizeof(uint32_t) + layout->mask_bytes;
    size_t most = (size_t)ARK_QUEUE_BYTES / bytes;
    return most > 2 ? (uint32_t)most : 2;
}

void ark_queue_init(ark_queue *queue, const ark_layout_input *layout, int64_t timeout_ns,
                    int64_t start_ns, int64_t block_ns)
{
    assert(block_ns > 0 && block_ns % layout->stride_ns == 0);
    int64_t capacity = MIN_CAPACITY;
    if (timeout_ns != ARRAKIS_UNSET && 2 * timeout_ns / layout->stride_ns > capacity)
        capacity = 2 * timeout_ns / layout->stride_ns;
    /* two whole blocks must fit */
    if (2 * block_ns / layout->stride_ns > capacity)
        capacity = 2 * block_ns / layout->stride_ns;
    *queue = (ark_queue){.layout = layout,
                         .timeout_ns = timeout_ns,
                         .watermark_ns = start_ns,
                         .last_ns = ARRAKIS_UNSET,
                         .capacity = (uint64_t)capacity,
                         .max_chunks = max_chunks(layout)};
}

static ark_chunk **ring_at(const ark_queue *queue, uint32_t i)
{
    return &queue->ring[(queue->head + i) & (queue->size - 1)];
}

static ark_chunk *queue_pop(ark_queue *queue)
{
    assert(queue->count);
    ark_chunk *chunk = *ring_at(queue, 0);
    queue->head++;
    queue->count--;
    queue->elements -= chunk->elements;
    return chunk;
}

void ark_queue_clear(ark_queue *queue)
{
    while (queue->count)
        ark_chunk_free(queue_pop(queue), queue->layout);
    free(queue->ring);
    queue->ring = NULL;
    queue->size = 0;
}

void ark_queue_expire(ark_queue *queue, int64_t now_ns)
{
    if (queue->timeout_ns == ARRAKIS_UNSET)
        return;
    int64_t stride_ns = queue->layout->stride_ns;
    int64_t watermark_ns = ark_stride_floor(now_ns - queue->timeout_ns, stride_ns) + stride_ns;
    if (watermark_ns > queue->watermark_ns)
        queue->watermark_ns = watermark_ns;
}

/* Make room for one more chunk: the ring doubles. */
static bool queue_grow(ark_queue *queue)
{
    if (queue->count < queue->size)
        return true;
    uint32_t size = queue->size ? 2 * queue->size : 4;
    ark_chunk **ring = malloc(size * sizeof *ring);
    if (!ring)
        return false;
    for (uint32_t i = 0; i < queue->count; i++)
        ring[i] = *ring_at(queue, i);
    free(queue->ring);
    queue->ring = ring;
    queue->size = size;
    queue->head = 0;
    return true;
}

/* The chunk of the block that begins at block_ns. It is the newest, as data comes in the order of
 * time. */
static ark_chunk *newest_chunk(ark_queue *queue, int64_t block_ns)
{
    assert(!queue->count || (*ring_at(queue, queue->count - 1))->start_ns <= block_ns);
    if (queue->count && (*ring_at(queue, queue->count - 1))->start_ns == block_ns)
        return *ring_at(queue, queue->count - 1);
    if (!queue_grow(queue))
        return NULL;
    ark_chunk *chunk = ark_chunk_new(queue->layout, block_ns);
    if (chunk)
        *ring_at(queue, queue->count++) = chunk;
    return chunk;
}

ark_push ark_queue_push(ark_queue *queue, const ark_rows *rows, int64_t stride_start_ns,
                        int64_t block_ns)
{
    assert(block_ns <= stride_start_ns &&
           stride_start_ns < block_ns + queue->layout->strides * queue->layout->stride_ns);
    if (stride_start_ns < queue->watermark_ns)
        return stride_start_ns == queue->last_ns ? ARK_PUSH_DUPLICATE : ARK_PUSH_LATE;
    ark_chunk *chunk = newest_chunk(queue, block_ns);
    if (!chunk)
        return ARK_PUSH_NOMEM;
    if (ark_chunk_put(chunk, queue->layout, stride_start_ns, rows) < 0) {
        queue->elements -= chunk->elements - 1;
        ark_chunk_free(chunk, queue->layout);
        queue->count--;
        return ARK_PUSH_NOMEM;
    }
    queue->elements++;
    queue->last_ns = stride_start_ns;
    queue->watermark_ns = stride_start_ns + queue->layout->stride_ns;
    return ARK_PUSH_OK;
}

int64_t ark_queue_oldest_ns(const ark_queue *queue)
{
    return queue->count ? (*ring_at(queue, 0))->start_ns : ARRAKIS_UNSET;
}

uint64_t ark_queue_drop_oldest(ark_queue *queue)
{
    ark_chunk *chunk = queue_pop(queue);
    uint64_t elements = chunk->elements;
    ark_chunk_free(chunk, queue->layout);
    return elements;
}

uint64_t ark_queue_drop_before(ark_queue *queue, int64_t time_ns)
{
    uint64_t dropped = 0;
    while (queue->count && ark_queue_oldest_ns(queue) < time_ns)
        dropped += ark_queue_drop_oldest(queue);
    return dropped;
}

arrakis_status ark_queue_close(ark_queue *queue, int64_t block_ns, ark_chunk **chunk)
{
    *chunk = ark_queue_oldest_ns(queue) == block_ns ? *ring_at(queue, 0) : NULL;
    return *chunk ? ark_chunk_close(*chunk, queue->layout) : ARRAKIS_OK;
}

ark_chunk *ark_queue_take(ark_queue *queue, int64_t block_ns)
{
    return ark_queue_oldest_ns(queue) == block_ns ? queue_pop(queue) : NULL;
}
