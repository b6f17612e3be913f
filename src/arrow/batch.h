/* SPDX-License-Identifier: Apache-2.0 */
/* Reads record batches. */
#ifndef ARK_ARROW_BATCH_H
#define ARK_ARROW_BATCH_H

#include "arrow/ipc.h"
#include "arrow/schema.h"

#include <arrakis/arrakis.h>

#include <string.h>

/* One column of a batch, with its child where it has one. */
typedef struct ark_column {
    const uint8_t *valid;   /* bitmap, least significant bit first; NULL: no row is null */
    const uint8_t *offsets; /* list, utf8, map: length + 1 int32, little-endian; NULL: no rows */
    const uint8_t *values;  /* primitive: samples; list: the child's samples; utf8: the text */
    const uint8_t *child_valid; /* list: validity of the child's samples, or NULL */
    int64_t length;             /* rows */
    int64_t child_length;       /* list: samples of all rows; utf8: bytes; map: entries */
    int64_t null_count;         /* rows */
    int64_t child_null_count;
    /* Whether contents were checked that must be checked again in the next batch with the same
     * header. The offsets of a list and the number of its null samples do not count: they always
     * are. */
    bool contents_checked;
    /* map only: the two text columns of its entries */
    const uint8_t *key_offsets, *key_text, *item_offsets, *item_text, *item_valid;
    int64_t key_text_size, item_text_size;
} ark_column;

/* Whether bit i is 1; without a bitmap all are. */
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

/* Read a batch into `columns` (schema->count of them). *length receives the number of rows.
 * Columns of the kind ARK_TYPE_OTHER get only their length.
 *
 * Where the values lie, counted from message->body, depends on the bytes of the header and on
 * body_size only: when two messages have the same header and body_size, their columns lie at the
 * same offsets, and only the contents remain to be checked. Buffers may overlap, up to 16 times
 * the size of the body in all. */
arrakis_status ark_batch_read(ark_column *columns, int64_t *length, const ark_schema *schema,
                              const ark_ipc_message *message, arrakis_error *err);

#endif
