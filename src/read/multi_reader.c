/* SPDX-License-Identifier: Apache-2.0 */
/* Several readers as one. Its inputs are those of the first reader, then those of the next, and so
 * on. */
#include "base/error.h"
#include "base/waiter.h"
#include "read/closing.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <stdlib.h>
#include <string.h>

typedef struct multi_reader {
    arrakis_reader head;
    arrakis_reader **readers;
    size_t *first; /* by reader: the number of its first input */
    bool *ended;   /* by reader: it is done, and its descriptor may stay readable */
    size_t count;
    size_t turn; /* the reader that is asked next: none waits behind a busy one */
    ark_waiter waiter;
} multi_reader;

/* The reader that an input belongs to; *input becomes its number in that reader. */
static arrakis_reader *find_reader(const multi_reader *multi, size_t *input)
{
    size_t i = multi->count - 1;
    while (i && multi->first[i] > *input)
        i--;
    *input -= multi->first[i];
    return multi->readers[i];
}

static const ark_reader_ops multi_ops;

static arrakis_status multi_prepare(arrakis_reader *reader, arrakis_error *err)
{
    const multi_reader *multi = ARK_READER_AS(const multi_reader, reader, multi_ops);
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < multi->count; i++)
        rc = ark_reader_prepare_within(multi->readers[i], reader, err);
    return rc;
}

static arrakis_status multi_open(arrakis_reader *reader, arrakis_error *err)
{
    multi_reader *multi = ARK_READER_AS(multi_reader, reader, multi_ops);
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < multi->count; i++) {
        rc = ark_reader_open_within(multi->readers[i], reader, err);
        if (rc == ARRAKIS_OK)
            rc = ark_waiter_add(&multi->waiter, multi->readers[i]->fd, err);
    }
    return rc;
}

static arrakis_status multi_next(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *err)
{
    multi_reader *multi = ARK_READER_AS(multi_reader, reader, multi_ops);
    size_t done = 0;
    for (size_t tried = 0; tried < multi->count; tried++) {
        size_t i = multi->turn;
        arrakis_reader *child = multi->readers[i];
        multi->turn = (i + 1) % multi->count;
        arrakis_status rc = multi->ended[i] ? ARRAKIS_DONE : child->ops->next(child, arrival, err);
        if (rc == ARRAKIS_OK)
            arrival->input += multi->first[i];
        if (rc == ARRAKIS_OK || rc < 0)
            return rc;
        if (rc == ARRAKIS_DONE) {
            if (!multi->ended[i])
                ark_waiter_remove(&multi->waiter, child->fd);
            multi->ended[i] = true;
            done++;
        }
    }
    return done == multi->count ? ARRAKIS_DONE : ARRAKIS_TIMEOUT;
}

static bool multi_done(const arrakis_reader *reader)
{
    const multi_reader *multi = ARK_READER_AS(const multi_reader, reader, multi_ops);
    for (size_t i = 0; i < multi->count; i++)
        if (!multi->readers[i]->ops->done(multi->readers[i]))
            return false;
    return true;
}

static int64_t multi_exhausted(arrakis_reader *reader, size_t input, int64_t since_ns,
                               int64_t *again_ns)
{
    arrakis_reader *child = find_reader(ARK_READER_AS(multi_reader, reader, multi_ops), &input);
    child->bounded = reader->bounded;
    return child->ops->exhausted(child, input, since_ns, again_ns);
}

static bool multi_all_lost(const arrakis_reader *reader)
{
    const multi_reader *multi = ARK_READER_AS(const multi_reader, reader, multi_ops);
    for (size_t i = 0; i < multi->count; i++)
        if (!ark_reader_all_lost(multi->readers[i]))
            return false;
    return true;
}

static int64_t multi_lost_since(const arrakis_reader *reader, size_t input)
{
    const arrakis_reader *child =
        find_reader(ARK_READER_AS(const multi_reader, reader, multi_ops), &input);
    return ark_reader_lost_since(child, input);
}

static void multi_pause(arrakis_reader *reader, size_t input, bool paused)
{
    arrakis_reader *child = find_reader(ARK_READER_AS(multi_reader, reader, multi_ops), &input);
    if (child->ops->pause)
        child->ops->pause(child, input, paused);
}

static arrakis_status multi_fast_forward(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                         arrakis_error *err)
{
    multi_reader *multi = ARK_READER_AS(multi_reader, reader, multi_ops);
    *moved = 0;
    for (size_t i = 0; i < multi->count; i++) {
        size_t count;
        multi->readers[i]->begun_ns = reader->begun_ns;
        ARK_TRY(arrakis_reader_fast_forward(multi->readers[i], to_ns, &count, err));
        *moved += count;
    }
    return ARRAKIS_OK;
}

static void multi_stats(const arrakis_reader *reader, arrakis_stats *stats)
{
    const multi_reader *multi = ARK_READER_AS(const multi_reader, reader, multi_ops);
    for (size_t i = 0; i < multi->count; i++)
        multi->readers[i]->ops->stats(multi->readers[i], stats);
}

static void multi_close(arrakis_reader *reader)
{
    multi_reader *multi = ARK_READER_AS(multi_reader, reader, multi_ops);
    for (size_t i = 0; i < multi->count; i++)
        ark_reader_close_into(multi->readers[i], reader->closing);
    ark_reader_clear(reader);
    ark_waiter_close(&multi->waiter);
    free(multi->readers);
    free(multi->first);
    free(multi->ended);
    free(multi);
}

static const ark_reader_ops multi_ops = {
    .prepare = multi_prepare,
    .open = multi_open,
    .next = multi_next,
    .done = multi_done,
    .exhausted = multi_exhausted,
    .all_lost = multi_all_lost,
    .lost_since = multi_lost_since,
    .pause = multi_pause,
    .fast_forward = multi_fast_forward,
    .stats = multi_stats,
    .close = multi_close,
};

/* The channels of all readers, in their order. Two of one name are an error. */
static arrakis_status join_channels(multi_reader *multi, arrakis_error *err)
{
    arrakis_status rc = arrakis_channels_new(&multi->head.channels, err);
    for (size_t i = 0; i < multi->count; i++) {
        const arrakis_channels *channels = multi->readers[i]->channels;
        for (size_t k = 0; rc == ARRAKIS_OK && k < arrakis_channels_count(channels); k++)
            rc =
                arrakis_channels_add(multi->head.channels, arrakis_channels_get(channels, k), err);
    }
    return rc;
}

/* The inputs of all readers, with references to their channels. */
static arrakis_status copy_inputs(multi_reader *multi, arrakis_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < multi->count; i++)
        total += multi->readers[i]->input_count;
    multi->head.inputs = calloc(total + 1, sizeof *multi->head.inputs);
    if (!multi->head.inputs)
        return ark_no_memory(err, "%zu inputs", total);
    for (size_t i = 0; i < multi->count; i++) {
        multi->first[i] = multi->head.input_count;
        for (size_t k = 0; k < multi->readers[i]->input_count; k++) {
            const ark_reader_input *from = &multi->readers[i]->inputs[k];
            ark_reader_input *to = &multi->head.inputs[multi->head.input_count++];
            to->id = strdup(from->id);
            to->channels = arrakis_channels_ref(from->channels);
            to->stride_ns = from->stride_ns;
            if (!to->id)
                return ark_no_memory(err, "%zu inputs", total);
        }
    }
    return ARRAKIS_OK;
}

/* A request has one start: all readers that have a start must have the same. It waits for the
 * reader whose data may lie longest. */
static arrakis_status join_starts(multi_reader *multi, arrakis_error *err)
{
    arrakis_reader *head = &multi->head;
    for (size_t i = 0; i < multi->count; i++) {
        const arrakis_reader *reader = multi->readers[i];
        if (head->has_start && reader->has_start && head->start_ns != reader->start_ns)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "reader %zu begins at another time than a reader before it", i);
        if (reader->has_start) {
            head->has_start = true;
            head->start_ns = reader->start_ns;
        }
        if (reader->fetch_wait_ns > head->fetch_wait_ns)
            head->fetch_wait_ns = reader->fetch_wait_ns;
    }
    return ARRAKIS_OK;
}

arrakis_status arrakis_multi_reader_new(arrakis_reader **out, arrakis_reader *const *readers,
                                        size_t count, arrakis_error *err)
{
    multi_reader *multi = out && readers && count ? calloc(1, sizeof *multi) : NULL;
    arrakis_reader **copy = multi ? calloc(count, sizeof *copy) : NULL;
    if (out)
        *out = NULL;
    if (!copy) {
        ark_closing closing = ARK_CLOSING_NONE;
        for (size_t i = 0; readers && i < count; i++)
            ark_reader_close_into(readers[i], &closing);
        ark_closing_wait(&closing);
        free(multi);
        return out && readers && count
                   ? ark_no_memory(err, "%zu readers", count)
                   : ark_fail(err, ARRAKIS_EINVAL,
                              "arrakis_multi_reader_new: out or readers is NULL, or "
                              "there are none");
    }
    memcpy(copy, readers, count * sizeof *copy);
    multi->head.ops = &multi_ops;
    multi->readers = copy;
    multi->count = count;
    multi->waiter = (ark_waiter)ARK_WAITER_NONE;
    multi->first = calloc(count, sizeof *multi->first);
    multi->ended = calloc(count, sizeof *multi->ended);
    arrakis_status rc = multi->first && multi->ended ? ark_waiter_open(&multi->waiter, err)
                                                     : ark_no_memory(err, "%zu readers", count);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        if (!readers[i])
            rc = ark_fail(err, ARRAKIS_EINVAL, "arrakis_multi_reader_new: reader %zu is NULL", i);
    if (rc == ARRAKIS_OK)
        rc = join_starts(multi, err);
    if (rc == ARRAKIS_OK)
        rc = join_channels(multi, err);
    if (rc == ARRAKIS_OK)
        rc = copy_inputs(multi, err);
    if (rc < 0) {
        arrakis_reader_close(&multi->head);
        return rc;
    }
    multi->head.fd = multi->waiter.fd;
    *out = &multi->head;
    return ARRAKIS_OK;
}
