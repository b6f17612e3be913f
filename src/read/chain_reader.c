/* SPDX-License-Identifier: Apache-2.0 */
#include "read/chain_reader.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/waiter.h"
#include "block/held_rows.h"
#include "block/rows.h"
#include "channel/latency.h"
#include "channel/stride.h"
#include "read/closing.h"
#include "read/reader.h"
#include "read/row_splitter.h"

#include <arrakis/reader.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The latency of channels that declare no max_latency. */
static const int64_t default_latency_ns = 2 * ARRAKIS_SECOND_NS;

typedef enum chain_phase {
    CHAIN_READING,
    CHAIN_EMPTY, /* the present reader holds no more before the handover; next() reports it */
    CHAIN_ENDED, /* the present reader has reached the handover */
} chain_phase;

/* How far an input of the chain has come. */
typedef struct chain_input {
    int64_t due_after_ns;  /* data is due this long after the begin of its stride */
    int64_t max_ahead_ns;  /* rows that begin later than this after position_ns are far ahead */
    int64_t handed_out_ns; /* end of what has been handed out */
    int64_t position_ns;   /* how far the present reader has come */
    int64_t ahead_ns;      /* begin of the latest rows that lay far ahead */
    unsigned ahead_count;  /* consecutive rows far ahead, each later than the one before */
    int64_t resume_ns;     /* end of what earlier readers handed out: data before it is dropped */
    /* where the next reader begins that has the input; INT64_MAX: none does */
    int64_t handover_ns;
    chain_phase phase;
    bool paused;
} chain_input;

typedef struct chain_reader {
    arrakis_reader head;
    ark_chain_segment *segments;
    ark_chain_mapping *mappings; /* one per segment */
    size_t count, now;           /* the number of segments, and of the one that is read */
    chain_input *inputs;
    size_t empty_count;     /* inputs whose phase is CHAIN_EMPTY */
    uint32_t *all_channels; /* numbers of channels from 0 on */
    ark_row_splitter splitter;
    ark_waiter waiter;
    arrakis_stats past;       /* of readers that are closed */
    ark_closing past_closing; /* closes them in other threads: next() does not wait */
} chain_reader;

static arrakis_reader *reader_now(const chain_reader *chain)
{
    return chain->segments[chain->now].reader;
}

static bool is_last(const chain_reader *chain)
{
    return chain->now + 1 == chain->count;
}

/* The input of the present reader that an input of the chain comes from; SIZE_MAX: it comes from
 * none. */
static size_t source_of(const chain_reader *chain, size_t number)
{
    return chain->mappings[chain->now].source_of[number];
}

/* ------------------------------------------------------------------ going on to the next reader */

/* Pause an input of the present reader while any chain input fed from it is paused, or once all of
 * those have reached the handover. */
static void pause_source(chain_reader *chain, size_t source)
{
    arrakis_reader *reader = reader_now(chain);
    const ark_chain_mapping *mapping = &chain->mappings[chain->now];
    bool paused = false, ended = true;
    for (size_t i = mapping->first_output[source]; i < mapping->first_output[source + 1]; i++) {
        const chain_input *input = &chain->inputs[mapping->outputs[i].input];
        paused = paused || input->paused;
        ended = ended && input->phase == CHAIN_ENDED;
    }
    if (reader->ops->pause)
        reader->ops->pause(reader, source, paused || ended);
}

/* Where the next reader begins that has the input; INT64_MAX: none has. */
static int64_t next_begin(const chain_reader *chain, size_t number)
{
    for (size_t k = chain->now + 1; k < chain->count; k++)
        if (chain->mappings[k].source_of[number] != SIZE_MAX)
            return chain->segments[k].begin_ns;
    return INT64_MAX;
}

static arrakis_status start_segment(chain_reader *chain, arrakis_error *err)
{
    arrakis_reader *reader = reader_now(chain);
    arrakis_status rc = ark_reader_open_within(reader, &chain->head, err);
    if (rc == ARRAKIS_OK)
        rc = ark_waiter_add(&chain->waiter, reader->fd, err);
    for (size_t i = 0; i < chain->head.input_count; i++) {
        chain_input *input = &chain->inputs[i];
        input->resume_ns = input->position_ns = input->handed_out_ns;
        if (chain->now && chain->segments[chain->now].begin_ns > input->position_ns)
            input->position_ns = chain->segments[chain->now].begin_ns;
        input->ahead_count = 0;
        input->handover_ns = next_begin(chain, i);
        input->phase = CHAIN_READING;
    }
    chain->empty_count = 0;
    for (size_t i = 0; rc == ARRAKIS_OK && i < chain->head.input_count; i++)
        if (chain->inputs[i].paused && source_of(chain, i) != SIZE_MAX)
            pause_source(chain, source_of(chain, i));
    return rc;
}

static void close_segment(chain_reader *chain, size_t number)
{
    arrakis_reader *reader = chain->segments[number].reader;
    if (!reader)
        return;
    reader->ops->stats(reader, &chain->past);
    ark_reader_close_into(reader, &chain->past_closing);
    chain->segments[number].reader = NULL;
}

static arrakis_status next_segment(chain_reader *chain, arrakis_error *err)
{
    ark_waiter_remove(&chain->waiter, reader_now(chain)->fd);
    close_segment(chain, chain->now++);
    return start_segment(chain, err);
}

/* Whether all inputs that come from the present reader have reached their handover. */
static bool all_inputs_ended(const chain_reader *chain)
{
    for (size_t i = 0; i < chain->head.input_count; i++)
        if (source_of(chain, i) != SIZE_MAX && chain->inputs[i].phase != CHAIN_ENDED)
            return false;
    return true;
}

/* ------------------------------------------------------------------ what is handed out */

static void end_input(chain_reader *chain, size_t number)
{
    chain_input *input = &chain->inputs[number];
    if (input->phase == CHAIN_ENDED)
        return;
    input->phase = CHAIN_ENDED;
    if (source_of(chain, number) != SIZE_MAX)
        pause_source(chain, source_of(chain, number));
}

/* Whether the input has come to time_ns, where rows of it begin. Rows far ahead may have a wrong
 * time: as in the mux, ARK_HELD_MOST of them in the order of time are right, and rows from before
 * them show that they are wrong. */
static bool has_reached(chain_input *input, int64_t time_ns)
{
    bool first = input->position_ns == INT64_MIN && time_ns < input->handover_ns;
    if (first || time_ns <= input->position_ns + input->max_ahead_ns) {
        if (time_ns >= input->position_ns)
            input->ahead_count = 0;
        return true;
    }
    if (input->ahead_count && time_ns < input->ahead_ns)
        input->ahead_count = 0;
    if (!input->ahead_count || time_ns > input->ahead_ns)
        input->ahead_count++;
    input->ahead_ns = time_ns;
    return input->ahead_count >= ARK_HELD_MOST;
}

/* Whether to hand out an arrival of the present segment; takes note of how far its input has come.
 * Rows that are shorter than their stride, because the handover divides it, are left to the next
 * reader. */
static bool accept_rows(chain_reader *chain, const ark_arrival *arrival)
{
    chain_input *input = &chain->inputs[arrival->input];
    int64_t stride_ns = chain->head.inputs[arrival->input].stride_ns;
    int64_t time_ns = arrival->rows.time_ns;
    if (time_ns < input->resume_ns)
        return false;
    bool reached = has_reached(input, time_ns), wanted = true;
    if (input->handover_ns != INT64_MAX) {
        int64_t stride_end_ns = ark_stride_floor(time_ns, stride_ns) + stride_ns;
        if (reached && stride_end_ns >= input->handover_ns)
            end_input(chain, arrival->input);
        wanted = time_ns < input->handover_ns &&
                 (arrival->rows.duration_ns >= stride_ns || stride_end_ns <= input->handover_ns);
    }
    if (reached && wanted)
        input->handed_out_ns = input->position_ns = time_ns + arrival->rows.duration_ns;
    return wanted;
}

/* Hand out that an input has no more data before its handover: as rows of the last stride before
 * that, with all channels missing. False: there is no such input. */
static bool hand_out_empty(chain_reader *chain, ark_arrival *arrival)
{
    for (size_t i = 0; chain->empty_count && i < chain->head.input_count; i++) {
        chain_input *input = &chain->inputs[i];
        if (input->phase != CHAIN_EMPTY)
            continue;
        chain->empty_count--;
        end_input(chain, i);
        int64_t stride_ns = chain->head.inputs[i].stride_ns;
        int64_t time_ns = ark_stride_floor(input->handover_ns, stride_ns) - stride_ns;
        if (time_ns < input->handed_out_ns || time_ns < 0)
            continue;
        input->handed_out_ns = time_ns + stride_ns;
        *arrival = (ark_arrival){.input = i};
        arrival->rows = (ark_rows){
            .time_ns = time_ns,
            .duration_ns = stride_ns,
            .missing = chain->all_channels,
            .missing_count = arrakis_channels_count(chain->head.inputs[i].channels),
        };
        return true;
    }
    return false;
}

/* The next rows of the present reader, split where its inputs are not those of the chain. */
static arrakis_status next_split(chain_reader *chain, ark_arrival *arrival, arrakis_error *err)
{
    const ark_chain_mapping *mapping = &chain->mappings[chain->now];
    arrakis_reader *reader = reader_now(chain);
    if (ark_row_splitter_next(&chain->splitter, arrival))
        return ARRAKIS_OK;
    for (;;) {
        arrakis_status rc = reader->ops->next(reader, arrival, err);
        if (rc != ARRAKIS_OK)
            return rc;
        size_t source = arrival->input, first = mapping->first_output[source];
        if (mapping->unchanged[source]) {
            arrival->input = mapping->outputs[first].input;
            return ARRAKIS_OK;
        }
        ark_row_splitter_begin(&chain->splitter, &arrival->rows, reader->inputs[source].stride_ns,
                               mapping->outputs + first,
                               mapping->first_output[source + 1] - first);
        if (ark_row_splitter_next(&chain->splitter, arrival))
            return ARRAKIS_OK;
    }
}

/* ------------------------------------------------------------------ the interface */

static const ark_reader_ops chain_ops;

static arrakis_status chain_prepare(arrakis_reader *reader, arrakis_error *err)
{
    const chain_reader *chain = ARK_READER_AS(const chain_reader, reader, chain_ops);
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < chain->count; i++)
        rc = ark_reader_prepare_within(chain->segments[i].reader, reader, err);
    return rc;
}

/* All that takes long is done here: next() must not wait. */
static arrakis_status chain_open(arrakis_reader *reader, arrakis_error *err)
{
    ARK_TRY(chain_prepare(reader, err));
    return start_segment(ARK_READER_AS(chain_reader, reader, chain_ops), err);
}

static arrakis_status chain_next(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *err)
{
    chain_reader *chain = ARK_READER_AS(chain_reader, reader, chain_ops);
    for (;;) {
        if (hand_out_empty(chain, arrival))
            return ARRAKIS_OK;
        arrakis_status rc = next_split(chain, arrival, err);
        if (rc == ARRAKIS_OK && !accept_rows(chain, arrival))
            continue;
        bool over = rc == ARRAKIS_DONE || (rc == ARRAKIS_TIMEOUT && all_inputs_ended(chain));
        if (!over || is_last(chain))
            return rc;
        ARK_TRY(next_segment(chain, err));
    }
}

static bool chain_done(const arrakis_reader *reader)
{
    const chain_reader *chain = ARK_READER_AS(const chain_reader, reader, chain_ops);
    return is_last(chain) && reader_now(chain)->ops->done(reader_now(chain));
}

/* Before a handover the answer is "not exhausted", since the mux would also take what the next
 * reader holds for missing. Instead next() hands out rows without data up to the handover. */
static int64_t chain_exhausted(arrakis_reader *reader, size_t number, int64_t since_ns,
                               int64_t *again_ns)
{
    chain_reader *chain = ARK_READER_AS(chain_reader, reader, chain_ops);
    arrakis_reader *one = reader_now(chain);
    chain_input *input = &chain->inputs[number];
    size_t source = source_of(chain, number);
    int64_t now_ns = ark_clock_now_ns();
    *again_ns = ARRAKIS_UNSET;
    if (chain->splitter.output < chain->splitter.count)
        return ARRAKIS_UNSET;
    if (input->handover_ns == INT64_MAX)
        return source == SIZE_MAX ? now_ns : one->ops->exhausted(one, source, since_ns, again_ns);
    if (input->phase != CHAIN_READING)
        return ARRAKIS_UNSET;
    int64_t due_ns = input->handover_ns + input->due_after_ns;
    since_ns = since_ns > due_ns ? since_ns : due_ns;
    if (source != SIZE_MAX && now_ns < since_ns) {
        *again_ns = since_ns;
        return ARRAKIS_UNSET;
    }
    if (source != SIZE_MAX &&
        one->ops->exhausted(one, source, since_ns, again_ns) == ARRAKIS_UNSET)
        return ARRAKIS_UNSET;
    input->phase = CHAIN_EMPTY;
    chain->empty_count++;
    *again_ns = now_ns;
    return ARRAKIS_UNSET;
}

static bool chain_all_lost(const arrakis_reader *reader)
{
    return ark_reader_all_lost(reader_now(ARK_READER_AS(const chain_reader, reader, chain_ops)));
}

static int64_t chain_lost_since(const arrakis_reader *reader, size_t number)
{
    const chain_reader *chain = ARK_READER_AS(const chain_reader, reader, chain_ops);
    size_t source = source_of(chain, number);
    return source != SIZE_MAX ? ark_reader_lost_since(reader_now(chain), source) : ARRAKIS_UNSET;
}

static void chain_pause(arrakis_reader *reader, size_t number, bool paused)
{
    chain_reader *chain = ARK_READER_AS(chain_reader, reader, chain_ops);
    chain->inputs[number].paused = paused;
    if (source_of(chain, number) != SIZE_MAX)
        pause_source(chain, source_of(chain, number));
}

static arrakis_status chain_fast_forward(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                         arrakis_error *err)
{
    return arrakis_reader_fast_forward(reader_now(ARK_READER_AS(chain_reader, reader, chain_ops)),
                                       to_ns, moved, err);
}

static void chain_stats(const arrakis_reader *reader, arrakis_stats *stats)
{
    const chain_reader *chain = ARK_READER_AS(const chain_reader, reader, chain_ops);
    stats->messages += chain->past.messages;
    stats->bytes += chain->past.bytes;
    stats->undecodable += chain->past.undecodable;
    stats->unwanted += chain->past.unwanted;
    stats->fast_forwards += chain->past.fast_forwards;
    stats->errors += chain->past.errors;
    stats->losses += chain->past.losses;
    stats->recoveries += chain->past.recoveries;
    for (size_t i = chain->now; i < chain->count; i++)
        chain->segments[i].reader->ops->stats(chain->segments[i].reader, stats);
}

static void chain_close(arrakis_reader *reader)
{
    chain_reader *chain = ARK_READER_AS(chain_reader, reader, chain_ops);
    ark_closing_move(reader->closing, &chain->past_closing);
    for (size_t i = 0; i < chain->count; i++) {
        ark_reader_close_into(chain->segments[i].reader, reader->closing);
        if (chain->mappings)
            ark_chain_mapping_clear(&chain->mappings[i]);
    }
    ark_reader_clear(reader);
    ark_waiter_close(&chain->waiter);
    ark_row_splitter_clear(&chain->splitter);
    free(chain->segments);
    free(chain->mappings);
    free(chain->inputs);
    free(chain->all_channels);
    free(chain);
}

static const ark_reader_ops chain_ops = {
    .prepare = chain_prepare,
    .open = chain_open,
    .next = chain_next,
    .done = chain_done,
    .exhausted = chain_exhausted,
    .all_lost = chain_all_lost,
    .lost_since = chain_lost_since,
    .pause = chain_pause,
    .fast_forward = chain_fast_forward,
    .stats = chain_stats,
    .close = chain_close,
};

/* ------------------------------------------------------------------ making one */

static int64_t due_after_of(const ark_reader_input *number)
{
    int64_t latency_ns = ark_latency_of(number->channels);
    if (latency_ns == ARRAKIS_UNSET)
        latency_ns = default_latency_ns;
    return latency_ns + number->stride_ns;
}

/* The most channels that an input of any reader has. */
static size_t most_channels(const chain_reader *chain)
{
    size_t most = 0;
    for (size_t i = 0; i < chain->count; i++)
        for (size_t k = 0; k < chain->segments[i].reader->input_count; k++) {
            size_t count = arrakis_channels_count(chain->segments[i].reader->inputs[k].channels);
            most = count > most ? count : most;
        }
    return most;
}

static arrakis_status init_chain(chain_reader *chain, arrakis_error *err)
{
    arrakis_status rc =
        ark_chain_mapping_init(&chain->head, chain->segments, chain->count, chain->mappings, err);
    if (rc == ARRAKIS_OK)
        rc = ark_waiter_open(&chain->waiter, err);
    size_t channels = most_channels(chain);
    if (rc == ARRAKIS_OK)
        rc = ark_row_splitter_init(&chain->splitter, channels, err);
    if (rc < 0)
        return rc;
    chain->head.fd = chain->waiter.fd;
    chain->inputs = calloc(chain->head.input_count + 1, sizeof *chain->inputs);
    chain->all_channels = calloc(channels + 1, sizeof *chain->all_channels);
    if (!chain->inputs || !chain->all_channels)
        return ark_no_memory(err, "%zu channels", channels);
    for (uint32_t i = 0; i < channels; i++)
        chain->all_channels[i] = i;
    for (size_t i = 0; i < chain->head.input_count; i++) {
        chain->inputs[i].due_after_ns = due_after_of(&chain->head.inputs[i]);
        chain->inputs[i].max_ahead_ns =
            ark_latency_max_ahead(chain->inputs[i].due_after_ns, chain->head.inputs[i].stride_ns);
        chain->inputs[i].handed_out_ns = INT64_MIN;
    }
    return ARRAKIS_OK;
}

arrakis_status ark_chain_reader_new(arrakis_reader **out, const ark_chain_segment *segments,
                                    size_t count, arrakis_channels *channels, arrakis_error *err)
{
    assert(count);
    *out = NULL;
    chain_reader *chain = calloc(1, sizeof *chain);
    ark_chain_segment *copy = chain ? calloc(count + 1, sizeof *copy) : NULL;
    if (!copy) {
        ark_closing closing = ARK_CLOSING_NONE;
        for (size_t i = 0; i < count; i++)
            ark_reader_close_into(segments[i].reader, &closing);
        ark_closing_wait(&closing);
        free(chain);
        return ark_no_memory(err, "%zu readers", count);
    }
    memcpy(copy, segments, count * sizeof *copy);
    chain->head.ops = &chain_ops;
    chain->head.fd = -1;
    chain->head.channels = arrakis_channels_ref(channels);
    chain->waiter = (ark_waiter)ARK_WAITER_NONE;
    chain->past = (arrakis_stats)ARRAKIS_STATS_INIT;
    chain->segments = copy;
    chain->count = count;
    for (size_t i = 0; i < count; i++)
        if (segments[i].reader->fetch_wait_ns > chain->head.fetch_wait_ns)
            chain->head.fetch_wait_ns = segments[i].reader->fetch_wait_ns;
    chain->mappings = calloc(count + 1, sizeof *chain->mappings);
    arrakis_status rc =
        chain->mappings ? init_chain(chain, err) : ark_no_memory(err, "%zu readers", count);
    if (rc < 0) {
        arrakis_reader_close(&chain->head);
        return rc;
    }
    *out = &chain->head;
    return ARRAKIS_OK;
}
