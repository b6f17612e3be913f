/* SPDX-License-Identifier: Apache-2.0 */
#include "file/gwf_file.h"

#include "base/error.h"
#include "gwf/writer.h"

#include <assert.h>
#include <stdlib.h>

struct ark_file_writer {
    const ark_file_spec *spec;
    ark_gwf_writer *gwf;
    size_t count;
    size_t *samples; /* of each channel in a block */
    int64_t next_ns; /* the frame that is to be written next */
};

static void close_writer(ark_file_writer *w)
{
    ark_gwf_writer_free(w->gwf);
    free(w->samples);
    free(w);
}

/* The channels as frame files have them, and how many samples each has in a block. */
static arrakis_status describe_channels(ark_file_writer *w, ark_gwf_channel *channels,
                                        arrakis_error *err)
{
    for (size_t i = 0; i < w->count; i++) {
        const arrakis_channel *channel = arrakis_channels_get(w->spec->channels, i);
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(channel, &info);
        ARK_TRY(ark_file_spec_samples(&w->samples[i], channel, w->spec->stride_ns, err));
        channels[i] = (ark_gwf_channel){info.name, info.dtype, info.sample_rate};
    }
    ark_gwf_writer_options options = {"Arrakis", w->spec->compression};
    return ark_gwf_writer_new(&w->gwf, &options, channels, w->count, err);
}

static arrakis_status open_writer(ark_file_writer **out, const ark_file_spec *spec,
                                  arrakis_error *err)
{
    ark_file_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ark_no_memory(err, "a writer of frame files");
    w->spec = spec;
    w->count = arrakis_channels_count(spec->channels);
    w->samples = calloc(w->count, sizeof *w->samples);
    ark_gwf_channel *channels = calloc(w->count, sizeof *channels);
    arrakis_status rc = w->samples && channels
                            ? describe_channels(w, channels, err)
                            : ark_no_memory(err, "%zu channels of a frame file", w->count);
    free(channels);
    if (rc < 0)
        close_writer(w);
    else
        *out = w;
    return rc;
}

static arrakis_status begin_file(ark_file_writer *w, int fd, int64_t start_ns, arrakis_error *err)
{
    w->next_ns = start_ns;
    return ark_gwf_writer_begin(w->gwf, fd, err);
}

/* Samples of a channel in a frame. */
static arrakis_status count_samples(const ark_file_writer *w, size_t i, int64_t duration_ns,
                                    size_t *count, arrakis_error *err)
{
    *count = w->samples[i];
    return duration_ns == w->spec->stride_ns
               ? ARRAKIS_OK
               : ark_file_spec_samples(count, arrakis_channels_get(w->spec->channels, i),
                                       duration_ns, err);
}

/* Write the next frame: of a block, or without one of missing samples. */
static arrakis_status write_frame(ark_file_writer *w, const arrakis_block *block,
                                  int64_t duration_ns, arrakis_error *err)
{
    ARK_TRY(ark_gwf_writer_frame(w->gwf, w->next_ns, duration_ns, err));
    for (size_t i = 0; i < w->count; i++) {
        size_t count;
        ARK_TRY(count_samples(w, i, duration_ns, &count, err));
        arrakis_series series = {.length = count};
        if (block)
            series = arrakis_block_series(block, w->spec->order[i]);
        assert(series.length == count);
        ARK_TRY(ark_gwf_writer_add(w->gwf, series.samples, series.length, series.valid, err));
    }
    w->next_ns += duration_ns;
    return ARRAKIS_OK;
}

/* Readers take frames as they follow each other, so there is one for each block that did not come. */
static arrakis_status write_missing(ark_file_writer *w, int64_t until_ns, arrakis_error *err)
{
    while (w->next_ns < until_ns) {
        int64_t left_ns = until_ns - w->next_ns;
        ARK_TRY(write_frame(w, NULL, left_ns < w->spec->stride_ns ? left_ns : w->spec->stride_ns,
                            err));
    }
    return ARRAKIS_OK;
}

static arrakis_status add_block(ark_file_writer *w, const arrakis_block *block, arrakis_error *err)
{
    ARK_TRY(write_missing(w, arrakis_block_start_ns(block), err));
    return write_frame(w, block, arrakis_block_duration_ns(block), err);
}

static arrakis_status end_file(ark_file_writer *w, int64_t end_ns, uint64_t *size,
                               arrakis_error *err)
{
    ARK_TRY(write_missing(w, end_ns, err));
    return ark_gwf_writer_end(w->gwf, size, err);
}

const ark_file_format ark_gwf_file_format = {
    .name = "gwf",
    .extension = "gwf",
    .compresses = true,
    .open = open_writer,
    .close = close_writer,
    .begin = begin_file,
    .add = add_block,
    .end = end_file,
};
