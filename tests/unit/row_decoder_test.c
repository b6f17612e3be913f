/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/batch.h"
#include "block/chunk.h"
#include "block/layout.h"
#include "read/row_decoder.h"
#include "support.h"

/* Channels of 2 Hz with strides of a second; what a message gives is written as
 *
 *     5+1: 10 11, 20 ., . ., 40 41
 *
 * begin and duration in seconds, then the samples of each channel, a dot where one is missing. */
static const channel_spec four[] = {
    {"X:A", ARRAKIS_INT32, 2, "p", 0, SECOND, UNSET},
    {"X:B", ARRAKIS_INT32, 2, "p", 1, SECOND, UNSET},
    {"X:C", ARRAKIS_INT32, 2, "p", 2, SECOND, UNSET},
    {"X:D", ARRAKIS_INT32, 2, "p", 70000, SECOND, UNSET},
};

typedef struct bench {
    arrakis_channels *channels;
    ark_layout *layout;
    ark_row_decoder *decoder;
} bench;

static bench sharing_bench(const channel_spec *specs, size_t count, ark_row_schema **latest)
{
    bench b = {.channels = channels_of(specs, count)};
    const arrakis_channels *lists[] = {b.channels};
    PASS(ark_layout_new(&b.layout, lists, &specs[0].stride_ns, 1, specs[0].stride_ns, err));
    PASS(ark_row_decoder_new(&b.decoder, b.channels, specs[0].stride_ns, latest, err));
    return b;
}

static bench bench_of(const channel_spec *specs, size_t count)
{
    return sharing_bench(specs, count, NULL);
}

static void bench_free(bench *b)
{
    ark_row_decoder_free(b->decoder);
    ark_layout_unref(b->layout);
    arrakis_channels_unref(b->channels);
}

/* ------------------------------------------------------------------ what comes out, as text */

static void print_rows(char *out, size_t size, const bench *b, const ark_rows *rows)
{
    const ark_layout_input *input = &b->layout->inputs[0];
    ark_chunk *chunk = ark_chunk_new(input, rows->time_ns);
    assert_non_null(chunk);
    assert_int_equal(ark_chunk_put(chunk, input, rows->time_ns, rows), ARRAKIS_OK);
    size_t at = (size_t)snprintf(out, size, "%g+%g:", (double)rows->time_ns * 1e-9,
                                 (double)rows->duration_ns * 1e-9);
    for (uint32_t i = 0; i < input->channel_count; i++) {
        arrakis_series series = {chunk->samples + input->channels[i].offset,
                                 chunk->mask ? chunk->mask->bits + input->channels[i].bits_at
                                             : NULL,
                                 input->channels[i].samples, ARRAKIS_INT32};
        assert_int_equal(chunk->mask ? chunk->mask->missing[i] : 0,
                         arrakis_series_missing(series));
        at += (size_t)snprintf(out + at, size - at, "%s", i ? "," : "");
        for (size_t k = 0; k < series.length; k++)
            at += is_present(series, k)
                      ? (size_t)snprintf(out + at, size - at, " %d", int32_at(series, k))
                      : (size_t)snprintf(out + at, size - at, " .");
    }
    ark_chunk_free(chunk, input);
}

/* All batches of a message, "; " between them. "nothing" for one without a wanted row. The bytes
 * end where their allocation ends, at an odd address. */
static void decode(const bench *b, const void *message, size_t size, const char *wanted)
{
    char found[600] = "";
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy + 1, message, size);
    ark_row_decoder_begin(b->decoder, copy + 1, size);
    arrakis_error err;
    ark_rows rows;
    arrakis_status rc;
    while ((rc = ark_row_decoder_next(b->decoder, &rows, &err)) == ARRAKIS_OK) {
        size_t at = strlen(found);
        if (at)
            at += (size_t)snprintf(found + at, sizeof found - at, "; ");
        if (rows.run_count)
            print_rows(found + at, sizeof found - at, b, &rows);
        else
            snprintf(found + at, sizeof found - at, "nothing");
    }
    free(copy);
    if (rc < 0)
        snprintf(found, sizeof found, "%s: %s", arrakis_status_name(rc), err.message);
    if (rc < 0 ? !strstr(found, wanted) : strcmp(found, wanted) != 0)
        fail_msg("got \"%s\", expected \"%s\"", found, wanted);
}

static void decode_buffer(const bench *b, ark_buffer message, const char *wanted)
{
    decode(b, message.data, message.size, wanted);
    ark_buffer_clear(&message);
}

static ark_buffer load(const char *name)
{
    char path[500];
    snprintf(path, sizeof path, "%s/rows/%s", ARRAKIS_TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    ark_buffer out = {NULL, 0, 0};
    if (!file)
        fail_msg("%s is not there", path);
    PASS(ark_buffer_reserve(&out, 10000, err));
    out.size = fread(out.data, 1, 10000, file);
    assert_true(out.size > 0 && out.size < 10000);
    fclose(file);
    return out;
}

static void decode_file(const bench *b, const char *name, const char *wanted)
{
    decode_buffer(b, load(name), wanted);
}

/* Rows 10 11, 20 21, ... + shift of the first `count` of ids. */
static ark_buffer rows_of(int64_t second, const uint32_t *ids, size_t count, int32_t shift)
{
    int32_t first[8];
    for (size_t i = 0; i < count; i++)
        first[i] = (int32_t)(10 * (i + 1)) + shift;
    return int32_message(second * SECOND, count, ids, first, 2);
}

/* Where a column of the first batch lies in a message, to change it. */
static uint8_t *find_column(ark_buffer *message, size_t number, ark_column *column)
{
    ark_ipc_message part;
    ark_schema *schema;
    ark_column columns[8];
    int64_t rows;
    PASS(ark_ipc_parse(&part, message->data, message->size, err));
    PASS(ark_schema_read(&schema, &part, err));
    PASS(ark_ipc_parse(&part, message->data + part.size, message->size - part.size, err));
    PASS(ark_batch_read(columns, &rows, schema, &part, err));
    *column = columns[number];
    ark_schema_free(schema);
    const uint8_t *place = number == 2 ? column->offsets : column->values;
    return message->data + (place - message->data);
}

static void set_u32(uint8_t *place, size_t i, uint32_t value)
{
    memcpy(place + 4 * i, &value, sizeof value);
}

static const uint32_t ids[] = {0, 1, 2, 70000};

/* ------------------------------------------------------------------ equal messages */

static void messages_that_differ_in_time_and_samples_only(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    decode_buffer(&b, rows_of(5, ids, 4, 0), "5+1: 10 11, 20 21, 30 31, 40 41");
    decode_buffer(&b, rows_of(6, ids, 4, 1), "6+1: 11 12, 21 22, 31 32, 41 42");
    decode_buffer(&b, rows_of(9, ids, 4, 5), "9+1: 15 16, 25 26, 35 36, 45 46");
    bench_free(&b);
}

static void rows_side_by_side_are_one_piece(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    ark_buffer message = rows_of(5, ids, 4, 0);
    ark_rows rows;
    for (int turn = 0; turn < 2; turn++) {
        ark_row_decoder_begin(b.decoder, message.data, message.size);
        PASS(ark_row_decoder_next(b.decoder, &rows, err));
        assert_int_equal(rows.run_count, 1);
        assert_int_equal(rows.runs[0].channels, 4);
        assert_int_equal(rows.missing_count, 0);
        assert_int_equal(ark_row_decoder_next(b.decoder, &rows, NULL), ARRAKIS_DONE);
    }
    ark_buffer_clear(&message);
    bench_free(&b);
}

/* ------------------------------------------------------------------ messages that change */

static void changed_ids_are_seen(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    static const uint32_t swapped[] = {1, 0, 2, 70000}, others[] = {0, 1, 3, 70001};
    decode_buffer(&b, rows_of(5, ids, 4, 0), "5+1: 10 11, 20 21, 30 31, 40 41");
    decode_buffer(&b, rows_of(6, swapped, 4, 0), "6+1: 20 21, 10 11, 30 31, 40 41");
    decode_buffer(&b, rows_of(7, others, 4, 0), "7+1: 10 11, 20 21, . ., . .");
    decode_buffer(&b, rows_of(8, ids, 4, 0), "8+1: 10 11, 20 21, 30 31, 40 41");
    bench_free(&b);
}

static void a_changed_number_of_rows_is_seen(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    for (size_t turn = 0; turn < 2; turn++) {
        decode_buffer(&b, rows_of(5, ids, 4, 0), "5+1: 10 11, 20 21, 30 31, 40 41");
        decode_buffer(&b, rows_of(6, ids, 2, 0), "6+1: 10 11, 20 21, . ., . .");
        decode_buffer(&b, rows_of(7, ids + 1, 3, 0), "7+1: . ., 10 11, 20 21, 30 31");
    }
    bench_free(&b);
}

/* The same header and as many bytes, but the lists lie elsewhere in the samples. */
static void changed_offsets_are_seen(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    decode_buffer(&b, rows_of(5, ids, 4, 0), "5+1: 10 11, 20 21, 30 31, 40 41");
    ark_buffer message = rows_of(6, ids, 4, 0);
    ark_column data;
    uint8_t *offsets = find_column(&message, 2, &data);
    for (size_t i = 0; i < 5; i++)
        set_u32(offsets, i, (uint32_t)i); /* a sample each */
    decode(&b, message.data, message.size, "6+0.5: 10 ., 11 ., 20 ., 21 .");
    for (size_t i = 0; i < 5; i++)
        set_u32(offsets, i, (uint32_t)(i < 3 ? 2 * i + 2 : 6)); /* 2 4 6 6 6: two are empty */
    decode(&b, message.data, message.size, "channel X:C has 0 samples (0 ns)");
    set_u32(offsets, 3, 8);
    set_u32(offsets, 4, 8);
    decode(&b, message.data, message.size,
           "channel X:D has 0 samples (0 ns), others of the message "
           "last 1000000000 ns");
    ark_buffer_clear(&message);
    decode_buffer(&b, rows_of(8, ids, 4, 0), "8+1: 10 11, 20 21, 30 31, 40 41");
    bench_free(&b);
}

static void offsets_that_lead_astray_are_refused_under_a_known_header(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    static const uint32_t bad[][5] = {
        {0, 2, 4, 6, 10}, /* behind the samples */
        {0, 2, 4, 2, 8},  /* decreasing */
        {0, 2, 4, 6, 0x7fffffff},
        {0, 2, 4, 6, 0x80000000}, /* negative */
        {0xfffffffe, 0, 2, 4, 6},
        {8, 6, 4, 2, 0},
        {0x7fffffff, 0x80000001, 0x80000003, 0x80000005, 0x80000007},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        decode_buffer(&b, rows_of(5, ids, 4, 0), "5+1: 10 11, 20 21, 30 31, 40 41");
        ark_buffer message = rows_of(6, ids, 4, 0);
        ark_column data;
        uint8_t *offsets = find_column(&message, 2, &data);
        memcpy(offsets, bad[i], sizeof bad[i]);
        decode(&b, message.data, message.size, "list offsets lead out of the 8 samples");
        /* and again: a refused message is no pattern for the next */
        decode(&b, message.data, message.size, "list offsets lead out of the 8 samples");
        ark_buffer_clear(&message);
    }
    decode_buffer(&b, rows_of(7, ids, 4, 0), "7+1: 10 11, 20 21, 30 31, 40 41");
    bench_free(&b);
}

static void a_changed_schema_or_header_is_seen(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    for (int turn = 0; turn < 2; turn++) {
        decode_file(&b, "plain", "5+1: 10 11, 20 21, 30 31, 40 41");
        decode_buffer(&b, rows_of(6, ids, 4, 1), "6+1: 11 12, 21 22, 31 32, 41 42");
        decode_file(&b, "columns", "5+1: 10 11, 20 21, 30 31, 40 41");
        decode_file(&b, "int32-ids", "5+1: 10 11, 20 21, 30 31, 40 41");
        decode_file(&b, "null-samples", "5+1: 10 ., . ., 30 31, . .");
        decode_file(&b, "float64", "samples are float64, expected int32 as channel X:A declares");
        decode_file(&b, "null-rows", "5+1: 10 11, . ., 30 31, 40 41");
        decode_file(&b, "int64-ids", "column id is int64, expected uint32 or int32");
    }
    bench_free(&b);
}

static void columns_of_another_kind_are_refused(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    decode_file(&b, "no-time", "no column \"time\": expected time, id and data");
    decode_file(&b, "no-data", "no column \"data\": expected time, id and data");
    decode_file(&b, "unsigned-time", "column time is uint64, expected int64");
    decode_file(&b, "flat-data", "column data is int32, expected list of int32");
    bench_free(&b);
}

static void decoders_that_share_read_a_schema_once(void **state)
{
    (void)state;
    channel_spec floats = four[0];
    floats.dtype = ARRAKIS_FLOAT64;
    ark_row_schema *latest = NULL;
    bench a = sharing_bench(four, 4, &latest), b = sharing_bench(four, 4, &latest),
          c = sharing_bench(&floats, 1, &latest);
    decode_buffer(&a, rows_of(5, ids, 4, 0), "5+1: 10 11, 20 21, 30 31, 40 41");
    const ark_row_schema *first = latest;
    assert_int_equal(latest->refs, 2);
    decode_buffer(&b, rows_of(6, ids, 4, 0), "6+1: 10 11, 20 21, 30 31, 40 41");
    assert_ptr_equal(latest, first);
    assert_int_equal(latest->refs, 3);
    decode_buffer(&c, rows_of(6, ids, 1, 0), "samples are int32, expected float64");
    decode_file(&b, "no-time", "no column \"time\"");
    assert_ptr_equal(latest, first); /* what cannot be read is no schema to share */
    decode_file(&b, "other-columns", "5+1: 10 11, 20 21, 30 31, 40 41");
    assert_ptr_not_equal(latest, first);
    assert_int_equal(first->refs, 1); /* a's */
    bench_free(&b);
    decode_buffer(&a, rows_of(7, ids, 4, 0), "7+1: 10 11, 20 21, 30 31, 40 41");
    decode_file(&a, "other-columns", "5+1: 10 11, 20 21, 30 31, 40 41");
    assert_int_equal(latest->refs, 2);
    bench_free(&a);
    bench_free(&c);
    ark_row_schema_unref(latest);
}

static void a_column_of_each_name_is_wanted_once(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    decode_file(&b, "two-time", "more than one column \"time\"");
    decode_file(&b, "two-id", "more than one column \"id\"");
    decode_file(&b, "two-data", "more than one column \"data\"");
    decode_file(&b, "two-others", "5+1: 10 11, 20 21, 30 31, 40 41");
    bench_free(&b);
}

static void types_that_are_not_read_are_named(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    decode_file(&b, "large-list", "column data is large list of int32, expected list of int32");
    decode_file(&b, "uint16-ids", "column id is uint16, expected uint32 or int32");
    bench_free(&b);
}

static void other_columns_may_be_of_any_type(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    for (int turn = 0; turn < 2; turn++)
        decode_file(&b, "other-columns", "5+1: 10 11, 20 21, 30 31, 40 41");
    bench_free(&b);
}

/* Every time that the same header comes, too. */
static void other_columns_must_be_valid_all_the_same(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    ark_buffer message = load("other-columns");
    static const char good[] = "5+1: 10 11, 20 21, 30 31, 40 41";
    uint8_t *text = memmem(message.data, message.size, "\xc3\xbc", 2);
    assert_non_null(text);
    decode(&b, message.data, message.size, good);
    *text = 0xff;
    decode(&b, message.data, message.size, "column \"seen\": text 1 is no UTF-8");
    *text = 0xc3;
    decode_buffer(&b, message, good);
    bench_free(&b);
}

static void all_rows_have_one_time(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    for (int turn = 0; turn < 2; turn++) {
        decode_file(&b, "plain", "5+1: 10 11, 20 21, 30 31, 40 41");
        decode_file(&b, "two-times", "rows of different times, the first of 5000000000");
        decode_file(&b, "null-time", "rows of different times");
    }
    bench_free(&b);
    b = bench_of(four, 2); /* the third row, of another time, is not asked for */
    decode_file(&b, "two-times", "5+1: 10 11, 20 21");
    bench_free(&b);
}

static void rows_beyond_those_asked_for_are_passed_over(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    decode_file(&b, "extra-rows", "5+1: 10 11, 20 21, 30 31, 40 41");
    bench_free(&b);
}

static void a_message_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    ark_buffer two = load("two-batches");
    static const char good[] = "5+1: 10 11, 20 21, 30 31, 40 41; 6+1: 12 13, . ., 32 33, . .";
    for (int turn = 0; turn < 2; turn++) {
        arrakis_error err;
        ark_rows rows;
        ark_buffer bad = load("bad-second-batch");
        ark_row_decoder_begin(b.decoder, bad.data, bad.size);
        assert_int_equal(ark_row_decoder_next(b.decoder, &rows, &err), ARRAKIS_EFORMAT);
        assert_non_null(strstr(err.message, "rows of different times, the first of 6000000000"));
        ark_buffer_clear(&bad);
        for (size_t size = two.size - 1; size + 300 > two.size;
             size--) { /* torn behind the first */
            if (size == two.size - 8)
                continue; /* without an end marker it is whole */
            ark_row_decoder_begin(b.decoder, two.data, size);
            assert_int_equal(ark_row_decoder_next(b.decoder, &rows, &err), ARRAKIS_EFORMAT);
        }
        decode(&b, two.data, two.size, good);
        decode(&b, two.data, two.size - 8, good);
    }
    ark_buffer_clear(&two);
    bench_free(&b);
}

/* A bitmap that has more or fewer nulls than its header has: seen under a known header, too. */
static void a_wrong_count_of_nulls_is_seen_each_time(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    ark_buffer message = load("null-samples");
    ark_column data;
    find_column(&message, 2, &data);
    uint8_t *valid = message.data + (data.child_valid - message.data);
    for (int turn = 0; turn < 2; turn++) {
        decode(&b, message.data, message.size, "5+1: 10 ., . ., 30 31, . .");
        *valid ^= 1;
        decode(&b, message.data, message.size, "3 samples are null, and a bitmap has 4");
        *valid ^= 1;
    }
    ark_buffer_clear(&message);
    bench_free(&b);
}

static void a_message_has_one_schema(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    ark_buffer whole = rows_of(5, ids, 4, 0), twice = {NULL, 0, 0};
    ark_ipc_message schema;
    PASS(ark_ipc_parse(&schema, whole.data, whole.size, err));
    PASS(ark_buffer_reserve(&twice, schema.size + whole.size, err));
    memcpy(twice.data, whole.data, schema.size);
    memcpy(twice.data + schema.size, whole.data, whole.size);
    twice.size = schema.size + whole.size;
    decode_buffer(&b, twice, "a second schema in one message");
    decode(&b, whole.data + schema.size, whole.size - schema.size, "does not begin with a schema");
    decode_buffer(&b, whole, "5+1: 10 11, 20 21, 30 31, 40 41");
    bench_free(&b);
}

static void a_torn_message_is_refused_and_forgotten(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    ark_buffer whole = rows_of(5, ids, 4, 0);
    static const char good[] = "5+1: 10 11, 20 21, 30 31, 40 41";
    /* without its end marker (8 bytes) a message is whole; any shorter and the batch is torn */
    for (size_t size = 0; size + 8 < whole.size; size++) {
        arrakis_error err;
        ark_rows rows;
        uint8_t *copy = malloc(size ? size : 1);
        assert_non_null(copy);
        memcpy(copy, whole.data, size);
        ark_row_decoder_begin(b.decoder, copy, size);
        arrakis_status rc = ark_row_decoder_next(b.decoder, &rows, &err);
        free(copy);
        assert_true(rc != ARRAKIS_OK);
        decode(&b, whole.data, whole.size, good);
    }
    decode(&b, whole.data, whole.size - 8, good);
    ark_buffer_clear(&whole);
    ark_rows rows;
    ark_row_decoder_begin(b.decoder, NULL, 0); /* a Kafka message without a value */
    FAIL(ark_row_decoder_next(b.decoder, &rows, err), ARRAKIS_EFORMAT, "begin with a schema");
    bench_free(&b);
}

/* ------------------------------------------------------------------ what pyarrow writes */

static void null_ids_are_nobodys_rows(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    decode_file(&b, "null-ids", "5+1: 10 11, . ., 30 31, . .");
    decode_file(&b, "null-ids", "5+1: 10 11, . ., 30 31, . .");
    bench_free(&b);
}

/* The same header, ids and offsets, but another row is null. */
static void which_rows_are_null_is_looked_up_each_time(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    ark_buffer message = load("null-rows");
    decode(&b, message.data, message.size, "5+1: 10 11, . ., 30 31, 40 41");
    ark_column data;
    find_column(&message, 2, &data);
    uint8_t *valid = message.data + (data.valid - message.data);
    assert_int_equal(*valid & 0xf, 0xd);
    *valid = 0xb; /* the third; the second's list is empty, so that it is no data either */
    decode(&b, message.data, message.size, "channel X:B has 0 samples (0 ns)");
    *valid = 0x9; /* two, where the header has one */
    decode(&b, message.data, message.size, "1 nulls, and a bitmap of 2");
    ark_buffer_clear(&message);
    bench_free(&b);
}

static void a_message_may_hold_several_batches_or_empty_ones(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    for (int turn = 0; turn < 2; turn++) {
        decode_file(&b, "two-batches",
                    "5+1: 10 11, 20 21, 30 31, 40 41; 6+1: 12 13, . ., 32 33, . .");
        decode_file(&b, "empty-batch", "nothing; 6+1: 10 11, . ., . ., . .");
    }
    bench_free(&b);
}

static void lists_need_not_begin_at_the_first_sample(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    decode_file(&b, "offsets", "5+1: 10 11, 20 21, . ., . .");
    bench_free(&b);
}

/* ------------------------------------------------------------------ rows and ids */

static void indexes_may_be_anything_in_32_bits(void **state)
{
    (void)state;
    static const channel_spec far[] = {
        {"X:A", ARRAKIS_INT32, 2, "p", 4294967295, SECOND, UNSET},
        {"X:B", ARRAKIS_INT32, 2, "p", 65536, SECOND, UNSET},
        {"X:C", ARRAKIS_INT32, 2, "p", 65535, SECOND, UNSET},
        {"X:D", ARRAKIS_INT32, 2, "p", 2147483648, SECOND, UNSET},
    };
    static const uint32_t some[] = {65535,      65536,      65537,      2147483647,
                                    2147483648, 4294967294, 4294967295, 0};
    bench b = bench_of(far, 4);
    decode_buffer(&b, rows_of(5, some, 8, 0), "5+1: 70 71, 20 21, 10 11, 50 51");
    bench_free(&b);
}

static void a_message_without_a_wanted_row_is_nothing(void **state)
{
    (void)state;
    static const uint32_t others[] = {3, 4, 69999, 4294967295};
    bench b = bench_of(four, 4);
    decode_buffer(&b, rows_of(5, others, 4, 0), "nothing");
    decode_buffer(&b, rows_of(5, others, 0, 0), "nothing");
    bench_free(&b);
}

static void two_rows_of_one_channel_are_refused(void **state)
{
    (void)state;
    static const uint32_t twice[] = {0, 70000, 2, 70000}, stranger[] = {5, 1, 5, 5};
    bench b = bench_of(four, 4);
    decode_buffer(&b, rows_of(5, twice, 4, 0), "two rows for channel X:D (id 70000)");
    decode_buffer(&b, rows_of(5, twice, 4, 0), "two rows for channel X:D (id 70000)");
    decode_buffer(&b, rows_of(5, stranger, 4, 0), "5+1: . ., 20 21, . ., . .");
    bench_free(&b);
}

static void rows_of_one_message_last_equally_long(void **state)
{
    (void)state;
    static const channel_spec rates[] = {{"X:A", ARRAKIS_INT32, 2, "p", 0, SECOND, UNSET},
                                         {"X:B", ARRAKIS_INT32, 4, "p", 1, SECOND, UNSET}};
    static const int32_t first[] = {10, 20};
    bench b = bench_of(rates, 2);
    decode_buffer(
        &b, int32_message(5 * SECOND, 2, ids, first, 2),
        "channel X:B has 2 samples (500000000 ns), others of the message last 1000000000 "
        "ns");
    decode_buffer(&b, int32_message(5 * SECOND, 1, ids + 1, first, 2), "5+0.5: . ., 10 11 . .");
    bench_free(&b);
}

static void a_longer_list_is_a_longer_block_not_more_samples(void **state)
{
    (void)state;
    static const int32_t first[] = {10};
    bench b = bench_of(four, 4);
    ark_buffer message = int32_message(5 * SECOND, 1, ids, first, 3);
    ark_rows rows;
    ark_row_decoder_begin(b.decoder, message.data, message.size);
    PASS(ark_row_decoder_next(b.decoder, &rows, err));
    assert_int_equal(rows.duration_ns, 3 * SECOND / 2);
    ark_buffer_clear(&message);
    bench_free(&b);
}

/* A rate so low that any list lasts longer than time does, one so close to the stride's number of
 * samples that rounding hides the difference. */
static void durations_out_of_all_proportion_do_not_overflow(void **state)
{
    (void)state;
    static const int64_t day = INT64_C(86400) * SECOND;
    const channel_spec slow = {"X:A", ARRAKIS_INT32, 1.0 / 86400, "p", 0, day, UNSET};
    bench b = bench_of(&slow, 1);
    int32_t first = 1;
    ark_buffer message = int32_message(0, 1, ids, &first, 100000);
    ark_rows rows;
    ark_row_decoder_begin(b.decoder, message.data, message.size);
    PASS(ark_row_decoder_next(b.decoder, &rows, err));
    assert_int_equal(rows.duration_ns, ARRAKIS_TIME_MAX_NS);
    ark_buffer_clear(&message);
    bench_free(&b);
    const channel_spec fast = {"X:A", ARRAKIS_INT32, 3e9, "p", 0, 1, UNSET};
    b = bench_of(&fast, 1);
    message = int32_message(0, 1, ids, &first, 4); /* 1.33 ns: no stride of 1 ns */
    ark_row_decoder_begin(b.decoder, message.data, message.size);
    PASS(ark_row_decoder_next(b.decoder, &rows, err));
    assert_int_equal(rows.duration_ns, 2);
    ark_buffer_clear(&message);
    bench_free(&b);
}

static void times_are_gps_times(void **state)
{
    (void)state;
    bench b = bench_of(four, 4);
    const struct {
        int64_t time_ns;
        const char *wanted;
    } cases[] = {{0, "0+1: 10 11, . ., . ., . ."},
                 {ARRAKIS_TIME_MAX_NS, "2.30584e+09+1: 10 11, . ., . ., . ."},
                 {ARRAKIS_TIME_MAX_NS + 1, "time 2305843009213693952"},
                 {-1, "time -1"},
                 {INT64_MIN, "time -9223372036854775808"},
                 {INT64_MAX, "time 9223372036854775807"}};
    static const int32_t first[] = {10};
    for (size_t i = 0; i < COUNT(cases); i++)
        decode_buffer(&b, int32_message(cases[i].time_ns, 1, ids, first, 2), cases[i].wanted);
    bench_free(&b);
}

/* ------------------------------------------------------------------ making one */

static void channels_that_cannot_share_a_topic_are_refused(void **state)
{
    (void)state;
    channel_spec specs[] = {{"X:A", ARRAKIS_INT32, 2, "p", 70000, SECOND, UNSET},
                            {"X:B", ARRAKIS_INT32, 2, "p", 70000, SECOND, UNSET}};
    ark_row_decoder *decoder;
    const struct {
        int64_t index;
        arrakis_dtype dtype;
        double rate;
        const char *text;
    } cases[] = {
        {70000, ARRAKIS_INT32, 2, "X:A and X:B are both at partition p, index 70000"},
        {UNSET, ARRAKIS_INT32, 2, "channel X:B has no partition_index"},
        {1, ARRAKIS_INT16, 2, "channel X:B is int16, others of its partition p are int32"},
        {1, ARRAKIS_INT32, 2.5, "X:B: 2.5 Hz gives no whole number of samples"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        specs[1].index = cases[i].index;
        specs[1].dtype = cases[i].dtype;
        specs[1].rate = cases[i].rate;
        arrakis_channels *channels = channels_of(specs, 2);
        FAIL(ark_row_decoder_new(&decoder, channels, SECOND, NULL, err), ARRAKIS_EINVAL,
             cases[i].text);
        assert_null(decoder);
        arrakis_channels_unref(channels);
    }
}

/* In the place of the C library's: it counts. */
static size_t comparisons;
static int (*compare_with)(const void *, const void *);

static int counted(const void *a, const void *b, void *opaque)
{
    (void)opaque;
    comparisons++;
    return compare_with(a, b);
}

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    compare_with = compare;
    qsort_r(base, count, size, counted, NULL);
}

/* Whatever order a publisher gives them in. */
static void many_far_indexes_are_sorted_once(void **state)
{
    (void)state;
    enum { MANY = 200000, LOG_MANY = 18 };
    arrakis_channels *channels;
    PASS(arrakis_channels_new(&channels, err));
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "X:A-%d", i);
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = name;
        info.dtype = ARRAKIS_INT32;
        info.sample_rate = 2;
        info.partition_id = "p";
        info.partition_index = UINT32_MAX - (int64_t)i * 12347 % MANY * 7;
        info.stride_ns = SECOND;
        arrakis_channel *channel;
        PASS(arrakis_channel_new(&channel, &info, err));
        PASS(arrakis_channels_add(channels, channel, err));
        arrakis_channel_unref(channel);
    }
    ark_row_decoder *decoder;
    comparisons = 0;
    PASS(ark_row_decoder_new(&decoder, channels, SECOND, NULL, err));
    assert_in_range(comparisons, MANY, MANY * LOG_MANY); /* of all pairs: 20,000,000,000 */
    ark_row_decoder_free(decoder);
    arrakis_channels_unref(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_that_differ_in_time_and_samples_only),
        cmocka_unit_test(rows_side_by_side_are_one_piece),
        cmocka_unit_test(changed_ids_are_seen),
        cmocka_unit_test(a_changed_number_of_rows_is_seen),
        cmocka_unit_test(changed_offsets_are_seen),
        cmocka_unit_test(offsets_that_lead_astray_are_refused_under_a_known_header),
        cmocka_unit_test(a_changed_schema_or_header_is_seen),
        cmocka_unit_test(columns_of_another_kind_are_refused),
        cmocka_unit_test(decoders_that_share_read_a_schema_once),
        cmocka_unit_test(a_column_of_each_name_is_wanted_once),
        cmocka_unit_test(types_that_are_not_read_are_named),
        cmocka_unit_test(other_columns_may_be_of_any_type),
        cmocka_unit_test(other_columns_must_be_valid_all_the_same),
        cmocka_unit_test(all_rows_have_one_time),
        cmocka_unit_test(rows_beyond_those_asked_for_are_passed_over),
        cmocka_unit_test(a_message_is_taken_whole_or_not_at_all),
        cmocka_unit_test(a_wrong_count_of_nulls_is_seen_each_time),
        cmocka_unit_test(a_message_has_one_schema),
        cmocka_unit_test(a_torn_message_is_refused_and_forgotten),
        cmocka_unit_test(null_ids_are_nobodys_rows),
        cmocka_unit_test(which_rows_are_null_is_looked_up_each_time),
        cmocka_unit_test(a_message_may_hold_several_batches_or_empty_ones),
        cmocka_unit_test(lists_need_not_begin_at_the_first_sample),
        cmocka_unit_test(indexes_may_be_anything_in_32_bits),
        cmocka_unit_test(a_message_without_a_wanted_row_is_nothing),
        cmocka_unit_test(two_rows_of_one_channel_are_refused),
        cmocka_unit_test(rows_of_one_message_last_equally_long),
        cmocka_unit_test(a_longer_list_is_a_longer_block_not_more_samples),
        cmocka_unit_test(durations_out_of_all_proportion_do_not_overflow),
        cmocka_unit_test(times_are_gps_times),
        cmocka_unit_test(channels_that_cannot_share_a_topic_are_refused),
        cmocka_unit_test(many_far_indexes_are_sorted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
