/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of Kafka messages at the end of a pipe, for arrow_fuzz.py.
 *
 * stdin: messages, each a uint32 size and as many bytes; stdout: an answer to each, an int32 status, a
 * uint32 size and as many bytes: the error's text when the status is negative, else of every batch
 * with wanted rows its time (int64) and their number (uint32), and of each row its channel's index and
 * its number of samples (uint32), the samples, and a byte for each: whether it is there.
 * The channels: float32, 64 Hz, strides of 62.5 ms, partition indexes 0 to 5, 70000 and 4294967295. */
#include "arrow/batch.h"
#include "arrow/ipc.h"
#include "base/buffer.h"
#include "read/row_decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t indexes[] = {0, 1, 2, 3, 4, 5, 70000, 4294967295};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static arrakis_channels *make_channels(void)
{
    arrakis_channels *channels;
    require(arrakis_channels_new(&channels, NULL) == ARRAKIS_OK);
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        char name[16];
        snprintf(name, sizeof name, "X:A-%zu", i);
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = name;
        info.dtype = ARRAKIS_FLOAT32;
        info.sample_rate = 64;
        info.partition_id = "p";
        info.partition_index = indexes[i];
        info.stride_ns = 62500000;
        arrakis_channel *channel;
        require(arrakis_channel_new(&channel, &info, NULL) == ARRAKIS_OK);
        require(arrakis_channels_add(channels, channel, NULL) == ARRAKIS_OK);
        arrakis_channel_unref(channel);
    }
    return channels;
}

static void append(ark_buffer *out, const void *data, size_t size)
{
    require(ark_buffer_reserve(out, size, NULL) == ARRAKIS_OK);
    if (size > 0)
        memcpy(out->data + out->size, data, size);
    out->size += size;
}

static void append_u32(ark_buffer *out, uint32_t value)
{
    append(out, &value, sizeof value);
}

static void append_row(ark_buffer *out, const ark_rows *rows, const ark_run *run, uint32_t k)
{
    append_u32(out, (uint32_t)indexes[run->channel + k]);
    append_u32(out, run->length);
    size_t first = (size_t)k * run->length;
    append(out, rows->base + run->samples_at + first * sizeof(float), run->length * sizeof(float));
    const uint8_t *valid = run->valid_at == SIZE_MAX ? NULL : rows->base + run->valid_at;
    for (size_t i = 0; i < run->length; i++) {
        uint8_t there = ark_is_set(valid, (int64_t)(run->valid_bit + first + i));
        append(out, &there, 1);
    }
}

static void append_batch(ark_buffer *out, const ark_rows *rows)
{
    uint32_t count = 0;
    for (size_t i = 0; i < rows->run_count; i++)
        count += rows->runs[i].channels;
    if (!count)
        return;
    append(out, &rows->time_ns, sizeof rows->time_ns);
    append_u32(out, count);
    for (size_t i = 0; i < rows->run_count; i++)
        for (uint32_t k = 0; k < rows->runs[i].channels; k++)
            append_row(out, rows, &rows->runs[i], k);
}

/* The decoder keeps what it worked out, as it does in a reader. */
static void answer(ark_row_decoder *decoder, const uint8_t *message, size_t size)
{
    ark_buffer out = {NULL, 0, 0};
    ark_rows rows;
    arrakis_error err;
    int32_t status;
    ark_row_decoder_begin(decoder, message, size);
    while ((status = ark_row_decoder_next(decoder, &rows, &err)) == ARRAKIS_OK)
        append_batch(&out, &rows);
    require(status > 0 || out.size == 0); /* whole or not at all */
    if (status < 0)
        append(&out, err.message, strlen(err.message));
    uint32_t answer_size = (uint32_t)out.size;
    fwrite(&status, 4, 1, stdout);
    fwrite(&answer_size, 4, 1, stdout);
    if (answer_size > 0)
        fwrite(out.data, 1, answer_size, stdout);
    ark_buffer_clear(&out);
}

int main(void)
{
    arrakis_channels *channels = make_channels();
    ark_row_decoder *decoder;
    uint32_t size;
    require(ark_row_decoder_new(&decoder, channels, 62500000, NULL, NULL) == ARRAKIS_OK);
    while (fread(&size, 4, 1, stdin) == 1) {
        uint8_t *message = malloc(size ? size : 1);
        if (!message || fread(message, 1, size, stdin) != size)
            return 1;
        answer(decoder, message, size);
        free(message);
    }
    ark_row_decoder_free(decoder);
    arrakis_channels_unref(channels);
    return 0;
}
