/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of messages of rows, with the bytes that it was read from. The partitions of a reader
 * mostly have the same one, byte for byte: it is read once for all of them. For one thread. */
#ifndef ARK_READ_ROW_SCHEMA_H
#define ARK_READ_ROW_SCHEMA_H

#include "arrow/schema.h"

#include <string.h>

typedef struct ark_row_schema {
    size_t refs;
    ark_schema *schema;
    size_t time_column, id_column, data_column;
    size_t size; /* of the bytes: framing and header */
    uint8_t bytes[];
} ark_row_schema;

static inline bool ark_row_schema_begins(const ark_row_schema *row_schema, const uint8_t *data,
                                         size_t size)
{
    return row_schema && size >= row_schema->size &&
           !memcmp(data, row_schema->bytes, row_schema->size);
}

/* A reference to the schema that the bytes begin with: to *latest, if it is that schema. Otherwise the
 * schema is read and becomes *latest, which has a reference of its own. `latest` NULL: the schema is
 * read. EFORMAT: no schema, or one without the columns time, id and data; EUNSUPPORTED: as
 * ark_schema_read(). */
arrakis_status ark_row_schema_get(ark_row_schema **out, ark_row_schema **latest,
                                  const uint8_t *data, size_t size, arrakis_error *err);
void ark_row_schema_unref(ark_row_schema *row_schema);

#endif
