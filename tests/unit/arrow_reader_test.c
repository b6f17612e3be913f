/* SPDX-License-Identifier: Apache-2.0 */
/* The public reader of blocks, on what the public writer wrote. */
#include <arrakis/arrow.h>

#include "arrow/ipc.h"
#include "arrow/write.h"
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "columns_batch.h"

enum { CHANNELS = 3 };
static const double doubles[] = {1.5, 2.5};
static const int16_t shorts[] = {4, 5, 6, 7};
static const uint8_t shorts_valid[] = {0x0d};
static const int8_t bytes[] = {-3};

static arrakis_channels *make_channels(arrakis_dtype first, size_t count)
{
    static const char *const names[] = {"H1:A", "H1:B", "H1:C"};
    static const double rates[] = {2, 4, 1};
    const arrakis_dtype types[] = {first, ARRAKIS_INT16, ARRAKIS_INT8};
    arrakis_channels *channels;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = names[i];
        info.dtype = types[i];
        info.sample_rate = rates[i];
        arrakis_channel *channel;
        assert_int_equal(arrakis_channel_new(&channel, &info, NULL), ARRAKIS_OK);
        assert_int_equal(arrakis_channels_add(channels, channel, NULL), ARRAKIS_OK);
        arrakis_channel_unref(channel);
    }
    return channels;
}

static void append(ark_buffer *stream, const void *data, size_t size)
{
    assert_int_equal(ark_buffer_reserve(stream, size, NULL), ARRAKIS_OK);
    memcpy(stream->data + stream->size, data, size);
    stream->size += size;
}

/* A schema, two blocks a second apart (the second one without H1:A), the end. */
static ark_buffer make_stream(void)
{
    ark_buffer stream = {0};
    arrakis_channels *channels = make_channels(ARRAKIS_FLOAT64, CHANNELS);
    arrakis_arrow_writer *writer;
    const void *data;
    size_t size;
    assert_int_equal(arrakis_arrow_writer_new(&writer, channels, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_arrow_writer_schema(writer, &data, &size, NULL), ARRAKIS_OK);
    append(&stream, data, size);
    for (int i = 0; i < 2; i++) {
        arrakis_series series[] = {{i ? NULL : doubles, NULL, 2, ARRAKIS_FLOAT64},
                                   {shorts, shorts_valid, 4, ARRAKIS_INT16},
                                   {bytes, NULL, 1, ARRAKIS_INT8}};
        arrakis_block *block;
        assert_int_equal(arrakis_block_new(&block, channels, (7 + i) * ARRAKIS_SECOND_NS,
                                           ARRAKIS_SECOND_NS, series, NULL),
                         ARRAKIS_OK);
        assert_int_equal(arrakis_arrow_writer_block(writer, block, &data, &size, NULL),
                         ARRAKIS_OK);
        append(&stream, data, size);
        arrakis_block_unref(block);
    }
    arrakis_arrow_writer_end(writer, &data, &size);
    append(&stream, data, size);
    arrakis_arrow_writer_free(writer);
    arrakis_channels_unref(channels);
    return stream;
}

static arrakis_arrow_reader *make_reader(arrakis_dtype first, size_t count)
{
    arrakis_channels *channels = make_channels(first, count);
    arrakis_arrow_reader *reader;
    assert_int_equal(arrakis_arrow_reader_new(&reader, channels, NULL), ARRAKIS_OK);
    arrakis_channels_unref(channels);
    return reader;
}

static void assert_block(const arrakis_block *block, int i)
{
    assert_int_equal(arrakis_block_start_ns(block), (7 + i) * ARRAKIS_SECOND_NS);
    assert_int_equal(arrakis_block_duration_ns(block), ARRAKIS_SECOND_NS);
    assert_int_equal(arrakis_channels_count(arrakis_block_channels(block)), CHANNELS);
    arrakis_series a = arrakis_block_series(block, 0), b = arrakis_block_series(block, 1);
    arrakis_series c = arrakis_block_series(block, 2);
    assert_int_equal(arrakis_series_missing(a), i ? 2 : 0);
    if (!i)
        assert_memory_equal(a.samples, doubles, sizeof doubles);
    assert_int_equal(b.length, 4);
    assert_int_equal(arrakis_series_missing(b), 1);
    assert_int_equal(b.valid[0] & 0x0f, 0x0d);
    const int16_t *samples = b.samples;
    assert_true(samples[0] == 4 && samples[2] == 6 && samples[3] == 7);
    assert_memory_equal(c.samples, bytes, 1);
}

/* How many blocks came until it was not OK; *last receives that. */
static int read_all(arrakis_arrow_reader *reader, int from, arrakis_status *last)
{
    arrakis_block *block;
    while ((*last = arrakis_arrow_reader_next(reader, &block, NULL)) == ARRAKIS_OK) {
        assert_block(block, from++);
        arrakis_block_unref(block);
    }
    assert_null(block);
    return from;
}

static void blocks_come_back_however_the_bytes_are_cut(void **state)
{
    (void)state;
    ark_buffer stream = make_stream();
    for (size_t piece = 1; piece <= stream.size; piece = piece < 80 ? piece + 1 : piece * 2) {
        arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, CHANNELS);
        arrakis_status rc = ARRAKIS_TIMEOUT;
        int blocks = 0;
        for (size_t at = 0; at < stream.size; at += piece) {
            assert_int_equal(rc, ARRAKIS_TIMEOUT);
            size_t n = stream.size - at < piece ? stream.size - at : piece;
            assert_int_equal(arrakis_arrow_reader_push(reader, stream.data + at, n, NULL),
                             ARRAKIS_OK);
            blocks = read_all(reader, blocks, &rc);
        }
        assert_int_equal(blocks, 2);
        if (rc == ARRAKIS_TIMEOUT) { /* all but the last bytes of the marker */
            arrakis_arrow_reader_finish(reader);
            read_all(reader, blocks, &rc);
        }
        assert_int_equal(rc, ARRAKIS_DONE);
        arrakis_arrow_reader_free(reader);
    }
    ark_buffer_clear(&stream);
}

static void bytes_may_come_while_blocks_wait(void **state)
{
    (void)state;
    ark_buffer stream = make_stream();
    arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, CHANNELS);
    arrakis_block *block;
    arrakis_status rc;
    /* all but the end marker, the first block, the marker, the second block */
    assert_int_equal(arrakis_arrow_reader_push(reader, stream.data, stream.size - 8, NULL), 0);
    assert_int_equal(arrakis_arrow_reader_next(reader, &block, NULL), ARRAKIS_OK);
    assert_block(block, 0);
    arrakis_block_unref(block);
    assert_int_equal(arrakis_arrow_reader_push(reader, stream.data + stream.size - 8, 8, NULL), 0);
    assert_int_equal(read_all(reader, 1, &rc), 2);
    assert_int_equal(rc, ARRAKIS_DONE);
    arrakis_arrow_reader_free(reader);
    ark_buffer_clear(&stream);
}

static void a_stream_without_an_end_marker_ends_between_messages_only(void **state)
{
    (void)state;
    ark_buffer stream = make_stream();
    for (size_t size = 0; size < stream.size; size++) {
        arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, CHANNELS);
        arrakis_status rc;
        assert_int_equal(arrakis_arrow_reader_push(reader, stream.data, size, NULL), ARRAKIS_OK);
        int blocks = read_all(reader, 0, &rc);
        assert_int_equal(rc, ARRAKIS_TIMEOUT);
        arrakis_arrow_reader_finish(reader);
        assert_int_equal(read_all(reader, blocks, &rc), blocks);
        assert_true(rc == ARRAKIS_DONE || rc == ARRAKIS_EFORMAT);
        if (size == stream.size - 8 || size == 0)
            assert_int_equal(rc, ARRAKIS_DONE);
        if (size == stream.size - 9 || size == stream.size - 5)
            assert_int_equal(rc, ARRAKIS_EFORMAT);
        assert_int_equal(arrakis_arrow_reader_push(reader, stream.data, 1, NULL), ARRAKIS_EINVAL);
        arrakis_arrow_reader_free(reader);
    }
    ark_buffer_clear(&stream);
}

static void refuses(const void *data, size_t size, arrakis_dtype first, size_t count,
                    arrakis_status wanted, const char *words)
{
    arrakis_arrow_reader *reader = make_reader(first, count);
    arrakis_block *block;
    assert_int_equal(arrakis_arrow_reader_push(reader, data, size, NULL), ARRAKIS_OK);
    for (int i = 0; i < 2; i++) { /* an error stays one */
        arrakis_error err;
        assert_int_equal(arrakis_arrow_reader_next(reader, &block, &err), wanted);
        assert_non_null(strstr(err.message, words));
        assert_null(block);
    }
    arrakis_arrow_reader_free(reader);
}

static void what_is_not_known_or_otherwise_is_refused(void **state)
{
    (void)state;
    ark_buffer stream = make_stream();
    refuses(stream.data, stream.size, ARRAKIS_FLOAT64, 2, ARRAKIS_ENOTFOUND, "H1:C");
    refuses(stream.data, stream.size, ARRAKIS_FLOAT32, 3, ARRAKIS_EMISMATCH, "lists of float32");
    ark_ipc_message schema;
    assert_int_equal(ark_ipc_parse(&schema, stream.data, stream.size, NULL), ARRAKIS_OK);
    refuses(stream.data + schema.size, stream.size - schema.size, ARRAKIS_FLOAT64, 3,
            ARRAKIS_EFORMAT, "without a schema");
    ark_buffer twice = {0};
    append(&twice, stream.data, schema.size);
    append(&twice, stream.data, schema.size);
    refuses(twice.data, twice.size, ARRAKIS_FLOAT64, 3, ARRAKIS_EFORMAT, "second schema");
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0};
    refuses(huge, sizeof huge, ARRAKIS_FLOAT64, 3, ARRAKIS_EFORMAT, "header of 2147483647");
    ark_buffer_clear(&twice);
    ark_buffer_clear(&stream);
}

/* A schema of the column time and then lists. A name may come twice. */
static ark_buffer schema_of(size_t count, const char *const *names, const arrakis_dtype *dtypes,
                            const char *const *rates)
{
    ark_buffer out = {0};
    assert_int_equal(columns_schema(&out, count, names, dtypes, rates, NULL), ARRAKIS_OK);
    return out;
}

static void two_columns_of_one_name_are_refused(void **state)
{
    (void)state;
    static const arrakis_dtype dtypes[] = {ARRAKIS_FLOAT64, ARRAKIS_FLOAT64};
    static const char *const rates[] = {"2", "2"};
    static const char *const twice[] = {"H1:A", "H1:A"};
    static const char *const times[] = {"H1:A", "time"}; /* the writer's own is the first one */
    ark_buffer stream = schema_of(2, twice, dtypes, rates);
    refuses(stream.data, stream.size, ARRAKIS_FLOAT64, 3, ARRAKIS_EFORMAT, "two columns 'H1:A'");
    ark_buffer_clear(&stream);
    stream = schema_of(2, times, dtypes, rates);
    refuses(stream.data, stream.size, ARRAKIS_FLOAT64, 3, ARRAKIS_EFORMAT, "two columns 'time'");
    ark_buffer_clear(&stream);
}

static void a_column_of_another_rate_is_refused(void **state)
{
    (void)state;
    static const arrakis_dtype dtypes[] = {ARRAKIS_FLOAT64};
    static const char *const names[] = {"H1:A"};
    static const char *const others[] = {"4", "1", "2.5", "two", "", "2 "};
    static const char *const same[] = {"2", "2.0", "2e0"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ark_buffer stream = schema_of(1, names, dtypes, &others[i]);
        refuses(stream.data, stream.size, ARRAKIS_FLOAT64, 3, ARRAKIS_EMISMATCH, "rate");
        ark_buffer_clear(&stream);
    }
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        ark_buffer stream = schema_of(1, names, dtypes, &same[i]);
        arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, 3);
        arrakis_status rc;
        assert_int_equal(arrakis_arrow_reader_push(reader, stream.data, stream.size, NULL), 0);
        read_all(reader, 0, &rc);
        assert_int_equal(rc, ARRAKIS_TIMEOUT);
        arrakis_arrow_reader_free(reader);
        ark_buffer_clear(&stream);
    }
}

static void a_stream_may_follow_another(void **state)
{
    (void)state;
    ark_buffer one = make_stream(), all = {0};
    append(&all, one.data, one.size);
    append(&all, one.data, one.size);
    for (size_t piece = 1; piece <= all.size; piece = piece < 20 ? piece + 1 : piece * 2) {
        arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, CHANNELS);
        arrakis_status rc = ARRAKIS_TIMEOUT;
        int blocks = 0;
        for (size_t at = 0; at < all.size; at += piece) {
            size_t n = all.size - at < piece ? all.size - at : piece;
            assert_int_equal(arrakis_arrow_reader_push(reader, all.data + at, n, NULL),
                             ARRAKIS_OK);
            arrakis_block *block;
            while ((rc = arrakis_arrow_reader_next(reader, &block, NULL)) == ARRAKIS_OK) {
                assert_block(block, blocks++ % 2);
                arrakis_block_unref(block);
            }
            assert_true(rc == ARRAKIS_TIMEOUT || rc == ARRAKIS_DONE);
        }
        assert_int_equal(blocks, 4);
        arrakis_arrow_reader_finish(reader);
        read_all(reader, 0, &rc);
        assert_int_equal(rc, ARRAKIS_DONE);
        arrakis_arrow_reader_free(reader);
    }
    ark_buffer_clear(&one);
    ark_buffer_clear(&all);
}

/* What follows the end of a stream; all of it is there. */
static void refuses_behind(const void *more, size_t size, const char *words)
{
    ark_buffer stream = make_stream();
    append(&stream, more, size);
    arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, CHANNELS);
    arrakis_error err;
    arrakis_block *block;
    assert_int_equal(arrakis_arrow_reader_push(reader, stream.data, stream.size, NULL), 0);
    arrakis_arrow_reader_finish(reader);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(arrakis_arrow_reader_next(reader, &block, &err), ARRAKIS_OK);
        arrakis_block_unref(block);
    }
    assert_int_equal(arrakis_arrow_reader_next(reader, &block, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, words));
    arrakis_arrow_reader_free(reader);
    ark_buffer_clear(&stream);
}

static void bytes_behind_the_end_are_an_error(void **state)
{
    (void)state;
    static const uint8_t end[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    refuses_behind("\n", 1, "torn");
    refuses_behind("stray bytes", 11, "header of");
    refuses_behind("{\"time_ns\": 1}", 14, "what follows the Arrow stream is JSON");
    refuses_behind(end, sizeof end, "without a schema");
}

/* A file with that stream; its footer contains what it ends with. */
static void append_file(ark_buffer *file)
{
    static const char footer[24] = "ARROW1..ARROW1....";
    const uint32_t size = sizeof footer;
    ark_buffer stream = make_stream();
    append(file, "ARROW1\0\0", 8);
    append(file, stream.data, stream.size);
    append(file, footer, size);
    append(file, &size, sizeof size);
    append(file, "ARROW1", 6);
    ark_buffer_clear(&stream);
}

static void files_are_read_one_after_the_other(void **state)
{
    (void)state;
    ark_buffer files = {0};
    append_file(&files);
    append_file(&files);
    const size_t pieces[] = {1, 3, 100, files.size / 2, files.size};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, CHANNELS);
        arrakis_status rc = ARRAKIS_TIMEOUT;
        int blocks = 0;
        for (size_t at = 0; at < files.size; at += pieces[i]) {
            size_t n = files.size - at < pieces[i] ? files.size - at : pieces[i];
            assert_int_equal(arrakis_arrow_reader_push(reader, files.data + at, n, NULL), 0);
            for (arrakis_block *block;
                 (rc = arrakis_arrow_reader_next(reader, &block, NULL)) == ARRAKIS_OK; blocks++) {
                assert_block(block, blocks % 2);
                arrakis_block_unref(block);
            }
            assert_true(rc >= 0);
        }
        assert_int_equal(blocks, 4);
        assert_int_equal(rc, ARRAKIS_DONE);
        arrakis_arrow_reader_free(reader);
    }
    ark_buffer_clear(&files);
}

static void a_file_must_have_its_footer(void **state)
{
    (void)state;
    ark_buffer file = {0};
    append_file(&file);
    arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, CHANNELS);
    arrakis_status rc;
    assert_int_equal(arrakis_arrow_reader_push(reader, file.data, file.size - 1, NULL), 0);
    assert_int_equal(read_all(reader, 0, &rc), 2);
    assert_int_equal(rc, ARRAKIS_TIMEOUT);
    arrakis_arrow_reader_finish(reader);
    arrakis_block *block;
    arrakis_error err;
    assert_int_equal(arrakis_arrow_reader_next(reader, &block, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, "without the end of its footer"));
    arrakis_arrow_reader_free(reader);
    ark_buffer_clear(&file);
}

static void what_is_given_instead_of_a_stream_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *name;
    } kinds[] = {{"FEA1\0\0\0\0", "a Feather file of version 1"},
                 {"\x1f\x8b\x08\0\0\0\0\0", "gzip"},
                 {"\x28\xb5\x2f\xfd\0\0\0\0", "zstd"},
                 {"PAR1....", "Parquet"},
                 {"{\"time_n", "JSON"},
                 {"[1, 2, 3]", "JSON"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        refuses(kinds[i].bytes, 8, ARRAKIS_FLOAT64, CHANNELS, ARRAKIS_EFORMAT, kinds[i].name);
}

static void lengths_are_limited(void **state)
{
    (void)state;
    static const uint8_t at_limit[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4};
    static const uint8_t beyond[] = {0xff, 0xff, 0xff, 0xff, 1, 0, 0, 4};
    arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, CHANNELS);
    arrakis_block *block;
    assert_int_equal(arrakis_arrow_reader_push(reader, at_limit, sizeof at_limit, NULL), 0);
    assert_int_equal(arrakis_arrow_reader_next(reader, &block, NULL), ARRAKIS_TIMEOUT);
    arrakis_arrow_reader_free(reader);
    refuses(beyond, sizeof beyond, ARRAKIS_FLOAT64, CHANNELS, ARRAKIS_EFORMAT,
            "a header of 67108865 bytes, expected at most 67108864");
    ark_buffer stream = make_stream();
    ark_ipc_message schema;
    assert_int_equal(ark_ipc_parse(&schema, stream.data, stream.size, NULL), ARRAKIS_OK);
    uint8_t *batch = stream.data + schema.size;
    int64_t *body_size = NULL; /* where the header has the body's size */
    ark_ipc_message message;
    assert_int_equal(ark_ipc_parse(&message, batch, stream.size - schema.size, NULL), ARRAKIS_OK);
    for (size_t at = 0; at + 8 <= message.header_size && !body_size; at += 4)
        if (!memcmp(message.header + at, &(int64_t){(int64_t)message.body_size}, 8))
            body_size = (int64_t *)(void *)(batch + 8 + at);
    assert_non_null(body_size);
    memcpy(body_size, &(int64_t){INT64_C(1) << 30}, 8);
    reader = make_reader(ARRAKIS_FLOAT64, CHANNELS);
    assert_int_equal(arrakis_arrow_reader_push(reader, stream.data, stream.size, NULL), 0);
    assert_int_equal(arrakis_arrow_reader_next(reader, &block, NULL), ARRAKIS_TIMEOUT);
    arrakis_arrow_reader_free(reader);
    memcpy(body_size, &(int64_t){(INT64_C(1) << 30) + 1}, 8);
    refuses(stream.data, stream.size, ARRAKIS_FLOAT64, CHANNELS, ARRAKIS_EFORMAT,
            "a body of 1073741825 bytes, expected at most 1073741824");
    ark_buffer_clear(&stream);
}

static void calls_check_their_arguments(void **state)
{
    (void)state;
    arrakis_arrow_reader *reader = make_reader(ARRAKIS_FLOAT64, CHANNELS), *none = reader;
    arrakis_channels *channels = make_channels(ARRAKIS_FLOAT64, 1);
    arrakis_block *block;
    assert_int_equal(arrakis_arrow_reader_new(NULL, channels, NULL), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_arrow_reader_new(&none, NULL, NULL), ARRAKIS_EINVAL);
    assert_null(none);
    assert_int_equal(arrakis_arrow_reader_push(NULL, "", 1, NULL), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_arrow_reader_push(reader, NULL, 1, NULL), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_arrow_reader_push(reader, NULL, 0, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_arrow_reader_next(NULL, &block, NULL), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_arrow_reader_next(reader, NULL, NULL), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_arrow_reader_next(reader, &block, NULL), ARRAKIS_TIMEOUT);
    arrakis_arrow_reader_finish(NULL);
    arrakis_arrow_reader_free(NULL);
    arrakis_arrow_reader_free(reader);
    arrakis_channels_unref(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back_however_the_bytes_are_cut),
        cmocka_unit_test(bytes_may_come_while_blocks_wait),
        cmocka_unit_test(a_stream_without_an_end_marker_ends_between_messages_only),
        cmocka_unit_test(what_is_not_known_or_otherwise_is_refused),
        cmocka_unit_test(two_columns_of_one_name_are_refused),
        cmocka_unit_test(a_column_of_another_rate_is_refused),
        cmocka_unit_test(a_stream_may_follow_another),
        cmocka_unit_test(bytes_behind_the_end_are_an_error),
        cmocka_unit_test(files_are_read_one_after_the_other),
        cmocka_unit_test(a_file_must_have_its_footer),
        cmocka_unit_test(what_is_given_instead_of_a_stream_is_named),
        cmocka_unit_test(lengths_are_limited),
        cmocka_unit_test(calls_check_their_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
