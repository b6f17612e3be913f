/* SPDX-License-Identifier: Apache-2.0 */
/* The timed queue of one input. No I/O, no clock.
 *
 * The queue holds chunks of data in time order and has a horizon, its watermark: the end of the
 * span of which everything is known. A span before the horizon that is not in a chunk is a gap, so gaps
 * cost nothing. Data before the horizon comes too late. */
#ifndef ARK_ALIGN_QUEUE_H
#define ARK_ALIGN_QUEUE_H

#include "block/chunk.h"
#include "block/layout.h"
#include "block/rows.h"

typedef enum ark_push {
    ARK_PUSH_OK,
    ARK_PUSH_LATE,
    ARK_PUSH_DUPLICATE,
    ARK_PUSH_MISMATCHED, /* another duration, or off the stride grid */
    ARK_PUSH_NOMEM,
    ARK_PUSH_HELD, /* far ahead of its input: it waits (returned by the mux) */
} ark_push;

typedef struct ark_queue {
    const ark_stripe *stripe;
    int64_t
        timeout_ns; /* absence this long after a stride's begin is a gap; ARRAKIS_UNSET: never */
    int64_t horizon_ns;
    int64_t last_ns;            /* begin of the newest stride with data; ARRAKIS_UNSET: none yet */
    uint64_t elements;          /* strides with data that are held */
    uint64_t capacity;          /* strides with data that it may hold */
    uint32_t most_chunks;       /* and blocks: ARK_QUEUE_BYTES, or two */
    ark_chunk **ring;           /* chunks in time order */
    uint32_t head, count, size; /* size: a power of two, or 0 */
} ark_queue;

/* The most that a queue may hold, whatever max_latency its channels declare. */
#define ARK_QUEUE_BYTES (INT64_C(256) << 20)

/* A queue that begins at `start_ns`; `block_ns` is the span that is pulled at a time. */
void ark_queue_init(ark_queue *queue, const ark_stripe *stripe, int64_t timeout_ns,
                    int64_t start_ns, int64_t block_ns);
void ark_queue_clear(ark_queue *queue);

/* Whether the queue is over its limit; at its limit; at most at half of it. */
static inline bool ark_queue_over(const ark_queue *queue)
{
    return queue->elements > queue->capacity || queue->count > queue->most_chunks;
}

static inline bool ark_queue_full(const ark_queue *queue)
{
    return queue->elements >= queue->capacity || queue->count >= queue->most_chunks;
}

static inline bool ark_queue_has_room(const ark_queue *queue)
{
    return queue->elements <= queue->capacity / 2 && queue->count <= queue->most_chunks / 2;
}

/* Absence past the timeout is a gap: move the horizon as of now_ns. */
void ark_queue_expire(ark_queue *queue, int64_t now_ns);

/* Hold the rows that begin a stride at slot_ns, in the chunk of the block that begins at
 * block_ns. */
ark_push ark_queue_push(ark_queue *queue, const ark_rows *rows, int64_t slot_ns, int64_t block_ns);

/* Begin of the oldest block with data; ARRAKIS_UNSET when nothing is held. */
int64_t ark_queue_front(const ark_queue *queue);
/* Drop what lies before t; returns the strides with data that were dropped. */
uint64_t ark_queue_drop_before(ark_queue *queue, int64_t t);
/* Drop the oldest chunk; returns the strides with data in it. */
uint64_t ark_queue_drop_oldest(ark_queue *queue);
/* Close the chunk of the block at block_ns and show it, NULL when there is no data for it. ENOMEM:
 * all is as before. */
arrakis_status ark_queue_close(ark_queue *queue, int64_t block_ns, ark_chunk **chunk);
/* Take out the chunk that ark_queue_close() returned. */
ark_chunk *ark_queue_take(ark_queue *queue, int64_t block_ns);

#endif
