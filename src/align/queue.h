/* SPDX-License-Identifier: Apache-2.0 */
/* The data of one input that waits for other inputs. No I/O, no clock.
 *
 * The queue holds chunks in the order of time, and has a watermark. A span before the watermark
 * that no chunk covers is a gap, so gaps take no memory. Data from before the watermark is
 * late. */
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
    ARK_PUSH_HELD, /* far ahead of its input, and held (returned by the mux) */
} ark_push;

typedef struct ark_queue {
    const ark_layout_input *layout;
    int64_t timeout_ns; /* without data, a stride is a gap after this; ARRAKIS_UNSET: never */
    int64_t watermark_ns;
    int64_t last_ns;            /* begin of the newest stride with data; ARRAKIS_UNSET: none yet */
    uint64_t elements;          /* strides with data in the queue */
    uint64_t capacity;          /* the most of them */
    uint32_t max_chunks;        /* the most chunks: ARK_QUEUE_BYTES of them, or two */
    ark_chunk **ring;           /* chunks in time order */
    uint32_t head, count, size; /* size: a power of two, or 0 */
} ark_queue;

/* The most bytes that a queue may hold, whatever max_latency its channels declare. */
#define ARK_QUEUE_BYTES (INT64_C(256) << 20)

/* The watermark begins at start_ns; block_ns is the duration of a block. */
void ark_queue_init(ark_queue *queue, const ark_layout_input *layout, int64_t timeout_ns,
                    int64_t start_ns, int64_t block_ns);
void ark_queue_clear(ark_queue *queue);

/* Whether the queue is over its limit; at its limit; at most at half of it. */
static inline bool ark_queue_over(const ark_queue *queue)
{
    return queue->elements > queue->capacity || queue->count > queue->max_chunks;
}

static inline bool ark_queue_full(const ark_queue *queue)
{
    return queue->elements >= queue->capacity || queue->count >= queue->max_chunks;
}

static inline bool ark_queue_has_room(const ark_queue *queue)
{
    return queue->elements <= queue->capacity / 2 && queue->count <= queue->max_chunks / 2;
}

/* Move the watermark: strides without data whose timeout has passed at now_ns are gaps. */
void ark_queue_expire(ark_queue *queue, int64_t now_ns);

/* Append rows of the stride that begins at stride_start_ns, to the chunk of the block that begins
 * at block_ns. */
ark_push ark_queue_push(ark_queue *queue, const ark_rows *rows, int64_t stride_start_ns,
                        int64_t block_ns);

/* Begin of the oldest block with data; ARRAKIS_UNSET: the queue is empty. */
int64_t ark_queue_oldest_ns(const ark_queue *queue);
/* Drop the chunks that begin before time_ns; returns how many strides with data were in them. */
uint64_t ark_queue_drop_before(ark_queue *queue, int64_t time_ns);
/* Drop the oldest chunk; returns how many strides with data were in it. */
uint64_t ark_queue_drop_oldest(ark_queue *queue);
/* Close the chunk of the block that begins at block_ns. It stays in the queue; NULL: the block has
 * no data. ENOMEM: nothing has changed. */
arrakis_status ark_queue_close(ark_queue *queue, int64_t block_ns, ark_chunk **chunk);
/* Take that chunk out of the queue. */
ark_chunk *ark_queue_take(ark_queue *queue, int64_t block_ns);

#endif
