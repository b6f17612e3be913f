/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the headers of Arrow messages: schemas, and the nodes and buffers of record batches. */
#ifndef ARK_ARROW_HEADER_H
#define ARK_ARROW_HEADER_H

#include "arrow/flatbuffer.h"

#include <assert.h>
#include <string.h>

/* A field of numbers; of text, for ARRAKIS_DTYPE_NONE; of lists, if `child` is not 0. `rate`
 * becomes metadata; it may be NULL. */
ark_flatbuffer_offset ark_header_field(ark_flatbuffer_builder *b, const char *name, bool nullable,
                                       arrakis_dtype dtype, ark_flatbuffer_offset child,
                                       const char *rate);
ark_flatbuffer_offset ark_header_list(ark_flatbuffer_builder *b, const char *name,
                                      arrakis_dtype dtype, const char *rate);
ark_flatbuffer_offset ark_header_schema(ark_flatbuffer_builder *b,
                                        const ark_flatbuffer_offset *fields, size_t count);

/* The header of a record batch: first its nodes, then its buffers, whose offsets in the body
 * follow from their sizes. */
typedef struct ark_header_batch {
    ark_flatbuffer_builder *builder;
    uint8_t *next; /* where the next node or buffer is written; NULL: the builder has failed */
    size_t left;   /* nodes or buffers that are still to come */
    size_t node_count, buffer_count;
    ark_flatbuffer_offset nodes;
    size_t body_size;
} ark_header_batch;

/* The buffers of a body begin at multiples of eight bytes. */
static inline size_t ark_header_padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

void ark_header_nodes(ark_header_batch *batch, ark_flatbuffer_builder *b, size_t count);
void ark_header_buffers(ark_header_batch *batch, size_t count);
/* The header of the batch, after all nodes and buffers. */
ark_flatbuffer_offset ark_header_batch_end(ark_header_batch *batch, size_t rows);

static inline void ark_header_put(ark_header_batch *batch, size_t first, size_t second)
{
    const int64_t pair[2] = {(int64_t)first, (int64_t)second};
    assert(batch->left);
    batch->left--;
    if (batch->next) {
        memcpy(batch->next, pair, sizeof pair);
        batch->next += sizeof pair;
    }
}

/* Add a node: how many elements, and how many of them are null. */
static inline void ark_header_node(ark_header_batch *batch, size_t length, size_t nulls)
{
    ark_header_put(batch, length, nulls);
}

/* Add a buffer; returns its offset in the body. */
static inline size_t ark_header_buffer(ark_header_batch *batch, size_t size)
{
    size_t at = batch->body_size;
    ark_header_put(batch, at, size);
    batch->body_size += ark_header_padded(size);
    return at;
}

/* Whether the builder has what was put into it: ENOMEM, or EINVAL for over 2 GiB. */
arrakis_status ark_header_status(const ark_flatbuffer_builder *b, arrakis_error *err);
/* Make a header a Message, which is the last thing that is built. Returns its bytes, or NULL: the
 * status of the builder is ENOMEM, or EINVAL for over 2 GiB. The caller clears the builder. */
const uint8_t *ark_header_message(ark_flatbuffer_builder *b, uint8_t kind,
                                  ark_flatbuffer_offset header, size_t body_size,
                                  arrakis_error *err);

#endif
