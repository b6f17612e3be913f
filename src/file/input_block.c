/* SPDX-License-Identifier: Apache-2.0 */
#include "file/input_block.h"

#include "base/error.h"
#include "channel/channel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ark_input_block_clear(ark_input_block *b)
{
    arrakis_channels_unref(b->channels);
    free(b->index);
    free(b->parts);
    free(b->series);
    ark_buffer_clear(&b->bytes);
}

arrakis_status ark_input_block_begin(ark_input_block *b, size_t capacity, arrakis_error *err)
{
    b->count = 0;
    b->bytes.size = 0;
    if (capacity <= b->capacity)
        return ARRAKIS_OK;
    arrakis_channels_unref(b->channels);
    b->channels = NULL;
    free(b->index);
    free(b->parts);
    free(b->series);
    b->index = calloc(capacity, sizeof *b->index);
    b->parts = calloc(capacity, sizeof *b->parts);
    b->series = calloc(capacity, sizeof *b->series);
    b->capacity = b->index && b->parts && b->series ? capacity : 0;
    return b->capacity ? ARRAKIS_OK
                       : ark_no_memory(err, "a block of %zu channels out of a file", capacity);
}

arrakis_status ark_input_block_check(const arrakis_channel *channel, arrakis_dtype dtype,
                                     double rate, arrakis_error *err)
{
    arrakis_channel_info info = ark_info(channel);
    if (dtype != info.dtype || !(fabs(rate / info.sample_rate - 1) < 1e-9))
        return ark_fail(err, ARRAKIS_EMISMATCH,
                        "channel '%.200s' has %s at %.17g Hz in the file, expected %s at %.17g Hz",
                        info.name, arrakis_dtype_name(dtype), rate, arrakis_dtype_name(info.dtype),
                        info.sample_rate);
    return ARRAKIS_OK;
}

static size_t aligned(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

/* Begin the list of the block's channels afresh, where it is another than that of the block before. */
static arrakis_status change_list(ark_input_block *b, arrakis_error *err)
{
    arrakis_channels_unref(b->channels);
    b->channels = NULL;
    ARK_TRY(arrakis_channels_new(&b->channels, err));
    for (size_t i = 0; i < b->count; i++) {
        arrakis_channel *channel = arrakis_channels_get(b->known, b->index[i]);
        if (arrakis_channels_index(b->channels, ark_info(channel).name) >= 0)
            return ark_fail(err, ARRAKIS_EFORMAT, "channel '%.200s' is there twice",
                            ark_info(channel).name);
        ARK_TRY(arrakis_channels_add(b->channels, channel, err));
    }
    return ARRAKIS_OK;
}

arrakis_status ark_input_block_add(ark_input_block *b, size_t index, size_t length, void **samples,
                                   uint8_t **valid, arrakis_error *err)
{
    arrakis_channel *channel = arrakis_channels_get(b->known, index);
    size_t at = b->bytes.size, width = arrakis_dtype_size(ark_info(channel).dtype);
    size_t bits = aligned(length / 8 + 1), size = aligned(length * width) + bits;
    if (length > ARK_INPUT_BLOCK_MAX / (width + 1) || size > ARK_INPUT_BLOCK_MAX - at)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "a block of more than %zu bytes, with the %zu samples of channel '%.200s'",
                        ARK_INPUT_BLOCK_MAX, length, ark_info(channel).name);
    ARK_TRY(ark_buffer_reserve(&b->bytes, size, err));
    if (b->channels &&
        (b->count >= arrakis_channels_count(b->channels) || b->index[b->count] != index)) {
        arrakis_channels_unref(b->channels);
        b->channels = NULL;
    }
    b->index[b->count] = index;
    b->parts[b->count] = (ark_input_part){at, at + size - bits};
    b->series[b->count++] = (arrakis_series){.length = length};
    b->bytes.size += size;
    *samples = b->bytes.data + at;
    *valid = b->bytes.data + at + size - bits;
    memset(*samples, 0, size);
    return ARRAKIS_OK;
}

static bool all_set(const uint8_t *bits, size_t count)
{
    for (size_t i = 0; i < count / 8; i++)
        if (bits[i] != 0xff)
            return false;
    return count % 8 == 0 || (uint8_t)(bits[count / 8] | 0xff << count % 8) == 0xff;
}

arrakis_status ark_input_block_make(ark_input_block *b, arrakis_block **out, int64_t start_ns,
                                    int64_t duration_ns, arrakis_error *err)
{
    if (!b->channels || arrakis_channels_count(b->channels) != b->count)
        ARK_TRY(change_list(b, err));
    for (size_t i = 0; i < b->count; i++) {
        arrakis_series *s = &b->series[i];
        s->samples = b->bytes.data + b->parts[i].samples;
        s->valid = b->bytes.data + b->parts[i].valid;
        if (all_set(s->valid, s->length))
            s->valid = NULL;
    }
    return arrakis_block_new(out, b->channels, start_ns, duration_ns, b->series, err);
}
