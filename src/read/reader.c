/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls on readers of any kind. */
#include "read/reader.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/monotonic.h"
#include "base/wait.h"
#include "block/block.h"
#include "block/chunk.h"
#include "channel/channel.h"
#include "channel/stride.h"

#include <arrakis/reader.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static arrakis_status new_input(arrakis_reader *reader, const char *prefix,
                                const arrakis_channel_info *info, arrakis_error *err)
{
    ark_reader_input *input = &reader->inputs[reader->input_count];
    size_t size = strlen(prefix) + strlen(info->partition_id) + 1;
    if (!(input->id = malloc(size)))
        return ark_no_memory(err, "partition %s", info->partition_id);
    memcpy(input->id, prefix, strlen(prefix));
    strcpy(input->id + strlen(prefix), info->partition_id);
    reader->input_count++;
    return arrakis_channels_new(&input->channels, err);
}

static const char *partition_of(const ark_reader_input *input)
{
    return ark_info(arrakis_channels_get(input->channels, 0)).partition_id;
}

static arrakis_status check_channel(const arrakis_channel *channel, arrakis_error *err)
{
    const arrakis_channel_info info = ark_info(channel);
    const char *lacks = !info.partition_id                      ? "partition_id"
                        : info.partition_index == ARRAKIS_UNSET ? "partition_index"
                        : info.stride_ns == ARRAKIS_UNSET       ? "stride"
                                                                : NULL;
    if (lacks)
        return ark_fail(err, ARRAKIS_EINVAL, "channel %s has no %s: it cannot be read", info.name,
                        lacks);
    return ARRAKIS_OK;
}

/* A replay has topics of its own. */
static arrakis_status check_replay(const ark_reader_input *input, const arrakis_channel_info *info,
                                   arrakis_error *err)
{
    const arrakis_channel *first = arrakis_channels_get(input->channels, 0);
    const char *other = first ? ark_info(first).replay_id : info->replay_id;
    if (info->replay_id && other ? !strcmp(info->replay_id, other) : info->replay_id == other)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EINVAL,
                    "channel %s has replay_id %s, %s of the same partition %s has %s", info->name,
                    info->replay_id ? info->replay_id : "(none)", ark_info(first).name,
                    info->partition_id, other ? other : "(none)");
}

static int by_partition(const void *a, const void *b)
{
    return ark_channel_by_partition(*(arrakis_channel *const *)a, *(arrakis_channel *const *)b);
}

/* The channels of one partition follow each other in `sorted`, by partition index: rows that are
 * neighbours in a message are neighbours in a block, too. */
static arrakis_status make_inputs(arrakis_reader *reader, arrakis_channel **sorted, size_t count,
                                  const char *prefix, arrakis_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const arrakis_channel_info info = ark_info(sorted[i]);
        ark_reader_input *input =
            reader->input_count ? &reader->inputs[reader->input_count - 1] : NULL;
        if (!input || strcmp(partition_of(input), info.partition_id) != 0) {
            ARK_TRY(new_input(reader, prefix, &info, err));
            input = &reader->inputs[reader->input_count - 1];
        }
        arrakis_status rc = check_replay(input, &info, err);
        if (rc == ARRAKIS_OK)
            rc = arrakis_channels_add(input->channels, sorted[i], err);
        if (rc < 0)
            return rc;
    }
    return ARRAKIS_OK;
}

arrakis_status ark_reader_group(arrakis_reader *reader, arrakis_channels *channels,
                                const char *prefix, arrakis_error *err)
{
    assert(!reader->inputs);
    size_t count = arrakis_channels_count(channels);
    if (!count)
        return ark_fail(err, ARRAKIS_EINVAL, "no channels to read");
    reader->channels = arrakis_channels_ref(channels);
    arrakis_channel **sorted = malloc(count * sizeof *sorted);
    reader->inputs = calloc(count, sizeof *reader->inputs);
    arrakis_status rc = ARRAKIS_OK;
    if (!sorted || !reader->inputs)
        rc = ark_no_memory(err, "%zu channels", count);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++) {
        sorted[i] = arrakis_channels_get(channels, i);
        rc = check_channel(sorted[i], err);
    }
    if (rc == ARRAKIS_OK) {
        qsort(sorted, count, sizeof *sorted, by_partition);
        rc = make_inputs(reader, sorted, count, prefix, err);
    }
    for (size_t i = 0; rc == ARRAKIS_OK && i < reader->input_count; i++)
        rc = ark_stride_of(&reader->inputs[i].stride_ns, reader->inputs[i].channels, err);
    free(sorted);
    return rc;
}

void ark_reader_clear(arrakis_reader *reader)
{
    for (size_t i = 0; i < reader->input_count; i++) {
        free(reader->inputs[i].id);
        arrakis_channels_unref(reader->inputs[i].channels);
        ark_layout_unref(reader->inputs[i].layout);
    }
    free(reader->inputs);
    arrakis_channels_unref(reader->channels);
    reader->channels = NULL;
    reader->inputs = NULL;
    reader->input_count = 0;
}

size_t arrakis_reader_input_count(const arrakis_reader *reader)
{
    return reader ? reader->input_count : 0;
}

const char *arrakis_reader_input_id(const arrakis_reader *reader, size_t input)
{
    return reader && input < reader->input_count ? reader->inputs[input].id : NULL;
}

const arrakis_channels *arrakis_reader_input_channels(const arrakis_reader *reader, size_t input)
{
    return reader && input < reader->input_count ? reader->inputs[input].channels : NULL;
}

arrakis_status arrakis_reader_open(arrakis_reader *reader, arrakis_error *err)
{
    if (!reader)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_reader_open: reader is NULL");
    if (reader->opened)
        return ark_fail(err, ARRAKIS_EINVAL, "the reader is already open");
    if (!reader->begun_ns)
        reader->begun_ns = ark_monotonic_ns();
    arrakis_status rc = reader->ops->open(reader, err);
    reader->begun_ns = 0;
    reader->opened = rc == ARRAKIS_OK;
    return rc;
}

static void lend_call(arrakis_reader *reader, const arrakis_reader *outer)
{
    reader->cancel = outer->cancel;
    reader->bounded = outer->bounded;
    reader->retry = outer->retry;
    reader->begun_ns = outer->begun_ns;
}

static void end_call(arrakis_reader *reader)
{
    reader->cancel = NULL;
    reader->begun_ns = 0;
}

arrakis_status ark_reader_prepare_within(arrakis_reader *reader, const arrakis_reader *outer,
                                         arrakis_error *err)
{
    lend_call(reader, outer);
    arrakis_status rc = reader->ops->prepare ? reader->ops->prepare(reader, err) : ARRAKIS_OK;
    end_call(reader);
    return rc;
}

arrakis_status ark_reader_open_within(arrakis_reader *reader, const arrakis_reader *outer,
                                      arrakis_error *err)
{
    lend_call(reader, outer);
    arrakis_status rc = arrakis_reader_open(reader, err);
    end_call(reader);
    return rc;
}

/* A block of one arrival. */
static arrakis_status make_block(arrakis_reader *reader, const ark_arrival *arrival,
                                 arrakis_block **block, arrakis_error *err)
{
    ark_reader_input *input = &reader->inputs[arrival->input];
    const ark_rows *rows = &arrival->rows;
    const arrakis_channels *list = input->channels;
    arrakis_status rc;
    if (!input->layout && (rc = ark_layout_new(&input->layout, &list, &input->stride_ns, 1,
                                               input->stride_ns, err)) < 0)
        return rc;
    const ark_layout_input *layout_input = &input->layout->inputs[0];
    ark_chunk *chunk = ark_chunk_new(layout_input, rows->time_ns);
    if (!chunk || ark_chunk_put(chunk, layout_input, rows->time_ns, rows) < 0) {
        ark_chunk_free(chunk, layout_input);
        return ark_no_memory(err, "a block");
    }
    rc = ark_block_assemble(block, input->layout, rows->time_ns, &chunk, err);
    if (rc < 0)
        ark_chunk_free(chunk, layout_input);
    return rc;
}

arrakis_status arrakis_reader_next(arrakis_reader *reader, int timeout_ms, size_t *input,
                                   arrakis_block **block, arrakis_error *err)
{
    if (!reader || !input || !block)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "arrakis_reader_next: reader, input or block is NULL");
    *block = NULL;
    if (!reader->opened)
        return ark_fail(err, ARRAKIS_EINVAL, "the reader is not open");
    int64_t deadline_ns = ark_wait_deadline(timeout_ms);
    for (unsigned tried = 1;; tried++) {
        ark_arrival arrival;
        arrakis_status rc = reader->ops->next(reader, &arrival, err);
        if (rc == ARRAKIS_OK) {
            /* empty, or longer than the stride: it does not fit into a block */
            if (arrival.rows.duration_ns <= 0 ||
                arrival.rows.duration_ns > reader->inputs[arrival.input].stride_ns)
                continue;
            *input = arrival.input;
            return make_block(reader, &arrival, block, err);
        }
        if (rc != ARRAKIS_TIMEOUT || !ark_wait_fd(reader->fd, deadline_ns))
            return rc;
        /* the descriptor may be readable all the time, without data */
        if (tried % 64 == 0 && ark_wait_deadline(0) >= deadline_ns)
            return rc;
    }
}

int arrakis_reader_fd(const arrakis_reader *reader)
{
    return reader && reader->opened ? reader->fd : -1;
}

bool arrakis_reader_done(const arrakis_reader *reader)
{
    return !reader || reader->ops->done(reader);
}

bool arrakis_reader_exhausted(arrakis_reader *reader, int64_t since_ns)
{
    int64_t again_ns;
    if (!reader || !reader->opened)
        return !reader;
    if (since_ns == ARRAKIS_UNSET)
        since_ns = ark_clock_now_ns() - 5 * ARRAKIS_SECOND_NS;
    for (size_t i = 0; i < reader->input_count; i++)
        if (reader->ops->exhausted(reader, i, since_ns, &again_ns) == ARRAKIS_UNSET)
            return false;
    return true;
}

arrakis_status arrakis_reader_fast_forward(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                           arrakis_error *err)
{
    size_t count = 0;
    arrakis_status rc = ARRAKIS_OK;
    if (!reader)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_reader_fast_forward: reader is NULL");
    if (!reader->opened)
        return ark_fail(err, ARRAKIS_EINVAL, "the reader is not open");
    if (!reader->begun_ns)
        reader->begun_ns = ark_monotonic_ns();
    if (reader->ops->fast_forward)
        rc = reader->ops->fast_forward(reader, to_ns, &count, err);
    reader->begun_ns = 0;
    if (moved)
        *moved = count;
    return rc;
}

void ark_reader_close_into(arrakis_reader *reader, ark_closing *closing)
{
    if (!reader)
        return;
    reader->closing = closing;
    reader->ops->close(reader);
}

void arrakis_reader_close(arrakis_reader *reader)
{
    ark_closing closing = ARK_CLOSING_NONE;
    ark_reader_close_into(reader, &closing);
    ark_closing_wait(&closing);
}
