/* SPDX-License-Identifier: Apache-2.0 */
/* An Arrow stream, read into blocks; pushed in pieces whose size is the first byte. */
#include <arrakis/arrow.h>

#include "arrow_make.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static arrakis_channels *channels;

static void set_up(void)
{
    static const struct {
        const char *name;
        arrakis_dtype type;
        double rate;
    } list[] = {
        {"H1:A", ARRAKIS_FLOAT64, 2}, {"H1:B", ARRAKIS_INT16, 4}, {"H1:C", ARRAKIS_INT8, 1}};
    if (arrakis_channels_new(&channels, NULL) < 0)
        abort();
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = list[i].name;
        info.dtype = list[i].type;
        info.sample_rate = list[i].rate;
        arrakis_channel *channel;
        if (arrakis_channel_new(&channel, &info, NULL) < 0 ||
            arrakis_channels_add(channels, channel, NULL) < 0)
            abort();
        arrakis_channel_unref(channel);
    }
}

/* Counts all samples, and so reads all bits. @return false at the end or an error */
static bool read_blocks(arrakis_arrow_reader *reader)
{
    arrakis_block *block;
    arrakis_error err;
    arrakis_status rc;
    while ((rc = arrakis_arrow_reader_next(reader, &block, &err)) == ARRAKIS_OK) {
        for (size_t i = 0; i < arrakis_channels_count(arrakis_block_channels(block)); i++) {
            arrakis_series s = arrakis_block_series(block, i);
            if (arrakis_series_missing(s) > s.length)
                abort();
        }
        arrakis_block_unref(block);
    }
    if (rc < 0 && !err.message[0])
        abort();
    return rc == ARRAKIS_TIMEOUT;
}

size_t ark_fuzz_make(uint8_t *out, size_t room, size_t (*below)(size_t))
{
    static const ark_make_column usual[] = {
        {"time", ARRAKIS_INT64, false, 0, NULL, 0},
        {"H1:A", ARRAKIS_FLOAT64, true, 2, NULL, 0},
        {"H1:B", ARRAKIS_INT16, true, 4, NULL, 0},
        {"H1:C", ARRAKIS_INT8, true, 1, NULL, 0},
    };
    out[0] = below(2) ? (uint8_t)below(256) : 0;
    size_t size = 1; /* one stream or several */
    for (size_t more = 1 + below(3) / 2; more > 0; more--)
        size += ark_make_stream(out + size, room - size, usual, 4, below);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!channels)
        set_up();
    if (!size)
        return 0;
    size_t piece = data[0] ? data[0] : size;
    arrakis_arrow_reader *reader;
    if (arrakis_arrow_reader_new(&reader, channels, NULL) < 0)
        abort();
    bool more = true;
    for (size_t at = 1; more && at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        more = arrakis_arrow_reader_push(reader, data + at, n, NULL) >= 0 && read_blocks(reader);
    }
    arrakis_arrow_reader_finish(reader);
    if (more && read_blocks(reader))
        abort(); /* after the last byte it is the end or an error */
    arrakis_arrow_reader_free(reader);
    return 0;
}
