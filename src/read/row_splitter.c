/* SPDX-License-Identifier: Apache-2.0 */
#include "read/row_splitter.h"

#include "base/error.h"
#include "channel/channel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

arrakis_status ark_row_splitter_init(ark_row_splitter *splitter, size_t channels,
                                     arrakis_error *err)
{
    *splitter = (ark_row_splitter){.channels = (uint32_t)channels};
    splitter->locations = calloc(channels + 1, sizeof *splitter->locations);
    splitter->runs = calloc(channels + 1, sizeof *splitter->runs);
    splitter->missing = calloc(channels + 1, sizeof *splitter->missing);
    if (splitter->locations && splitter->runs && splitter->missing)
        return ARRAKIS_OK;
    return ark_no_memory(err, "%zu channels", channels);
}

void ark_row_splitter_clear(ark_row_splitter *splitter)
{
    free(splitter->locations);
    free(splitter->runs);
    free(splitter->missing);
    *splitter = (ark_row_splitter){0};
}

ark_row_splitter_channel ark_row_splitter_channel_of(const arrakis_channel *channel, uint32_t from,
                                                     int64_t stride_ns)
{
    assert(stride_ns > 0);
    return (ark_row_splitter_channel){
        .from = from,
        .size = (uint32_t)arrakis_dtype_size(ark_info(channel).dtype),
        .samples = ark_channel_samples(channel, stride_ns),
    };
}

void ark_row_splitter_begin(ark_row_splitter *splitter, const ark_rows *rows, int64_t stride_ns,
                            const ark_row_splitter_output *outputs, size_t count)
{
    assert(stride_ns > 0 && count);
    splitter->rows = *rows;
    splitter->outputs = outputs;
    splitter->count = count;
    splitter->output = 0;
    splitter->step = 0;
    /* rows longer than the stride of their own input stay whole: the mux refuses them */
    splitter->in_steps = rows->duration_ns <= stride_ns;
    memset(splitter->locations, 0, splitter->channels * sizeof *splitter->locations);
    for (size_t i = 0; i < rows->run_count; i++)
        for (uint32_t k = 0; k < rows->runs[i].channels; k++)
            splitter->locations[rows->runs[i].channel + k] =
                (ark_row_splitter_location){&rows->runs[i], k};
}

/* The samples of a channel in a step; false: it has none there. Rows of a whole stride have all
 * samples of a channel, or none: fewer would leave a gap that is not marked as missing. */
static bool make_run(ark_run *run, ark_row_splitter_location location,
                     const ark_row_splitter_channel *channel, uint32_t number, int64_t step,
                     bool whole)
{
    int64_t skip = step * channel->samples;
    if (!location.run || channel->samples <= 0 || skip >= location.run->length)
        return false;
    int64_t left = location.run->length - skip;
    if (whole && left < channel->samples)
        return false;
    *run = *location.run;
    size_t first = (size_t)location.at * run->length + (size_t)skip;
    run->samples_at += first * channel->size;
    run->valid_bit += first;
    run->channel = number;
    run->channels = 1;
    run->length = (uint32_t)(left < channel->samples ? left : channel->samples);
    return true;
}

/* Go on to the next step, or to the next output. */
static void move_on(ark_row_splitter *splitter, bool more_steps)
{
    splitter->step = more_steps ? splitter->step + 1 : 0;
    splitter->output += !more_steps;
}

void ark_row_splitter_skip(ark_row_splitter *splitter, int64_t steps)
{
    int64_t stride_ns = splitter->outputs->stride_ns, duration_ns = splitter->rows.duration_ns;
    int64_t all = splitter->in_steps && duration_ns > 0 ? (duration_ns - 1) / stride_ns + 1 : 1;
    splitter->output = steps >= all;
    splitter->step = steps >= all ? 0 : steps;
}

bool ark_row_splitter_next(ark_row_splitter *splitter, ark_arrival *arrival)
{
    assert(splitter->output <= splitter->count);
    if (splitter->output == splitter->count)
        return false;
    const ark_row_splitter_output *output = &splitter->outputs[splitter->output];
    int64_t done_ns = splitter->step * output->stride_ns,
            left_ns = splitter->rows.duration_ns - done_ns;
    bool more = splitter->in_steps && left_ns > output->stride_ns;
    *arrival = (ark_arrival){.input = output->input};
    arrival->rows = (ark_rows){
        .time_ns = splitter->rows.time_ns + done_ns,
        .duration_ns = more ? output->stride_ns : left_ns,
        .base = splitter->rows.base,
        .runs = splitter->runs,
        .missing = splitter->missing,
    };
    bool whole = arrival->rows.duration_ns >= output->stride_ns;
    for (uint32_t i = 0; i < output->count; i++) {
        const ark_row_splitter_channel *channel = &output->channels[i];
        if (make_run(&splitter->runs[arrival->rows.run_count], splitter->locations[channel->from],
                     channel, i, splitter->step, whole))
            arrival->rows.run_count++;
        else
            splitter->missing[arrival->rows.missing_count++] = i;
    }
    move_on(splitter, more);
    return true;
}
