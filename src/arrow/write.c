/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/write.h"

#include "arrow/header.h"
#include "arrow/format.h"
#include "base/error.h"

#include <arrakis/arrow.h>

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

const uint8_t ark_write_end_marker[8] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};

/* ---- messages */

/* Append a Message with its framing, which its body is to follow. */
static arrakis_status append_message(ark_buffer *out, ark_flatbuffer_builder *b, uint8_t kind,
                                     ark_flatbuffer_offset header, size_t body_size,
                                     arrakis_error *err)
{
    const uint8_t *data = ark_header_message(b, kind, header, body_size, err);
    arrakis_status rc = b->status;
    if (rc == ARRAKIS_OK)
        rc = ark_buffer_reserve(out, 8 + ark_header_padded(b->size), err);
    if (rc == ARRAKIS_OK) {
        uint32_t framing[2] = {UINT32_MAX, (uint32_t)ark_header_padded(b->size)};
        uint8_t *at = out->data + out->size;
        memcpy(at, framing, sizeof framing);
        memcpy(at + 8, data, b->size);
        memset(at + 8 + b->size, 0, ark_header_padded(b->size) - b->size);
        out->size += 8 + ark_header_padded(b->size);
    }
    return rc;
}

/* The same; frees the builder. */
static arrakis_status append_header(ark_buffer *out, ark_flatbuffer_builder *b, uint8_t kind,
                                    ark_flatbuffer_offset header, size_t body_size,
                                    arrakis_error *err)
{
    arrakis_status rc = append_message(out, b, kind, header, body_size, err);
    ark_flatbuffer_clear(b);
    return rc;
}

arrakis_status ark_write_end(ark_buffer *out, arrakis_error *err)
{
    arrakis_status rc = ark_buffer_reserve(out, sizeof ark_write_end_marker, err);
    if (rc >= 0) {
        memcpy(out->data + out->size, ark_write_end_marker, sizeof ark_write_end_marker);
        out->size += sizeof ark_write_end_marker;
    }
    return rc;
}

/* ---- validity */

static size_t bitmap_size(size_t count)
{
    return count / 8 + (count % 8 != 0);
}

/* Up to 64 bits from bit 0 of `bits`; those past `count` read as 1. */
static uint64_t load_bits(const uint8_t *bits, size_t count)
{
    uint64_t word = 0;
    if (count >= 64) {
        memcpy(&word, bits, 8);
        return word;
    }
    for (size_t i = 0; i < bitmap_size(count); i++)
        word |= (uint64_t)bits[i] << 8 * i;
    return word | UINT64_MAX << count;
}

static size_t count_nulls(const arrakis_series *series)
{
    if (!series->samples)
        return series->length;
    size_t nulls = 0;
    for (size_t i = 0; series->valid && i < series->length; i += 64)
        nulls +=
            (size_t)__builtin_popcountll(~load_bits(series->valid + i / 8, series->length - i));
    return nulls;
}

/* Set `count` bits (1 to 64) of a zeroed bitmap, from bit `at` on. */
static void store_bits(uint8_t *bits, size_t at, uint64_t word, size_t count)
{
    if (count < 64)
        word &= ~(UINT64_MAX << count);
    for (uint8_t *byte = bits + at / 8; word != 0; byte++) {
        *byte = (uint8_t)(*byte | word << at % 8);
        word >>= 8 - at % 8;
        at = 0;
    }
}

static void write_validity(uint8_t *bits, size_t at, const arrakis_series *series)
{
    if (!series->samples)
        return;
    for (size_t i = 0; i < series->length; i += 64) {
        size_t count = series->length - i < 64 ? series->length - i : 64;
        uint64_t word = series->valid ? load_bits(series->valid + i / 8, count) : UINT64_MAX;
        store_bits(bits, at + i, word, count);
    }
}

static inline void clear_bits(uint8_t *samples, uint64_t nulls, size_t size)
{
    for (; nulls != 0; nulls &= nulls - 1)
        memset(samples + (size_t)__builtin_ctzll(nulls) * size, 0, size);
}

/* Null samples are written as 0, as pyarrow does: their values must not leave the process. */
static void clear_nulls(uint8_t *samples, const arrakis_series *series, size_t size)
{
    for (size_t i = 0; series->valid && i < series->length; i += 64, samples += 64 * size) {
        uint64_t nulls = ~load_bits(series->valid + i / 8, series->length - i);
        if (nulls == UINT64_MAX)
            memset(samples, 0, 64 * size);
        else if (size == 4) /* with a constant size, memset() is one store */
            clear_bits(samples, nulls, 4);
        else if (size == 8)
            clear_bits(samples, nulls, 8);
        else
            clear_bits(samples, nulls, size);
    }
}

static void copy_samples(uint8_t *to, const uint8_t *samples, size_t bytes)
{
    if (samples && bytes > 0)
        memcpy(to, samples, bytes);
    else
        memset(to, 0, bytes);
}

static void clear_padding(uint8_t *buffer, size_t size)
{
    memset(buffer + size, 0, ark_header_padded(size) - size);
}

/* ---- rows */

typedef struct rows {
    size_t count, samples, nulls, sample_size;
    size_t times_at, ids_at, offsets_at, valid_at, values_at, body_size;
} rows;

static arrakis_status measure_rows(rows *r, arrakis_dtype dtype, size_t count,
                                   const arrakis_series *series, arrakis_error *err)
{
    size_t samples = 0, nulls = 0;
    if (arrakis_dtype_size(dtype) == 0 || count > INT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "a batch of %zu rows of type %s", count,
                        arrakis_dtype_name(dtype));
    for (size_t i = 0; i < count; i++) {
        if (series[i].dtype != dtype)
            return ark_fail(err, ARRAKIS_EINVAL, "row %zu is of type %s in a batch of %s", i,
                            arrakis_dtype_name(series[i].dtype), arrakis_dtype_name(dtype));
        if (series[i].length > INT32_MAX - samples)
            return ark_fail(err, ARRAKIS_EINVAL, "a batch of over %d samples", INT32_MAX);
        samples += series[i].length;
        if (series[i].valid || !series[i].samples)
            nulls += count_nulls(&series[i]);
    }
    r->count = count;
    r->samples = samples;
    r->nulls = nulls;
    r->sample_size = arrakis_dtype_size(dtype);
    return ARRAKIS_OK;
}

static arrakis_status append_rows_header(ark_buffer *out, rows *r, arrakis_error *err)
{
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    ark_header_batch body;
    ark_header_nodes(&body, &b, 4);
    for (int i = 0; i < 3; i++)
        ark_header_node(&body, r->count, 0);
    ark_header_node(&body, r->samples, r->nulls);
    ark_header_buffers(&body, 8);
    ark_header_buffer(&body, 0);
    r->times_at = ark_header_buffer(&body, 8 * r->count);
    ark_header_buffer(&body, 0);
    r->ids_at = ark_header_buffer(&body, 4 * r->count);
    ark_header_buffer(&body, 0);
    r->offsets_at = ark_header_buffer(&body, 4 * (r->count + 1));
    r->valid_at = ark_header_buffer(&body, r->nulls ? bitmap_size(r->samples) : 0);
    r->values_at = ark_header_buffer(&body, r->samples * r->sample_size);
    r->body_size = body.body_size;
    return append_header(out, &b, ARK_HEADER_BATCH, ark_header_batch_end(&body, r->count),
                         body.body_size, err);
}

/* Copy the samples of all rows, and write their offsets. The series of a block mostly follow each
 * other in memory: such runs are copied at once. */
static void copy_rows(uint8_t *values, uint8_t *offsets, const rows *r,
                      const arrakis_series *series)
{
    const size_t count = r->count, sample_size = r->sample_size;
    const uint8_t *run = NULL;
    size_t run_bytes = 0;
    uint32_t end = 0;
    memcpy(offsets, &end, 4);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *samples = series[i].samples;
        size_t length = series[i].length;
        if ((uintptr_t)samples != (uintptr_t)run + run_bytes) {
            copy_samples(values, run, run_bytes);
            values += run_bytes;
            run = samples;
            run_bytes = 0;
        }
        run_bytes += length * sample_size;
        end += (uint32_t)length;
        memcpy(offsets + 4 * (i + 1), &end, 4);
    }
    copy_samples(values, run, run_bytes);
}

static void write_nulls(uint8_t *bits, uint8_t *values, const rows *r,
                        const arrakis_series *series)
{
    memset(bits, 0, bitmap_size(r->samples));
    size_t at = 0;
    for (size_t i = 0; i < r->count; i++) {
        write_validity(bits, at, &series[i]);
        if (series[i].samples)
            clear_nulls(values + at * r->sample_size, &series[i], r->sample_size);
        at += series[i].length;
    }
}

static void write_rows(uint8_t *to, const rows *r, int64_t time_ns, const uint32_t *ids,
                       const arrakis_series *series)
{
    for (size_t i = 0; i < r->count; i++)
        memcpy(to + r->times_at + 8 * i, &time_ns, 8);
    if (r->count > 0)
        memcpy(to + r->ids_at, ids, 4 * r->count);
    clear_padding(to + r->ids_at, 4 * r->count);
    copy_rows(to + r->values_at, to + r->offsets_at, r, series);
    clear_padding(to + r->offsets_at, 4 * (r->count + 1));
    clear_padding(to + r->values_at, r->samples * r->sample_size);
    if (r->nulls) {
        write_nulls(to + r->valid_at, to + r->values_at, r, series);
        clear_padding(to + r->valid_at, bitmap_size(r->samples));
    }
}

/* Append what a message has before its body, and measure the body. */
static arrakis_status begin_rows(ark_buffer *out, rows *r, arrakis_dtype dtype, size_t count,
                                 const arrakis_series *series, arrakis_error *err)
{
    ARK_TRY(measure_rows(r, dtype, count, series, err));
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    ark_flatbuffer_offset fields[3] = {ark_header_field(&b, "time", true, ARRAKIS_INT64, 0, NULL),
                                       ark_header_field(&b, "id", true, ARRAKIS_UINT32, 0, NULL),
                                       ark_header_list(&b, "data", dtype, NULL)};
    ARK_TRY(append_header(out, &b, ARK_HEADER_SCHEMA, ark_header_schema(&b, fields, 3), 0, err));
    return append_rows_header(out, r, err);
}

arrakis_status ark_write_rows(ark_buffer *out, arrakis_dtype dtype, int64_t time_ns, size_t count,
                              const uint32_t *ids, const arrakis_series *series,
                              arrakis_error *err)
{
    rows r = {0};
    out->size = 0;
    ARK_TRY(begin_rows(out, &r, dtype, count, series, err));
    ARK_TRY(ark_buffer_reserve(out, r.body_size + sizeof ark_write_end_marker, err));
    write_rows(out->data + out->size, &r, time_ns, ids, series);
    out->size += r.body_size;
    return ark_write_end(out, err);
}

static arrakis_status check_encode(const size_t *size, int64_t time_ns, size_t count,
                                   const uint32_t *ids, const arrakis_series *series,
                                   arrakis_error *err)
{
    const char *missing = !size              ? "size"
                          : count && !ids    ? "ids"
                          : count && !series ? "series"
                                             : NULL;
    if (missing)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_rows_encode: %s is NULL", missing);
    if (time_ns < 0 || time_ns > ARRAKIS_TIME_MAX_NS)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "the rows are of %" PRId64 " ns, expected 0 to %" PRId64, time_ns,
                        ARRAKIS_TIME_MAX_NS);
    return ARRAKIS_OK;
}

arrakis_status arrakis_rows_encode(void *out, size_t capacity, size_t *size, arrakis_dtype dtype,
                                   int64_t time_ns, size_t count, const uint32_t *ids,
                                   const arrakis_series *series, arrakis_error *err)
{
    rows r = {0};
    ark_buffer head = {0};
    if (size)
        *size = 0;
    ARK_TRY(check_encode(size, time_ns, count, ids, series, err));
    arrakis_status rc = begin_rows(&head, &r, dtype, count, series, err);
    if (rc == ARRAKIS_OK) {
        *size = head.size + r.body_size + sizeof ark_write_end_marker;
        if (out && capacity < *size)
            rc = ark_fail(err, ARRAKIS_EINVAL, "a message of %zu bytes for memory of %zu", *size,
                          capacity);
    }
    if (rc == ARRAKIS_OK && out) {
        uint8_t *to = out;
        memcpy(to, head.data, head.size);
        write_rows(to + head.size, &r, time_ns, ids, series);
        memcpy(to + head.size + r.body_size, ark_write_end_marker, sizeof ark_write_end_marker);
    }
    ark_buffer_clear(&head);
    return rc;
}

/* ---- columns */

/* `fields` has room for `count` and one more. */
static ark_flatbuffer_offset add_columns(ark_flatbuffer_builder *b, ark_flatbuffer_offset *fields,
                                         size_t count, const char *const *names,
                                         const arrakis_dtype *dtypes, const char *const *rates)
{
    fields[0] = ark_header_field(b, "time", false, ARRAKIS_INT64, 0, NULL);
    for (size_t i = 0; i < count; i++)
        fields[i + 1] = ark_header_list(b, names[i], dtypes[i], rates ? rates[i] : NULL);
    return ark_header_schema(b, fields, count + 1);
}

arrakis_status ark_write_schema_build(ark_write_schema *schema, size_t count,
                                      const char *const *names, const arrakis_dtype *dtypes,
                                      const char *const *rates, arrakis_error *err)
{
    if (schema->root)
        return ARRAKIS_OK;
    ark_flatbuffer_offset *fields = calloc(count + 1, sizeof *fields);
    if (!fields)
        return ark_no_memory(err, "a schema of %zu columns", count);
    ark_flatbuffer_builder *b = &schema->builder;
    ark_flatbuffer_init(b);
    ark_flatbuffer_offset root = add_columns(b, fields, count, names, dtypes, rates);
    free(fields);
    arrakis_status rc = ark_header_status(b, err);
    if (rc < 0) {
        ark_flatbuffer_clear(b);
        return rc;
    }
    schema->built = ark_flatbuffer_mark_of(b);
    schema->root = root;
    return ARRAKIS_OK;
}

void ark_write_schema_clear(ark_write_schema *schema)
{
    if (schema->root)
        ark_flatbuffer_clear(&schema->builder);
    schema->root = 0;
}

arrakis_status ark_write_columns_schema(ark_buffer *out, ark_write_schema *schema,
                                        arrakis_error *err)
{
    arrakis_status rc =
        append_message(out, &schema->builder, ARK_HEADER_SCHEMA, schema->root, 0, err);
    ark_flatbuffer_back_to(&schema->builder, schema->built);
    return rc;
}

/* The places of batches, as a vector of the struct Block. */
static ark_flatbuffer_offset add_places(ark_flatbuffer_builder *b, const ark_write_place *places,
                                        size_t count)
{
    enum { PLACE_SIZE = 24 };
    uint8_t *to = ark_flatbuffer_vector_begin(b, count, PLACE_SIZE, 8);
    for (size_t i = 0; to && i < count; i++, to += PLACE_SIZE) {
        const int64_t header_size = places[i].header_size; /* int32, and its padding */
        memcpy(to, &places[i].offset, 8);
        memcpy(to + 8, &header_size, 8);
        memcpy(to + 16, &places[i].body_size, 8);
    }
    return ark_flatbuffer_vector_end(b, count);
}

static arrakis_status append_flatbuffer(ark_buffer *out, ark_flatbuffer_builder *b,
                                        ark_flatbuffer_offset root, arrakis_error *err)
{
    const uint8_t *data = ark_flatbuffer_finish(b, root);
    ARK_TRY(ark_header_status(b, err));
    ARK_TRY(ark_buffer_reserve(out, b->size, err));
    memcpy(out->data + out->size, data, b->size);
    out->size += b->size;
    return ARRAKIS_OK;
}

arrakis_status ark_write_columns_footer(ark_buffer *out, ark_write_schema *schema,
                                        const ark_write_place *batches, size_t batch_count,
                                        arrakis_error *err)
{
    ark_flatbuffer_builder *b = &schema->builder;
    ark_flatbuffer_offset places = add_places(b, batches, batch_count);
    ark_flatbuffer_offset none = add_places(b, NULL, 0); /* pyarrow wants a list of dictionaries */
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_FOOTER_BATCHES, places);
    ark_flatbuffer_put_offset(b, ARK_FOOTER_DICTIONARIES, none);
    ark_flatbuffer_put_offset(b, ARK_FOOTER_SCHEMA, schema->root);
    ark_flatbuffer_put_i16(b, ARK_FOOTER_VERSION, ARK_VERSION_5);
    arrakis_status rc = append_flatbuffer(out, b, ark_flatbuffer_table_end(b), err);
    ark_flatbuffer_back_to(b, schema->built);
    return rc;
}

static arrakis_status check_cells(size_t i, size_t row_count, const ark_column_cells *cells,
                                  arrakis_error *err)
{
    if (cells->length > INT32_MAX / row_count || arrakis_dtype_size(cells->dtype) == 0)
        return ark_fail(err, ARRAKIS_EINVAL, "column %zu has %zu times %zu samples of type %s", i,
                        row_count, cells->length, arrakis_dtype_name(cells->dtype));
    return ARRAKIS_OK;
}

static size_t count_cell_nulls(const ark_column_cells *cells, size_t row_count)
{
    size_t nulls = 0;
    for (size_t i = 0; cells->series && i < row_count; i++)
        nulls += count_nulls(&cells->series[i]);
    return nulls;
}

static void add_buffer(ark_header_batch *body, size_t size, bool padded)
{
    ark_header_buffer(body, padded ? ark_header_padded(size) : size);
}

static arrakis_status append_columns_header(ark_buffer *out, size_t row_count, size_t count,
                                            const ark_column_source *source, size_t *body_size,
                                            arrakis_error *err)
{
    ark_column_cells cells;
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    ark_header_batch body;
    ark_header_nodes(&body, &b, 1 + 2 * count);
    ark_header_node(&body, row_count, 0);
    for (size_t i = 0; i < count; i++) {
        source->cells(source->opaque, i, &cells);
        ark_header_node(&body, row_count, 0);
        ark_header_node(&body, row_count * cells.length, count_cell_nulls(&cells, row_count));
    }
    ark_header_buffers(&body, 2 + 4 * count);
    ark_header_buffer(&body, 0);
    ark_header_buffer(&body, 8 * row_count);
    for (size_t i = 0; i < count; i++) {
        source->cells(source->opaque, i, &cells);
        size_t samples = row_count * cells.length;
        bool nulls = count_cell_nulls(&cells, row_count) > 0;
        ark_header_buffer(&body, 0);
        add_buffer(&body, 4 * (row_count + 1), source->padded);
        add_buffer(&body, nulls ? bitmap_size(samples) : 0, source->padded);
        add_buffer(&body, samples * arrakis_dtype_size(cells.dtype), source->padded);
    }
    *body_size = body.body_size;
    return append_header(out, &b, ARK_HEADER_BATCH, ark_header_batch_end(&body, row_count),
                         body.body_size, err);
}

/* Copy the samples of all rows of a column without nulls. There may be millions of rows of one
 * sample: with a constant size, memcpy() is one load and store. */
static void copy_cells(uint8_t *to, size_t row_count, const ark_column_cells *cells, size_t bytes)
{
    const uint8_t *const *base = cells->base;
    size_t offset = cells->offset;
    if (bytes == 4)
        for (size_t i = 0; i < row_count; i++)
            memcpy(to + 4 * i, base[i] + offset, 4);
    else if (bytes == 8)
        for (size_t i = 0; i < row_count; i++)
            memcpy(to + 8 * i, base[i] + offset, 8);
    else
        for (size_t i = 0; i < row_count; i++)
            copy_samples(to + bytes * i, base[i] + offset, bytes);
}

static void copy_series(uint8_t *to, size_t row_count, const ark_column_cells *cells, size_t bytes)
{
    for (size_t i = 0; i < row_count; i++, to += bytes) {
        copy_samples(to, cells->series[i].samples, bytes);
        if (cells->series[i].samples)
            clear_nulls(to, &cells->series[i], arrakis_dtype_size(cells->dtype));
    }
}

/* The offsets written last in this batch, and the length of their rows; NULL: none yet. */
typedef struct offsets_seen {
    const uint8_t *at;
    size_t length;
} offsets_seen;

/* Write the list offsets of rows of one length. Columns of the same length have the same offsets:
 * later ones are copied. Returns the position after them. */
static uint8_t *write_offsets(uint8_t *to, size_t row_count, size_t length, offsets_seen *seen)
{
    size_t size = 4 * (row_count + 1);
    if (seen->at && seen->length == length) {
        memcpy(to, seen->at, ark_header_padded(size));
        return to + ark_header_padded(size);
    }
    for (size_t i = 0; i <= row_count; i++) {
        uint32_t end = (uint32_t)(i * length);
        memcpy(to + 4 * i, &end, sizeof end);
    }
    clear_padding(to, size);
    *seen = (offsets_seen){to, length};
    return to + ark_header_padded(size);
}

/* Returns the position after the column. */
static uint8_t *write_column(uint8_t *to, size_t row_count, const ark_column_cells *cells,
                             offsets_seen *seen)
{
    to = write_offsets(to, row_count, cells->length, seen);
    if (count_cell_nulls(cells, row_count)) {
        size_t size = ark_header_padded(bitmap_size(row_count * cells->length));
        memset(to, 0, size);
        for (size_t i = 0; i < row_count; i++)
            write_validity(to, i * cells->length, &cells->series[i]);
        to += size;
    }
    size_t bytes = cells->length * arrakis_dtype_size(cells->dtype);
    if (cells->series)
        copy_series(to, row_count, cells, bytes);
    else
        copy_cells(to, row_count, cells, bytes);
    clear_padding(to, row_count * bytes);
    return to + ark_header_padded(row_count * bytes);
}

arrakis_status ark_write_columns_rows(ark_buffer *out, const int64_t *times_ns, size_t row_count,
                                      size_t count, const ark_column_source *source,
                                      arrakis_error *err)
{
    assert(source->cells);
    size_t start = out->size, body_size = 0;
    arrakis_status rc = ARRAKIS_OK;
    ark_column_cells cells;
    if (!row_count || row_count >= INT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "a batch of %zu rows: expected 1 to %d", row_count,
                        INT32_MAX - 1);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++) {
        source->cells(source->opaque, i, &cells);
        rc = check_cells(i, row_count, &cells, err);
    }
    if (rc == ARRAKIS_OK)
        rc = append_columns_header(out, row_count, count, source, &body_size, err);
    if (rc == ARRAKIS_OK)
        rc = ark_buffer_reserve(out, body_size, err);
    if (rc < 0) {
        out->size = start;
        return rc;
    }
    uint8_t *to = out->data + out->size;
    offsets_seen seen = {NULL, 0};
    memcpy(to, times_ns, row_count * sizeof *times_ns);
    to += row_count * sizeof *times_ns;
    for (size_t i = 0; i < count; i++) {
        source->cells(source->opaque, i, &cells);
        to = write_column(to, row_count, &cells, &seen);
    }
    out->size += body_size;
    return ARRAKIS_OK;
}
