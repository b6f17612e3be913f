/* SPDX-License-Identifier: Apache-2.0 */
#include "file/gwf_input.h"

#include "base/error.h"
#include "base/log.h"
#include "channel/channel.h"
#include "file/input_block.h"
#include "gwf/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct ark_input {
    ark_gwf_reader *gwf;
    size_t frame; /* the next one */
    ark_input_block block;
};

static void close_input(ark_input *in)
{
    ark_gwf_reader_free(in->gwf);
    ark_input_block_clear(&in->block);
    free(in);
}

static arrakis_status open_input(ark_input **out, int fd, arrakis_channels *known,
                                 arrakis_error *err)
{
    ark_input *in = calloc(1, sizeof *in);
    if (!in)
        return ark_no_memory(err, "a frame file");
    in->block.known = known;
    arrakis_status rc = ark_gwf_reader_new(&in->gwf, fd, ARK_INPUT_BLOCK_MAX, err);
    if (rc < 0)
        close_input(in);
    else
        *out = in;
    return rc;
}

/* A channel's samples are those of the whole frame. */
static arrakis_status check_span(const ark_gwf_series *s, const arrakis_channel *channel,
                                 int64_t start_ns, int64_t duration_ns, arrakis_error *err)
{
    int64_t wanted = ark_channel_all_samples(channel, duration_ns);
    if (s->start_ns != start_ns || wanted < 1 || (uint64_t)wanted != s->count)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "channel '%.200s' has %zu samples from %" PRId64
                        " ns on, expected %" PRId64 " from %" PRId64 " ns on, as its frame lasts",
                        s->name, s->count, s->start_ns, wanted, start_ns);
    return ARRAKIS_OK;
}

static arrakis_status add_series(ark_input *in, size_t i, size_t index, int64_t start_ns,
                                 int64_t duration_ns, arrakis_error *err)
{
    const ark_gwf_series *s = ark_gwf_reader_series(in->gwf, in->frame, i);
    const arrakis_channel *channel = arrakis_channels_get(in->block.known, index);
    ark_gwf_samples read;
    void *samples;
    uint8_t *valid;
    if (s->dtype != ARRAKIS_DTYPE_NONE) { /* else reading it tells what it is */
        ARK_TRY(ark_input_block_check(channel, s->dtype, s->rate, err));
        ARK_TRY(check_span(s, channel, start_ns, duration_ns, err));
    }
    ARK_TRY(ark_gwf_reader_read(in->gwf, in->frame, i, &read, err));
    ARK_TRY(ark_input_block_add(&in->block, index, s->count, &samples, &valid, err));
    memcpy(samples, read.samples, s->count * arrakis_dtype_size(s->dtype));
    if (read.valid)
        memcpy(valid, read.valid, (s->count + 7) / 8);
    else
        memset(valid, 0xff, (s->count + 7) / 8);
    return ARRAKIS_OK;
}

static arrakis_status next_block(ark_input *in, arrakis_block **block, arrakis_error *err)
{
    int64_t start_ns, duration_ns;
    size_t count;
    if (in->frame == ark_gwf_reader_frames(in->gwf))
        return ARRAKIS_DONE;
    ark_gwf_reader_frame(in->gwf, in->frame, &start_ns, &duration_ns, &count);
    ARK_TRY(ark_input_block_begin(&in->block, count + 1, err));
    for (size_t i = 0; i < count; i++) {
        const char *name = ark_gwf_reader_series(in->gwf, in->frame, i)->name;
        int64_t index = arrakis_channels_index(in->block.known, name);
        if (index >= 0)
            ARK_TRY(add_series(in, i, (size_t)index, start_ns, duration_ns, err));
    }
    if (in->block.count == 0)
        return ark_fail(err, ARRAKIS_ENOTFOUND,
                        "none of the %zu channels of a frame is one of the %zu given ones", count,
                        arrakis_channels_count(in->block.known));
    if (in->frame == 0 && in->block.count < count)
        ark_log(ARRAKIS_LOG_INFO, "%zu of %zu channels of a frame file are not given: ignored",
                count - in->block.count, count);
    in->frame++;
    return ark_input_block_make(&in->block, block, start_ns, duration_ns, err);
}

const ark_input_format ark_gwf_input_format = {
    .name = "gwf",
    .magic = "IGWD",
    .magic_size = 5,
    .open = open_input,
    .close = close_input,
    .next = next_block,
};
