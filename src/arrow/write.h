/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow IPC messages, written: the bytes that pyarrow writes for the same values. */
#ifndef ARK_ARROW_WRITE_H
#define ARK_ARROW_WRITE_H

#include "arrow/flatbuffer.h"
#include "base/buffer.h"

#include <arrakis/arrakis.h>

/* A whole Kafka message (schema, one batch, end-of-stream) with the schema time: int64, id: uint32,
 * data: list<dtype>, one row a series. Replaces what is in `out`. A series with samples NULL is a
 * row of `length` nulls. Identical to what the reference's publisher writes for the same block. */
arrakis_status ark_write_rows(ark_buffer *out, arrakis_dtype dtype, int64_t time_ns, size_t count,
                              const uint32_t *ids, const arrakis_series *series,
                              arrakis_error *err);

/* An IPC stream's schema message for the columns time: int64 and then list<dtype> each, with field
 * metadata `rate`. Appends. */
arrakis_status ark_write_columns_schema(ark_buffer *out, size_t count, const char *const *names,
                                        const arrakis_dtype *dtypes, const char *const *rates,
                                        arrakis_error *err);
/* A column's samples in a batch: `length` of them in each of its rows. */
typedef struct ark_column_cells {
    arrakis_dtype dtype;
    size_t length;
    const uint8_t *const *base; /* row i's samples lie at base[i] + offset, and none is missing */
    size_t offset;
    const arrakis_series *series; /* one per row, in place of `base`; NULL: no sample is missing */
} ark_column_cells;

/* Tells column by column; asked several times about each. */
typedef struct ark_column_source {
    void (*cells)(void *opaque, size_t column, ark_column_cells *out);
    void *opaque;
} ark_column_source;

/* One batch for that schema, a row for each time. Appends. EINVAL: no rows, or a column of over
 * INT32_MAX samples. */
arrakis_status ark_write_columns_rows(ark_buffer *out, const int64_t *times_ns, size_t rows,
                                      size_t count, const ark_column_source *source,
                                      arrakis_error *err);
/* The same of one row, of one series a column. */
arrakis_status ark_write_columns_batch(ark_buffer *out, int64_t time_ns, size_t count,
                                       arrakis_series *series, arrakis_error *err);
/* The end-of-stream marker. Appends. */
arrakis_status ark_write_end(ark_buffer *out, arrakis_error *err);

/* Wrap a header table as a Message, which ends the builder's work; ark_flatbuffer_finish()'s bytes, or NULL
 * and why in its status. */
const uint8_t *ark_write_message(ark_flatbuffer_builder *b, uint8_t kind,
                                 ark_flatbuffer_place header, size_t body_size);

#endif
