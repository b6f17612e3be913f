/* SPDX-License-Identifier: Apache-2.0 */
/* A schema that rows can be read by, with the bytes that it was read from. The partitions of a reader
 * mostly have the same one, byte for byte: it is read once for all of them. One thread's. */
#ifndef ARK_READ_ROW_SCHEMA_H
#define ARK_READ_ROW_SCHEMA_H

#include "arrow/schema.h"

#include <string.h>

typedef struct ark_row_schema {
    size_t uses;
    ark_schema *schema;
    size_t time_column, id_column, data_column;
    size_t size; /* of the message: framing and header */
    uint8_t bytes[];
} ark_row_schema;

static inline bool ark_row_schema_begins(const ark_row_schema *known, const uint8_t *data,
                                         size_t size)
{
    return known && size >= known->size && !memcmp(data, known->bytes, known->size);
}

/* One more use of the schema that the bytes begin with: *latest if it is that one, otherwise it is read
 * and becomes *latest, which has a use too. `latest` NULL: it is read. EFORMAT: no schema, or without
 * the columns time, id and data; EUNSUPPORTED as ark_schema_read(). */
arrakis_status ark_row_schema_take(ark_row_schema **out, ark_row_schema **latest,
                                   const uint8_t *data, size_t size, arrakis_error *err);
/* Gives a use back; the last one frees it. */
void ark_row_schema_drop(ark_row_schema *known);

#endif
