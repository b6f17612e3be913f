/* SPDX-License-Identifier: Apache-2.0 */
/* Writing, and the reading of what other writers could write. The oracle of the bytes is pyarrow:
 * here by the corpus that it wrote, at length in tests/interop/arrow_oracle.py. */
#include "arrow/batch.h"
#include "arrow/flatbuffer.h"
#include "arrow/format.h"
#include "arrow/ipc.h"
#include "arrow/schema.h"
#include "arrow/type.h"
#include "arrow/write.h"
#include "base/buffer.h"
#include "columns_batch.h"

#include <arrakis/arrow.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CORPUS ARRAKIS_TEST_DATA "/../../fuzz/corpus/arrow_ipc/"

static size_t load(uint8_t room[8192], const char *name)
{
    char path[512];
    snprintf(path, sizeof path, CORPUS "%s", name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("no %s", path);
    size_t size = fread(room, 1, 8192, file);
    fclose(file);
    return size;
}

/* Cut the next message of a stream, which must be there. */
static ark_ipc_message cut(const uint8_t *data, size_t size, size_t *at)
{
    ark_ipc_message message;
    arrakis_error err;
    if (ark_ipc_parse(&message, data + *at, size - *at, &err) < 0)
        fail_msg("%s", err.message);
    *at += message.size;
    return message;
}

/* Schema and first batch of a stream. */
static int64_t read(const uint8_t *data, size_t size, ark_schema **schema, ark_column *columns)
{
    arrakis_error err;
    size_t at = 0;
    int64_t rows;
    ark_ipc_message message = cut(data, size, &at);
    if (ark_schema_read(schema, &message, &err) < 0)
        fail_msg("%s", err.message);
    message = cut(data, size, &at);
    if (ark_batch_read(columns, &rows, *schema, &message, &err) < 0)
        fail_msg("%s", err.message);
    return rows;
}

static uint32_t offset(const ark_column *column, int64_t i)
{
    return ark_load_u32(column->offsets + 4 * i);
}

/* The samples of a row, its validity shifted to a bitmap of its own (or NULL). */
static arrakis_series row(const ark_column *data, arrakis_dtype dtype, int64_t i, uint8_t bits[16])
{
    uint32_t from = offset(data, i), to = offset(data, i + 1);
    arrakis_series series = {data->values + from * arrakis_dtype_size(dtype), NULL, to - from,
                             dtype};
    if (!data->child_valid)
        return series;
    memset(bits, 0, 16);
    for (uint32_t k = from; k < to; k++)
        if (data->child_valid[k / 8] >> k % 8 & 1)
            bits[(k - from) / 8] = (uint8_t)(bits[(k - from) / 8] | 1u << (k - from) % 8);
    series.valid = bits;
    return series;
}

/* ---- rows */

static void rows_are_the_bytes_that_pyarrow_writes(void **state)
{
    (void)state;
    static const char *const names[] = {"rows-float32", "rows-uint64", "rows-nulls"};
    for (size_t i = 0; i < 3; i++) {
        uint8_t message[8192], bits[4][16];
        size_t size = load(message, names[i]);
        ark_schema *schema;
        ark_column columns[3];
        int64_t rows = read(message, size, &schema, columns);
        arrakis_series series[4];
        uint32_t ids[4];
        for (int64_t k = 0; k < rows; k++) {
            ids[k] = ark_load_u32(columns[1].values + 4 * k);
            series[k] = row(&columns[2], schema->fields[2].dtype, k, bits[k]);
        }
        ark_buffer out = {NULL, 0, 0};
        assert_int_equal(ark_write_rows(&out, schema->fields[2].dtype,
                                        ark_load_i64(columns[0].values), (size_t)rows, ids, series,
                                        NULL),
                         ARRAKIS_OK);
        assert_int_equal(out.size, size);
        assert_memory_equal(out.data, message, size);
        ark_buffer_clear(&out);
        ark_schema_free(schema);
    }
}

static void a_missing_series_is_a_list_of_nulls(void **state)
{
    (void)state;
    static const int16_t samples[] = {7, 8, 9};
    static const uint8_t none[] = {0xf8}; /* what stands past the end is nothing */
    arrakis_series series[3] = {{samples, NULL, 3, ARRAKIS_INT16},
                                {NULL, NULL, 3, ARRAKIS_INT16},
                                {samples, NULL, 3, ARRAKIS_INT16}};
    uint32_t ids[] = {1, 2, 3};
    ark_buffer missing = {NULL, 0, 0}, masked = {NULL, 0, 0};
    assert_int_equal(ark_buffer_reserve(&missing, 4096, NULL), ARRAKIS_OK);
    assert_int_equal(ark_buffer_reserve(&masked, 4096, NULL), ARRAKIS_OK);
    memset(missing.data, 0xaa, 4096); /* padding is written, not found */
    memset(masked.data, 0x55, 4096);
    assert_int_equal(ark_write_rows(&missing, ARRAKIS_INT16, 5, 3, ids, series, NULL), 0);
    series[1] = (arrakis_series){samples, none, 3, ARRAKIS_INT16};
    assert_int_equal(ark_write_rows(&masked, ARRAKIS_INT16, 5, 3, ids, series, NULL), 0);
    assert_int_equal(missing.size, masked.size);
    assert_memory_equal(missing.data, masked.data, masked.size);
    ark_schema *schema;
    ark_column columns[3];
    assert_int_equal(read(missing.data, missing.size, &schema, columns), 3);
    assert_null(columns[2].valid);
    assert_int_equal(columns[2].child_null_count, 3);
    assert_int_equal(columns[2].child_valid[0], 0xc7);
    assert_int_equal(columns[2].child_valid[1], 0x01);
    static const int16_t wanted[] = {7, 8, 9, 0, 0, 0, 7, 8, 9};
    assert_memory_equal(columns[2].values, wanted, sizeof wanted);
    ark_schema_free(schema);
    ark_buffer_clear(&missing);
    ark_buffer_clear(&masked);
}

/* Every length and density of nulls, at every bit that a row can begin at. */
static void validity_reads_back_bit_by_bit(void **state)
{
    (void)state;
    static const arrakis_dtype dtypes[] = {ARRAKIS_INT8, ARRAKIS_INT16, ARRAKIS_FLOAT32,
                                           ARRAKIS_FLOAT64};
    enum { ROWS = 5, MOST = 200 };
    uint64_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        size_t size = arrakis_dtype_size(dtypes[round % 4]);
        static uint8_t samples[ROWS][MOST * 8], valid[ROWS][MOST / 8];
        arrakis_series series[ROWS];
        uint32_t ids[ROWS] = {0};
        memset(samples, 0x5a, sizeof samples);
        for (size_t i = 0; i < ROWS; i++) {
            for (size_t k = 0; k < sizeof valid[i]; k++) {
                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
                uint64_t density =
                    (uint64_t)round / 4 % 3; /* few, half, mostly whole words null */
                valid[i][k] = (uint8_t)(seed >> 40 | (density == 0 ? seed >> 48 : 0));
                if (density == 2 && k / 8 != seed >> 62)
                    valid[i][k] = 0;
            }
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            series[i] = (arrakis_series){samples[i], i == 3 ? NULL : valid[i],
                                         (seed >> 33) % (MOST + 1), dtypes[round % 4]};
        }
        ark_buffer out = {NULL, 0, 0};
        ark_schema *schema;
        ark_column columns[3];
        assert_int_equal(ark_write_rows(&out, dtypes[round % 4], 5, ROWS, ids, series, NULL), 0);
        assert_int_equal(read(out.data, out.size, &schema, columns), ROWS);
        const ark_column *data = &columns[2];
        int64_t nulls = 0;
        for (size_t i = 0; i < ROWS; i++)
            for (size_t k = 0; k < series[i].length; k++) {
                size_t at = offset(data, (int64_t)i) + k;
                bool wanted = !series[i].valid || (series[i].valid[k / 8] >> k % 8 & 1);
                bool found = !data->child_valid || (data->child_valid[at / 8] >> at % 8 & 1);
                assert_int_equal(found, wanted);
                for (size_t byte = 0; byte < size; byte++)
                    assert_int_equal(data->values[at * size + byte], wanted ? 0x5a : 0);
                nulls += !wanted;
            }
        assert_int_equal(data->child_null_count, nulls);
        ark_schema_free(schema);
        ark_buffer_clear(&out);
    }
}

static void samples_of_rows_need_neither_alignment_nor_neighbours(void **state)
{
    (void)state;
    uint8_t room[64];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = (uint8_t)i;
    /* one behind the other, a gap, backwards, nothing, the same again */
    static const size_t at[] = {1, 9, 33, 25, 0, 25};
    arrakis_series series[6];
    uint32_t ids[6] = {0};
    uint8_t wanted[64];
    size_t size = 0;
    for (size_t i = 0; i < 6; i++) {
        size_t length = i == 4 ? 0 : 8;
        series[i] = (arrakis_series){room + at[i], NULL, length, ARRAKIS_UINT8};
        memcpy(wanted + size, room + at[i], length);
        size += length;
    }
    ark_buffer out = {NULL, 0, 0};
    assert_int_equal(ark_write_rows(&out, ARRAKIS_UINT8, 5, 6, ids, series, NULL), 0);
    ark_schema *schema;
    ark_column columns[3];
    assert_int_equal(read(out.data, out.size, &schema, columns), 6);
    assert_int_equal(columns[2].child_length, size);
    assert_memory_equal(columns[2].values, wanted, size);
    ark_schema_free(schema);
    ark_buffer_clear(&out);
}

static void the_buffer_is_used_again(void **state)
{
    (void)state;
    static const double samples[512];
    uint32_t id = 1;
    arrakis_series series = {samples, NULL, 512, ARRAKIS_FLOAT64};
    ark_buffer out = {NULL, 0, 0};
    assert_int_equal(ark_write_rows(&out, ARRAKIS_FLOAT64, 5, 1, &id, &series, NULL), 0);
    ark_buffer first = out;
    series.length = 16;
    assert_int_equal(ark_write_rows(&out, ARRAKIS_FLOAT64, 5, 1, &id, &series, NULL), 0);
    assert_ptr_equal(out.data, first.data);
    assert_int_equal(out.capacity, first.capacity);
    assert_int_equal(out.size, first.size - 496 * 8);
    ark_buffer_clear(&out);
    assert_null(out.data);
}

static void rows_that_fit_no_message_are_refused(void **state)
{
    (void)state;
    static const float sample = 1;
    uint32_t ids[] = {1, 2};
    arrakis_series series[2] = {{&sample, NULL, 1, ARRAKIS_FLOAT32},
                                {&sample, NULL, 1, ARRAKIS_FLOAT64}};
    ark_buffer out = {NULL, 0, 0};
    arrakis_error err;
    assert_int_equal(ark_write_rows(&out, ARRAKIS_FLOAT32, 5, 2, ids, series, &err),
                     ARRAKIS_EINVAL);
    assert_non_null(strstr(err.message, "row 1 is of type float64 in a batch of float32"));
    series[1].dtype = ARRAKIS_FLOAT32;
    series[1].length = INT32_MAX; /* with the other's one sample one too many */
    assert_int_equal(ark_write_rows(&out, ARRAKIS_FLOAT32, 5, 2, ids, series, &err),
                     ARRAKIS_EINVAL);
    assert_non_null(strstr(err.message, "over 2147483647 samples"));
    assert_int_equal(ark_write_rows(&out, ARRAKIS_DTYPE_NONE, 5, 0, ids, series, &err),
                     ARRAKIS_EINVAL);
    assert_int_equal(ark_buffer_reserve(&out, SIZE_MAX, &err), ARRAKIS_ENOMEM);
    assert_null(out.data);
    ark_buffer_clear(&out);
}

/* ---- rows into the caller's memory */

static const float eight[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t no_third = 0xfb;
static const uint32_t three_ids[] = {9, 0, UINT32_MAX};
static const arrakis_series three_rows[] = {{eight, NULL, 8, ARRAKIS_FLOAT32},
                                            {eight, &no_third, 5, ARRAKIS_FLOAT32},
                                            {NULL, NULL, 3, ARRAKIS_FLOAT32}};

static void an_encoded_message_is_what_a_publisher_sends(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 3; count++) {
        uint8_t encoded[2048];
        size_t wanted, size;
        ark_buffer sent = {0};
        assert_int_equal(
            ark_write_rows(&sent, ARRAKIS_FLOAT32, 5, count, three_ids, three_rows, NULL),
            ARRAKIS_OK);
        assert_int_equal(arrakis_rows_encode(NULL, 0, &wanted, ARRAKIS_FLOAT32, 5, count,
                                             three_ids, three_rows, NULL),
                         ARRAKIS_OK);
        assert_int_equal(wanted, sent.size);
        memset(encoded, 0xaa, sizeof encoded);
        assert_int_equal(arrakis_rows_encode(encoded, wanted, &size, ARRAKIS_FLOAT32, 5, count,
                                             three_ids, three_rows, NULL),
                         ARRAKIS_OK);
        assert_int_equal(size, sent.size);
        assert_memory_equal(encoded, sent.data, size);
        assert_int_equal(encoded[size], 0xaa);
        ark_buffer_clear(&sent);
    }
}

static void nothing_is_written_where_a_message_has_no_room(void **state)
{
    (void)state;
    uint8_t encoded[2048], before[2048];
    size_t wanted, size;
    arrakis_error err;
    memset(encoded, 0xaa, sizeof encoded);
    memset(before, 0xaa, sizeof before);
    assert_int_equal(
        arrakis_rows_encode(NULL, 0, &wanted, ARRAKIS_FLOAT32, 5, 3, three_ids, three_rows, NULL),
        ARRAKIS_OK);
    assert_int_equal(arrakis_rows_encode(encoded, wanted - 1, &size, ARRAKIS_FLOAT32, 5, 3,
                                         three_ids, three_rows, &err),
                     ARRAKIS_EINVAL);
    assert_int_equal(size, wanted);
    assert_non_null(strstr(err.message, "bytes for memory of"));
    assert_int_equal(arrakis_rows_encode(encoded, sizeof encoded, &size, ARRAKIS_FLOAT64, 5, 3,
                                         three_ids, three_rows, &err),
                     ARRAKIS_EINVAL);
    assert_int_equal(size, 0);
    assert_memory_equal(encoded, before, sizeof before);
}

static void only_times_that_a_reader_takes_are_encoded(void **state)
{
    (void)state;
    static const int64_t refused[] = {-1, ARRAKIS_TIME_MAX_NS + 1};
    static const int64_t taken[] = {0, ARRAKIS_TIME_MAX_NS};
    for (size_t i = 0; i < 2; i++) {
        size_t size;
        arrakis_error err;
        assert_int_equal(arrakis_rows_encode(NULL, 0, &size, ARRAKIS_FLOAT32, taken[i], 3,
                                             three_ids, three_rows, NULL),
                         ARRAKIS_OK);
        assert_int_equal(arrakis_rows_encode(NULL, 0, &size, ARRAKIS_FLOAT32, refused[i], 3,
                                             three_ids, three_rows, &err),
                         ARRAKIS_EINVAL);
        assert_non_null(strstr(err.message, "expected 0 to"));
    }
}

static void a_batch_without_rows_reads_back(void **state)
{
    (void)state;
    ark_buffer out = {NULL, 0, 0};
    ark_schema *schema;
    ark_column columns[3];
    assert_int_equal(ark_write_rows(&out, ARRAKIS_INT8, 5, 0, NULL, NULL, NULL), ARRAKIS_OK);
    assert_int_equal(read(out.data, out.size, &schema, columns), 0);
    ark_schema_free(schema);
    ark_buffer_clear(&out);
}

/* ---- columns */

static void columns_are_the_bytes_that_pyarrow_writes(void **state)
{
    (void)state;
    static const char *const names[] = {"columns", "columns-nulls", "dtypes"};
    for (size_t i = 0; i < 3; i++) {
        uint8_t message[8192], bits[10][16];
        size_t size = load(message, names[i]);
        ark_schema *schema;
        ark_column columns[11];
        assert_int_equal(read(message, size, &schema, columns), 1);
        size_t count = schema->count - 1;
        arrakis_series series[10];
        arrakis_dtype dtypes[10];
        const char *column_names[10], *rates[10];
        for (size_t k = 0; k < count; k++) {
            const ark_schema_field *field = &schema->fields[k + 1];
            dtypes[k] = field->dtype;
            column_names[k] = field->name;
            rates[k] = field->rate;
            series[k] = row(&columns[k + 1], field->dtype, 0, bits[k]);
        }
        ark_buffer out = {NULL, 0, 0};
        assert_int_equal(columns_schema(&out, count, column_names, dtypes, rates, NULL),
                         ARRAKIS_OK);
        assert_int_equal(columns_batch(&out, ark_load_i64(columns[0].values), count, series, NULL),
                         ARRAKIS_OK);
        assert_int_equal(ark_write_end(&out, NULL), ARRAKIS_OK);
        assert_int_equal(out.size, size);
        assert_memory_equal(out.data, message, size);
        ark_buffer_clear(&out);
        ark_schema_free(schema);
    }
}

static void a_column_that_fits_no_message_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    ark_buffer out = {NULL, 0, 0};
    arrakis_error err;
    arrakis_series series = {&out, NULL, (size_t)INT32_MAX + 1, ARRAKIS_INT8};
    assert_int_equal(ark_write_end(&out, NULL), ARRAKIS_OK);
    assert_int_equal(columns_batch(&out, 5, 1, &series, &err), ARRAKIS_EINVAL);
    assert_int_equal(out.size, 8);
    series = (arrakis_series){&out, NULL, 1, ARRAKIS_DTYPE_NONE};
    assert_int_equal(columns_batch(&out, 5, 1, &series, &err), ARRAKIS_EINVAL);
    assert_int_equal(out.size, 8);
    ark_buffer_clear(&out);
}

static void thousands_of_columns_read_back(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static char texts[COUNT][16];
    static const char *names[COUNT];
    static arrakis_dtype dtypes[COUNT];
    static arrakis_series series[COUNT];
    static float samples[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "H1:A-%zu", i);
        names[i] = texts[i];
        dtypes[i] = ARRAKIS_FLOAT32;
        samples[i] = (float)i;
        series[i] = (arrakis_series){&samples[i], NULL, 1, ARRAKIS_FLOAT32};
    }
    ark_buffer out = {NULL, 0, 0};
    assert_int_equal(columns_schema(&out, COUNT, names, dtypes, NULL, NULL), 0);
    assert_int_equal(columns_batch(&out, 5, COUNT, series, NULL), 0);
    ark_schema *schema;
    ark_column *columns = calloc(COUNT + 1, sizeof *columns);
    assert_int_equal(read(out.data, out.size, &schema, columns), 1);
    assert_int_equal(schema->count, COUNT + 1);
    assert_string_equal(schema->fields[COUNT].name, names[COUNT - 1]);
    assert_null(schema->fields[COUNT].rate);
    for (size_t i = 0; i < COUNT; i++)
        assert_memory_equal(columns[i + 1].values, &samples[i], 4);
    free(columns);
    ark_schema_free(schema);
    ark_buffer_clear(&out);
}

/* ---- what other writers could write, built by hand */

/* Wrap a header table into a message of its own and cut it. */
static arrakis_status cut_built(ark_flatbuffer_builder *b, ark_buffer *out,
                                ark_ipc_message *message, ark_flatbuffer_offset header,
                                uint8_t kind, int16_t version, size_t body, arrakis_error *err)
{
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_u8(b, 7, 99); /* of a later version of the format */
    ark_flatbuffer_put_i16(b, ARK_MESSAGE_VERSION, version);
    ark_flatbuffer_put_u8(b, ARK_MESSAGE_HEADER_TYPE, kind);
    ark_flatbuffer_put_i64(b, ARK_MESSAGE_BODY_LENGTH, (int64_t)body);
    ark_flatbuffer_put_offset(b, ARK_MESSAGE_HEADER, header);
    const uint8_t *data = ark_flatbuffer_finish(b, ark_flatbuffer_table_end(b));
    assert_non_null(data);
    out->size = 0;
    uint32_t size = (uint32_t)b->size;
    assert_int_equal(ark_buffer_reserve(out, 4 + size + body, NULL), ARRAKIS_OK);
    memcpy(out->data, &size, 4);
    memcpy(out->data + 4, data, size);
    memset(out->data + 4 + size, 0, body);
    out->size = 4 + size + body;
    ark_flatbuffer_clear(b);
    return ark_ipc_parse(message, out->data, out->size, err);
}

/* A batch of one int64 column and two rows, in an order and with fields that pyarrow has not. */
static ark_flatbuffer_offset build_batch(ark_flatbuffer_builder *b, size_t variadic)
{
    int64_t buffers[] = {0, 0, 8, 16}, nodes[] = {2, 0}, counts[] = {1, 2};
    memcpy(ark_flatbuffer_vector_begin(b, 2, 16, 8), buffers, sizeof buffers);
    ark_flatbuffer_offset buffer_place = ark_flatbuffer_vector_end(b, 2);
    memcpy(ark_flatbuffer_vector_begin(b, variadic, 8, 8), counts, 8 * variadic);
    ark_flatbuffer_offset variadic_place = ark_flatbuffer_vector_end(b, variadic);
    memcpy(ark_flatbuffer_vector_begin(b, 1, 16, 8), nodes, sizeof nodes);
    ark_flatbuffer_offset node_place = ark_flatbuffer_vector_end(b, 1);
    ark_flatbuffer_table_begin(b);
    ark_flatbuffer_put_offset(b, ARK_BATCH_NODES, node_place);
    ark_flatbuffer_put_offset(b, ARK_BATCH_VARIADIC_COUNTS, variadic_place);
    ark_flatbuffer_put_i64(b, 6, 42);
    ark_flatbuffer_put_offset(b, ARK_BATCH_BUFFERS, buffer_place);
    ark_flatbuffer_put_i64(b, ARK_BATCH_LENGTH, 2);
    return ark_flatbuffer_table_end(b);
}

static void another_layout_and_unknown_fields_are_read(void **state)
{
    (void)state;
    ark_schema_field field = {.name = (char[]){"x"}, .dtype = ARRAKIS_INT64};
    ark_type type = {.storage = ARK_STORE_NUMBERS, .dtype = ARRAKIS_INT64, .width = 8};
    ark_schema schema = {1, &field, &type, 1};
    ark_flatbuffer_builder b;
    ark_buffer out = {NULL, 0, 0};
    ark_ipc_message message;
    ark_column column;
    int64_t rows;
    arrakis_error err;
    ark_flatbuffer_init(&b);
    assert_int_equal(cut_built(&b, &out, &message, build_batch(&b, 0), ARK_HEADER_BATCH,
                               ARK_VERSION_5, 24, &err),
                     ARRAKIS_OK);
    assert_int_equal(ark_batch_read(&column, &rows, &schema, &message, &err), ARRAKIS_OK);
    assert_int_equal(rows, 2);
    assert_ptr_equal(column.values, message.body + 8);
    ark_flatbuffer_init(&b);
    assert_int_equal(cut_built(&b, &out, &message, build_batch(&b, 2), ARK_HEADER_BATCH,
                               ARK_VERSION_5, 24, &err),
                     ARRAKIS_OK);
    assert_int_equal(ark_batch_read(&column, &rows, &schema, &message, &err), ARRAKIS_OK);
    assert_int_equal(rows, 2);
    ark_buffer_clear(&out);
}

static void a_header_without_its_table_is_refused(void **state)
{
    (void)state;
    ark_flatbuffer_builder b;
    ark_buffer out = {NULL, 0, 0};
    ark_ipc_message message;
    arrakis_error err;
    ark_flatbuffer_init(&b);
    assert_int_equal(cut_built(&b, &out, &message, 0, ARK_HEADER_BATCH, ARK_VERSION_5, 0, &err),
                     ARRAKIS_EFORMAT);
    ark_flatbuffer_init(&b);
    assert_int_equal(cut_built(&b, &out, &message, 0, ARK_HEADER_SCHEMA, ARK_VERSION_5, 0, &err),
                     ARRAKIS_EFORMAT);
    ark_buffer_clear(&out);
}

static void other_versions_and_kinds_are_named(void **state)
{
    (void)state;
    static const struct {
        uint8_t kind;
        int16_t version;
        arrakis_status status;
        const char *said;
    } cases[] = {
        {ARK_HEADER_BATCH, 0, ARRAKIS_EUNSUPPORTED, "version 1, not 4 or 5"},
        {ARK_HEADER_BATCH, 2, ARRAKIS_EUNSUPPORTED, "version 3, not 4 or 5"},
        {ARK_HEADER_BATCH, 5, ARRAKIS_EUNSUPPORTED, "version 6, not 4 or 5"},
        {ARK_HEADER_DICTIONARY, 4, ARRAKIS_EUNSUPPORTED, "is a dictionary batch"},
        {ARK_HEADER_TENSOR, 4, ARRAKIS_EUNSUPPORTED, "is a tensor"},
        {ARK_HEADER_SPARSE_TENSOR, 4, ARRAKIS_EUNSUPPORTED, "is a sparse tensor"},
        {0, 4, ARRAKIS_EFORMAT, "of kind 0"},
        {200, 4, ARRAKIS_EFORMAT, "of kind 200"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ark_flatbuffer_builder b;
        ark_buffer out = {NULL, 0, 0};
        ark_ipc_message message;
        arrakis_error err;
        ark_flatbuffer_init(&b);
        assert_int_equal(cut_built(&b, &out, &message, build_batch(&b, 0), cases[i].kind,
                                   cases[i].version, 24, &err),
                         cases[i].status);
        if (!strstr(err.message, cases[i].said))
            fail_msg("'%s' does not have '%s'", err.message, cases[i].said);
        ark_buffer_clear(&out);
    }
}

/* ---- schemas that ask for more than they hold */

/* A schema of `count` fields that are one table, of a name of `name_size` and `pairs` metadata. */
static arrakis_status read_shared(size_t count, const char *name, size_t name_size, size_t pairs,
                                  arrakis_error *err)
{
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    ark_flatbuffer_offset key = ark_flatbuffer_add_string(&b, "k", 1);
    ark_flatbuffer_table_begin(&b);
    ark_flatbuffer_put_offset(&b, ARK_PAIR_KEY, key);
    ark_flatbuffer_put_offset(&b, ARK_PAIR_VALUE, key);
    ark_flatbuffer_offset pair = ark_flatbuffer_table_end(&b);
    size_t most = count > pairs ? count : pairs;
    ark_flatbuffer_offset *places = calloc(most + 1, sizeof *places);
    for (size_t i = 0; i < pairs; i++)
        places[i] = pair;
    ark_flatbuffer_offset metadata = ark_flatbuffer_add_offsets(&b, places, pairs);
    ark_flatbuffer_offset name_place = ark_flatbuffer_add_string(&b, name, name_size);
    ark_flatbuffer_table_begin(&b);
    ark_flatbuffer_put_i32(&b, ARK_INT_BITS, 8);
    ark_flatbuffer_offset type = ark_flatbuffer_table_end(&b);
    ark_flatbuffer_table_begin(&b);
    ark_flatbuffer_put_offset(&b, ARK_FIELD_NAME, name_place);
    ark_flatbuffer_put_offset(&b, ARK_FIELD_METADATA, metadata);
    ark_flatbuffer_put_offset(&b, ARK_FIELD_TYPE, type);
    ark_flatbuffer_put_u8(&b, ARK_FIELD_TYPE_TYPE, ARK_ARROW_INT);
    places[0] = ark_flatbuffer_table_end(&b);
    for (size_t i = 1; i < count; i++)
        places[i] = places[0];
    ark_flatbuffer_offset fields = ark_flatbuffer_add_offsets(&b, places, count);
    ark_flatbuffer_table_begin(&b);
    ark_flatbuffer_put_offset(&b, ARK_SCHEMA_FIELDS, fields);
    ark_buffer out = {NULL, 0, 0};
    ark_ipc_message message;
    ark_schema *schema = NULL;
    arrakis_status rc = cut_built(&b, &out, &message, ark_flatbuffer_table_end(&b),
                                  ARK_HEADER_SCHEMA, ARK_VERSION_5, 0, err);
    if (rc == ARRAKIS_OK)
        rc = ark_schema_read(&schema, &message, err);
    assert_true((rc == ARRAKIS_OK) == (schema != NULL));
    ark_schema_free(schema);
    ark_buffer_clear(&out);
    free(places);
    return rc;
}

static void a_schema_costs_no_more_than_its_header(void **state)
{
    (void)state;
    static char name[10000];
    memset(name, 'n', sizeof name);
    arrakis_error err;
    assert_int_equal(read_shared(65536, name, 1, 0, &err), ARRAKIS_OK);
    assert_int_equal(read_shared(1, name, sizeof name, 1000, &err), ARRAKIS_OK);
    assert_int_equal(read_shared(65536, name, sizeof name, 0, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, "more text than 8 times its header's"));
    assert_int_equal(read_shared(65536, name, 1, 65536, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, "not a valid flatbuffer"));
    assert_int_equal(read_shared(65537, name, 1, 0, &err), ARRAKIS_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "65537 fields, over 65536"));
    assert_int_equal(read_shared(1, "a\0b", 3, 0, &err), ARRAKIS_OK);
}

static void a_failed_builder_stays_failed(void **state)
{
    (void)state;
    ark_flatbuffer_builder b;
    ark_flatbuffer_init(&b);
    assert_null(ark_flatbuffer_vector_begin(&b, (size_t)1 << 60, 16, 8));
    ark_flatbuffer_offset vector = ark_flatbuffer_vector_end(&b, 1);
    ark_flatbuffer_table_begin(&b);
    ark_flatbuffer_put_offset(&b, 0, vector);
    assert_null(ark_flatbuffer_finish(&b, ark_flatbuffer_table_end(&b)));
    assert_int_equal(b.status, ARRAKIS_EINVAL);
    ark_flatbuffer_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_bytes_that_pyarrow_writes),
        cmocka_unit_test(a_missing_series_is_a_list_of_nulls),
        cmocka_unit_test(validity_reads_back_bit_by_bit),
        cmocka_unit_test(samples_of_rows_need_neither_alignment_nor_neighbours),
        cmocka_unit_test(the_buffer_is_used_again),
        cmocka_unit_test(rows_that_fit_no_message_are_refused),
        cmocka_unit_test(an_encoded_message_is_what_a_publisher_sends),
        cmocka_unit_test(nothing_is_written_where_a_message_has_no_room),
        cmocka_unit_test(only_times_that_a_reader_takes_are_encoded),
        cmocka_unit_test(a_batch_without_rows_reads_back),
        cmocka_unit_test(columns_are_the_bytes_that_pyarrow_writes),
        cmocka_unit_test(a_column_that_fits_no_message_leaves_the_buffer_as_it_was),
        cmocka_unit_test(thousands_of_columns_read_back),
        cmocka_unit_test(another_layout_and_unknown_fields_are_read),
        cmocka_unit_test(a_header_without_its_table_is_refused),
        cmocka_unit_test(other_versions_and_kinds_are_named),
        cmocka_unit_test(a_schema_costs_no_more_than_its_header),
        cmocka_unit_test(a_failed_builder_stays_failed),
    };
    return cmocka_run_group_tests_name("arrow_ipc: writing", tests, NULL, NULL);
}
