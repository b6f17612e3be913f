/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5 files, of which four channels are wanted: every block that is read has all of its samples and masks, which
 * begin where the block before has ended. */
#include "file/hdf5_input.h"
#include "gwf/checksum.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCKS_MAX = 1000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const wanted[] = {
    "{\"name\": \"H1:A\", \"data_type\": \"float32\", \"sample_rate\": 16, \"stride\": "
    "1000000000}",
    "{\"name\": \"H1:B\", \"data_type\": \"int16\", \"sample_rate\": 64, \"stride\": 1000000000}",
    "{\"name\": \"H1:C/D\", \"data_type\": \"float64\", \"sample_rate\": 4, \"stride\": "
    "1000000000}",
    "{\"name\": \"H1:E\", \"data_type\": \"uint8\", \"sample_rate\": 8, \"stride\": 1000000000}",
};

static void check_failure(arrakis_status rc, const arrakis_error *err)
{
    if (rc != err->status || !err->message[0] ||
        (rc != ARRAKIS_EFORMAT && rc != ARRAKIS_EUNSUPPORTED && rc != ARRAKIS_EMISMATCH &&
         rc != ARRAKIS_ENOTFOUND))
        abort();
}

static arrakis_channels *wanted_channels(void)
{
    arrakis_channels *channels;
    arrakis_channel *channel;
    if (arrakis_channels_new(&channels, NULL) < 0)
        abort();
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (arrakis_channel_from_json(&channel, wanted[i], strlen(wanted[i]), NULL) < 0 ||
            arrakis_channels_add(channels, channel, NULL) < 0)
            abort();
        arrakis_channel_unref(channel);
    }
    return channels;
}

/* Every byte is looked at, so that the sanitizers find those that are not there. */
static void look_at(const arrakis_block *block)
{
    size_t count = arrakis_channels_count(arrakis_block_channels(block));
    if (count == 0 || count > sizeof wanted / sizeof *wanted)
        abort();
    for (size_t i = 0; i < count; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        ark_gwf_checksum_add(0, series.samples, series.length * arrakis_dtype_size(series.dtype));
        if (series.valid)
            ark_gwf_checksum_add(0, series.valid, (series.length + 7) / 8);
    }
}

static void read_blocks(ark_input *input)
{
    arrakis_block *block;
    arrakis_error err;
    arrakis_status rc;
    int64_t end_ns = -1;
    for (int blocks = 0; (rc = ark_hdf5_input_format.next(input, &block, &err)) == ARRAKIS_OK;
         blocks++) {
        int64_t start_ns = arrakis_block_start_ns(block);
        if (blocks == BLOCKS_MAX || start_ns < 0 || (end_ns >= 0 && start_ns != end_ns))
            abort();
        end_ns = start_ns + arrakis_block_duration_ns(block);
        look_at(block);
        arrakis_block_unref(block);
    }
    if (rc < 0)
        check_failure(rc, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static arrakis_channels *channels;
    ark_input *input;
    arrakis_error err;
    if (!channels)
        channels = wanted_channels();
    int fd = memfd_create("hdf5", MFD_CLOEXEC);
    if (fd < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    arrakis_status rc = ark_hdf5_input_format.open(&input, fd, channels, &err);
    if (rc < 0) {
        check_failure(rc, &err);
    } else {
        read_blocks(input);
        ark_hdf5_input_format.close(input);
    }
    close(fd);
    return 0;
}
