/* SPDX-License-Identifier: Apache-2.0 */
/* Reading where one allocation fails, then the next one, and so on through all of them. The leaks
 * that a sanitizer finds at the end count. */
#include "allocation.h"
#include "base/buffer.h"
#include "read/chain_reader.h"
#include "read/reader.h"

#include <arrakis/arrow.h>
#include <arrakis/reader.h>

#define PAST (INT64_C(1400000000) * SECOND)
enum { BLOCKS = 4 };

/* ------------------------------------------------------------------ what is read */

/* Blocks of two strides of the first stream and one of the second. */
static const channel_spec specs[] = {
    {"X:A", ARRAKIS_INT32, 2, "p", 0, SECOND, UNSET},
    {"X:B", ARRAKIS_INT32, 2, "p", 70000, SECOND, UNSET},
    {"X:C", ARRAKIS_INT32, 2, "q", 0, 2 * SECOND, UNSET},
};

typedef struct recording {
    ark_buffer messages[32];
    size_t streams[32], count;
} recording;

static void record(recording *r, size_t stream, int64_t second, size_t rows)
{
    static const uint32_t ids[] = {0, 70000};
    const int32_t first[] = {(int32_t)(2 * second), (int32_t)(2 * second + 1000)};
    r->streams[r->count] = stream;
    r->messages[r->count++] =
        int32_message(PAST + second * SECOND, rows, ids, first, stream ? 4 : 2);
}

/* Whole strides, one without a row, and strides that are not there. */
static recording make_recording(void)
{
    recording r = {.count = 0};
    for (int64_t second = 0; second < 2 * BLOCKS; second++) {
        if (second != 3)
            record(&r, 0, second, second == 5 ? 1 : 2);
        if (second % 2 == 0 && second != 4)
            record(&r, 1, second, 1);
    }
    return r;
}

static void free_recording(recording *r)
{
    for (size_t i = 0; i < r->count; i++)
        ark_buffer_clear(&r->messages[i]);
}

/* Every sample is right or missing. Returns how many are there. */
static size_t check_block(const arrakis_block *block)
{
    static const int32_t shifts[] = {0, 1000, 0};
    int32_t first = (int32_t)((arrakis_block_start_ns(block) - PAST) / (SECOND / 2));
    size_t present = 0;
    for (size_t i = 0; i < 3; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        assert_int_equal(series.length, 4);
        for (size_t k = 0; k < 4; k++)
            if (is_present(series, k)) {
                present++;
                assert_int_equal(int32_at(series, k), first + shifts[i] + (int32_t)k);
            }
    }
    return present;
}

/* Push until it works: it fails once at most. */
static bool push_all(arrakis_reader *reader, const recording *r)
{
    for (size_t i = 0; i < r->count; i++)
        for (;;) {
            arrakis_status rc = arrakis_memory_reader_push(
                reader, r->streams[i], r->messages[i].data, r->messages[i].size, NULL);
            if (rc == ARRAKIS_OK)
                break;
            assert_int_equal(rc, ARRAKIS_ENOMEM);
            assert_true(failed);
        }
    return true;
}

/* Read to the end; returns the samples that came. */
static size_t read_all(arrakis_stream *stream, bool *told)
{
    size_t blocks = 0, present = 0;
    for (;;) {
        arrakis_block *block;
        arrakis_error err;
        arrakis_status rc = arrakis_stream_next(stream, -1, &block, &err);
        if (rc == ARRAKIS_DONE)
            break;
        if (rc == ARRAKIS_ENOMEM) {
            assert_int_equal(err.status, ARRAKIS_ENOMEM);
            *told = true;
            continue;
        }
        assert_int_equal(rc, ARRAKIS_OK);
        /* none is left out, whatever failed */
        assert_int_equal(arrakis_block_start_ns(block), PAST + (int64_t)blocks++ * 2 * SECOND);
        present += check_block(block);
        arrakis_block_unref(block);
    }
    assert_int_equal(blocks, BLOCKS);
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &stats);
    assert_int_equal(stats.undecodable, 0);
    return present;
}

/* The reader alone, in a reader of several, or after one that has nothing. */
typedef enum kind { ALONE, MULTI, CHAIN, KINDS } kind;

static arrakis_status put_behind(arrakis_reader **out, arrakis_reader *memory,
                                 arrakis_channels *channels)
{
    arrakis_reader *first;
    arrakis_status rc = arrakis_memory_reader_new(&first, channels, NULL);
    if (rc < 0) {
        arrakis_reader_close(memory);
        return rc;
    }
    arrakis_memory_reader_finish(first);
    const ark_chain_segment segments[] = {{first, UNSET}, {memory, PAST}};
    return ark_chain_reader_new(out, segments, 2, channels, NULL);
}

static arrakis_status open_stream(arrakis_stream **stream, arrakis_reader **memory, kind how,
                                  arrakis_channels *channels)
{
    arrakis_status rc = arrakis_memory_reader_new(memory, channels, NULL);
    if (rc < 0)
        return rc;
    arrakis_reader *reader = *memory;
    if (how == MULTI)
        rc = arrakis_multi_reader_new(&reader, memory, 1, NULL);
    else if (how == CHAIN)
        rc = put_behind(&reader, *memory, channels);
    if (rc < 0)
        return rc;
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    options.start_ns = PAST;
    options.end_ns = PAST + 2 * BLOCKS * SECOND;
    return arrakis_stream_open(stream, reader, &options, NULL);
}

/* One round: fails at the n-th allocation. Returns whether there was one. */
static bool read_with_failure(long n, kind how, arrakis_channels *channels, const recording *r)
{
    arrakis_reader *memory;
    arrakis_stream *stream;
    bool told = false;
    failed = false;
    until_failure = n;
    arrakis_status rc = open_stream(&stream, &memory, how, channels);
    if (rc < 0) {
        until_failure = -1;
        assert_int_equal(rc, ARRAKIS_ENOMEM);
        assert_true(failed);
        return true;
    }
    push_all(memory, r);
    size_t present = read_all(stream, &told);
    until_failure = -1;
    /* seven seconds of two channels less one row, three blocks of the third */
    size_t whole = 7 * 4 - 2 + 3 * 4;
    if (present != whole && !(failed && told && present < whole))
        fail_msg("allocation %ld: %zu samples of %zu, and nobody was told", n, present, whole);
    arrakis_stream_close(stream);
    return failed;
}

static void reading_survives_the_failure_of_any_allocation(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    recording r = make_recording();
    for (kind how = ALONE; how < KINDS; how++) {
        long n = 0;
        while (read_with_failure(n, how, channels, &r))
            n++;
        assert_true(n > 40);
    }
    free_recording(&r);
    arrakis_channels_unref(channels);
}

static bool make_block_with_failure(long n, arrakis_channels *channels)
{
    static const int32_t samples[] = {1, 2, 3, 4};
    static const uint8_t valid = 0xfd;
    const arrakis_series series[] = {{samples, &valid, 4, ARRAKIS_INT32},
                                     {NULL, NULL, 4, ARRAKIS_INT32},
                                     {samples, NULL, 4, ARRAKIS_INT32}};
    arrakis_block *block;
    failed = false;
    until_failure = n;
    arrakis_status rc = arrakis_block_new(&block, channels, PAST, 2 * SECOND, series, NULL);
    until_failure = -1;
    assert_int_equal(rc, failed ? ARRAKIS_ENOMEM : ARRAKIS_OK);
    assert_true(failed == !block);
    arrakis_block_unref(block);
    return failed;
}

static void a_block_is_made_or_memory_has_run_out(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    long n = 0;
    while (make_block_with_failure(n, channels))
        n++;
    assert_true(n > 4);
    arrakis_channels_unref(channels);
}

/* A block out by the Arrow C data interface, and in again. */
static bool export_with_failure(long n, arrakis_channels *channels, const arrakis_block *block)
{
    struct ArrowSchema schema, of_rows;
    struct ArrowArray array, rows;
    arrakis_block *again = NULL;
    failed = false;
    until_failure = n;
    bool exported = arrakis_channels_export_schema(channels, &schema, NULL) == ARRAKIS_OK,
         rows_too = arrakis_rows_export_schema(ARRAKIS_INT32, &of_rows, NULL) == ARRAKIS_OK,
         filled = arrakis_block_export(block, &array, NULL) == ARRAKIS_OK,
         row_filled =
             arrakis_block_export_rows(block, ARRAKIS_INT32, NULL, &rows, NULL) == ARRAKIS_OK;
    assert_true(exported == (schema.release != NULL) && rows_too == (of_rows.release != NULL));
    assert_true(filled == (array.release != NULL) && row_filled == (rows.release != NULL));
    bool imported = exported && filled &&
                    arrakis_block_import(&again, channels, &schema, &array, 0, NULL) == ARRAKIS_OK;
    until_failure = -1;
    assert_true((exported && rows_too && filled && row_filled && imported) == !failed);
    assert_true(imported == (again != NULL));
    arrakis_block_unref(again);
    if (exported)
        schema.release(&schema);
    if (rows_too)
        of_rows.release(&of_rows);
    if (filled)
        array.release(&array);
    if (row_filled)
        rows.release(&rows);
    return failed;
}

static void a_block_is_exported_or_memory_has_run_out(void **state)
{
    (void)state;
    static const int32_t samples[] = {1, 2, 3, 4};
    static const uint8_t valid = 0xfd;
    const arrakis_series series[] = {{samples, &valid, 4, ARRAKIS_INT32},
                                     {NULL, NULL, 4, ARRAKIS_INT32},
                                     {samples, NULL, 4, ARRAKIS_INT32}};
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    bool more = true;
    long n = 0;
    for (; more; n++) {
        /* anew each time: what a block remembers is made in its first export */
        arrakis_block *block;
        PASS(arrakis_block_new(&block, channels, PAST, 2 * SECOND, series, err));
        more = export_with_failure(n, channels, block);
        arrakis_block_unref(block);
    }
    assert_true(n > 10);
    arrakis_channels_unref(channels);
}

/* Blocks straight from a reader. */
static bool read_directly_with_failure(long n, arrakis_channels *channels, const recording *r)
{
    arrakis_reader *reader;
    failed = false;
    until_failure = n;
    arrakis_status rc = arrakis_memory_reader_new(&reader, channels, NULL);
    assert_true(rc == ARRAKIS_OK || (failed && rc == ARRAKIS_ENOMEM));
    if (rc == ARRAKIS_OK) {
        assert_int_equal(arrakis_reader_open(reader, NULL), ARRAKIS_OK);
        push_all(reader, r);
        for (;;) {
            size_t stream;
            arrakis_block *block;
            rc = arrakis_reader_next(reader, 0, &stream, &block, NULL);
            if (rc == ARRAKIS_TIMEOUT)
                break;
            assert_true(rc == ARRAKIS_OK || (failed && rc == ARRAKIS_ENOMEM));
            assert_true((rc == ARRAKIS_OK) == (block != NULL));
            arrakis_block_unref(block);
        }
    }
    until_failure = -1;
    arrakis_reader_close(rc == ARRAKIS_TIMEOUT ? reader : NULL);
    return failed;
}

static void a_reader_survives_the_failure_of_any_allocation(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    recording r = make_recording();
    long n = 0;
    while (read_directly_with_failure(n, channels, &r))
        n++;
    assert_true(n > 40);
    free_recording(&r);
    arrakis_channels_unref(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_survives_the_failure_of_any_allocation),
        cmocka_unit_test(a_block_is_made_or_memory_has_run_out),
        cmocka_unit_test(a_block_is_exported_or_memory_has_run_out),
        cmocka_unit_test(a_reader_survives_the_failure_of_any_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
