/* SPDX-License-Identifier: Apache-2.0 */
/* Frame files: as they are, and with every checksum made right, so that what lies behind the
 * checksums is reached. */
#include "gwf/checksum.h"
#include "gwf/mask.h"
#include "gwf/pack.h"
#include "gwf/reader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SAMPLES_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_failure(arrakis_status rc, const arrakis_error *err)
{
    if (rc != err->status || !err->message[0] ||
        (rc != ARRAKIS_EFORMAT && rc != ARRAKIS_EUNSUPPORTED))
        abort();
}

static void read_channel(ark_gwf_reader *reader, size_t frame, size_t channel)
{
    const ark_gwf_series *series = ark_gwf_reader_series(reader, frame, channel);
    ark_gwf_samples samples;
    arrakis_error err;
    arrakis_status rc = ark_gwf_reader_read(reader, frame, channel, &samples, &err);
    if (rc < 0) {
        check_failure(rc, &err);
        return;
    }
    size_t bytes = series->count * arrakis_dtype_size(series->dtype);
    if (bytes > SAMPLES_MAX || !(series->rate > 0) || !samples.samples)
        abort();
    ark_gwf_checksum_add(0, samples.samples, bytes); /* all of them are there */
    if (samples.valid && ark_gwf_mask_missing(samples.valid, series->count) == 0)
        abort();
}

static void read_file(int fd)
{
    ark_gwf_reader *reader;
    arrakis_error err;
    arrakis_status rc = ark_gwf_reader_new(&reader, fd, SAMPLES_MAX, &err);
    if (rc < 0) {
        check_failure(rc, &err);
        if (reader)
            abort();
        return;
    }
    for (size_t frame = 0; frame < ark_gwf_reader_frames(reader); frame++) {
        int64_t start, duration;
        size_t channels;
        ark_gwf_reader_frame(reader, frame, &start, &duration, &channels);
        for (size_t i = 0; i < channels; i++)
            read_channel(reader, frame, i);
    }
    rc = ark_gwf_reader_check(reader, &err);
    if (rc < 0)
        check_failure(rc, &err);
    ark_gwf_reader_free(reader);
}

/* A number of the file, in the file's byte order. */
static void copy_number(void *to, const void *from, size_t width, const uint8_t *file)
{
    static const uint16_t mark = 0x1234;
    memcpy(to, from, width);
    if (memcmp(file + 12, &mark, sizeof mark) != 0)
        ark_gwf_pack_swap(to, 1, width);
}

/* Make the checksum of each structure right, as far as structures follow each other. */
static void sign_structures(uint8_t *bytes, size_t size)
{
    uint64_t length;
    for (size_t at = 40; at + 18 <= size; at += length) {
        copy_number(&length, bytes + at, sizeof length, bytes);
        if (length < 18 || length > size - at)
            return;
        size_t end = length - 4 - (bytes[at + 9] == 6 && length >= 22 ? 4 : 0);
        uint32_t sum = ark_gwf_checksum_end(ark_gwf_checksum_add(0, bytes + at, end), end);
        copy_number(bytes + at + end, &sum, sizeof sum, bytes);
    }
}

static void run_file(const uint8_t *bytes, size_t size)
{
    int fd = memfd_create("gwf", MFD_CLOEXEC);
    if (fd < 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
        abort();
    read_file(fd);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run_file(data, size);
    uint8_t *signed_bytes = malloc(size + 1);
    if (!signed_bytes)
        abort();
    memcpy(signed_bytes, data, size);
    sign_structures(signed_bytes, size);
    run_file(signed_bytes, size);
    free(signed_bytes);
    return 0;
}
