/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow streams written and read where one allocation fails. */
#include "arrow/write.h"
#include "base/buffer.h"

#include <arrakis/arrow.h>

#include "allocation.h"

#define START (INT64_C(1400000000) * SECOND)

static const channel_spec specs[] = {
    {"X:A", ARRAKIS_INT32, 2, "p", 0, SECOND, UNSET},
    {"X:B", ARRAKIS_INT32, 2, "p", 1, SECOND, UNSET},
};
static const int32_t samples[] = {1, 2};
static const uint8_t valid = 1;

static arrakis_status append(ark_buffer *to, const void *bytes, size_t size)
{
    arrakis_status rc = ark_buffer_reserve(to, size, NULL);
    if (rc == ARRAKIS_OK)
        memcpy(to->data + to->size, bytes, size);
    to->size += rc == ARRAKIS_OK ? size : 0;
    return rc;
}

static arrakis_status write_into(ark_buffer *to, arrakis_channels *channels)
{
    const arrakis_series series[] = {{samples, NULL, 2, ARRAKIS_INT32},
                                     {samples, &valid, 2, ARRAKIS_INT32}};
    arrakis_arrow_writer *writer;
    arrakis_block *block = NULL;
    const void *bytes;
    size_t size;
    arrakis_status rc = arrakis_arrow_writer_new(&writer, channels, NULL);
    if (rc == ARRAKIS_OK)
        rc = arrakis_block_new(&block, channels, START, SECOND, series, NULL);
    if (rc == ARRAKIS_OK &&
        (rc = arrakis_arrow_writer_schema(writer, &bytes, &size, NULL)) == ARRAKIS_OK)
        rc = append(to, bytes, size);
    for (int i = 0; rc == ARRAKIS_OK && i < 2; i++)
        if ((rc = arrakis_arrow_writer_block(writer, block, &bytes, &size, NULL)) == ARRAKIS_OK)
            rc = append(to, bytes, size);
    arrakis_block_unref(block);
    arrakis_arrow_writer_free(writer);
    return rc;
}

/* A call that had no memory is repeated: it fails once at most. */
static arrakis_status read_from(const ark_buffer *bytes, arrakis_channels *channels)
{
    arrakis_arrow_reader *reader;
    int blocks = 0;
    arrakis_status rc = arrakis_arrow_reader_new(&reader, channels, NULL), worst = ARRAKIS_OK;
    if (rc == ARRAKIS_OK)
        rc = arrakis_arrow_reader_push(reader, bytes->data, bytes->size, NULL);
    if (rc == ARRAKIS_OK)
        arrakis_arrow_reader_finish(reader);
    while (rc == ARRAKIS_OK) {
        arrakis_block *block;
        rc = arrakis_arrow_reader_next(reader, &block, NULL);
        assert_true((rc == ARRAKIS_OK) == (block != NULL));
        if (block) {
            blocks++;
            assert_int_equal(int32_at(arrakis_block_series(block, 0), 1), 2);
            assert_false(is_present(arrakis_block_series(block, 1), 1));
        }
        arrakis_block_unref(block);
        if (rc == ARRAKIS_ENOMEM && worst == ARRAKIS_OK) {
            worst = rc;
            rc = ARRAKIS_OK;
        }
    }
    arrakis_arrow_reader_free(reader);
    if (rc != ARRAKIS_DONE)
        return rc;
    assert_int_equal(blocks, 2);
    return worst;
}

static arrakis_status write_and_read(void *opaque)
{
    ark_buffer bytes = {0};
    arrakis_status rc = write_into(&bytes, opaque);
    if (rc == ARRAKIS_OK)
        rc = read_from(&bytes, opaque);
    ark_buffer_clear(&bytes);
    return rc;
}

static void a_stream_is_written_and_read_or_memory_has_run_out(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    fail_each_allocation(write_and_read, channels, 20, ARRAKIS_ENOMEM);
    arrakis_channels_unref(channels);
}

/* What publishers send. */
static arrakis_status write_rows(void *opaque)
{
    (void)opaque;
    static const uint32_t ids[] = {0, 1};
    const arrakis_series series[] = {{samples, NULL, 2, ARRAKIS_INT32},
                                     {samples, &valid, 2, ARRAKIS_INT32}};
    ark_buffer bytes = {0};
    arrakis_status rc = ark_write_rows(&bytes, ARRAKIS_INT32, START, 2, ids, series, NULL);
    ark_buffer_clear(&bytes);
    return rc;
}

/* The same into memory of the caller, who finds nothing in it after a failure. */
static arrakis_status encode_rows(void *opaque)
{
    (void)opaque;
    static const uint32_t id = 0;
    const arrakis_series series = {samples, NULL, 2, ARRAKIS_INT32};
    uint8_t bytes[2048] = {0};
    size_t size;
    arrakis_status rc = arrakis_rows_encode(bytes, sizeof bytes, &size, ARRAKIS_INT32, START, 1,
                                            &id, &series, NULL);
    assert_true((rc == ARRAKIS_OK) == (size > 0));
    assert_true((rc == ARRAKIS_OK) == (bytes[0] != 0));
    return rc;
}

static void rows_are_written_or_memory_has_run_out(void **state)
{
    (void)state;
    fail_each_allocation(write_rows, NULL, 1, ARRAKIS_ENOMEM);
    fail_each_allocation(encode_rows, NULL, 1, ARRAKIS_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_written_and_read_or_memory_has_run_out),
        cmocka_unit_test(rows_are_written_or_memory_has_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
