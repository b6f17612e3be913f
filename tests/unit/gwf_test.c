/* SPDX-License-Identifier: Apache-2.0 */
/* Frame files: what is written is read, and nothing that was changed. tests/interop/test_gwf.py has
 * frameCPP as the judge. */
#include "gwf_support.h"

#include "gwf/checksum.h"
#include "gwf/mask.h"
#include "gwf/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>

/* ------------------------------------------------------------------ parts */

static void the_checksum_is_that_of_cksum(void **unused)
{
    (void)unused;
    const char digits[] = "123456789";
    assert_int_equal(ark_gwf_checksum_end(ark_gwf_checksum_add(0, digits, 9), 9), 930766865);
    assert_int_equal(ark_gwf_checksum_end(0, 0), 4294967295);
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i >> 3);
    uint32_t slow = 0, all = ark_gwf_checksum_add(0, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        slow = ark_gwf_checksum_add(slow, bytes + i, 1);
    assert_int_equal(slow, all);
    for (size_t size = 0; size < 400; size++) { /* long pieces are taken by other instructions */
        const uint8_t *from = bytes + size % 19;
        uint32_t state = UINT32_C(0x89abcdef),
                 long_piece = ark_gwf_checksum_add(state, from, size);
        for (size_t i = 0; i < size; i++)
            state = ark_gwf_checksum_add(state, from + i, 1);
        assert_int_equal(long_piece, state);
    }
    for (size_t cut = 0; cut <= sizeof bytes; cut += 37) {
        uint32_t first = ark_gwf_checksum_add(0, bytes, cut);
        uint32_t second = ark_gwf_checksum_add(0, bytes + cut, sizeof bytes - cut);
        assert_int_equal(ark_gwf_checksum_join(first, second, sizeof bytes - cut), all);
    }
}

static void a_mask_of_whole_sixteenths_has_a_value_for_each(void **unused)
{
    (void)unused;
    const uint8_t valid[] = {0xff, 0x00, 0xff, 0xff};
    int16_t values[32];
    assert_int_equal(ark_gwf_mask_missing(valid, 32), 8);
    assert_int_equal(ark_gwf_mask_missing(valid, 11), 3);
    assert_int_equal(ark_gwf_mask_block(valid, 32, 128), 8);
    assert_int_equal(ark_gwf_mask_block(valid, 32, 64), 4);
    assert_int_equal(ark_gwf_mask_block(valid, 32, 256), 1); /* half of a block is missing */
    assert_int_equal(ark_gwf_mask_block(valid, 31, 128), 1); /* not whole blocks */
    assert_int_equal(ark_gwf_mask_block(valid, 32, 100), 1); /* not whole samples */
    assert_int_equal(ark_gwf_mask_block(valid, 32, 0.0625), 1);
    assert_int_equal(ark_gwf_mask_block(valid, 32, 1e300), 1);
    ark_gwf_mask_values(values, valid, 32, 8);
    const int16_t expected[] = {0, 1, 0, 0};
    assert_memory_equal(values, expected, sizeof expected);
    uint8_t back[4];
    const uint16_t read[] = {0, 3, 0, 0};
    ark_gwf_mask_bits(back, 32, read, 4);
    assert_memory_equal(back, valid, sizeof valid);
}

static void packed_bytes_expand_to_what_is_expected_or_fail(void **unused)
{
    (void)unused;
    static uint8_t zeros[100000];
    ark_gwf_pack *pack;
    ark_buffer out = {NULL, 0, 0};
    const void *data = zeros;
    size_t size = sizeof zeros;
    bool smaller;
    PASS(ark_gwf_pack_new(&pack, 9, err));
    PASS(ark_gwf_pack_bytes(pack, &data, &size, &smaller, err));
    assert_true(smaller && size < 200);
    PASS(ark_gwf_pack_expand(&out, sizeof zeros, data, size, err));
    assert_memory_equal(out.data, zeros, sizeof zeros);
    FAIL(ark_gwf_pack_expand(&out, sizeof zeros - 1, data, size, err), ARRAKIS_EFORMAT,
         "more than");
    FAIL(ark_gwf_pack_expand(&out, sizeof zeros + 1, data, size, err), ARRAKIS_EFORMAT,
         "100000 bytes of samples, expected 100001");
    FAIL(ark_gwf_pack_expand(&out, sizeof zeros, data, size - 1, err), ARRAKIS_EFORMAT,
         "end early");
    FAIL(ark_gwf_pack_expand(&out, sizeof zeros, "no zlib", 7 + 93, err), ARRAKIS_EFORMAT, "");
    /* what no compression can hold is refused before anything is expanded */
    FAIL(ark_gwf_pack_expand(&out, 1033 * size + 1033, data, size, err), ARRAKIS_EFORMAT,
         "cannot become");
    ark_buffer_clear(&out);

    data = "x"; /* cannot be made smaller */
    size = 1;
    PASS(ark_gwf_pack_bytes(pack, &data, &size, &smaller, err));
    assert_false(smaller);
    assert_string_equal(data, "x");
    data = zeros; /* not worth the work */
    size = 63;
    PASS(ark_gwf_pack_bytes(pack, &data, &size, &smaller, err));
    assert_true(!smaller && data == zeros && size == 63);
    ark_gwf_pack_free(pack);
}

/* ------------------------------------------------------------------ round trips */

enum { COUNT_MAX = 65536 };
static uint64_t file_length; /* of the file that was written last */

/* Samples that differ from each other, of any type. */
static void fill_samples(uint8_t *to, arrakis_dtype dtype, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float single = (float)i / 3;
        double real = (double)i / 3;
        uint64_t number = i * UINT64_C(0x9e3779b97f4a7c15);
        size_t size = arrakis_dtype_size(dtype);
        memcpy(to + i * size,
               dtype == ARRAKIS_FLOAT32   ? (const void *)&single
               : dtype == ARRAKIS_FLOAT64 ? (const void *)&real
                                          : (const void *)&number,
               size);
    }
}

/* Every third sample, all, or none. */
static const uint8_t *mask_of(uint8_t *valid, size_t count, int kind)
{
    memset(valid, kind == 2 ? 0 : 0xff, (count + 7) / 8);
    for (size_t i = 0; kind == 1 && i < count; i += 3)
        valid[i / 8] = (uint8_t)(valid[i / 8] & ~(1u << i % 8));
    return kind == 0 ? NULL : valid;
}

static bool has_sample(const uint8_t *valid, size_t i)
{
    return !valid || ark_gwf_mask_has(valid, i);
}

static void assert_read(ark_gwf_reader *reader, size_t number, const ark_gwf_channel *channel,
                        const uint8_t *samples, size_t count, const uint8_t *valid)
{
    const ark_gwf_series *series = ark_gwf_reader_series(reader, 0, number);
    assert_string_equal(series->name, channel->name);
    assert_int_equal(series->dtype, channel->dtype);
    assert_true(series->rate == channel->rate);
    assert_int_equal(series->start_ns, START);
    assert_int_equal(series->count, count);
    ark_gwf_samples got;
    PASS(ark_gwf_reader_read(reader, 0, number, &got, err));
    size_t size = arrakis_dtype_size(channel->dtype);
    assert_true((got.valid != NULL) == (valid != NULL && ark_gwf_mask_missing(valid, count) > 0));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(has_sample(got.valid, i), has_sample(valid, i));
        if (has_sample(valid, i))
            assert_memory_equal((const uint8_t *)got.samples + i * size, samples + i * size, size);
    }
}

static void all_types_rates_and_masks_come_back(void **unused)
{
    (void)unused;
    static const double rates[] = {0.0625, 1, 16, 100, 65536};
    static uint8_t samples[COUNT_MAX * 8], valid[COUNT_MAX / 8 + 1];
    ark_gwf_channel channels[300];
    char names[300][32];
    size_t count = 0;
    for (int dtype = ARRAKIS_INT8; dtype <= ARRAKIS_FLOAT64; dtype++)
        for (size_t rate = 0; rate < COUNT(rates); rate++)
            for (int mask = 0; mask < 3; mask++) {
                if (rates[rate] > 1000 && dtype % 3 != 0)
                    continue;
                snprintf(names[count], sizeof *names, "X1:%d_%zu_%d", dtype, rate, mask);
                channels[count] =
                    (ark_gwf_channel){names[count], (arrakis_dtype)dtype, rates[rate]};
                count++;
            }
    for (int level = 0; level <= 6; level += 6) {
        int fd = memory_file();
        ark_gwf_writer *writer;
        ark_gwf_reader *reader;
        ark_gwf_writer_options options = {"X1", level};
        PASS(ark_gwf_writer_new(&writer, &options, channels, count, err));
        PASS(ark_gwf_writer_begin(writer, fd, err));
        for (int pass = 0; pass < 2; pass++) {
            if (pass == 0)
                PASS(ark_gwf_writer_frame(writer, START, 16 * SECOND, err));
            else
                PASS(ark_gwf_reader_new(&reader, fd, SAMPLES_MAX, err));
            for (size_t i = 0; i < count; i++) {
                size_t length =
                    channels[i].rate > 1000 ? COUNT_MAX : (size_t)(16 * channels[i].rate);
                const uint8_t *mask = mask_of(valid, length, (int)(i % 3));
                fill_samples(samples, channels[i].dtype, length);
                if (pass == 0)
                    PASS(ark_gwf_writer_add(writer, i % 3 == 2 ? NULL : samples, length, mask,
                                            err));
                else
                    assert_read(reader, i, &channels[i], samples, length, mask);
            }
            if (pass == 0)
                PASS(ark_gwf_writer_end(writer, &file_length, err));
            else
                PASS(ark_gwf_reader_check(reader, err));
        }
        ark_gwf_writer_free(writer);
        ark_gwf_reader_free(reader);
        close(fd);
    }
}

static void frames_of_a_file_are_each_read(void **unused)
{
    (void)unused;
    const ark_gwf_channel channels[] = {{"X1:B", ARRAKIS_INT32, 2}, {"X1:A", ARRAKIS_FLOAT64, 1}};
    int fd = memory_file();
    ark_gwf_writer *writer;
    ark_gwf_reader *reader;
    PASS(ark_gwf_writer_new(&writer, &(ark_gwf_writer_options){NULL, 0}, channels, 2, err));
    PASS(ark_gwf_writer_begin(writer, fd, err));
    for (int i = 0; i < 5; i++) {
        const int32_t b[] = {2 * i, 2 * i + 1};
        const double a = i;
        PASS(ark_gwf_writer_frame(writer, START + i * SECOND + 5, SECOND, err));
        PASS(ark_gwf_writer_add(writer, b, 2, NULL, err));
        PASS(ark_gwf_writer_add(writer, &a, 1, NULL, err));
    }
    PASS(ark_gwf_writer_end(writer, &file_length, err));
    ark_gwf_writer_free(writer);
    PASS(ark_gwf_reader_new(&reader, fd, 8, err));
    assert_int_equal(ark_gwf_reader_frames(reader), 5);
    for (size_t i = 0; i < 5; i++) {
        int64_t start, duration;
        size_t count;
        ark_gwf_samples got;
        ark_gwf_reader_frame(reader, i, &start, &duration, &count);
        assert_int_equal(start, START + (int64_t)i * SECOND + 5);
        assert_int_equal(duration, SECOND);
        assert_int_equal(count, 2);
        PASS(ark_gwf_reader_read(reader, i, 0, &got, err));
        assert_int_equal(((const int32_t *)got.samples)[1], 2 * i + 1);
        PASS(ark_gwf_reader_read(reader, i, 1, &got, err));
        assert_true(((const double *)got.samples)[0] == (double)i);
    }
    ark_gwf_reader_free(reader);
    /* a byte less than a channel's samples take */
    PASS(ark_gwf_reader_new(&reader, fd, 7, err));
    ark_gwf_samples got;
    FAIL(ark_gwf_reader_read(reader, 0, 0, &got, err), ARRAKIS_EUNSUPPORTED,
         "channel X1:B: a vector of 2 values of 4 bytes, expected at most 7 bytes");
    ark_gwf_reader_free(reader);
    close(fd);
}

static void four_thousand_channels_fit_in_a_file(void **unused)
{
    (void)unused;
    enum { MANY = 4000 };
    static ark_gwf_channel channels[MANY];
    static char names[MANY][24];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof *names, "X1:CHANNEL_%d", (i * 1237) % MANY);
        channels[i] = (ark_gwf_channel){names[i], ARRAKIS_INT16, 16};
    }
    int fd = memory_file();
    ark_gwf_writer *writer;
    ark_gwf_reader *reader;
    PASS(ark_gwf_writer_new(&writer, &(ark_gwf_writer_options){"X1", 0}, channels, MANY, err));
    PASS(ark_gwf_writer_begin(writer, fd, err));
    PASS(ark_gwf_writer_frame(writer, START, SECOND, err));
    for (int16_t i = 0; i < MANY; i++) {
        int16_t samples[16] = {i};
        PASS(ark_gwf_writer_add(writer, samples, 16, NULL, err));
    }
    PASS(ark_gwf_writer_end(writer, &file_length, err));
    ark_gwf_writer_free(writer);
    PASS(ark_gwf_reader_new(&reader, fd, SAMPLES_MAX, err));
    PASS(ark_gwf_reader_check(reader, err));
    for (size_t i = 0; i < MANY; i++) {
        ark_gwf_samples got;
        PASS(ark_gwf_reader_read(reader, 0, i, &got, err));
        assert_string_equal(ark_gwf_reader_series(reader, 0, i)->name, names[i]);
        assert_int_equal(((const int16_t *)got.samples)[0], i);
    }
    ark_gwf_reader_free(reader);
    close(fd);
}

/* ------------------------------------------------------------------ what a writer refuses */

static arrakis_status open_writer(const ark_gwf_channel *channels, size_t count, int level,
                                  arrakis_error *err)
{
    ark_gwf_writer *writer;
    arrakis_status rc =
        ark_gwf_writer_new(&writer, &(ark_gwf_writer_options){NULL, level}, channels, count, err);
    assert_true((rc == ARRAKIS_OK) == (writer != NULL));
    ark_gwf_writer_free(writer);
    return rc;
}

static void a_writer_refuses_channels_that_no_file_can_have(void **unused)
{
    (void)unused;
    static char name[65536];
    const ark_gwf_channel fine = {"X1:A", ARRAKIS_INT8, 1};
    const ark_gwf_channel twice[] = {
        {"X1:A", ARRAKIS_INT8, 1}, {"X1:B", ARRAKIS_INT8, 1}, {"X1:A", ARRAKIS_INT16, 2}};
    ark_gwf_channel bad = fine;
    PASS(open_writer(&fine, 1, 0, err));
    PASS(open_writer(&fine, 1, 9, err));
    FAIL(open_writer(&fine, 1, 10, err), ARRAKIS_EINVAL, "compression level 10");
    FAIL(open_writer(&fine, 1, -1, err), ARRAKIS_EINVAL, "compression level -1");
    FAIL(open_writer(&fine, 0, 0, err), ARRAKIS_EINVAL, "0 channels");
    FAIL(open_writer(twice, 3, 0, err), ARRAKIS_EINVAL, "channel X1:A is in the frame file twice");
    bad.name = "";
    FAIL(open_writer(&bad, 1, 0, err), ARRAKIS_EINVAL, "without a name");
    memset(name, 'x', sizeof name - 2);
    bad.name = name;
    PASS(open_writer(&bad, 1, 0, err));
    name[sizeof name - 2] = 'x';
    FAIL(open_writer(&bad, 1, 0, err), ARRAKIS_EINVAL, "65535 bytes, expected at most 65534");
    bad = fine;
    bad.dtype = ARRAKIS_DTYPE_NONE;
    FAIL(open_writer(&bad, 1, 0, err), ARRAKIS_EINVAL, "no data type");
    bad = fine;
    for (int i = 0; i < 4; i++) {
        bad.rate = (const double[]){0, -1, NAN, INFINITY}[i];
        FAIL(open_writer(&bad, 1, 0, err), ARRAKIS_EINVAL, "expected more than 0");
    }
}

static void a_frame_has_all_channels_once(void **unused)
{
    (void)unused;
    const ark_gwf_channel channels[] = {{"X1:A", ARRAKIS_INT8, 1}, {"X1:B", ARRAKIS_INT8, 1}};
    const int8_t sample = 1;
    const uint8_t missing = 0;
    int fd = memory_file();
    ark_gwf_writer *writer;
    PASS(ark_gwf_writer_new(&writer, &(ark_gwf_writer_options){NULL, 0}, channels, 2, err));
    PASS(ark_gwf_writer_begin(writer, fd, err));
    FAIL(ark_gwf_writer_end(writer, &file_length, err), ARRAKIS_EINVAL, "without a frame");
    FAIL(ark_gwf_writer_add(writer, &sample, 1, NULL, err), ARRAKIS_EINVAL, "more than its 2");
    FAIL(ark_gwf_writer_frame(writer, -1, SECOND, err), ARRAKIS_EINVAL, "begins at -1 ns");
    FAIL(ark_gwf_writer_frame(writer, (INT64_C(1) << 32) * SECOND, SECOND, err), ARRAKIS_EINVAL,
         "begins at");
    FAIL(ark_gwf_writer_frame(writer, START, 0, err), ARRAKIS_EINVAL, "lasts 0 ns");
    PASS(ark_gwf_writer_frame(writer, START, SECOND, err));
    FAIL(ark_gwf_writer_add(writer, &sample, 0, NULL, err), ARRAKIS_EINVAL, "X1:A has 0 samples");
    PASS(ark_gwf_writer_add(writer, NULL, 1, &missing, err));
    FAIL(ark_gwf_writer_frame(writer, START, SECOND, err), ARRAKIS_EINVAL,
         "1 channels, expected 2");
    FAIL(ark_gwf_writer_end(writer, &file_length, err), ARRAKIS_EINVAL, "1 channels, expected 2");
    PASS(ark_gwf_writer_add(writer, &sample, 1, NULL, err));
    FAIL(ark_gwf_writer_add(writer, &sample, 1, NULL, err), ARRAKIS_EINVAL, "more than its 2");
    PASS(ark_gwf_writer_end(writer, &file_length, err));
    ark_gwf_writer_free(writer);
    close(fd);
}

static arrakis_status write_samples(ark_gwf_writer *writer, int fd, const int64_t *samples,
                                    size_t count, arrakis_error *err)
{
    arrakis_status rc = ark_gwf_writer_begin(writer, fd, err);
    if (rc == ARRAKIS_OK)
        rc = ark_gwf_writer_frame(writer, START, SECOND, err);
    if (rc == ARRAKIS_OK)
        rc = ark_gwf_writer_add(writer, samples, count, NULL, err);
    return rc == ARRAKIS_OK ? ark_gwf_writer_end(writer, &file_length, err) : rc;
}

static void a_full_disk_is_an_error_and_the_next_file_is_whole(void **unused)
{
    (void)unused;
    enum { MANY = 100000 };
    const ark_gwf_channel channel = {"X1:A", ARRAKIS_INT64, 1};
    static const int64_t samples[MANY] = {7};
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC), fd = memory_file();
    assert_true(full >= 0);
    ark_gwf_writer *writer;
    ark_gwf_reader *reader;
    PASS(ark_gwf_writer_new(&writer, &(ark_gwf_writer_options){NULL, 0}, &channel, 1, err));
    FAIL(write_samples(writer, full, samples, 1, err), ARRAKIS_EIO, strerror(ENOSPC));
    FAIL(write_samples(writer, full, samples, MANY, err), ARRAKIS_EIO, strerror(ENOSPC));
    PASS(write_samples(writer, fd, samples, MANY, err));
    ark_gwf_writer_free(writer);
    assert_int_equal(file_length, file_size(fd));
    PASS(ark_gwf_reader_new(&reader, fd, sizeof samples, err));
    PASS(ark_gwf_reader_check(reader, err));
    ark_gwf_samples got;
    PASS(ark_gwf_reader_read(reader, 0, 0, &got, err));
    assert_memory_equal(got.samples, samples, sizeof samples);
    ark_gwf_reader_free(reader);
    close(full);
    close(fd);
}

/* ------------------------------------------------------------------ what a reader refuses */

/* A file with a channel of each kind: plain, masked, compressed. */
static int small_file(void)
{
    const ark_gwf_channel channels[] = {
        {"X1:A", ARRAKIS_INT16, 4}, {"X1:B", ARRAKIS_FLOAT64, 8}, {"X1:C", ARRAKIS_INT8, 64}};
    static const int16_t a[] = {1, -2, 3, -4};
    static const double b[8] = {1.5};
    static const int8_t c[64];
    const uint8_t valid = 0xa5;
    int fd = memory_file();
    ark_gwf_writer *writer;
    PASS(ark_gwf_writer_new(&writer, &(ark_gwf_writer_options){"X", 6}, channels, 3, err));
    PASS(ark_gwf_writer_begin(writer, fd, err));
    PASS(ark_gwf_writer_frame(writer, START, SECOND, err));
    PASS(ark_gwf_writer_add(writer, a, 4, NULL, err));
    PASS(ark_gwf_writer_add(writer, b, 8, &valid, err));
    PASS(ark_gwf_writer_add(writer, c, 64, NULL, err));
    PASS(ark_gwf_writer_end(writer, &file_length, err));
    ark_gwf_writer_free(writer);
    return fd;
}

/* Read all of a file. */
static arrakis_status read_file(int fd, arrakis_error *err)
{
    ark_gwf_reader *reader;
    arrakis_status rc = ark_gwf_reader_new(&reader, fd, SAMPLES_MAX, err);
    assert_true((rc == ARRAKIS_OK) == (reader != NULL));
    for (size_t frame = 0; rc == ARRAKIS_OK && frame < ark_gwf_reader_frames(reader); frame++) {
        int64_t start, duration;
        size_t count;
        ark_gwf_reader_frame(reader, frame, &start, &duration, &count);
        for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++) {
            ark_gwf_samples samples;
            rc = ark_gwf_reader_read(reader, frame, i, &samples, err);
        }
    }
    if (rc == ARRAKIS_OK)
        rc = ark_gwf_reader_check(reader, err);
    ark_gwf_reader_free(reader);
    return rc;
}

static void a_file_that_was_cut_is_refused(void **unused)
{
    (void)unused;
    int fd = small_file(), cut = memory_file();
    size_t size;
    uint8_t *bytes = file_bytes(fd, &size);
    assert_int_equal(size, file_length);
    PASS(read_file(fd, err));
    for (size_t i = 0; i < size; i++) {
        arrakis_error error = {ARRAKIS_OK, ""};
        assert_int_equal(read_file(cut, &error), ARRAKIS_EFORMAT);
        assert_true(error.message[0] != 0);
        assert_int_equal(pwrite(cut, bytes + i, 1, (off_t)i), 1);
    }
    PASS(read_file(cut, err));
    assert_int_equal(pwrite(cut, bytes, 1, (off_t)size), 1);
    assert_true(read_file(cut, NULL) < 0); /* and so is a longer one */
    free(bytes);
    close(cut);
    close(fd);
}

static void a_byte_that_was_changed_is_noticed(void **unused)
{
    (void)unused;
    int fd = small_file();
    size_t size;
    uint8_t *bytes = file_bytes(fd, &size);
    for (size_t i = 0; i < size; i++) {
        uint8_t changed = (uint8_t)(bytes[i] ^ 1u << i % 8);
        arrakis_error error = {ARRAKIS_OK, ""};
        assert_int_equal(pwrite(fd, &changed, 1, (off_t)i), 1);
        arrakis_status rc = read_file(fd, &error);
        if (rc != ARRAKIS_EFORMAT && rc != ARRAKIS_EUNSUPPORTED)
            fail_msg("byte %zu: %s", i, arrakis_status_name(rc));
        assert_int_equal(pwrite(fd, bytes + i, 1, (off_t)i), 1);
    }
    PASS(read_file(fd, err));
    free(bytes);
    close(fd);
}

static void what_is_not_a_frame_file_is_refused(void **unused)
{
    (void)unused;
    int fd = small_file();
    const uint8_t version = 9, mark = 0;
    assert_int_equal(pwrite(fd, &version, 1, 5), 1);
    FAIL(read_file(fd, err), ARRAKIS_EUNSUPPORTED, "version 9 of the format, expected 8");
    assert_int_equal(pwrite(fd, "IGWD", 5, 0), 5);
    assert_int_equal(pwrite(fd, &(uint8_t){8}, 1, 5), 1);
    assert_int_equal(pwrite(fd, &mark, 1, 14), 1);
    FAIL(read_file(fd, err), ARRAKIS_EUNSUPPORTED, "neither little- nor big-endian");
    assert_int_equal(pwrite(fd, "Igwd", 4, 0), 4);
    FAIL(read_file(fd, err), ARRAKIS_EFORMAT, "does not begin with \"IGWD\"");
    close(fd);
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    FAIL(read_file(pipe_fds[0], err), ARRAKIS_EFORMAT, "0 bytes");
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    FAIL(read_file(-1, err), ARRAKIS_EIO, strerror(EBADF));
}

/* The place of the nth structure of a class. */
static size_t place_of(const uint8_t *bytes, size_t size, uint8_t kind, size_t n)
{
    for (size_t at = 40; at < size;) {
        uint64_t length;
        memcpy(&length, bytes + at, sizeof length);
        if (bytes[at + 9] == kind && n-- == 0)
            return at;
        at += length;
    }
    fail_msg("no such structure");
    return 0;
}

/* Change bytes of a structure, and let its checksum be right. */
static void change_structure(int fd, size_t at, size_t offset, const void *to, size_t size)
{
    size_t all;
    assert_int_equal(pwrite(fd, to, size, (off_t)(at + offset)), (ssize_t)size);
    uint8_t *bytes = file_bytes(fd, &all);
    uint64_t length;
    memcpy(&length, bytes + at, sizeof length);
    uint32_t sum =
        ark_gwf_checksum_end(ark_gwf_checksum_add(0, bytes + at, length - 4), length - 4);
    assert_int_equal(pwrite(fd, &sum, sizeof sum, (off_t)(at + length - 4)), 4);
    free(bytes);
}

static void a_vector_that_lies_is_refused(void **unused)
{
    (void)unused;
    enum { VECTOR = 20, ADC = 4, TYPE = 14 + 7 + 2, COUNT_AT = TYPE + 2, STORED = COUNT_AT + 8 };
    static const struct {
        size_t structure, offset;
        uint64_t value;
        size_t size;
        arrakis_status status;
        const char *text;
    } cases[] = {
        {0, TYPE, 6, 2, ARRAKIS_EUNSUPPORTED, "of the type 6"},
        {0, TYPE, 77, 2, ARRAKIS_EUNSUPPORTED, "of the type 77"},
        {0, TYPE - 2, 256 + 7, 2, ARRAKIS_EUNSUPPORTED, "compressed in the way 7"},
        {0, TYPE - 2, 256 + 8, 2, ARRAKIS_EUNSUPPORTED, "compressed as words of 4 bytes"},
        {0, TYPE - 2, 5, 2, ARRAKIS_EUNSUPPORTED, "big-endian int16"},
        {0, TYPE - 2, 256 + 3, 2, ARRAKIS_EFORMAT, "compressed samples"},
        {0, TYPE, 4, 2, ARRAKIS_EFORMAT, "a vector of 8 bytes, expected 16"},
        {0, COUNT_AT, 5, 8, ARRAKIS_EFORMAT, "not as long as its data"},
        {0, STORED, 9, 8, ARRAKIS_EUNSUPPORTED, "dimensions"},
        {0, STORED, UINT64_MAX, 8, ARRAKIS_EFORMAT, "do not end where they should"},
        {0, 14, 0xffff, 2, ARRAKIS_EFORMAT, "too short"},
        {0, STORED + 8 + 8, 2, 4, ARRAKIS_EUNSUPPORTED, "2 dimensions"},
        {0, STORED + 8 + 8 + 4 + 8, 0, 8, ARRAKIS_EUNSUPPORTED, "every 0 s"},
        {0, 10, 1, 4, ARRAKIS_EFORMAT, "a second vector of that number"},
        {0, 10, 77, 4, ARRAKIS_EFORMAT, "vector 0 is not in its frame"},
        {0, 0, UINT64_MAX, 8, ARRAKIS_EFORMAT, "not inside the file"},
        {0, 0, 0, 8, ARRAKIS_EFORMAT, "not inside the file"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int fd = small_file();
        size_t size;
        uint8_t *bytes = file_bytes(fd, &size);
        size_t at = place_of(bytes, size, VECTOR, cases[i].structure);
        free(bytes);
        if (cases[i].offset == 0)
            assert_int_equal(pwrite(fd, &cases[i].value, 8, (off_t)at), 8);
        else
            change_structure(fd, at, cases[i].offset, &cases[i].value, cases[i].size);
        FAIL(read_file(fd, err), cases[i].status, cases[i].text);
        close(fd);
    }
    /* two channels with one vector: it would be expanded twice */
    int fd = small_file();
    size_t size;
    uint8_t *bytes = file_bytes(fd, &size);
    size_t at = place_of(bytes, size, ADC, 2);
    uint64_t length;
    memcpy(&length, bytes + at, sizeof length);
    free(bytes);
    change_structure(fd, at, length - 4 - 18 + 2, &(uint32_t){0}, 4);
    FAIL(read_file(fd, err), ARRAKIS_EFORMAT, "its vector 0 is another channel's");
    close(fd);
}

/* Let a vector's data be followed by zeros that are a hole, and all lengths be right. There is no
 * checksum of what has changed. */
static int widen_vector(size_t vector, uint64_t extra)
{
    enum { STORED = 14 + 7 + 2 + 2 + 8, DATA = STORED + 8, END_SIZE = 14 + 4 };
    int fd = small_file();
    size_t size;
    uint8_t *bytes = file_bytes(fd, &size);
    uint8_t *v = bytes + place_of(bytes, size, 20, vector);
    uint8_t *end = bytes + place_of(bytes, size, 6, 0);
    uint64_t length, stored;
    memcpy(&length, v, sizeof length);
    memcpy(&stored, v + STORED, sizeof stored);
    const uint64_t longer = length + extra, wider = stored + extra;
    const size_t cut = (size_t)(v - bytes) + DATA + (size_t)stored;
    memcpy(v, &longer, sizeof longer);
    memcpy(v + STORED, &wider, sizeof wider);
    v[8] = end[8] = 0;
    memset(end + END_SIZE, 0, 8);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, bytes, cut, 0), (ssize_t)cut);
    assert_int_equal(pwrite(fd, bytes + cut, size - cut, (off_t)(cut + extra)),
                     (ssize_t)(size - cut));
    free(bytes);
    return fd;
}

/* What is compressed is about as long as it becomes at most: no memory is taken for a hole. */
static void packed_values_are_about_as_long_as_they_become(void **unused)
{
    (void)unused;
    enum { VALUES = 64, VECTOR = 3, MORE_MAX = VALUES / 4 + 1024 };
    int fd = small_file();
    size_t size;
    uint64_t stored;
    uint8_t *bytes = file_bytes(fd, &size);
    memcpy(&stored, bytes + place_of(bytes, size, 20, VECTOR) + 14 + 7 + 2 + 2 + 8, sizeof stored);
    free(bytes);
    close(fd);
    fd = widen_vector(VECTOR, VALUES + MORE_MAX - stored);
    FAIL(read_file(fd, err), ARRAKIS_EFORMAT,
         "has no checksum"); /* all samples are read by then */
    close(fd);
    fd = widen_vector(VECTOR, VALUES + MORE_MAX - stored + 1);
    FAIL(read_file(fd, err), ARRAKIS_EFORMAT, "a vector of 1105 bytes, which become 64");
    close(fd);
    fd = widen_vector(VECTOR, UINT64_C(3) << 30);
    FAIL(read_file(fd, err), ARRAKIS_EFORMAT, "which become 64 for its 64 values");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_that_of_cksum),
        cmocka_unit_test(a_mask_of_whole_sixteenths_has_a_value_for_each),
        cmocka_unit_test(packed_bytes_expand_to_what_is_expected_or_fail),
        cmocka_unit_test(all_types_rates_and_masks_come_back),
        cmocka_unit_test(frames_of_a_file_are_each_read),
        cmocka_unit_test(four_thousand_channels_fit_in_a_file),
        cmocka_unit_test(a_writer_refuses_channels_that_no_file_can_have),
        cmocka_unit_test(a_frame_has_all_channels_once),
        cmocka_unit_test(a_full_disk_is_an_error_and_the_next_file_is_whole),
        cmocka_unit_test(a_file_that_was_cut_is_refused),
        cmocka_unit_test(a_byte_that_was_changed_is_noticed),
        cmocka_unit_test(what_is_not_a_frame_file_is_refused),
        cmocka_unit_test(a_vector_that_lies_is_refused),
        cmocka_unit_test(packed_values_are_about_as_long_as_they_become),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
