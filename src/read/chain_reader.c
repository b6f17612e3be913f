/* SPDX-License-Identifier: Apache-2.0 */
#include "read/chain_reader.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/waiter.h"
#include "block/hold.h"
#include "block/rows.h"
#include "channel/latency.h"
#include "channel/stride.h"
#include "read/closing.h"
#include "read/reader.h"
#include "read/row_splitter.h"

#include <arrakis/reader.h>

#include <stdlib.h>
#include <string.h>

/* For data of channels that promise nothing, before the next reader is gone over to. */
static const int64_t default_latency_ns = 2 * ARRAKIS_SECOND_NS;

/* How far a stream has come. */
typedef struct lane {
    int64_t latency_ns; /* its data is due this long after its stride's begin */
    int64_t reach_ns;   /* what begins later than this after at_ns is far ahead */
    int64_t had_ns;     /* end of what has been handed out */
    int64_t at_ns;      /* where this reader is in it */
    int64_t far_ns;     /* what has come far ahead of that, the last; */
    unsigned far_count; /* and how many that went forward */
    int64_t seam_ns;    /* end of what readers before this one had of it */
    int64_t until_ns;   /* where the next reader begins that has it; INT64_MAX: none does */
    bool ended;         /* this reader has brought it there */
    bool skip;          /* there is nothing more up to there: to be said */
    bool paused;
} lane;

typedef struct chain_reader {
    arrakis_reader head;
    ark_chain_segment *segments;
    ark_chain_link *links;
    size_t count, now; /* segments, and the one that is read */
    lane *lanes;
    size_t skips;    /* lanes to skip */
    uint32_t *every; /* slots from 0 on */
    ark_row_splitter cut;
    ark_waiter waiter;
    arrakis_stats past;       /* of readers that are closed */
    ark_closing past_closing; /* they close on the side: next() does not wait */
} chain_reader;

static arrakis_reader *reader_now(const chain_reader *chain)
{
    return chain->segments[chain->now].reader;
}

static bool is_last(const chain_reader *chain)
{
    return chain->now + 1 == chain->count;
}

/* The stream of the present reader in which one of ours is; SIZE_MAX: it does not have it. */
static size_t source_of(const chain_reader *chain, size_t stream)
{
    return chain->links[chain->now].from[stream];
}

/* ------------------------------------------------------------------ going on to the next reader */

/* Pause an input of the present reader while any chain input fed from it is paused, or once all of those
 * have reached the handover. */
static void pause_source(chain_reader *chain, size_t source)
{
    arrakis_reader *reader = reader_now(chain);
    const ark_chain_link *link = &chain->links[chain->now];
    bool paused = false, ended = true;
    for (size_t i = link->first[source]; i < link->first[source + 1]; i++) {
        const lane *l = &chain->lanes[link->parts[i].stream];
        paused = paused || l->paused;
        ended = ended && l->ended;
    }
    if (reader->ops->pause)
        reader->ops->pause(reader, source, paused || ended);
}

/* Where the next reader begins that has the stream. */
static int64_t next_begin(const chain_reader *chain, size_t stream)
{
    for (size_t k = chain->now + 1; k < chain->count; k++)
        if (chain->links[k].from[stream] != SIZE_MAX)
            return chain->segments[k].begin_ns;
    return INT64_MAX;
}

static arrakis_status start_segment(chain_reader *chain, arrakis_error *err)
{
    arrakis_reader *reader = reader_now(chain);
    arrakis_status rc = ark_reader_open_within(reader, &chain->head, err);
    if (rc == ARRAKIS_OK)
        rc = ark_waiter_add(&chain->waiter, reader->fd, err);
    for (size_t i = 0; i < chain->head.stream_count; i++) {
        lane *l = &chain->lanes[i];
        l->seam_ns = l->at_ns = l->had_ns;
        if (chain->now && chain->segments[chain->now].begin_ns > l->at_ns)
            l->at_ns = chain->segments[chain->now].begin_ns;
        l->far_count = 0;
        l->until_ns = next_begin(chain, i);
        l->ended = l->skip = false;
    }
    chain->skips = 0;
    for (size_t i = 0; rc == ARRAKIS_OK && i < chain->head.stream_count; i++)
        if (chain->lanes[i].paused && source_of(chain, i) != SIZE_MAX)
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

static arrakis_status go_on(chain_reader *chain, arrakis_error *err)
{
    ark_waiter_remove(&chain->waiter, reader_now(chain)->fd);
    close_segment(chain, chain->now++);
    return start_segment(chain, err);
}

/* Whether all that the present reader has is there where another one takes it over. */
static bool all_ended(const chain_reader *chain)
{
    for (size_t i = 0; i < chain->head.stream_count; i++)
        if (source_of(chain, i) != SIZE_MAX && !chain->lanes[i].ended)
            return false;
    return true;
}

/* ------------------------------------------------------------------ what is handed out */

static void end_lane(chain_reader *chain, size_t stream)
{
    lane *l = &chain->lanes[stream];
    if (l->ended)
        return;
    l->ended = true;
    if (source_of(chain, stream) != SIZE_MAX)
        pause_source(chain, source_of(chain, stream));
}

/* Whether a stream has come to where a block of it begins. One that lies far ahead may have a wrong
 * time: so many are believed as the mux believes, and one from before that refutes them. */
static bool has_come(lane *l, int64_t time_ns)
{
    bool first = l->at_ns == INT64_MIN && time_ns < l->until_ns;
    if (first || time_ns <= l->at_ns + l->reach_ns) {
        if (time_ns >= l->at_ns)
            l->far_count = 0;
        return true;
    }
    if (l->far_count && time_ns < l->far_ns)
        l->far_count = 0;
    if (!l->far_count || time_ns > l->far_ns)
        l->far_count++;
    l->far_ns = time_ns;
    return l->far_count >= ARK_HOLD_MOST;
}

/* Whether an arrival is the present reader's to bring. A stride that the seam cuts, and that is cut
 * there, is left to the next one. */
static bool keep(chain_reader *chain, const ark_arrival *arrival)
{
    lane *l = &chain->lanes[arrival->stream];
    int64_t stride_ns = chain->head.streams[arrival->stream].stride_ns;
    int64_t time_ns = arrival->rows.time_ns;
    if (time_ns < l->seam_ns)
        return false;
    bool come = has_come(l, time_ns), mine = true;
    if (l->until_ns != INT64_MAX) {
        int64_t stride_end_ns = ark_stride_floor(time_ns, stride_ns) + stride_ns;
        if (come && stride_end_ns >= l->until_ns)
            end_lane(chain, arrival->stream);
        mine = time_ns < l->until_ns &&
               (arrival->rows.duration_ns >= stride_ns || stride_end_ns <= l->until_ns);
    }
    if (come && mine)
        l->had_ns = l->at_ns = time_ns + arrival->rows.duration_ns;
    return mine;
}

/* Say of a stream that it has nothing up to where the next reader begins: the last stride before
 * that, with all of it missing. */
static bool skip_one(chain_reader *chain, ark_arrival *arrival)
{
    for (size_t i = 0; chain->skips && i < chain->head.stream_count; i++) {
        lane *l = &chain->lanes[i];
        if (!l->skip)
            continue;
        l->skip = false;
        chain->skips--;
        end_lane(chain, i);
        int64_t stride_ns = chain->head.streams[i].stride_ns;
        int64_t time_ns = ark_stride_floor(l->until_ns, stride_ns) - stride_ns;
        if (time_ns < l->had_ns || time_ns < 0)
            continue;
        l->had_ns = time_ns + stride_ns;
        *arrival = (ark_arrival){.stream = i};
        arrival->rows = (ark_rows){
            .time_ns = time_ns,
            .duration_ns = stride_ns,
            .missing = chain->every,
            .missing_count = arrakis_channels_count(chain->head.streams[i].channels),
        };
        return true;
    }
    return false;
}

/* The next of the present reader, as it is or cut. */
static arrakis_status take(chain_reader *chain, ark_arrival *arrival, arrakis_error *err)
{
    const ark_chain_link *link = &chain->links[chain->now];
    arrakis_reader *reader = reader_now(chain);
    if (ark_row_splitter_next(&chain->cut, arrival))
        return ARRAKIS_OK;
    for (;;) {
        arrakis_status rc = reader->ops->next(reader, arrival, err);
        if (rc != ARRAKIS_OK)
            return rc;
        size_t source = arrival->stream, first = link->first[source];
        if (link->same[source]) {
            arrival->stream = link->parts[first].stream;
            return ARRAKIS_OK;
        }
        ark_row_splitter_begin(&chain->cut, &arrival->rows, reader->streams[source].stride_ns,
                               link->parts + first, link->first[source + 1] - first);
        if (ark_row_splitter_next(&chain->cut, arrival))
            return ARRAKIS_OK;
    }
}

/* ------------------------------------------------------------------ the interface */

static arrakis_status chain_prepare(arrakis_reader *reader, arrakis_error *err)
{
    const chain_reader *chain = (const chain_reader *)reader;
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < chain->count; i++)
        rc = ark_reader_prepare_within(chain->segments[i].reader, reader, err);
    return rc;
}

/* All that takes long is done now: later there is nobody who could be kept waiting. */
static arrakis_status chain_open(arrakis_reader *reader, arrakis_error *err)
{
    arrakis_status rc = chain_prepare(reader, err);
    return rc < 0 ? rc : start_segment((chain_reader *)reader, err);
}

static arrakis_status chain_next(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *err)
{
    chain_reader *chain = (chain_reader *)reader;
    for (;;) {
        if (skip_one(chain, arrival))
            return ARRAKIS_OK;
        arrakis_status rc = take(chain, arrival, err);
        if (rc == ARRAKIS_OK && !keep(chain, arrival))
            continue;
        bool over = rc == ARRAKIS_DONE || (rc == ARRAKIS_TIMEOUT && all_ended(chain));
        if (!over || is_last(chain))
            return rc;
        if ((rc = go_on(chain, err)) < 0)
            return rc;
    }
}

static bool chain_done(const arrakis_reader *reader)
{
    const chain_reader *chain = (const chain_reader *)reader;
    return is_last(chain) && reader_now(chain)->ops->done(reader_now(chain));
}

/* Where another reader follows, what is to be had from it must not be taken for a gap: then it is
 * said in next() that there is nothing up to there. */
static int64_t chain_exhausted(arrakis_reader *reader, size_t stream, int64_t since_ns,
                               int64_t *again_ns)
{
    chain_reader *chain = (chain_reader *)reader;
    arrakis_reader *one = reader_now(chain);
    lane *l = &chain->lanes[stream];
    size_t source = source_of(chain, stream);
    int64_t now_ns = ark_clock_now_ns();
    *again_ns = ARRAKIS_UNSET;
    if (chain->cut.part < chain->cut.count)
        return ARRAKIS_UNSET;
    if (l->until_ns == INT64_MAX)
        return source == SIZE_MAX ? now_ns : one->ops->exhausted(one, source, since_ns, again_ns);
    if (l->ended || l->skip)
        return ARRAKIS_UNSET;
    int64_t due_ns = l->until_ns + l->latency_ns;
    since_ns = since_ns > due_ns ? since_ns : due_ns;
    if (source != SIZE_MAX && now_ns < since_ns) {
        *again_ns = since_ns;
        return ARRAKIS_UNSET;
    }
    if (source != SIZE_MAX &&
        one->ops->exhausted(one, source, since_ns, again_ns) == ARRAKIS_UNSET)
        return ARRAKIS_UNSET;
    l->skip = true;
    chain->skips++;
    *again_ns = now_ns;
    return ARRAKIS_UNSET;
}

static void chain_pause(arrakis_reader *reader, size_t stream, bool paused)
{
    chain_reader *chain = (chain_reader *)reader;
    chain->lanes[stream].paused = paused;
    if (source_of(chain, stream) != SIZE_MAX)
        pause_source(chain, source_of(chain, stream));
}

static arrakis_status chain_fast_forward(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                         arrakis_error *err)
{
    return arrakis_reader_fast_forward(reader_now((chain_reader *)reader), to_ns, moved, err);
}

static void chain_stats(const arrakis_reader *reader, arrakis_stats *stats)
{
    const chain_reader *chain = (const chain_reader *)reader;
    stats->messages += chain->past.messages;
    stats->bytes += chain->past.bytes;
    stats->undecodable += chain->past.undecodable;
    stats->unwanted += chain->past.unwanted;
    stats->fast_forwards += chain->past.fast_forwards;
    stats->errors += chain->past.errors;
    for (size_t i = chain->now; i < chain->count; i++)
        chain->segments[i].reader->ops->stats(chain->segments[i].reader, stats);
}

static void chain_close(arrakis_reader *reader)
{
    chain_reader *chain = (chain_reader *)reader;
    ark_closing_move(reader->closing, &chain->past_closing);
    for (size_t i = 0; i < chain->count; i++) {
        ark_reader_close_into(chain->segments[i].reader, reader->closing);
        if (chain->links)
            ark_chain_plan_clear(&chain->links[i]);
    }
    ark_reader_clear(reader);
    ark_waiter_close(&chain->waiter);
    ark_row_splitter_clear(&chain->cut);
    free(chain->segments);
    free(chain->links);
    free(chain->lanes);
    free(chain->every);
    free(chain);
}

static const ark_reader_ops chain_ops = {
    .prepare = chain_prepare,
    .open = chain_open,
    .next = chain_next,
    .done = chain_done,
    .exhausted = chain_exhausted,
    .pause = chain_pause,
    .fast_forward = chain_fast_forward,
    .stats = chain_stats,
    .close = chain_close,
};

/* ------------------------------------------------------------------ making one */

static int64_t latency_of(const ark_reader_stream *stream)
{
    const int64_t most_ns = INT64_MAX / 8; /* no sum of times overflows */
    int64_t latency_ns = ark_latency_of(stream->channels);
    if (latency_ns == ARRAKIS_UNSET)
        latency_ns = default_latency_ns;
    return (latency_ns < most_ns ? latency_ns : most_ns) + stream->stride_ns;
}

/* As many slots as the widest stream of anybody has. */
static size_t widest(const chain_reader *chain)
{
    size_t most = 0;
    for (size_t i = 0; i < chain->count; i++)
        for (size_t k = 0; k < chain->segments[i].reader->stream_count; k++) {
            size_t count = arrakis_channels_count(chain->segments[i].reader->streams[k].channels);
            most = count > most ? count : most;
        }
    return most;
}

static arrakis_status set_up(chain_reader *chain, arrakis_error *err)
{
    arrakis_status rc =
        ark_chain_plan(&chain->head, chain->segments, chain->count, chain->links, err);
    if (rc == ARRAKIS_OK)
        rc = ark_waiter_open(&chain->waiter, err);
    size_t slots = widest(chain);
    if (rc == ARRAKIS_OK)
        rc = ark_row_splitter_init(&chain->cut, slots, err);
    if (rc < 0)
        return rc;
    chain->head.fd = chain->waiter.fd;
    chain->lanes = calloc(chain->head.stream_count + 1, sizeof *chain->lanes);
    chain->every = calloc(slots + 1, sizeof *chain->every);
    if (!chain->lanes || !chain->every)
        return ark_fail(err, ARRAKIS_ENOMEM, "%zu channels: out of memory", slots);
    for (uint32_t i = 0; i < slots; i++)
        chain->every[i] = i;
    for (size_t i = 0; i < chain->head.stream_count; i++) {
        chain->lanes[i].latency_ns = latency_of(&chain->head.streams[i]);
        chain->lanes[i].reach_ns =
            ark_latency_reach(chain->lanes[i].latency_ns, chain->head.streams[i].stride_ns);
        chain->lanes[i].had_ns = INT64_MIN;
    }
    return ARRAKIS_OK;
}

arrakis_status ark_chain_reader_new(arrakis_reader **out, const ark_chain_segment *segments,
                                    size_t count, arrakis_channels *channels, arrakis_error *err)
{
    *out = NULL;
    chain_reader *chain = calloc(1, sizeof *chain);
    ark_chain_segment *copy = chain ? calloc(count + 1, sizeof *copy) : NULL;
    if (!copy) {
        ark_closing closing = ARK_CLOSING_NONE;
        for (size_t i = 0; i < count; i++)
            ark_reader_close_into(segments[i].reader, &closing);
        ark_closing_wait(&closing);
        free(chain);
        return ark_fail(err, ARRAKIS_ENOMEM, "%zu readers: out of memory", count);
    }
    memcpy(copy, segments, count * sizeof *copy);
    chain->head.ops = &chain_ops;
    chain->head.fd = -1;
    chain->head.channels = arrakis_channels_ref(channels);
    chain->waiter = (ark_waiter)ARK_WAITER_NONE;
    chain->past = (arrakis_stats)ARRAKIS_STATS_INIT;
    chain->segments = copy;
    chain->count = count;
    chain->links = calloc(count + 1, sizeof *chain->links);
    arrakis_status rc = chain->links
                            ? set_up(chain, err)
                            : ark_fail(err, ARRAKIS_ENOMEM, "%zu readers: out of memory", count);
    if (rc < 0) {
        arrakis_reader_close(&chain->head);
        return rc;
    }
    *out = &chain->head;
    return ARRAKIS_OK;
}
