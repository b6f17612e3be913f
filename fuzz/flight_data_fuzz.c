/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a DoGet: each message is preceded by its length (four bytes, little-endian).
 * Read as a table of channels, as a count, and as rows of inputs, which become blocks. */
#include <arrakis/reader.h>

#include "block/chunk.h"
#include "block/layout.h"
#include "block/rows.h"
#include "flight/batch_rows.h"
#include "flight/channel_rows.h"
#include "flight/reader.h"
#include "read/reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANNELS = 3 };
static arrakis_reader reader;
static ark_reader_input stream;
static size_t columns[CHANNELS];
static ark_bound_input bound = {0, columns};
static ark_flight_scratch scratch;
static ark_layout *layout;

/* An input of three channels of several rates. */
static void set_up(void)
{
    static const struct {
        const char *name;
        arrakis_dtype type;
        double rate;
    } list[CHANNELS] = {
        {"H1:A", ARRAKIS_FLOAT32, 16}, {"H1:B", ARRAKIS_INT64, 64}, {"H1:C", ARRAKIS_FLOAT64, 16}};
    if (arrakis_channels_new(&stream.channels, NULL) < 0)
        abort();
    for (size_t i = 0; i < CHANNELS; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = list[i].name;
        info.dtype = list[i].type;
        info.sample_rate = list[i].rate;
        info.stride_ns = 62500000;
        arrakis_channel *channel;
        if (arrakis_channel_new(&channel, &info, NULL) < 0 ||
            arrakis_channels_add(stream.channels, channel, NULL) < 0)
            abort();
        arrakis_channel_unref(channel);
    }
    stream.stride_ns = 62500000;
    const arrakis_channels *all = stream.channels;
    if (ark_layout_new(&layout, &all, &stream.stride_ns, 1, stream.stride_ns, NULL) < 0 ||
        ark_batch_rows_init(&scratch, CHANNELS, NULL) < 0)
        abort();
    reader.inputs = &stream;
    reader.input_count = 1;
}

static void read_channels(const ark_batches *batches, ark_channel_rows *rows)
{
    uint64_t count;
    arrakis_error err;
    ark_channel_rows_count(&count, batches, &err);
    for (int64_t row = 0; row < batches->rows && row < 64; row++) {
        arrakis_channel *channel;
        if (ark_channel_rows_read(&channel, rows, batches, row, &err) < 0 &&
            err.message[0] == '\0')
            abort();
        arrakis_channel_unref(channel);
    }
}

static void keep_block(const ark_rows *rows)
{
    const ark_layout_input *input = &layout->inputs[0];
    if (rows->duration_ns > input->stride_ns || rows->duration_ns <= 0)
        abort();
    if (rows->run_count + rows->missing_count != CHANNELS)
        abort();
    ark_chunk *chunk = ark_chunk_new(input, rows->time_ns);
    if (chunk)
        ark_chunk_put(chunk, input, rows->time_ns, rows);
    ark_chunk_free(chunk, input);
}

static void read_blocks(const ark_batches *batches)
{
    ark_flight_cursor cursor = {0};
    ark_arrival arrival;
    arrakis_error err;
    size_t time_column;
    if (ark_batch_rows_bind(&bound, 1, &reader, batches, &time_column, &err) < 0)
        return;
    for (int i = 0; i < 1000; i++) {
        if (ark_batch_rows_next(&arrival, &cursor, &bound, 1, &reader, batches, time_column,
                                &scratch, &err) != ARRAKIS_OK)
            return;
        keep_block(&arrival.rows);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ark_batches batches = {0};
    ark_channel_rows rows = {0};
    arrakis_error err;
    if (!layout)
        set_up();
    while (size >= 4) {
        uint32_t length;
        memcpy(&length, data, sizeof length);
        data += 4;
        size -= 4;
        if (length > size)
            length = (uint32_t)size;
        if (ark_batches_decode(&batches, data, length, &err) == ARRAKIS_OK) {
            read_channels(&batches, &rows);
            read_blocks(&batches);
        }
        data += length;
        size -= length;
    }
    ark_buffer_clear(&rows.text);
    ark_batches_close(&batches);
    return 0;
}
