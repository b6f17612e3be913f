/* SPDX-License-Identifier: Apache-2.0 */
/* The Arrow C data and stream interfaces, as a consumer meets them. */
#include <arrakis/reader.h>
#include <arrakis/arrow.h>

#include "arrow/c_schema.h"
#include "block/block.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>

static const channel_spec specs[] = {
    {"X:WORDS", ARRAKIS_FLOAT32, 4, NULL, UNSET, UNSET, UNSET},
    {"X:DOUBLES", ARRAKIS_FLOAT64, 2, NULL, UNSET, UNSET, UNSET},
    {"X:GONE", ARRAKIS_FLOAT64, 1, NULL, UNSET, UNSET, UNSET},
    {"X:MORE", ARRAKIS_FLOAT32, 1.0 / 3 * 9, NULL, UNSET, UNSET, UNSET},
};
static const float words[] = {1.5F, 2.5F, 3.5F, 4.5F}, more[] = {7, 8, 9};
static const double doubles[] = {10, 20};

static arrakis_block *mixed_block(void)
{
    const uint8_t valid = 0x0b; /* word 2 is missing */
    const arrakis_series series[] = {{words, &valid, 4, ARRAKIS_FLOAT32},
                                     {doubles, NULL, 2, ARRAKIS_FLOAT64},
                                     {NULL, NULL, 1, ARRAKIS_FLOAT64},
                                     {more, NULL, 3, ARRAKIS_FLOAT32}};
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, 7 * SECOND, SECOND, series, err));
    arrakis_channels_unref(channels);
    return block;
}

/* ------------------------------------------------------------------ schemas */

static void assert_field(const struct ArrowSchema *field, const char *name, const char *format,
                         int64_t flags)
{
    assert_string_equal(field->name, name);
    assert_string_equal(field->format, format);
    assert_int_equal(field->flags, flags);
    assert_null(field->dictionary);
}

static void assert_rate(const struct ArrowSchema *field, const char *rate)
{
    int32_t size = 0;
    const char *value = ark_c_schema_metadata(field->metadata, "rate", &size);
    assert_non_null(value);
    assert_int_equal(size, strlen(rate));
    assert_memory_equal(value, rate, strlen(rate));
    assert_null(ark_c_schema_metadata(field->metadata, "rat", &size));
}

static void the_columns_are_sorted_by_name(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    struct ArrowSchema schema;
    PASS(arrakis_channels_export_schema(channels, &schema, err));
    arrakis_channels_unref(channels);
    assert_field(&schema, "", "+s", 0);
    assert_int_equal(schema.n_children, 5);
    assert_field(schema.children[0], "time", "l", 0);
    assert_field(schema.children[1], "X:DOUBLES", "+l", ARROW_FLAG_NULLABLE);
    assert_field(schema.children[1]->children[0], "item", "g", ARROW_FLAG_NULLABLE);
    assert_field(schema.children[2], "X:GONE", "+l", ARROW_FLAG_NULLABLE);
    assert_field(schema.children[3], "X:MORE", "+l", ARROW_FLAG_NULLABLE);
    assert_field(schema.children[4], "X:WORDS", "+l", ARROW_FLAG_NULLABLE);
    assert_field(schema.children[4]->children[0], "item", "f", ARROW_FLAG_NULLABLE);
    assert_rate(schema.children[1], "2");
    assert_rate(schema.children[4], "4");
    schema.release(&schema);
    assert_null(schema.release);
}

static void a_field_that_was_moved_outlives_its_schema(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    struct ArrowSchema schema, field, item;
    PASS(arrakis_channels_export_schema(channels, &schema, err));
    arrakis_channels_unref(channels);
    field = *schema.children[4];
    schema.children[4]->release = NULL;
    schema.release(&schema);
    item = *field.children[0];
    field.children[0]->release = NULL;
    assert_field(&field, "X:WORDS", "+l", ARROW_FLAG_NULLABLE);
    assert_rate(&field, "4");
    field.release(&field);
    assert_null(field.release);
    assert_field(&item, "item", "f", ARROW_FLAG_NULLABLE);
    item.release(&item);
}

static void rows_have_a_schema_for_each_data_type(void **state)
{
    (void)state;
    static const char formats[] = "csilCSILfg";
    for (int dtype = ARRAKIS_INT8, seen = 0; seen < 10; dtype++) {
        const char *format = ark_c_schema_format((arrakis_dtype)dtype);
        if (!format)
            continue;
        seen++;
        assert_non_null(strchr(formats, *format));
        assert_int_equal(ark_c_schema_dtype(format), dtype);
        struct ArrowSchema schema;
        PASS(arrakis_rows_export_schema((arrakis_dtype)dtype, &schema, err));
        assert_int_equal(schema.n_children, 3);
        assert_field(schema.children[0], "time", "l", ARROW_FLAG_NULLABLE);
        assert_field(schema.children[1], "id", "I", ARROW_FLAG_NULLABLE);
        assert_field(schema.children[2], "data", "+l", ARROW_FLAG_NULLABLE);
        assert_field(schema.children[2]->children[0], "item", format, ARROW_FLAG_NULLABLE);
        schema.release(&schema);
    }
    struct ArrowSchema schema = {.release = (void (*)(struct ArrowSchema *))abort};
    FAIL(arrakis_rows_export_schema((arrakis_dtype)99, &schema, err), ARRAKIS_EINVAL, "99");
    assert_null(schema.release);
}

/* ------------------------------------------------------------------ columns */

static const struct ArrowArray *column(const struct ArrowArray *array, int64_t i)
{
    assert_true(i < array->n_children);
    return array->children[i];
}

/* The list of the only row of a column, and what is in it. */
static const struct ArrowArray *list_of(const struct ArrowArray *array, int64_t i, int32_t length)
{
    const struct ArrowArray *list = column(array, i);
    assert_int_equal(list->length, 1);
    assert_int_equal(list->null_count, 0);
    assert_int_equal(list->n_buffers, 2);
    assert_null(list->buffers[0]);
    const int32_t *offsets = list->buffers[1];
    assert_int_equal(offsets[0], 0);
    assert_int_equal(offsets[1], length);
    assert_int_equal(list->n_children, 1);
    assert_int_equal(list->children[0]->length, length);
    assert_int_equal(list->children[0]->offset, 0);
    return list->children[0];
}

static void a_block_is_one_row_of_its_own_memory(void **state)
{
    (void)state;
    arrakis_block *block = mixed_block();
    const void *samples = arrakis_block_series(block, 0).samples;
    struct ArrowArray array;
    PASS(arrakis_block_export(block, &array, err));
    arrakis_block_unref(block);
    assert_int_equal(array.length, 1);
    assert_int_equal(array.n_buffers, 1);
    assert_null(array.buffers[0]);
    assert_int_equal(array.n_children, 5);
    assert_int_equal(*(const int64_t *)column(&array, 0)->buffers[1], 7 * SECOND);
    const struct ArrowArray *d = list_of(&array, 1, 2), *gone = list_of(&array, 2, 1);
    assert_memory_equal(d->buffers[1], doubles, sizeof doubles);
    assert_null(d->buffers[0]);
    assert_int_equal(d->null_count, 0);
    assert_int_equal(*(const uint8_t *)gone->buffers[0] & 1, 0);
    assert_memory_equal(list_of(&array, 3, 3)->buffers[1], more, sizeof more);
    const struct ArrowArray *w = list_of(&array, 4, 4);
    assert_ptr_equal(w->buffers[1], samples);
    assert_int_equal(*(const uint8_t *)w->buffers[0] & 0x0f, 0x0b);
    array.release(&array);
    assert_null(array.release);
}

static void *release_elsewhere(void *array)
{
    struct ArrowArray *it = array;
    it->release(it);
    return NULL;
}

static void a_column_that_was_moved_outlives_its_block(void **state)
{
    (void)state;
    for (int turn = 0; turn < 200; turn++) {
        arrakis_block *block = mixed_block();
        struct ArrowArray array, list, samples;
        PASS(arrakis_block_export(block, &array, err));
        arrakis_block_unref(block);
        list = *array.children[4];
        array.children[4]->release = NULL;
        pthread_t thread, other;
        assert_int_equal(pthread_create(&thread, NULL, release_elsewhere, &array), 0);
        samples = *list.children[0];
        list.children[0]->release = NULL;
        assert_int_equal(pthread_create(&other, NULL, release_elsewhere, &list), 0);
        assert_memory_equal(samples.buffers[1], words, 2 * sizeof *words);
        pthread_join(thread, NULL);
        pthread_join(other, NULL);
        assert_null(array.release);
        assert_memory_equal(samples.buffers[1], words, 2 * sizeof *words);
        samples.release(&samples);
    }
}

static void *export_often(void *block)
{
    for (int i = 0; i < 200; i++) {
        struct ArrowArray array;
        PASS(arrakis_block_export(block, &array, err));
        assert_memory_equal(list_of(&array, 1, 2)->buffers[1], doubles, sizeof doubles);
        array.release(&array);
    }
    return NULL;
}

static void threads_may_export_one_block(void **state)
{
    (void)state;
    arrakis_block *block = mixed_block();
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, export_often, block), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    arrakis_block_unref(block);
}

/* ------------------------------------------------------------------ rows */

static void rows_of_one_type_lie_in_one_list(void **state)
{
    (void)state;
    static const uint32_t ids[] = {5, 6, 7, 8};
    arrakis_block *block = mixed_block();
    struct ArrowArray array;
    PASS(arrakis_block_export_rows(block, ARRAKIS_FLOAT32, ids, &array, err));
    arrakis_block_unref(block);
    assert_int_equal(array.length, 2);
    const int64_t *times = column(&array, 0)->buffers[1];
    assert_int_equal(times[0], 7 * SECOND);
    assert_int_equal(times[1], 7 * SECOND);
    const uint32_t *id = column(&array, 1)->buffers[1];
    assert_int_equal(id[0], 5);
    assert_int_equal(id[1], 8);
    const struct ArrowArray *data = column(&array, 2);
    const int32_t *offsets = data->buffers[1];
    assert_int_equal(offsets[0], 0);
    assert_int_equal(offsets[1], 4);
    assert_int_equal(offsets[2], 7);
    const struct ArrowArray *samples = data->children[0];
    assert_int_equal(samples->length, 7);
    assert_int_equal(*(const uint8_t *)samples->buffers[0] & 0x7f, 0x7b);
    const float *values = samples->buffers[1];
    assert_memory_equal(values, words, 2 * sizeof *words);
    assert_memory_equal(values + 4, more, sizeof more);
    array.release(&array);
}

static void rows_that_lie_in_one_run_are_not_copied(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, 1);
    const arrakis_series series = {words, NULL, 4, ARRAKIS_FLOAT32};
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, 0, SECOND, &series, err));
    struct ArrowArray array;
    PASS(arrakis_block_export_rows(block, ARRAKIS_FLOAT32, NULL, &array, err));
    const struct ArrowArray *samples = column(&array, 2)->children[0];
    assert_ptr_equal(samples->buffers[1], arrakis_block_series(block, 0).samples);
    assert_null(samples->buffers[0]);
    array.release(&array);
    PASS(arrakis_block_export_rows(block, ARRAKIS_INT8, NULL, &array, err));
    assert_int_equal(array.length, 0);
    assert_int_equal(*(const int32_t *)column(&array, 2)->buffers[1], 0);
    array.release(&array);
    FAIL(arrakis_block_export_rows(block, ARRAKIS_DTYPE_NONE, NULL, &array, err), ARRAKIS_EINVAL,
         "data type");
    assert_null(array.release);
    arrakis_block_unref(block);
    arrakis_channels_unref(channels);
}

/* ------------------------------------------------------------------ import */

/* A block, exported; a test spoils it and imports it. */
typedef struct exported {
    arrakis_block *block;
    arrakis_channels *channels;
    struct ArrowSchema schema;
    struct ArrowArray array;
} exported;

static exported export_mixed(void)
{
    exported e = {.block = mixed_block(), .channels = channels_of(specs, COUNT(specs))};
    PASS(arrakis_channels_export_schema(e.channels, &e.schema, err));
    PASS(arrakis_block_export(e.block, &e.array, err));
    return e;
}

static void end(exported *e)
{
    e->schema.release(&e->schema);
    e->array.release(&e->array);
    arrakis_channels_unref(e->channels);
    arrakis_block_unref(e->block);
}

static void assert_equal_blocks(const arrakis_block *a, const arrakis_block *b)
{
    assert_int_equal(arrakis_block_start_ns(a), arrakis_block_start_ns(b));
    assert_int_equal(arrakis_block_duration_ns(a), arrakis_block_duration_ns(b));
    for (size_t i = 0; i < COUNT(specs); i++) {
        arrakis_series x = arrakis_block_series(a, i), y = arrakis_block_series(b, i);
        assert_int_equal(x.length, y.length);
        size_t size = arrakis_dtype_size(x.dtype);
        for (size_t k = 0; k < x.length; k++) {
            assert_int_equal(is_present(x, k), is_present(y, k));
            if (is_present(x, k))
                assert_memory_equal((const char *)x.samples + k * size,
                                    (const char *)y.samples + k * size, size);
        }
    }
}

static void what_was_exported_can_be_imported(void **state)
{
    (void)state;
    exported e = export_mixed();
    arrakis_block *block;
    PASS(arrakis_block_import(&block, e.channels, &e.schema, &e.array, 0, err));
    assert_equal_blocks(block, e.block);
    arrakis_block_unref(block);
    end(&e);
}

static void offsets_and_null_lists_are_followed(void **state)
{
    (void)state;
    exported e = export_mixed();
    /* The struct begins at row 2, the column's own array 1 behind that: its row 3, samples 5 to 9 of a
     * child that begins at 1. */
    int64_t times[] = {0, 0, 9 * SECOND};
    const int32_t ends[] = {0, 0, 0, 5, 9};
    const float samples[] = {0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
    const uint8_t valid[] = {0x40, 0x01}; /* samples 6 and 8 */
    struct ArrowArray *words_list = e.array.children[4];
    e.array.offset = 2;
    e.array.children[0]->buffers[1] = times;
    e.array.children[0]->length = 3;
    for (int i = 1; i < 4; i++) {
        static const uint8_t null = 0;
        e.array.children[i]->length = 3;
        e.array.children[i]->null_count = 3;
        e.array.children[i]->buffers[0] = &null;
    }
    words_list->offset = 1;
    words_list->length = 3;
    words_list->buffers[1] = ends;
    words_list->children[0]->offset = 1;
    words_list->children[0]->length = 9;
    words_list->children[0]->buffers[0] = valid;
    words_list->children[0]->buffers[1] = samples;
    words_list->children[0]->null_count = -1;
    arrakis_block *block;
    PASS(arrakis_block_import(&block, e.channels, &e.schema, &e.array, 0, err));
    assert_int_equal(arrakis_block_start_ns(block), 9 * SECOND);
    assert_int_equal(arrakis_block_duration_ns(block), SECOND);
    arrakis_series series = arrakis_block_series(block, 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(is_present(series, i), i == 0 || i == 2);
    assert_float_equal(((const float *)series.samples)[0], 1, 0);
    assert_float_equal(((const float *)series.samples)[2], 3, 0);
    assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 3)), 3);
    arrakis_block_unref(block);
    end(&e);
}

static void lists_may_be_large_or_of_fixed_size(void **state)
{
    (void)state;
    exported e = export_mixed();
    const int64_t wide[] = {0, 4};
    e.array.children[4]->buffers[1] = wide;
    e.schema.children[4]->format = "+L";
    e.schema.children[1]->format = "+w:2";
    e.array.children[1]->n_buffers = 1;
    arrakis_block *block;
    PASS(arrakis_block_import(&block, e.channels, &e.schema, &e.array, 0, err));
    assert_equal_blocks(block, e.block);
    arrakis_block_unref(block);
    e.schema.children[1]->format = "+w:9223372036854775807";
    FAIL(arrakis_block_import(&block, e.channels, &e.schema, &e.array, 0, err), ARRAKIS_EINVAL,
         "X:DOUBLES");
    end(&e);
}

/* `spoil` is done to what was exported; then it is refused. */
#define SPOILED(spoil, status, text)                                                              \
    do {                                                                                          \
        exported e = export_mixed();                                                              \
        spoil;                                                                                    \
        arrakis_block *block;                                                                     \
        FAIL(arrakis_block_import(&block, e.channels, &e.schema, &e.array, 0, err), status,       \
             text);                                                                               \
        assert_null(block);                                                                       \
        end(&e);                                                                                  \
    } while (0)

static void what_is_no_block_is_refused(void **state)
{
    (void)state;
    static const int32_t back[] = {4, 0}, before[] = {-1, 3}, far[] = {0, 5}, empty[] = {0, 0},
                         shorter[] = {0, 2};
    static const int64_t late = ARRAKIS_TIME_MAX_NS + 1;
    static const uint8_t null = 0;
    static const char rate[] = "\1\0\0\0\4\0\0\0rate\1\0\0\0"
                               "5";
    static struct ArrowSchema dictionary;
    SPOILED(e.schema.format = "l", ARRAKIS_EINVAL, "struct");
    SPOILED(e.schema.children[0]->format = "L", ARRAKIS_EMISMATCH, "'L'");
    SPOILED(e.schema.children[0]->name = "X:WORDS", ARRAKIS_EMISMATCH, "X:WORDS");
    SPOILED(e.schema.children[1]->name = "time", ARRAKIS_EINVAL, "two columns 'time'");
    SPOILED(e.schema.children[1]->name = "X:WORDS", ARRAKIS_EMISMATCH, "float32");
    SPOILED(e.schema.children[3]->name = "X:WORDS";
            e.schema.children[3]->metadata = NULL, ARRAKIS_EINVAL, "two columns 'X:WORDS'");
    SPOILED(e.schema.children[1]->name = "X:OTHER", ARRAKIS_ENOTFOUND, "X:OTHER");
    SPOILED(e.schema.children[1]->name = NULL, ARRAKIS_ENOTFOUND, "not one of the given channels");
    SPOILED(e.schema.children[4]->format = "+vl", ARRAKIS_EUNSUPPORTED, "X:WORDS");
    SPOILED(e.schema.children[4]->dictionary = &dictionary, ARRAKIS_EUNSUPPORTED, "X:WORDS");
    SPOILED(e.schema.children[4]->format = "f", ARRAKIS_EMISMATCH, "lists of float32");
    SPOILED(e.schema.children[4]->children[0]->format = "u", ARRAKIS_EMISMATCH, "'u'");
    SPOILED(e.schema.children[4]->metadata = rate, ARRAKIS_EMISMATCH, "rate '5'");
    SPOILED(e.array.length = 0, ARRAKIS_EINVAL, "row 0 of 0");
    SPOILED(e.array.offset = -1, ARRAKIS_EINVAL, "from -1 on");
    SPOILED(e.array.offset = INT64_MAX, ARRAKIS_EINVAL, "row");
    SPOILED(e.array.buffers[0] = &null; e.array.null_count = 1, ARRAKIS_EINVAL, "null");
    SPOILED(e.array.children[0]->buffers[1] = &late, ARRAKIS_EINVAL, "time");
    SPOILED(e.array.children[0]->buffers[0] = &null, ARRAKIS_EINVAL, "no time");
    SPOILED(e.array.children[4]->buffers[1] = back, ARRAKIS_EINVAL, "from 4 to 0");
    SPOILED(e.array.children[4]->buffers[1] = before, ARRAKIS_EINVAL, "from -1 to 3");
    SPOILED(e.array.children[4]->buffers[1] = far, ARRAKIS_EINVAL, "X:WORDS");
    SPOILED(e.array.children[4]->buffers[1] = NULL, ARRAKIS_EINVAL, "X:WORDS");
    SPOILED(e.array.children[4]->children[0]->length = 3, ARRAKIS_EINVAL, "X:WORDS");
    SPOILED(e.array.children[4]->children[0]->buffers[1] = NULL, ARRAKIS_EINVAL, "X:WORDS");
    SPOILED(e.array.children[4]->children[0]->offset = INT64_MAX, ARRAKIS_EINVAL, "X:WORDS");
    SPOILED(e.array.children[4]->n_buffers = 3, ARRAKIS_EINVAL, "3 buffers");
    SPOILED(for (int i = 1; i < 5; i++) e.array.children[i]->buffers[1] = empty, ARRAKIS_EINVAL,
            "without samples");
    SPOILED(e.array.children[4]->buffers[1] = empty, ARRAKIS_EINVAL, "X:WORDS");
    SPOILED(
        for (int i = 1; i < 5; i++) {
            e.array.children[i]->buffers[0] = &null;
            e.array.children[i]->null_count = 1;
        },
        ARRAKIS_EINVAL, "no samples");
    /* shorter than the others */
    SPOILED(e.array.children[4]->buffers[1] = shorter, ARRAKIS_EINVAL, "X:DOUBLES");
}

static void every_channel_needs_a_column(void **state)
{
    (void)state;
    exported e = export_mixed();
    arrakis_block *block;
    e.schema.n_children = 4;
    FAIL(arrakis_block_import(&block, e.channels, &e.schema, &e.array, 0, err), ARRAKIS_EINVAL,
         "5 columns");
    e.array.n_children = 4;
    FAIL(arrakis_block_import(&block, e.channels, &e.schema, &e.array, 0, err), ARRAKIS_ENOTFOUND,
         "X:WORDS");
    e.schema.n_children = e.array.n_children = 5;
    FAIL(arrakis_block_import(&block, e.channels, &e.schema, &e.array, 1, err), ARRAKIS_EINVAL,
         "row 1 of 1");
    FAIL(arrakis_block_import(&block, e.channels, &e.schema, &e.array, -1, err), ARRAKIS_EINVAL,
         "row -1");
    end(&e);
    FAIL(arrakis_block_import(&block, NULL, &e.schema, &e.array, 0, err), ARRAKIS_EINVAL, "NULL");
    arrakis_channels *channels = channels_of(specs, 1);
    FAIL(arrakis_block_import(&block, channels, &e.schema, &e.array, 0, err), ARRAKIS_EINVAL,
         "released");
    arrakis_channels_unref(channels);
}

/* ------------------------------------------------------------------ streams */

static const channel_spec streamed[] = {
    {"X:A", ARRAKIS_INT32, 4, "p", 0, SECOND, SECOND},
};
enum { BLOCKS = 3 };

/* Of the past; or live, in which nothing comes but gaps. */
static arrakis_stream *stream_of(size_t messages, bool past, arrakis_cancel *cancel)
{
    arrakis_channels *channels = channels_of(streamed, 1);
    arrakis_reader *reader;
    PASS(arrakis_memory_reader_new(&reader, channels, err));
    for (size_t i = 0; i < messages; i++) {
        const uint32_t id = 0;
        const int32_t first = (int32_t)(100 * i);
        ark_buffer message = int32_message((int64_t)(1000 + i) * SECOND, 1, &id, &first, 4);
        PASS(arrakis_memory_reader_push(reader, 0, message.data, message.size, err));
        ark_buffer_clear(&message);
    }
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    options.cancel = cancel;
    if (past) {
        arrakis_memory_reader_finish(reader);
        options.start_ns = 1000 * SECOND;
        options.end_ns = (1000 + BLOCKS) * SECOND;
    }
    arrakis_stream *stream;
    PASS(arrakis_stream_open(&stream, reader, &options, err));
    arrakis_channels_unref(channels);
    return stream;
}

static void a_stream_hands_its_blocks_out(void **state)
{
    (void)state;
    struct ArrowArrayStream stream;
    PASS(arrakis_stream_export(stream_of(BLOCKS, true, NULL), &stream, err));
    struct ArrowSchema schema;
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(schema.n_children, 2);
    assert_field(schema.children[1], "X:A", "+l", ARROW_FLAG_NULLABLE);
    schema.release(&schema);
    struct ArrowArray arrays[BLOCKS + 1];
    for (int i = 0; i <= BLOCKS; i++)
        assert_int_equal(stream.get_next(&stream, &arrays[i]), 0);
    assert_null(arrays[BLOCKS].release);
    assert_null(stream.get_last_error(&stream));
    stream.release(&stream);
    assert_null(stream.release);
    for (int i = 0; i < BLOCKS; i++) {
        assert_int_equal(*(const int64_t *)column(&arrays[i], 0)->buffers[1], (1000 + i) * SECOND);
        const int32_t *samples = list_of(&arrays[i], 1, 4)->buffers[1];
        assert_int_equal(samples[3], 100 * i + 3);
        arrays[i].release(&arrays[i]);
    }
}

static void *set(void *cancel)
{
    arrakis_cancel_set(cancel);
    return NULL;
}

static void a_stream_that_is_canceled_ends_its_wait(void **state)
{
    (void)state;
    arrakis_cancel *cancel;
    PASS(arrakis_cancel_new(&cancel, err));
    struct ArrowArrayStream stream;
    PASS(arrakis_stream_export(stream_of(0, false, cancel), &stream, err));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set, cancel), 0);
    struct ArrowArray array;
    int rc;
    while ((rc = stream.get_next(&stream, &array)) == 0)
        array.release(&array);
    assert_int_equal(rc, ECANCELED);
    assert_null(array.release);
    assert_non_null(strstr(stream.get_last_error(&stream), "canceled"));
    pthread_join(thread, NULL);
    stream.release(&stream);
    arrakis_cancel_unref(cancel);
}

static void without_an_argument_nothing_is_exported(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = (void (*)(struct ArrowArrayStream *))abort};
    struct ArrowSchema schema;
    struct ArrowArray array;
    FAIL(arrakis_stream_export(NULL, &stream, err), ARRAKIS_EINVAL, "stream is NULL");
    assert_null(stream.release);
    FAIL(arrakis_stream_export(stream_of(0, true, NULL), NULL, err), ARRAKIS_EINVAL,
         "out is NULL");
    FAIL(arrakis_channels_export_schema(NULL, &schema, err), ARRAKIS_EINVAL, "channels is NULL");
    assert_null(schema.release);
    FAIL(arrakis_block_export(NULL, &array, err), ARRAKIS_EINVAL, "block is NULL");
    assert_null(array.release);
    FAIL(arrakis_block_export_rows(NULL, ARRAKIS_INT8, NULL, &array, err), ARRAKIS_EINVAL,
         "block is NULL");
    assert_null(array.release);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_columns_are_sorted_by_name),
        cmocka_unit_test(a_field_that_was_moved_outlives_its_schema),
        cmocka_unit_test(rows_have_a_schema_for_each_data_type),
        cmocka_unit_test(a_block_is_one_row_of_its_own_memory),
        cmocka_unit_test(a_column_that_was_moved_outlives_its_block),
        cmocka_unit_test(threads_may_export_one_block),
        cmocka_unit_test(rows_of_one_type_lie_in_one_list),
        cmocka_unit_test(rows_that_lie_in_one_run_are_not_copied),
        cmocka_unit_test(what_was_exported_can_be_imported),
        cmocka_unit_test(offsets_and_null_lists_are_followed),
        cmocka_unit_test(lists_may_be_large_or_of_fixed_size),
        cmocka_unit_test(what_is_no_block_is_refused),
        cmocka_unit_test(every_channel_needs_a_column),
        cmocka_unit_test(a_stream_hands_its_blocks_out),
        cmocka_unit_test(a_stream_that_is_canceled_ends_its_wait),
        cmocka_unit_test(without_an_argument_nothing_is_exported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
