/* SPDX-License-Identifier: Apache-2.0 */
/* arrow_ipc at the end of a pipe, for arrow_oracle.py.
 *
 * stdin: requests, each a mode character, a uint32 size and as many bytes; stdout: answers, each an
 * int32 status, a uint32 size and as many bytes (of the error's text when the status is negative).
 *   r  read a stream of rows, write each batch with ark_write_rows; the messages one after another
 *   n  the same, rows without any sample given as samples NULL
 *   c  read a stream of columns, write it with ark_write_columns_*
 *   d  describe: schema and values as text, to be compared with what pyarrow says of the same bytes
 */
#include "arrow/batch.h"
#include "arrow/ipc.h"
#include "arrow/schema.h"
#include "arrow/write.h"
#include "../unit/columns_batch.h"
#include "base/buffer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct input {
    const uint8_t *data;
    size_t size;
} input;

static bool bit(const uint8_t *bits, int64_t i)
{
    return !bits || (bits[i / 8] >> i % 8 & 1);
}

static int32_t offset_at(const uint8_t *offsets, int64_t i)
{
    int32_t value = 0;
    if (offsets)
        memcpy(&value, offsets + 4 * i, sizeof value);
    return value;
}

static arrakis_status append(ark_buffer *out, const void *data, size_t size, arrakis_error *err)
{
    arrakis_status rc = ark_buffer_reserve(out, size, err);
    if (rc >= 0 && size > 0) {
        memcpy(out->data + out->size, data, size);
        out->size += size;
    }
    return rc;
}

static void print(ark_buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(ark_buffer *out, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        append(out, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1, NULL);
}

/* The samples [from, to) of a list column as a series with a bitmap of its own. */
static arrakis_series series_of(const ark_column *column, arrakis_dtype dtype, int64_t row)
{
    int64_t from = offset_at(column->offsets, row), to = offset_at(column->offsets, row + 1);
    arrakis_series series = {NULL, NULL, (size_t)(to - from), dtype};
    series.samples = column->values + (size_t)from * arrakis_dtype_size(dtype);
    if (column->child_valid) {
        uint8_t *valid = calloc(1, series.length / 8 + 1);
        for (int64_t i = 0; i < to - from; i++)
            if (bit(column->child_valid, from + i))
                valid[i / 8] = (uint8_t)(valid[i / 8] | 1u << i % 8);
        series.valid = valid;
    }
    return series;
}

static void drop(arrakis_series *series, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)series[i].valid);
    free(series);
}

static bool all_null(const arrakis_series *series)
{
    for (size_t i = 0; i < series->length; i++)
        if (bit(series->valid, (int64_t)i))
            return false;
    return series->length > 0;
}

static arrakis_status rewrite_rows(ark_buffer *out, const ark_column *columns, int64_t rows,
                                   arrakis_dtype dtype, bool as_null, arrakis_error *err)
{
    size_t count = (size_t)rows;
    arrakis_series *series = calloc(count + 1, sizeof *series);
    uint32_t *ids = calloc(count + 1, sizeof *ids);
    int64_t time_ns = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(&time_ns, columns[0].values, 8);
        memcpy(&ids[i], columns[1].values + 4 * i, 4);
        series[i] = series_of(&columns[2], dtype, (int64_t)i);
        if (as_null && all_null(&series[i])) {
            free((void *)(uintptr_t)series[i].valid);
            series[i].samples = series[i].valid = NULL;
        }
    }
    ark_buffer one = {NULL, 0, 0};
    arrakis_status rc = ark_write_rows(&one, dtype, time_ns, count, ids, series, err);
    if (rc >= 0)
        rc = append(out, one.data, one.size, err);
    ark_buffer_clear(&one);
    drop(series, count);
    free(ids);
    return rc;
}

static arrakis_status rewrite_schema(ark_buffer *out, const ark_schema *schema, arrakis_error *err)
{
    size_t count = schema->count - 1;
    const char **names = calloc(count + 1, sizeof *names);
    const char **rates = calloc(count + 1, sizeof *rates);
    arrakis_dtype *dtypes = calloc(count + 1, sizeof *dtypes);
    for (size_t i = 0; i < count; i++) {
        names[i] = schema->fields[i + 1].name;
        rates[i] = schema->fields[i + 1].rate;
        dtypes[i] = schema->fields[i + 1].dtype;
    }
    arrakis_status rc = columns_schema(out, count, names, dtypes, rates, err);
    free(names);
    free(rates);
    free(dtypes);
    return rc;
}

static arrakis_status rewrite_columns(ark_buffer *out, const ark_schema *schema,
                                      const ark_column *columns, arrakis_error *err)
{
    size_t count = schema->count - 1;
    arrakis_series *series = calloc(count + 1, sizeof *series);
    int64_t time_ns;
    memcpy(&time_ns, columns[0].values, 8);
    for (size_t i = 0; i < count; i++)
        series[i] = series_of(&columns[i + 1], schema->fields[i + 1].dtype, 0);
    arrakis_status rc = columns_batch(out, time_ns, count, series, err);
    drop(series, count);
    return rc;
}

static void print_sample(ark_buffer *out, arrakis_dtype dtype, const uint8_t *values, int64_t i)
{
    /* as the bytes of the sample: exact, for numbers of every kind */
    size_t size = arrakis_dtype_size(dtype);
    for (size_t k = 0; k < size; k++)
        print(out, "%02x", values[(size_t)i * size + k]);
}

static void print_text(ark_buffer *out, const uint8_t *offsets, const uint8_t *text, int64_t i)
{
    int32_t from = offset_at(offsets, i);
    append(out, "'", 1, NULL);
    append(out, text + from, (size_t)(offset_at(offsets, i + 1) - from), NULL);
    append(out, "'", 1, NULL);
}

static void print_items(ark_buffer *out, const ark_schema_field *field, const ark_column *column,
                        int64_t row)
{
    append(out, "[", 1, NULL);
    for (int64_t k = offset_at(column->offsets, row); k < offset_at(column->offsets, row + 1);
         k++) {
        append(out, " ", 1, NULL);
        if (field->kind == ARK_TYPE_MAP) {
            print_text(out, column->key_offsets, column->key_text, k);
            append(out, "=", 1, NULL);
            if (bit(column->item_valid, k))
                print_text(out, column->item_offsets, column->item_text, k);
            else
                append(out, "null", 4, NULL);
        } else if (bit(column->child_valid, k)) {
            print_sample(out, field->dtype, column->values, k);
        } else {
            append(out, "null", 4, NULL);
        }
    }
    append(out, " ]", 2, NULL);
}

static void describe_column(ark_buffer *out, const ark_schema_field *field,
                            const ark_column *column)
{
    print(out, "column %s nulls=%" PRId64 " child_nulls=%" PRId64 ":", field->name,
          column->null_count, column->child_null_count);
    for (int64_t i = 0; field->kind != ARK_TYPE_OTHER && i < column->length; i++) {
        append(out, " ", 1, NULL);
        if (!bit(column->valid, i))
            append(out, "null", 4, NULL);
        else if (field->kind == ARK_TYPE_PRIMITIVE)
            print_sample(out, field->dtype, column->values, i);
        else if (field->kind == ARK_TYPE_UTF8)
            print_text(out, column->offsets, column->values, i);
        else
            print_items(out, field, column, i);
    }
    append(out, "\n", 1, NULL);
}

static void describe_schema(ark_buffer *out, const ark_schema *schema)
{
    static const char *const kinds[] = {"primitive", "utf8", "list", "map", "other"};
    for (size_t i = 0; i < schema->count; i++) {
        const ark_schema_field *f = &schema->fields[i];
        print(out, "field %s %s %s %s rate=%s\n", f->name, kinds[f->kind],
              arrakis_dtype_name(f->dtype), f->nullable ? "nullable" : "required",
              f->rate ? f->rate : "-");
    }
}

static arrakis_status answer_batch(ark_buffer *out, char mode, const ark_schema *schema,
                                   const ark_ipc_message *message, arrakis_error *err)
{
    ark_column *columns = calloc(schema->count + 1, sizeof *columns);
    int64_t rows;
    arrakis_status rc = ark_batch_read(columns, &rows, schema, message, err);
    if (rc >= 0 && mode == 'd') {
        print(out, "batch %" PRId64 "\n", rows);
        for (size_t i = 0; i < schema->count; i++)
            describe_column(out, &schema->fields[i], &columns[i]);
    } else if (rc >= 0 && mode == 'c') {
        rc = rewrite_columns(out, schema, columns, err);
    } else if (rc >= 0) {
        rc = rewrite_rows(out, columns, rows, schema->fields[2].dtype, mode == 'n', err);
    }
    free(columns);
    return rc;
}

static arrakis_status answer_schema(ark_buffer *out, char mode, ark_schema **schema,
                                    const ark_ipc_message *message, arrakis_error *err)
{
    ark_schema_free(*schema);
    arrakis_status rc = ark_schema_read(schema, message, err);
    if (rc >= 0 && mode == 'd')
        describe_schema(out, *schema);
    if (rc >= 0 && mode == 'c')
        rc = rewrite_schema(out, *schema, err);
    return rc;
}

static arrakis_status answer(ark_buffer *out, char mode, input in, arrakis_error *err)
{
    ark_schema *schema = NULL;
    arrakis_status rc = ARRAKIS_OK;
    while (rc >= 0) {
        ark_ipc_message message;
        if ((rc = ark_ipc_parse(&message, in.data, in.size, err)) < 0)
            break;
        in.data += message.size;
        in.size -= message.size;
        if (message.kind == ARK_IPC_END)
            break;
        if (message.kind == ARK_IPC_BATCH && schema)
            rc = answer_batch(out, mode, schema, &message, err);
        else
            rc = answer_schema(out, mode, &schema, &message, err);
    }
    if (rc >= 0 && mode == 'c')
        rc = ark_write_end(out, err);
    ark_schema_free(schema);
    return rc;
}

int main(void)
{
    char mode;
    uint32_t size;
    while (fread(&mode, 1, 1, stdin) == 1 && fread(&size, 4, 1, stdin) == 1) {
        uint8_t *data = malloc(size + 1);
        if (!data || fread(data, 1, size, stdin) != size)
            return 1;
        ark_buffer out = {NULL, 0, 0};
        arrakis_error err = {ARRAKIS_OK, ""};
        int32_t status = answer(&out, mode, (input){data, size}, &err);
        if (status < 0) {
            out.size = 0;
            append(&out, err.message, strlen(err.message), NULL);
        }
        uint32_t answer_size = (uint32_t)out.size;
        fwrite(&status, 4, 1, stdout);
        fwrite(&answer_size, 4, 1, stdout);
        if (out.size > 0)
            fwrite(out.data, 1, out.size, stdout);
        fflush(stdout);
        ark_buffer_clear(&out);
        free(data);
    }
    return 0;
}
