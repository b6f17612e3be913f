/* SPDX-License-Identifier: Apache-2.0 */
/* From blocks through the column layout of a server's stream, and back to blocks. */
#include <arrakis/reader.h>
#include <arrakis/arrow.h>

#include "arrow/ipc.h"
#include "block/rows.h"
#include "flight/batch_rows.h"
#include "flight/batches.h"
#include "flight/proto.h"
#include "flight/reader.h"
#include "read/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STRIDE INT64_C(62500000)
#define START (INT64_C(1400000000) * ARRAKIS_SECOND_NS)

static arrakis_error err;

/* ------------------------------------------------------------------ helpers */

static void add(arrakis_channels *list, const char *name, arrakis_dtype type, double rate)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel *channel;
    info.name = name;
    info.dtype = type;
    info.sample_rate = rate;
    info.stride_ns = STRIDE;
    assert_int_equal(arrakis_channel_new(&channel, &info, &err), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_add(list, channel, &err), ARRAKIS_OK);
    arrakis_channel_unref(channel);
}

static arrakis_channels *make_channels(void)
{
    arrakis_channels *list;
    assert_int_equal(arrakis_channels_new(&list, &err), ARRAKIS_OK);
    add(list, "H1:B", ARRAKIS_INT32, 64);
    add(list, "H1:A", ARRAKIS_FLOAT64, 16);
    return list;
}

/* One encapsulated Arrow message as a FlightData, decoded. */
static arrakis_status decode(ark_batches *batches, ark_buffer *keep, const void *bytes,
                             size_t size)
{
    ark_ipc_message cut;
    assert_int_equal(ark_ipc_parse(&cut, bytes, size, &err), ARRAKIS_OK);
    keep->size = 0;
    assert_int_equal(ark_proto_put_bytes(keep, 2, cut.header, cut.header_size, &err), ARRAKIS_OK);
    assert_int_equal(ark_proto_put_bytes(keep, 1000, cut.body, cut.body_size, &err), ARRAKIS_OK);
    return ark_batches_decode(batches, keep->data, keep->size, &err);
}

/* What a server would send for a block. */
static void send_block(ark_batches *batches, ark_buffer *keep, arrakis_channels *channels,
                       int64_t start_ns, int64_t duration_ns, const arrakis_series *series)
{
    arrakis_arrow_writer *writer;
    arrakis_block *block;
    const void *bytes;
    size_t size;
    assert_int_equal(arrakis_arrow_writer_new(&writer, channels, &err), ARRAKIS_OK);
    assert_int_equal(arrakis_arrow_writer_schema(writer, &bytes, &size, &err), ARRAKIS_OK);
    assert_int_equal(decode(batches, keep, bytes, size), ARRAKIS_TIMEOUT);
    assert_int_equal(arrakis_block_new(&block, channels, start_ns, duration_ns, series, &err),
                     ARRAKIS_OK);
    assert_int_equal(arrakis_arrow_writer_block(writer, block, &bytes, &size, &err), ARRAKIS_OK);
    assert_int_equal(decode(batches, keep, bytes, size), ARRAKIS_OK);
    arrakis_block_unref(block);
    arrakis_arrow_writer_free(writer);
}

typedef struct fixture {
    arrakis_channels *channels;
    ark_reader_input stream;
    arrakis_reader reader;
    size_t columns[2];
    ark_bound_input bound;
    ark_flight_scratch scratch;
    ark_batches batches;
    ark_buffer keep;
    ark_flight_cursor cursor;
    size_t time_column;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    f = (fixture){.channels = make_channels()};
    f.stream = (ark_reader_input){.channels = f.channels, .stride_ns = STRIDE};
    f.reader.inputs = &f.stream;
    f.reader.input_count = 1;
    f.bound.columns = f.columns;
    assert_int_equal(ark_batch_rows_init(&f.scratch, 2, &err), ARRAKIS_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    ark_batches_close(&f->batches);
    ark_batch_rows_clear(&f->scratch);
    ark_buffer_clear(&f->keep);
    arrakis_channels_unref(f->channels);
    return 0;
}

static arrakis_status next_rows(fixture *f, ark_rows *rows)
{
    ark_arrival arrival = {0};
    arrakis_status rc = ark_batch_rows_next(&arrival, &f->cursor, &f->bound, 1, &f->reader,
                                            &f->batches, f->time_column, &f->scratch, &err);
    *rows = arrival.rows;
    return rc;
}

static arrakis_status bind(fixture *f)
{
    return ark_batch_rows_bind(&f->bound, 1, &f->reader, &f->batches, &f->time_column, &err);
}

/* ------------------------------------------------------------------ tests */

static void a_block_comes_through_in_the_order_asked_for(void **state)
{
    fixture *f = *state;
    const int32_t b[] = {1, 2, 3, 4};
    const double a[] = {5.5};
    const arrakis_series series[] = {{b, NULL, 4, ARRAKIS_INT32}, {a, NULL, 1, ARRAKIS_FLOAT64}};
    send_block(&f->batches, &f->keep, f->channels, START, STRIDE, series);
    assert_int_equal(bind(f), ARRAKIS_OK);
    ark_rows rows;
    assert_int_equal(next_rows(f, &rows), ARRAKIS_OK);
    assert_int_equal(rows.time_ns, START);
    assert_int_equal(rows.duration_ns, STRIDE);
    assert_int_equal(rows.run_count, 2);
    assert_int_equal(rows.missing_count, 0);
    assert_int_equal(rows.runs[0].channel, 0);
    assert_memory_equal(rows.base + rows.runs[0].samples_at, b, sizeof b);
    assert_memory_equal(rows.base + rows.runs[1].samples_at, a, sizeof a);
    assert_int_equal(next_rows(f, &rows), ARRAKIS_DONE);
}

static void a_long_block_comes_in_strides(void **state)
{
    fixture *f = *state;
    const int32_t b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const double a[] = {1, 2, 3};
    const arrakis_series series[] = {{b, NULL, 12, ARRAKIS_INT32}, {a, NULL, 3, ARRAKIS_FLOAT64}};
    send_block(&f->batches, &f->keep, f->channels, START, 3 * STRIDE, series);
    assert_int_equal(bind(f), ARRAKIS_OK);
    for (int64_t i = 0; i < 3; i++) {
        ark_rows rows;
        assert_int_equal(next_rows(f, &rows), ARRAKIS_OK);
        assert_int_equal(rows.time_ns, START + i * STRIDE);
        assert_int_equal(rows.duration_ns, STRIDE);
        assert_memory_equal(rows.base + rows.runs[0].samples_at, b + 4 * i, 4 * sizeof *b);
        assert_memory_equal(rows.base + rows.runs[1].samples_at, a + i, sizeof *a);
    }
    ark_rows rows;
    assert_int_equal(next_rows(f, &rows), ARRAKIS_DONE);
}

static void a_long_block_goes_on_after_another_source_had_its_turn(void **state)
{
    fixture *f = *state;
    const int32_t b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const arrakis_series series[] = {{b, NULL, 12, ARRAKIS_INT32},
                                     {NULL, NULL, 3, ARRAKIS_FLOAT64}};
    send_block(&f->batches, &f->keep, f->channels, START, 3 * STRIDE, series);
    assert_int_equal(bind(f), ARRAKIS_OK);
    ark_flight_cursor own = {0}, other = {0};
    for (int64_t i = 0; i < 3; i++) {
        ark_rows rows;
        f->cursor = other;
        assert_int_equal(next_rows(f, &rows), ARRAKIS_OK); /* the same scratch */
        assert_int_equal(rows.time_ns, START + i * STRIDE);
        ark_arrival arrival;
        assert_int_equal(ark_batch_rows_next(&arrival, &own, &f->bound, 1, &f->reader, &f->batches,
                                             f->time_column, &f->scratch, &err),
                         ARRAKIS_OK);
        other = f->cursor;
        assert_int_equal(arrival.rows.time_ns, START + i * STRIDE);
        assert_int_equal(arrival.rows.duration_ns, STRIDE);
        assert_memory_equal(arrival.rows.base + arrival.rows.runs[0].samples_at, b + 4 * i,
                            4 * sizeof *b);
        assert_int_equal(arrival.rows.runs[0].length, 4);
    }
    ark_rows rows;
    assert_int_equal(next_rows(f, &rows), ARRAKIS_DONE);
}

static void missing_samples_keep_their_places(void **state)
{
    fixture *f = *state;
    const int32_t b[] = {1, 2, 3, 4};
    const uint8_t valid[] = {0x0b}; /* the third is missing */
    const arrakis_series series[] = {{b, valid, 4, ARRAKIS_INT32},
                                     {NULL, NULL, 1, ARRAKIS_FLOAT64}};
    send_block(&f->batches, &f->keep, f->channels, START, STRIDE, series);
    assert_int_equal(bind(f), ARRAKIS_OK);
    ark_rows rows;
    assert_int_equal(next_rows(f, &rows), ARRAKIS_OK);
    assert_true(rows.runs[0].valid_at != SIZE_MAX);
    const uint8_t *bits = rows.base + rows.runs[0].valid_at;
    for (size_t i = 0; i < 4; i++) {
        size_t bit = rows.runs[0].valid_bit + i;
        assert_int_equal(bits[bit / 8] >> bit % 8 & 1, i != 2);
    }
    /* wholly missing: a run that is masked, or none */
    if (rows.run_count == 2)
        assert_true(rows.runs[1].valid_at != SIZE_MAX);
    else
        assert_int_equal(rows.missing[0], 1);
}

static void another_type_is_refused_by_name(void **state)
{
    fixture *f = *state;
    const int32_t b[] = {1, 2, 3, 4};
    const double a[] = {5.5};
    const arrakis_series series[] = {{b, NULL, 4, ARRAKIS_INT32}, {a, NULL, 1, ARRAKIS_FLOAT64}};
    arrakis_channels *asked;
    send_block(&f->batches, &f->keep, f->channels, START, STRIDE, series);
    assert_int_equal(arrakis_channels_new(&asked, &err), ARRAKIS_OK);
    add(asked, "H1:B", ARRAKIS_INT64, 64);
    f->stream.channels = asked;
    assert_int_equal(bind(f), ARRAKIS_EMISMATCH);
    assert_string_equal(err.message,
                        "channel 'H1:B' is streamed as lists of int32, expected lists of int64");
    arrakis_channels_unref(asked);
    assert_int_equal(arrakis_channels_new(&asked, &err), ARRAKIS_OK);
    add(asked, "H1:C", ARRAKIS_INT64, 64);
    f->stream.channels = asked;
    assert_int_equal(bind(f), ARRAKIS_EMISMATCH);
    assert_string_equal(err.message, "the stream lacks channel 'H1:C'");
    arrakis_channels_unref(asked);
}

static void another_rate_is_refused(void **state)
{
    fixture *f = *state;
    const int32_t b[] = {1, 2, 3, 4};
    const double a[] = {5.5};
    const arrakis_series series[] = {{b, NULL, 4, ARRAKIS_INT32}, {a, NULL, 1, ARRAKIS_FLOAT64}};
    arrakis_channels *asked;
    send_block(&f->batches, &f->keep, f->channels, START, STRIDE, series);
    assert_int_equal(arrakis_channels_new(&asked, &err), ARRAKIS_OK);
    add(asked, "H1:B", ARRAKIS_INT32, 64);
    add(asked, "H1:A", ARRAKIS_FLOAT64, 32);
    f->stream.channels = asked;
    assert_int_equal(bind(f), ARRAKIS_OK);
    ark_rows rows;
    assert_int_equal(next_rows(f, &rows), ARRAKIS_EFORMAT);
    assert_string_equal(err.message,
                        "channel 'H1:A' has 1 samples in a block of 62500000 ns, expected 2");
    arrakis_channels_unref(asked);
}

static void a_batch_needs_a_schema(void **state)
{
    fixture *f = *state;
    arrakis_arrow_writer *writer;
    arrakis_block *block;
    const void *bytes;
    size_t size;
    const arrakis_series series[] = {{NULL, NULL, 4, ARRAKIS_INT32},
                                     {NULL, NULL, 1, ARRAKIS_FLOAT64}};
    assert_int_equal(arrakis_arrow_writer_new(&writer, f->channels, &err), ARRAKIS_OK);
    assert_int_equal(arrakis_block_new(&block, f->channels, START, STRIDE, series, &err),
                     ARRAKIS_OK);
    assert_int_equal(arrakis_arrow_writer_block(writer, block, &bytes, &size, &err), ARRAKIS_OK);
    assert_int_equal(decode(&f->batches, &f->keep, bytes, size), ARRAKIS_EFORMAT);
    assert_string_equal(err.message, "a batch came before its schema");
    arrakis_block_unref(block);
    arrakis_arrow_writer_free(writer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_block_comes_through_in_the_order_asked_for),
        TEST(a_long_block_comes_in_strides),
        TEST(a_long_block_goes_on_after_another_source_had_its_turn),
        TEST(missing_samples_keep_their_places),
        TEST(another_type_is_refused_by_name),
        TEST(another_rate_is_refused),
        TEST(a_batch_needs_a_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
