/* SPDX-License-Identifier: Apache-2.0 */
/* Record batches, read. */
#ifndef ARK_ARROW_BATCH_H
#define ARK_ARROW_BATCH_H

#include "arrow/ipc.h"
#include "arrow/schema.h"

#include <arrakis/arrakis.h>

#include <string.h>

/* One column of a batch, or the child of one. */
typedef struct ark_column {
    const uint8_t *valid;   /* bitmap, LSB first; NULL: nothing is null */
    const uint8_t *offsets; /* list, utf8, map: length + 1 int32, little-endian; NULL: no rows */
    const uint8_t *values;  /* primitive: samples; list: the child's samples; utf8: the text */
    const uint8_t *child_valid; /* list: validity of the child's samples, or NULL */
    int64_t length;             /* rows */
    int64_t child_length;       /* list: samples in all; utf8: bytes; map: entries */
    int64_t null_count;         /* rows */
    int64_t child_null_count;
    /* Whether any of the contents was checked that must be checked again in the next batch, but a
     * list's offsets and how many of its samples are null. */
    bool contents_checked;
    /* map only: the two text columns of its entries */
    const uint8_t *key_offsets, *key_text, *item_offsets, *item_text, *item_valid;
    int64_t key_text_size, item_text_size;
} ark_column;

/* Whether the i-th is there; without a bitmap all are. */
static inline bool ark_is_set(const uint8_t *bitmap, int64_t i)
{
    return !bitmap || bitmap[i / 8] >> i % 8 & 1;
}

/* Offsets may lie at any address. */
static inline int32_t ark_offset_at(const uint8_t *offsets, int64_t i)
{
    int32_t value;
    memcpy(&value, offsets + (size_t)i * sizeof value, sizeof value);
    return value;
}

/* Read a batch into `columns` (schema->count of them). *length receives the number of rows. Of a
 * column of another kind (ARK_TYPE_OTHER) only the length is told.
 *
 * Where the parts lie, counted from message->body, follows from the header's bytes and body_size
 * alone: a message equal to the last one in both has its columns in the same places, and only their
 * contents are still to be checked. Buffers may overlap, up to 16 times the body's size in all. */
arrakis_status ark_batch_read(ark_column *columns, int64_t *length, const ark_schema *schema,
                              const ark_ipc_message *message, arrakis_error *err);

#endif
