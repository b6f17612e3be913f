/* SPDX-License-Identifier: Apache-2.0 */
/* Writes Arrow IPC messages: the same bytes as pyarrow for the same values. */
#ifndef ARK_ARROW_WRITE_H
#define ARK_ARROW_WRITE_H

#include "arrow/flatbuffer.h"
#include "base/buffer.h"

#include <arrakis/arrakis.h>

/* A whole Kafka message (schema, one batch, end-of-stream) with the schema time: int64, id:
 * uint32, data: list<dtype>, one row per series. Replaces the contents of `out`. A series whose
 * samples are NULL becomes a row of `length` nulls. The bytes are those that the reference's
 * publisher writes for the same block. */
arrakis_status ark_write_rows(ark_buffer *out, arrakis_dtype dtype, int64_t time_ns, size_t count,
                              const uint32_t *ids, const arrakis_series *series,
                              arrakis_error *err);

/* The schema of an Arrow stream with a column time: int64, and one column list<dtype> per name,
 * each with `rate` in its metadata. It is built once, for the message and the footer of any number
 * of files. */
typedef struct ark_write_schema {
    ark_flatbuffer_builder builder;
    ark_flatbuffer_mark built;
    ark_flatbuffer_offset root; /* 0: it has not been built */
} ark_write_schema;

/* Build it, unless it has been. */
arrakis_status ark_write_schema_build(ark_write_schema *schema, size_t count,
                                      const char *const *names, const arrakis_dtype *dtypes,
                                      const char *const *rates, arrakis_error *err);
void ark_write_schema_clear(ark_write_schema *schema);

/* Append its message. */
arrakis_status ark_write_columns_schema(ark_buffer *out, ark_write_schema *schema,
                                        arrakis_error *err);
/* Where a record batch lies in a file. */
typedef struct ark_write_place {
    int64_t offset;
    int32_t header_size; /* with its framing */
    int64_t body_size;
} ark_write_place;

/* Append the footer of a file with that schema, without its size and the magic bytes. */
arrakis_status ark_write_columns_footer(ark_buffer *out, ark_write_schema *schema,
                                        const ark_write_place *batches, size_t batch_count,
                                        arrakis_error *err);
/* The samples of a column in a batch: `length` of them in each row. */
typedef struct ark_column_cells {
    arrakis_dtype dtype;
    size_t length;
    const uint8_t *const
        *base; /* the samples of row i begin at base[i] + offset, and none is missing */
    size_t offset;
    const arrakis_series *series; /* one per row, in place of `base`; NULL: no sample is missing */
} ark_column_cells;

/* Where the columns come from. Each is asked for several times. */
typedef struct ark_column_source {
    void (*cells)(void *opaque, size_t column, ark_column_cells *out);
    void *opaque;
    bool padded; /* the padding behind a buffer is part of it */
} ark_column_source;

/* Append a batch of that schema, with one row per time. EINVAL: no rows, or a column of over
 * INT32_MAX samples. */
arrakis_status ark_write_columns_rows(ark_buffer *out, const int64_t *times_ns, size_t rows,
                                      size_t count, const ark_column_source *source,
                                      arrakis_error *err);
/* The end-of-stream marker, and appending it. */
extern const uint8_t ark_write_end_marker[8];
arrakis_status ark_write_end(ark_buffer *out, arrakis_error *err);

#endif
