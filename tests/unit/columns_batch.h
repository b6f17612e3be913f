/* SPDX-License-Identifier: Apache-2.0 */
/* The column layout: its schema, and a batch of one row with a series for each column. */
#ifndef TESTS_COLUMNS_BATCH_H
#define TESTS_COLUMNS_BATCH_H

#include "arrow/write.h"

static inline arrakis_status columns_schema(ark_buffer *out, size_t count,
                                            const char *const *names, const arrakis_dtype *dtypes,
                                            const char *const *rates, arrakis_error *err)
{
    ark_write_schema schema = {.root = 0};
    arrakis_status rc = ark_write_schema_build(&schema, count, names, dtypes, rates, err);
    if (rc >= 0)
        rc = ark_write_columns_schema(out, &schema, err);
    ark_write_schema_clear(&schema);
    return rc;
}

static inline void columns_batch_cells(void *opaque, size_t column, ark_column_cells *out)
{
    const arrakis_series *const *all = opaque, *series = *all + column;
    *out = (ark_column_cells){.dtype = series->dtype, .length = series->length, .series = series};
}

static inline arrakis_status columns_batch(ark_buffer *out, int64_t time_ns, size_t count,
                                           const arrakis_series *series, arrakis_error *err)
{
    const ark_column_source source = {columns_batch_cells, &series, false};
    return ark_write_columns_rows(out, &time_ns, 1, count, &source, err);
}

#endif
