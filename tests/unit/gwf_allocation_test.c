/* SPDX-License-Identifier: Apache-2.0 */
/* Frame files where one allocation fails, then the next one, and so on through all of them, those of
 * zlib included. */
#include "allocation.h"
#include "file/gwf_file.h"
#include "gwf_support.h"

static const ark_gwf_channel channels[] = {
    {"X1:A", ARRAKIS_INT32, 64},
    {"X1:B", ARRAKIS_FLOAT64, 64},
    {"X1:C", ARRAKIS_INT8, 64},
};
static const int64_t samples[64];
static const uint8_t some_missing[8] = {0xff, 0x5a, 0xff};
static const uint8_t all_missing[8];

static arrakis_status write_frame(ark_gwf_writer *writer, int64_t second, arrakis_error *err)
{
    arrakis_status rc = ark_gwf_writer_frame(writer, START + second * SECOND, SECOND, err);
    if (rc == ARRAKIS_OK)
        rc = ark_gwf_writer_add(writer, samples, 64, NULL, err);
    if (rc == ARRAKIS_OK)
        rc = ark_gwf_writer_add(writer, samples, 64, some_missing, err);
    if (rc == ARRAKIS_OK)
        rc = ark_gwf_writer_add(writer, NULL, 64, all_missing, err);
    return rc;
}

/* A writer that has failed is freed, as its file cannot be used. */
static arrakis_status write_file(void *fd)
{
    ark_gwf_writer *writer;
    arrakis_error err;
    uint64_t size;
    assert_int_equal(ftruncate(*(int *)fd, 0), 0);
    assert_int_equal(lseek(*(int *)fd, 0, SEEK_SET), 0);
    arrakis_status rc =
        ark_gwf_writer_new(&writer, &(ark_gwf_writer_options){"X", 6}, channels, 3, &err);
    if (rc == ARRAKIS_OK)
        rc = ark_gwf_writer_begin(writer, *(int *)fd, &err);
    for (int64_t second = 0; rc == ARRAKIS_OK && second < 3; second++)
        rc = write_frame(writer, second, &err);
    if (rc == ARRAKIS_OK)
        rc = ark_gwf_writer_end(writer, &size, &err);
    ark_gwf_writer_free(writer);
    return rc;
}

static arrakis_status read_series(ark_gwf_reader *reader, size_t frame, size_t i)
{
    ark_gwf_samples got;
    arrakis_error err;
    arrakis_status rc = ark_gwf_reader_read(reader, frame, i, &got, &err);
    if (rc == ARRAKIS_ENOMEM) /* once more, and it is as if nothing had been */
        rc = ark_gwf_reader_read(reader, frame, i, &got, &err);
    if (rc == ARRAKIS_OK) {
        assert_true((got.valid != NULL) == (i > 0));
        if (i < 2) /* the first samples are there */
            assert_memory_equal(got.samples, samples, 8);
    }
    return rc;
}

static arrakis_status read_file(void *fd)
{
    ark_gwf_reader *reader;
    arrakis_error err;
    arrakis_status rc = ark_gwf_reader_new(&reader, *(int *)fd, SAMPLES_MAX, &err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < 9; i++)
        rc = read_series(reader, i / 3, i % 3);
    ark_gwf_reader_free(reader);
    return rc;
}

/* ------------------------------------------------------------------ a recorder's file */

typedef struct recording {
    int fd;
    ark_file_spec spec;
    arrakis_block *block;
} recording;

/* Four blocks, of which the second one came. */
static arrakis_status record_file(void *opaque)
{
    recording *r = opaque;
    const ark_file_format *format = &ark_gwf_file_format;
    ark_file_writer *writer;
    arrakis_error err;
    uint64_t size;
    assert_int_equal(ftruncate(r->fd, 0), 0);
    assert_int_equal(lseek(r->fd, 0, SEEK_SET), 0);
    arrakis_status rc = format->open(&writer, &r->spec, &err);
    if (rc < 0)
        return rc;
    rc = format->begin(writer, r->fd, START, &err);
    if (rc == ARRAKIS_OK)
        rc = format->add(writer, r->block, &err);
    if (rc == ARRAKIS_OK)
        rc = format->end(writer, START + 4 * SECOND, &size, &err);
    if (rc == ARRAKIS_OK)
        assert_int_equal(size, file_size(r->fd));
    format->close(writer);
    return rc;
}

static void a_recorder_writes_frame_files_in_the_order_of_names(void **unused)
{
    (void)unused;
    static const channel_spec specs[] = {
        {"X1:A", ARRAKIS_INT32, 4, "p", 0, SECOND, UNSET},
        {"X1:B", ARRAKIS_FLOAT32, 2, "q", 0, SECOND, UNSET},
    };
    const channel_spec of_block[] = {specs[1], specs[0]};
    static const int32_t numbers[] = {1, 2, 3, 4};
    static const float single[] = {1, 2};
    const arrakis_series series[] = {
        {single, (const uint8_t[]){2}, 2, ARRAKIS_FLOAT32},
        {numbers, NULL, 4, ARRAKIS_INT32},
    };
    recording r = {.fd = memory_file()};
    arrakis_channels *sorted = channels_of(specs, 2), *list = channels_of(of_block, 2);
    r.spec = (ark_file_spec){.channels = sorted,
                             .order = (size_t[]){1, 0},
                             .length_ns = 4 * SECOND,
                             .stride_ns = SECOND,
                             .own_ns = SECOND,
                             .compression = 1};
    PASS(arrakis_block_new(&r.block, list, START + SECOND, SECOND, series, err));
    fail_each_allocation(record_file, &r, 15, ARRAKIS_ENOMEM);

    ark_gwf_reader *reader;
    PASS(ark_gwf_reader_new(&reader, r.fd, SAMPLES_MAX, err));
    assert_int_equal(ark_gwf_reader_frames(reader), 4);
    for (size_t frame = 0; frame < 4; frame++) {
        ark_gwf_samples got;
        PASS(ark_gwf_reader_read(reader, frame, 0, &got, err));
        assert_true((got.valid == NULL) == (frame == 1));
        if (frame == 1)
            assert_memory_equal(got.samples, numbers, sizeof numbers);
        PASS(ark_gwf_reader_read(reader, frame, 1, &got, err));
        assert_int_equal(got.valid[0] & 3, frame == 1 ? 2 : 0);
    }
    ark_gwf_reader_free(reader);
    arrakis_block_unref(r.block);
    arrakis_channels_unref(list);
    arrakis_channels_unref(sorted);
    close(r.fd);
}

static void frame_files_are_written_and_read_without_memory(void **unused)
{
    (void)unused;
    int fd = memory_file();
    fail_each_allocation(write_file, &fd, 15, ARRAKIS_ENOMEM);
    fail_each_allocation(read_file, &fd, 10, ARRAKIS_ENOMEM);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_files_are_written_and_read_without_memory),
        cmocka_unit_test(a_recorder_writes_frame_files_in_the_order_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
