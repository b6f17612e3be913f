/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/channel_rows.h"

#include "arrow/batch.h"
#include "arrow/schema.h"
#include "base/error.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define NO_COLUMN SIZE_MAX

enum kind { TEXT, INTEGER, RATE, TYPE };

static const struct {
    const char *name;
    enum kind kind;
    bool needed;
    size_t offset;
} columns[ARK_CHANNEL_COLUMNS] = {
    {"channel", TEXT, true, offsetof(arrakis_channel_info, name)},
    {"data_type", TYPE, true, offsetof(arrakis_channel_info, dtype)},
    {"sample_rate", RATE, true, offsetof(arrakis_channel_info, sample_rate)},
    {"partition_id", TEXT, false, offsetof(arrakis_channel_info, partition_id)},
    {"partition_index", INTEGER, false, offsetof(arrakis_channel_info, partition_index)},
    {"publisher", TEXT, false, offsetof(arrakis_channel_info, publisher)},
    {"stride", INTEGER, false, offsetof(arrakis_channel_info, stride_ns)},
    {"max_latency", INTEGER, false, offsetof(arrakis_channel_info, max_latency_ns)},
    {"replay_id", TEXT, false, offsetof(arrakis_channel_info, replay_id)},
};

static bool is_number(const ark_schema_field *field)
{
    return field->kind == ARK_TYPE_PRIMITIVE;
}

/* Find the columns in a schema. */
static arrakis_status find_columns(ark_channel_rows *rows, const ark_batches *batches,
                                   arrakis_error *err)
{
    for (size_t i = 0; i < ARK_CHANNEL_COLUMNS; i++) {
        rows->columns[i] = NO_COLUMN;
        const ark_schema_field *field =
            ark_batches_field(batches, columns[i].name, &rows->columns[i]);
        bool number = columns[i].kind == INTEGER || columns[i].kind == RATE;
        if (!field && !columns[i].needed)
            continue;
        if (!field || (number ? !is_number(field) : field->kind != ARK_TYPE_UTF8))
            return ark_fail(err, ARRAKIS_EFORMAT,
                            "a table of channels whose column %s is %s, expected %s",
                            columns[i].name, field ? "of another type" : "missing",
                            number ? "a number" : "text");
    }
    rows->schema_id = batches->schema_id;
    return ARRAKIS_OK;
}

/* Read a number both as an integer and as a rate. */
static void read_number(const ark_column *column, arrakis_dtype dtype, int64_t row,
                        int64_t *integer, double *real)
{
    const uint8_t *at = column->values + (size_t)row * arrakis_dtype_size(dtype);
    switch (dtype) {
#define CASE(NAME, type)                                                                          \
    case ARRAKIS_##NAME: {                                                                        \
        type value;                                                                               \
        memcpy(&value, at, sizeof value);                                                         \
        *integer = (int64_t)value;                                                                \
        *real = (double)value;                                                                    \
        return;                                                                                   \
    }
        CASE(INT8, int8_t)
        CASE(INT16, int16_t)
        CASE(INT32, int32_t)
        CASE(INT64, int64_t)
        CASE(UINT8, uint8_t)
        CASE(UINT16, uint16_t)
        CASE(UINT32, uint32_t)
        CASE(UINT64, uint64_t)
#undef CASE
    case ARRAKIS_FLOAT32: {
        float value;
        memcpy(&value, at, sizeof value);
        *real = (double)value;
        break;
    }
    case ARRAKIS_FLOAT64:
        memcpy(real, at, sizeof *real);
        break;
    case ARRAKIS_DTYPE_NONE:
        *real = 0;
    }
    *integer = *real > -9e18 && *real < 9e18 ? (int64_t)*real : ARRAKIS_UNSET;
}

/* Copy a text to rows->text, with a zero byte; its offset is kept. */
static arrakis_status copy_text(ark_channel_rows *rows, const ark_column *column, int64_t row,
                                size_t *offset, arrakis_error *err)
{
    int32_t first = ark_offset_at(column->offsets, row);
    size_t length = (size_t)(ark_offset_at(column->offsets, row + 1) - first);
    ARK_TRY(ark_buffer_reserve(&rows->text, length + 1, err));
    if (length && memchr(column->values + first, 0, length))
        return ark_fail(err, ARRAKIS_EFORMAT, "a table of channels: a string contains a NUL byte");
    *offset = rows->text.size;
    if (length)
        memcpy(rows->text.data + rows->text.size, column->values + first, length);
    rows->text.size += length;
    rows->text.data[rows->text.size++] = '\0';
    return ARRAKIS_OK;
}

static void set_number(arrakis_channel_info *info, size_t i, const ark_column *column,
                       arrakis_dtype dtype, int64_t row)
{
    int64_t integer;
    double real;
    read_number(column, dtype, row, &integer, &real);
    if (columns[i].kind == RATE)
        info->sample_rate = real;
    else
        memcpy((char *)info + columns[i].offset, &integer, sizeof integer);
}

/* Set the pointers to the texts, once all have been copied and do not move any more. */
static void set_texts(arrakis_channel_info *info, const ark_channel_rows *rows,
                      const size_t *offsets)
{
    for (size_t i = 0; i < ARK_CHANNEL_COLUMNS; i++) {
        if (offsets[i] == NO_COLUMN)
            continue;
        const char *text = (const char *)rows->text.data + offsets[i];
        if (columns[i].kind == TYPE)
            info->dtype = arrakis_dtype_parse(text);
        else
            memcpy((char *)info + columns[i].offset, &text, sizeof text);
    }
}

arrakis_status ark_channel_rows_read(arrakis_channel **out, ark_channel_rows *rows,
                                     const ark_batches *batches, int64_t row, arrakis_error *err)
{
    assert(row >= 0 && row < batches->rows);
    arrakis_status rc = ARRAKIS_OK;
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    size_t offsets[ARK_CHANNEL_COLUMNS];
    *out = NULL;
    if (rows->schema_id != batches->schema_id)
        rc = find_columns(rows, batches, err);
    rows->text.size = 0;
    for (size_t i = 0; rc == ARRAKIS_OK && i < ARK_CHANNEL_COLUMNS; i++) {
        offsets[i] = NO_COLUMN;
        const ark_column *column =
            rows->columns[i] == NO_COLUMN ? NULL : &batches->columns[rows->columns[i]];
        if (!column || !ark_is_set(column->valid, row))
            continue;
        if (columns[i].kind == INTEGER || columns[i].kind == RATE)
            set_number(&info, i, column, batches->schema->fields[rows->columns[i]].dtype, row);
        else
            rc = copy_text(rows, column, row, &offsets[i], err);
    }
    if (rc < 0)
        return rc;
    set_texts(&info, rows, offsets);
    rc = arrakis_channel_new(out, &info, err);
    if (rc == ARRAKIS_EINVAL) /* an error of the server, not of the caller */
        rc =
            ark_fail_within(err, ARRAKIS_EFORMAT, "a table of channels, row %lld", (long long)row);
    return rc;
}

arrakis_status ark_channel_rows_count(uint64_t *count, const ark_batches *batches,
                                      arrakis_error *err)
{
    size_t at;
    const ark_schema_field *field = ark_batches_field(batches, "count", &at);
    if (!field || !is_number(field))
        return ark_fail(err, ARRAKIS_EFORMAT, "a count without a number of that name");
    *count = 0;
    for (int64_t row = 0; row < batches->rows; row++) {
        int64_t value;
        double real;
        if (!ark_is_set(batches->columns[at].valid, row))
            continue;
        read_number(&batches->columns[at], field->dtype, row, &value, &real);
        if (value < 0)
            return ark_fail(err, ARRAKIS_EFORMAT, "a count of %lld", (long long)value);
        *count += (uint64_t)value;
    }
    return ARRAKIS_OK;
}
