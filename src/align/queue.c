/* SPDX-License-Identifier: Apache-2.0 */
#include "align/queue.h"

#include "channel/stride.h"

#include <stdlib.h>

enum { LEAST_CAPACITY = 1000 };

/* A mask is counted in: a publisher decides whether there is one. */
static uint32_t most_chunks(const ark_stripe *stripe)
{
    size_t bytes = sizeof(ark_chunk) + stripe->sample_bytes + sizeof(ark_mask) +
                   stripe->slot_count * sizeof(uint32_t) + stripe->mask_bytes;
    size_t most = (size_t)ARK_QUEUE_BYTES / bytes;
    return most > 2 ? (uint32_t)most : 2;
}

void ark_queue_init(ark_queue *queue, const ark_stripe *stripe, int64_t timeout_ns,
                    int64_t start_ns, int64_t block_ns)
{
    int64_t capacity = LEAST_CAPACITY;
    if (timeout_ns != ARRAKIS_UNSET && 2 * timeout_ns / stripe->stride_ns > capacity)
        capacity = 2 * timeout_ns / stripe->stride_ns;
    /* a whole block must fit, with as much again */
    if (2 * block_ns / stripe->stride_ns > capacity)
        capacity = 2 * block_ns / stripe->stride_ns;
    *queue = (ark_queue){.stripe = stripe,
                         .timeout_ns = timeout_ns,
                         .horizon_ns = start_ns,
                         .last_ns = ARRAKIS_UNSET,
                         .capacity = (uint64_t)capacity,
                         .most_chunks = most_chunks(stripe)};
}

static ark_chunk **at(const ark_queue *queue, uint32_t i)
{
    return &queue->ring[(queue->head + i) & (queue->size - 1)];
}

static ark_chunk *pop(ark_queue *queue)
{
    ark_chunk *chunk = *at(queue, 0);
    queue->head++;
    queue->count--;
    queue->elements -= chunk->elements;
    return chunk;
}

void ark_queue_clear(ark_queue *queue)
{
    while (queue->count)
        ark_chunk_free(pop(queue), queue->stripe);
    free(queue->ring);
    queue->ring = NULL;
    queue->size = 0;
}

void ark_queue_expire(ark_queue *queue, int64_t now_ns)
{
    if (queue->timeout_ns == ARRAKIS_UNSET)
        return;
    int64_t stride_ns = queue->stripe->stride_ns;
    int64_t known_ns = ark_stride_floor(now_ns - queue->timeout_ns, stride_ns) + stride_ns;
    if (known_ns > queue->horizon_ns)
        queue->horizon_ns = known_ns;
}

/* Room for one more chunk: the ring doubles. */
static bool grow(ark_queue *queue)
{
    if (queue->count < queue->size)
        return true;
    uint32_t size = queue->size ? 2 * queue->size : 4;
    ark_chunk **ring = malloc(size * sizeof *ring);
    if (!ring)
        return false;
    for (uint32_t i = 0; i < queue->count; i++)
        ring[i] = *at(queue, i);
    free(queue->ring);
    queue->ring = ring;
    queue->size = size;
    queue->head = 0;
    return true;
}

/* The chunk of the block at block_ns: always the newest, as data comes in time order. */
static ark_chunk *newest_chunk(ark_queue *queue, int64_t block_ns)
{
    if (queue->count && (*at(queue, queue->count - 1))->start_ns == block_ns)
        return *at(queue, queue->count - 1);
    if (!grow(queue))
        return NULL;
    ark_chunk *chunk = ark_chunk_new(queue->stripe, block_ns);
    if (chunk)
        *at(queue, queue->count++) = chunk;
    return chunk;
}

ark_push ark_queue_push(ark_queue *queue, const ark_rows *rows, int64_t slot_ns, int64_t block_ns)
{
    if (slot_ns < queue->horizon_ns)
        return slot_ns == queue->last_ns ? ARK_PUSH_DUPLICATE : ARK_PUSH_LATE;
    ark_chunk *chunk = newest_chunk(queue, block_ns);
    if (!chunk)
        return ARK_PUSH_NOMEM;
    if (ark_chunk_put(chunk, queue->stripe, slot_ns, rows) < 0) {
        queue->elements -= chunk->elements - 1;
        ark_chunk_free(chunk, queue->stripe);
        queue->count--;
        return ARK_PUSH_NOMEM;
    }
    queue->elements++;
    queue->last_ns = slot_ns;
    queue->horizon_ns = slot_ns + queue->stripe->stride_ns;
    return ARK_PUSH_OK;
}

int64_t ark_queue_front(const ark_queue *queue)
{
    return queue->count ? (*at(queue, 0))->start_ns : ARRAKIS_UNSET;
}

uint64_t ark_queue_drop_oldest(ark_queue *queue)
{
    ark_chunk *chunk = pop(queue);
    uint64_t elements = chunk->elements;
    ark_chunk_free(chunk, queue->stripe);
    return elements;
}

uint64_t ark_queue_drop_before(ark_queue *queue, int64_t t)
{
    uint64_t dropped = 0;
    while (queue->count && ark_queue_front(queue) < t)
        dropped += ark_queue_drop_oldest(queue);
    return dropped;
}

arrakis_status ark_queue_close(ark_queue *queue, int64_t block_ns, ark_chunk **chunk)
{
    *chunk = ark_queue_front(queue) == block_ns ? *at(queue, 0) : NULL;
    return *chunk ? ark_chunk_close(*chunk, queue->stripe) : ARRAKIS_OK;
}

ark_chunk *ark_queue_take(ark_queue *queue, int64_t block_ns)
{
    return ark_queue_front(queue) == block_ns ? pop(queue) : NULL;
}
