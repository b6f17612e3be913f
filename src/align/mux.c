/* SPDX-License-Identifier: Apache-2.0 */
#include "align/mux.h"

#include "base/error.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "block/block.h"
#include "block/chunk.h"
#include "block/hold.h"
#include "block/layout.h"
#include "channel/latency.h"
#include "channel/stride.h"

#include <stdlib.h>
#include <string.h>

/* 70 years, which is never: declared latencies are anything, and must not overflow sums of times. */
static const int64_t most_latency_ns = INT64_MAX / 4;

/* No clock of a site is this wrong: what lies further ahead of the clock is refused. */
static const int64_t most_ahead_ns = 60 * ARRAKIS_SECOND_NS;
/* And nothing that is published live this late: a live stream does not begin with it. */
static const int64_t most_behind_ns = 86400 * ARRAKIS_SECOND_NS;

/* What is held because its time may be wrong is believed after this long: a stream may be that slow. */
static const int64_t most_held_ns = 60 * ARRAKIS_SECOND_NS;

/* A deadline of a request with a start that passes later than this was missed because the reader, or
 * what else was waited for, stood still. Then the data may be on its way: the source is asked. */
static const int64_t most_overdue_ns = ARRAKIS_SECOND_NS;

/* A clock that goes back by more than this has been set. */
static const int64_t step_back_ns = ARRAKIS_SECOND_NS;

/* What the mux keeps of one stream beside its queue. */
typedef struct lane {
    ark_queue queue;
    char *id;
    ark_hold hold;       /* blocks that lie far ahead */
    int64_t reach_ns;    /* what begins later than this after all that is known is held */
    int64_t contract_ns; /* data is due this long after its stride's begin; ARRAKIS_UNSET: never */
    /* with a start: what is absent before this is a gap, once nobody else is waited for there */
    int64_t void_ns;
    int64_t front_ns; /* live, before the start: where it could begin; ARRAKIS_UNSET: unknown */
    bool has_data;    /* front_ns comes from data, not from a deadline */
    int64_t gap_since_ns; /* begin of the gap being served; ARRAKIS_UNSET: none */
    bool served, gap_said;
    ark_log_limit late, mismatched, overflow;
} lane;

struct ark_mux {
    ark_mux_options options;
    ark_layout *layout;
    size_t count;
    lane *lanes;
    int64_t block_ns;  /* duration of a block */
    int64_t origin_ns; /* blocks begin at origin + n * block_ns */
    int64_t cursor_ns; /* begin of the next block; ARRAKIS_UNSET: not begun */
    int64_t begin_ns;  /* of the first block; INT64_MIN while a live mux has not begun */
    int64_t created_ns;
    int64_t opened_ns;    /* since when data can come */
    int64_t latest_ns;    /* the latest time that deadlines have passed at */
    int64_t next_pass_ns; /* no deadline passes before */
    int64_t final_ns;     /* the source ended: nothing comes after; ARRAKIS_UNSET: it has not */
    size_t unready;       /* lanes not known up to the end of the next block */
    bool voids;           /* some are known further than their queues are */
    ark_chunk **chunks;   /* scratch for one block */
    uint64_t late, duplicate, mismatched, overflow, gaps;
};

/* ------------------------------------------------------------------ making one */

/* A stream's stride and, from its channels or the tolerance, when its data is due. */
static arrakis_status read_contract(const ark_mux_stream *stream, const ark_mux_options *options,
                                    int64_t *stride_ns, int64_t *contract_ns, arrakis_error *err)
{
    if (!arrakis_channels_count(stream->channels))
        return ark_fail(err, ARRAKIS_EINVAL, "input %s has no channels", stream->id);
    arrakis_status rc = ark_stride_of(stride_ns, stream->channels, err);
    if (rc < 0)
        return rc;
    int64_t latency = options->tolerance_ns != ARRAKIS_UNSET ? options->tolerance_ns
                                                             : ark_latency_of(stream->channels);
    if (latency == ARRAKIS_UNSET && options->bounded)
        latency = ARK_DEFAULT_LATENCY_NS;
    if (latency > most_latency_ns)
        latency = most_latency_ns;
    *contract_ns = latency == ARRAKIS_UNSET ? ARRAKIS_UNSET : latency + *stride_ns;
    return ARRAKIS_OK;
}

static arrakis_status choose_stride(ark_mux *mux, const int64_t *strides_ns, arrakis_error *err)
{
    int64_t native = 1, wanted = mux->options.stride_ns;
    for (size_t i = 0; i < mux->count; i++)
        if ((native = ark_stride_lcm(native, strides_ns[i])) < 0)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "the inputs' strides have no usable common multiple");
    if (wanted == ARRAKIS_UNSET)
        wanted = native;
    if (wanted <= 0 || wanted % native)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "stride %lld ns: expected a multiple of the native stride, %lld ns",
                        (long long)wanted, (long long)native);
    mux->block_ns = wanted;
    /* A request with a start begins at the common stride boundary at or before it. */
    mux->origin_ns = mux->options.start_ns == ARRAKIS_UNSET
                         ? 0
                         : ark_stride_floor(mux->options.start_ns, native);
    return ARRAKIS_OK;
}

static bool is_live(const ark_mux *mux)
{
    return mux->options.start_ns == ARRAKIS_UNSET;
}

static arrakis_status set_up_lanes(ark_mux *mux, const ark_mux_stream *streams,
                                   const int64_t *contracts_ns, arrakis_error *err)
{
    bool live = is_live(mux), all_due = true;
    for (size_t i = 0; i < mux->count; i++)
        all_due = all_due && contracts_ns[i] != ARRAKIS_UNSET;
    for (size_t i = 0; i < mux->count; i++) {
        lane *l = &mux->lanes[i];
        if (!(l->id = strdup(streams[i].id)))
            return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
        l->contract_ns = contracts_ns[i];
        l->reach_ns = ark_latency_reach(l->contract_ns, mux->layout->stripes[i].stride_ns);
        l->front_ns = l->gap_since_ns = ARRAKIS_UNSET;
        l->void_ns = INT64_MIN;
        /* Without a contract on every stream there is nothing to time any of them by. */
        ark_queue_init(&l->queue, &mux->layout->stripes[i],
                       live && all_due ? l->contract_ns : ARRAKIS_UNSET,
                       live ? INT64_MIN : mux->origin_ns, mux->block_ns);
    }
    return ARRAKIS_OK;
}

/* Up to where a stream is known. */
static int64_t known_ns(const lane *l)
{
    return l->void_ns > l->queue.horizon_ns ? l->void_ns : l->queue.horizon_ns;
}

static void recount(ark_mux *mux)
{
    mux->unready = 0;
    for (size_t i = 0; i < mux->count; i++)
        mux->unready += known_ns(&mux->lanes[i]) < mux->cursor_ns + mux->block_ns;
}

static arrakis_status set_up(ark_mux *mux, const ark_mux_stream *streams, arrakis_error *err)
{
    int64_t *strides_ns = calloc(mux->count, sizeof *strides_ns);
    int64_t *contracts_ns = calloc(mux->count, sizeof *contracts_ns);
    const arrakis_channels **lists = calloc(mux->count, sizeof *lists);
    mux->lanes = calloc(mux->count, sizeof *mux->lanes);
    mux->chunks = calloc(mux->count, sizeof *mux->chunks);
    arrakis_status rc = ARRAKIS_OK;
    if (!strides_ns || !contracts_ns || !lists || !mux->lanes || !mux->chunks)
        rc = ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    for (size_t i = 0; rc == ARRAKIS_OK && i < mux->count; i++) {
        lists[i] = streams[i].channels;
        rc = read_contract(&streams[i], &mux->options, &strides_ns[i], &contracts_ns[i], err);
    }
    if (rc == ARRAKIS_OK)
        rc = choose_stride(mux, strides_ns, err);
    if (rc == ARRAKIS_OK)
        rc = ark_layout_new(&mux->layout, lists, strides_ns, mux->count, mux->block_ns, err);
    if (rc == ARRAKIS_OK && mux->options.order)
        rc = ark_layout_order(mux->layout, mux->options.order, err);
    if (rc == ARRAKIS_OK)
        rc = set_up_lanes(mux, streams, contracts_ns, err);
    free(strides_ns);
    free(contracts_ns);
    free(lists);
    return rc;
}

arrakis_status ark_mux_new(ark_mux **out, const ark_mux_stream *streams, size_t count,
                           const ark_mux_options *options, int64_t now_ns, arrakis_error *err)
{
    *out = NULL;
    if (!count)
        return ark_fail(err, ARRAKIS_EINVAL, "nothing to align: no inputs");
    ark_mux *mux = calloc(1, sizeof *mux);
    if (!mux)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    mux->options = *options;
    mux->count = count;
    mux->created_ns = mux->opened_ns = now_ns;
    mux->latest_ns = now_ns;
    mux->next_pass_ns = INT64_MIN;
    mux->final_ns = ARRAKIS_UNSET;
    arrakis_status rc = set_up(mux, streams, err);
    if (rc < 0) {
        ark_mux_free(mux);
        return rc;
    }
    mux->cursor_ns = is_live(mux) ? ARRAKIS_UNSET : mux->origin_ns;
    mux->begin_ns = is_live(mux) ? INT64_MIN : mux->origin_ns;
    mux->unready = count;
    *out = mux;
    return ARRAKIS_OK;
}

void ark_mux_free(ark_mux *mux)
{
    if (!mux)
        return;
    for (size_t i = 0; mux->lanes && i < mux->count; i++) {
        ark_queue_clear(&mux->lanes[i].queue);
        ark_hold_clear(&mux->lanes[i].hold);
        free(mux->lanes[i].id);
    }
    free(mux->lanes);
    free(mux->chunks);
    ark_layout_free(mux->layout);
    free(mux);
}

const arrakis_channels *ark_mux_channels(const ark_mux *mux)
{
    return mux->layout->channels;
}

int64_t ark_mux_stride_ns(const ark_mux *mux)
{
    return mux->block_ns;
}

void ark_mux_opened(ark_mux *mux, int64_t now_ns)
{
    mux->opened_ns = now_ns;
}

int64_t ark_mux_cursor_ns(const ark_mux *mux)
{
    return mux->cursor_ns;
}

/* ------------------------------------------------------------------ beginning live */

static bool begun(const ark_mux *mux)
{
    return mux->cursor_ns != ARRAKIS_UNSET;
}

/* Live streams begin together: at the first block boundary at or after the latest front. */
static void try_begin(ark_mux *mux)
{
    int64_t latest = INT64_MIN;
    for (size_t i = 0; i < mux->count; i++) {
        if (mux->lanes[i].front_ns == ARRAKIS_UNSET)
            return;
        if (mux->lanes[i].front_ns > latest)
            latest = mux->lanes[i].front_ns;
    }
    int64_t cursor = ark_stride_floor(latest, mux->block_ns);
    mux->cursor_ns = mux->begin_ns = cursor < latest ? cursor + mux->block_ns : cursor;
    mux->next_pass_ns = INT64_MIN; /* first data may lie before what the last pass was up to */
    for (size_t i = 0; i < mux->count; i++) {
        ark_queue *queue = &mux->lanes[i].queue;
        ark_queue_drop_before(queue, mux->cursor_ns);
        if (queue->horizon_ns < mux->cursor_ns)
            queue->horizon_ns = mux->cursor_ns;
    }
    recount(mux);
}

/* ------------------------------------------------------------------ data in */

/* The stride that rows belong to, or false when they do not fit the grid. */
static bool find_slot(const ark_mux *mux, const ark_stripe *stripe, const ark_rows *rows,
                      int64_t *slot_ns)
{
    *slot_ns = ark_stride_floor(rows->time_ns, stripe->stride_ns);
    int64_t into_ns = rows->time_ns - *slot_ns;
    if (rows->duration_ns == stripe->stride_ns)
        return into_ns == 0;
    /* a request's edges: a shorter block, on the grid or at the very start asked for */
    int64_t start_ns = mux->options.start_ns;
    return start_ns != ARRAKIS_UNSET && rows->duration_ns > 0 &&
           into_ns + rows->duration_ns <= stripe->stride_ns &&
           (into_ns == 0 || rows->time_ns == start_ns);
}

/* Whether it is to be said; *times: how often since it was. */
static bool count_mismatch(ark_mux *mux, lane *l, int64_t now_ns, unsigned long long *times)
{
    mux->mismatched++;
    *times = ark_log_limit_note(&l->mismatched, now_ns);
    return *times > 0;
}

static ark_push refuse_off_stride(ark_mux *mux, lane *l, const ark_rows *rows, int64_t now_ns)
{
    unsigned long long times;
    if (count_mismatch(mux, l, now_ns, &times))
        ark_log(ARRAKIS_LOG_WARNING,
                "%s: dropped %llu block(s) off the stride; the latest at %lld ns lasts %lld ns, "
                "expected %lld ns on a multiple of it",
                l->id, times, (long long)rows->time_ns, (long long)rows->duration_ns,
                (long long)l->queue.stripe->stride_ns);
    return ARK_PUSH_MISMATCHED;
}

/* Ahead of the clock, or of a block of its stream that came after it. */
static ark_push refuse_ahead(ark_mux *mux, lane *l, int64_t time_ns, const char *of, int64_t of_ns,
                             int64_t now_ns)
{
    unsigned long long times;
    if (count_mismatch(mux, l, now_ns, &times))
        ark_log(ARRAKIS_LOG_WARNING,
                "%s: dropped %llu block(s) with a wrong time; the latest is of %lld ns, %.1f s "
                "ahead of %s",
                l->id, times, (long long)time_ns, (double)(time_ns - of_ns) * 1e-9, of);
    return ARK_PUSH_MISMATCHED;
}

/* Whether a live stream would begin with it long before everything that is still due: its deadline has
 * passed a day ago, and up to now there would be nothing but gaps to hand out. */
static bool is_bygone(const ark_mux *mux, const lane *l, int64_t slot_ns, int64_t now_ns)
{
    return is_live(mux) && !begun(mux) && !l->has_data && l->queue.timeout_ns != ARRAKIS_UNSET &&
           now_ns - most_behind_ns - l->queue.timeout_ns > slot_ns;
}

static ark_push refuse_bygone(ark_mux *mux, lane *l, int64_t time_ns, int64_t now_ns)
{
    unsigned long long times;
    if (count_mismatch(mux, l, now_ns, &times))
        ark_log(ARRAKIS_LOG_WARNING,
                "%s: dropped %llu block(s) with a wrong time; the latest is of %lld ns, %.1f s "
                "before the present, where a live stream begins",
                l->id, times, (long long)time_ns, (double)(now_ns - time_ns) * 1e-9);
    return ARK_PUSH_MISMATCHED;
}

/* What comes from before the first block was never to be handed out. Live, that is what streams have
 * that began a little earlier than the others; what is older than that has come late. */
static bool is_before_begin(const ark_mux *mux, const lane *l, int64_t slot_ns)
{
    return slot_ns < mux->begin_ns &&
           (!is_live(mux) || slot_ns >= mux->begin_ns - mux->block_ns - l->reach_ns);
}

static void count_late(ark_mux *mux, lane *l, ark_push how, int64_t slot_ns, int64_t now_ns)
{
    if (is_before_begin(mux, l, slot_ns))
        return;
    if (how == ARK_PUSH_DUPLICATE)
        mux->duplicate++;
    else
        mux->late++;
    uint64_t times = ark_log_limit_note(&l->late, now_ns);
    if (times)
        ark_log(
            ARRAKIS_LOG_WARNING,
            "%s: dropped %llu late or repeated block(s); the latest at %lld ns, expected %lld ns "
            "or later",
            l->id, (unsigned long long)times, (long long)slot_ns, (long long)l->queue.horizon_ns);
}

/* Live; with a start nothing is dropped: the source is stopped instead (ark_mux_full). */
static void limit(ark_mux *mux, lane *l, int64_t now_ns)
{
    while (ark_queue_over(&l->queue)) {
        uint64_t held = l->queue.elements;
        uint64_t dropped = ark_queue_drop_oldest(&l->queue);
        mux->overflow += dropped;
        uint64_t times = ark_log_limit_note(&l->overflow, now_ns);
        if (times)
            ark_log(
                ARRAKIS_LOG_WARNING,
                "%s: %llu blocks wait for other inputs, which is the limit; dropping the oldest",
                l->id, (unsigned long long)held);
    }
}

/* A live stream's deadlines pass when its data comes, whoever else waits. */
static void expire_one(ark_mux *mux, lane *l, int64_t now_ns)
{
    int64_t end_ns = mux->cursor_ns + mux->block_ns;
    bool was_unready = l->queue.horizon_ns < end_ns;
    ark_queue_expire(&l->queue, now_ns);
    mux->unready -= was_unready && l->queue.horizon_ns >= end_ns;
}

/* Into the queue. */
static inline ark_push store(ark_mux *mux, lane *l, const ark_rows *rows, int64_t slot_ns,
                             int64_t now_ns)
{
    ark_queue *queue = &l->queue;
    int64_t end_ns = begun(mux) ? mux->cursor_ns + mux->block_ns : INT64_MIN;
    bool was_unready = known_ns(l) < end_ns;
    if (!begun(mux) && !l->has_data) {
        l->has_data = true;
        l->front_ns = queue->horizon_ns = slot_ns;
    }
    int64_t block_ns = mux->origin_ns + ark_stride_floor(slot_ns - mux->origin_ns, mux->block_ns);
    ark_push how = ark_queue_push(queue, rows, slot_ns, block_ns);
    if (how != ARK_PUSH_OK) {
        if (how != ARK_PUSH_NOMEM)
            count_late(mux, l, how, slot_ns, now_ns);
        return how;
    }
    mux->unready -= was_unready && queue->horizon_ns >= end_ns;
    if (is_live(mux))
        limit(mux, l, now_ns);
    if (!begun(mux))
        try_begin(mux);
    return how;
}

/* ------------------------------------------------------------------ data far ahead */

/* Where a stream is: what begins much later is far ahead. Live, that is also the present. */
static int64_t position_of(const ark_mux *mux, const lane *l, int64_t now_ns)
{
    int64_t at_ns = is_live(mux) ? now_ns : l->void_ns;
    return at_ns > l->queue.horizon_ns ? at_ns : l->queue.horizon_ns;
}

static bool is_far(const ark_mux *mux, const lane *l, int64_t slot_ns, int64_t now_ns)
{
    return slot_ns - l->reach_ns > position_of(mux, l, now_ns);
}

/* It came when it was not late: no deadline passes for it here. */
static ark_push let_in_oldest(ark_mux *mux, lane *l, int64_t now_ns)
{
    ark_held *held = ark_hold_take_oldest(&l->hold);
    ark_push how = store(mux, l, &held->rows, held->slot_ns, now_ns);
    free(held);
    return how;
}

/* Let in what begins before until_ns, and what is not far ahead any more. */
static void let_in(ark_mux *mux, lane *l, int64_t until_ns, int64_t now_ns)
{
    const ark_held *oldest;
    while ((oldest = ark_hold_oldest(&l->hold)) &&
           (oldest->slot_ns < until_ns || !is_far(mux, l, oldest->slot_ns, now_ns)))
        let_in_oldest(mux, l, now_ns);
}

/* The same, when nothing more is at hand: what has waited for long is let in as well. */
static void let_in_at_rest(ark_mux *mux, lane *l, int64_t until_ns, int64_t now_ns)
{
    const ark_held *oldest;
    let_in(mux, l, until_ns, now_ns);
    while ((oldest = ark_hold_oldest(&l->hold)) && now_ns - oldest->since_ns >= most_held_ns) {
        let_in_oldest(mux, l, now_ns);
        let_in(mux, l, until_ns, now_ns);
    }
}

/* When a held block is let in because time passes; live, the clock also comes to where it lies. */
static int64_t let_in_at(const ark_mux *mux, const lane *l)
{
    const ark_held *oldest = ark_hold_oldest(&l->hold);
    int64_t then_ns = oldest->since_ns + most_held_ns;
    int64_t near_ns = oldest->slot_ns - l->reach_ns;
    return is_live(mux) && near_ns < then_ns ? near_ns : then_ns;
}

/* A stream goes forward: a block that begins before held ones tells that their times are wrong. */
static void drop_later(ark_mux *mux, lane *l, int64_t slot_ns, int64_t now_ns)
{
    while (l->hold.count && ark_hold_newest(&l->hold)->slot_ns > slot_ns) {
        ark_held *held = ark_hold_take_newest(&l->hold);
        refuse_ahead(mux, l, held->slot_ns, "the next block of its stream", slot_ns, now_ns);
        free(held);
    }
}

static bool is_held(const lane *l, int64_t slot_ns)
{
    for (uint32_t i = 0; i < l->hold.count; i++)
        if (l->hold.held[i]->slot_ns == slot_ns)
            return true;
    return false;
}

/* Rows that lie far ahead, or that come while such are held: late and repeated ones tell nothing of
 * these. Rows without a message are the reader's own word that there is nothing. True: they are to be
 * let in now; else *how they were taken. */
static bool weigh(ark_mux *mux, lane *l, const ark_rows *rows, int64_t slot_ns, int64_t now_ns,
                  ark_push *how)
{
    bool certain = !rows->base;
    if (slot_ns < l->queue.horizon_ns)
        return true;
    if (is_held(l, slot_ns)) {
        count_late(mux, l, *how = ARK_PUSH_DUPLICATE, slot_ns, now_ns);
        return false;
    }
    drop_later(mux, l, slot_ns, now_ns);
    let_in(mux, l, certain ? slot_ns : INT64_MIN, now_ns);
    if (certain || !is_far(mux, l, slot_ns, now_ns))
        return true;
    *how = ARK_PUSH_NOMEM;
    if (!ark_hold_add(&l->hold, l->queue.stripe, rows, slot_ns, now_ns))
        return false;
    *how = ARK_PUSH_HELD;
    if (l->hold.count == ARK_HOLD_MOST) {
        *how = let_in_oldest(mux, l, now_ns);
        let_in(mux, l, INT64_MIN, now_ns);
    }
    return false;
}

/* A request that itself begins in the future is not measured by the clock. */
static bool is_ahead_of_clock(const ark_mux *mux, int64_t time_ns, int64_t now_ns)
{
    int64_t limit_ns = now_ns + most_ahead_ns;
    return time_ns > limit_ns && (is_live(mux) || mux->options.start_ns <= limit_ns);
}

ark_push ark_mux_push(ark_mux *mux, size_t stream, const ark_rows *rows, int64_t now_ns)
{
    lane *l = &mux->lanes[stream];
    int64_t slot_ns;
    if (is_ahead_of_clock(mux, rows->time_ns, now_ns))
        return refuse_ahead(mux, l, rows->time_ns, "the clock", now_ns, now_ns);
    if (!find_slot(mux, l->queue.stripe, rows, &slot_ns))
        return refuse_off_stride(mux, l, rows, now_ns);
    if (is_bygone(mux, l, slot_ns, now_ns))
        return refuse_bygone(mux, l, slot_ns, now_ns);
    ark_push how;
    if ((l->hold.count || slot_ns - l->reach_ns > l->queue.horizon_ns) &&
        !weigh(mux, l, rows, slot_ns, now_ns, &how))
        return how;
    if (is_live(mux) && begun(mux))
        expire_one(mux, l, now_ns);
    return store(mux, l, rows, slot_ns, now_ns);
}

/* ------------------------------------------------------------------ deadlines */

/* Before the start: when a stream is not waited for any longer. */
static int64_t front_due_ns(const ark_mux *mux, const lane *l)
{
    return ark_stride_floor(mux->opened_ns, l->queue.stripe->stride_ns) + l->queue.timeout_ns;
}

/* A stream whose deadline passed without data could begin where the mux was made, so it no longer holds
 * up the others. */
static void expire_front(ark_mux *mux, lane *l, int64_t now_ns)
{
    if (l->front_ns == ARRAKIS_UNSET && now_ns >= front_due_ns(mux, l))
        l->front_ns = ark_stride_floor(mux->created_ns, l->queue.stripe->stride_ns);
}

/* When, at the latest, the data that a lane lacks for the next block is due. */
static int64_t due_ns(const ark_mux *mux, const lane *l, int64_t contract_ns)
{
    return mux->cursor_ns + mux->block_ns - l->queue.stripe->stride_ns + contract_ns;
}

static void pass_live(ark_mux *mux, int64_t now_ns)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < mux->count; i++) {
        lane *l = &mux->lanes[i];
        let_in_at_rest(mux, l, INT64_MIN, now_ns);
        if (l->hold.count && let_in_at(mux, l) < next)
            next = let_in_at(mux, l);
        if (l->queue.timeout_ns == ARRAKIS_UNSET)
            continue;
        ark_queue_expire(&l->queue, now_ns);
        if (!begun(mux))
            expire_front(mux, l, now_ns);
        int64_t stride_ns = l->queue.stripe->stride_ns;
        int64_t then = ark_stride_floor(now_ns - l->queue.timeout_ns, stride_ns) + stride_ns +
                       l->queue.timeout_ns;
        if (then < next)
            next = then;
    }
    mux->next_pass_ns = next;
    if (begun(mux))
        recount(mux);
    else
        try_begin(mux);
}

/* Deadlines of the next block, of those streams for which they pass as in a live stream. */
static void pass_with_start(ark_mux *mux, int64_t now_ns)
{
    int64_t next = INT64_MAX, end_ns = mux->cursor_ns + mux->block_ns;
    for (size_t i = 0; i < mux->count; i++) {
        lane *l = &mux->lanes[i];
        if (l->queue.timeout_ns != ARRAKIS_UNSET && known_ns(l) < end_ns) {
            int64_t then = due_ns(mux, l, l->queue.timeout_ns);
            if (now_ns < then)
                next = then < next ? then : next;
            else if (now_ns - then > most_overdue_ns)
                l->queue.timeout_ns = ARRAKIS_UNSET;
            else
                l->void_ns = end_ns;
        }
        mux->voids = mux->voids || l->void_ns > l->queue.horizon_ns;
        let_in_at_rest(mux, l, l->void_ns, now_ns);
        if (l->hold.count && let_in_at(mux, l) < next)
            next = let_in_at(mux, l);
    }
    mux->next_pass_ns = next;
    recount(mux);
}

static int64_t known_by(const lane *l, int64_t contract_ns, int64_t at_ns)
{
    int64_t stride_ns = l->queue.stripe->stride_ns;
    return ark_stride_floor(at_ns - contract_ns, stride_ns) + stride_ns;
}

/* The clock was ahead, and has been set right: what it took for gaps, and nobody was told of, may
 * still come. */
static void take_back(ark_mux *mux, int64_t now_ns)
{
    for (size_t i = 0; i < mux->count; i++) {
        lane *l = &mux->lanes[i];
        if (l->contract_ns == ARRAKIS_UNSET)
            continue;
        int64_t known = known_by(l, l->contract_ns, now_ns);
        if (l->void_ns > known)
            l->void_ns = known;
        if (begun(mux) && known < mux->cursor_ns)
            known = mux->cursor_ns;
        if (l->queue.last_ns != ARRAKIS_UNSET &&
            known < l->queue.last_ns + l->queue.stripe->stride_ns)
            known = l->queue.last_ns + l->queue.stripe->stride_ns;
        if (l->queue.horizon_ns > known)
            l->queue.horizon_ns = known;
    }
    mux->latest_ns = now_ns;
    mux->next_pass_ns = INT64_MIN;
    if (begun(mux))
        recount(mux);
}

void ark_mux_expire(ark_mux *mux, int64_t now_ns)
{
    if (now_ns < mux->latest_ns - step_back_ns)
        take_back(mux, now_ns);
    if (now_ns > mux->latest_ns)
        mux->latest_ns = now_ns;
    if (now_ns < mux->next_pass_ns || mux->final_ns != ARRAKIS_UNSET)
        return;
    if (is_live(mux))
        pass_live(mux, now_ns);
    else
        pass_with_start(mux, now_ns);
}

int64_t ark_mux_deadline_ns(const ark_mux *mux)
{
    int64_t deadline = ARRAKIS_UNSET;
    for (size_t i = 0; i < mux->count; i++) {
        const lane *l = &mux->lanes[i];
        int64_t then = ARRAKIS_UNSET, timeout_ns = l->queue.timeout_ns;
        if (begun(mux) ? known_ns(l) >= mux->cursor_ns + mux->block_ns
                       : l->front_ns != ARRAKIS_UNSET)
            continue;
        if (timeout_ns != ARRAKIS_UNSET)
            then = begun(mux) ? due_ns(mux, l, timeout_ns) : front_due_ns(mux, l);
        if (l->hold.count && (then == ARRAKIS_UNSET || let_in_at(mux, l) < then))
            then = let_in_at(mux, l);
        if (then == ARRAKIS_UNSET)
            return ARRAKIS_UNSET;
        if (then > deadline)
            deadline = then;
    }
    return deadline;
}

/* When the source is to be asked for a lane without which the next block is not ready. Without a
 * contract that is waited for without limit, unless something is held that nothing need follow. */
static int64_t ask_at(const ark_mux *mux, const lane *l)
{
    if (l->contract_ns != ARRAKIS_UNSET)
        return due_ns(mux, l, l->contract_ns);
    const ark_held *oldest = ark_hold_oldest(&l->hold);
    if (!oldest)
        return ARRAKIS_UNSET;
    int64_t then_ns = oldest->since_ns + ARK_DEFAULT_LATENCY_NS;
    return then_ns > oldest->slot_ns ? then_ns : oldest->slot_ns;
}

int64_t ark_mux_overdue(const ark_mux *mux, int64_t now_ns, int64_t *due)
{
    *due = ARRAKIS_UNSET;
    if (is_live(mux))
        return -1;
    for (size_t i = 0; i < mux->count; i++) {
        const lane *l = &mux->lanes[i];
        if (known_ns(l) >= mux->cursor_ns + mux->block_ns || l->queue.timeout_ns != ARRAKIS_UNSET)
            continue;
        int64_t then = ask_at(mux, l);
        if (then == ARRAKIS_UNSET)
            continue;
        if (*due == ARRAKIS_UNSET || then < *due || then <= now_ns)
            *due = then;
        if (then <= now_ns)
            return (int64_t)i;
    }
    return -1;
}

void ark_mux_exhausted(ark_mux *mux, size_t stream, int64_t at_ns, bool live)
{
    lane *l = &mux->lanes[stream];
    if (l->contract_ns == ARRAKIS_UNSET) {
        let_in(mux, l, at_ns == INT64_MAX ? at_ns : at_ns + 1, at_ns);
        return;
    }
    int64_t known = known_by(l, l->contract_ns, at_ns);
    if (known > l->void_ns)
        l->void_ns = known;
    mux->voids = true;
    let_in(mux, l, l->void_ns, at_ns);
    if (live) {
        l->queue.timeout_ns = l->contract_ns;
        mux->next_pass_ns = INT64_MIN;
    }
    recount(mux);
}

void ark_mux_finish(ark_mux *mux, int64_t until_ns)
{
    int64_t last;
    for (size_t i = 0; i < mux->count; i++) /* nothing else can come */
        let_in(mux, &mux->lanes[i], INT64_MAX, mux->latest_ns);
    last = begun(mux) ? until_ns : ARRAKIS_UNSET;
    for (size_t i = 0; i < mux->count; i++) {
        lane *l = &mux->lanes[i];
        if (!begun(mux) && l->front_ns == ARRAKIS_UNSET)
            l->front_ns = INT64_MIN + 1; /* this input has no watermark: the others decide */
        if (l->queue.last_ns != ARRAKIS_UNSET && l->queue.horizon_ns > last)
            last = l->queue.horizon_ns;
    }
    if (last == ARRAKIS_UNSET)
        return;
    if (!begun(mux))
        try_begin(mux);
    for (size_t i = 0; i < mux->count; i++)
        if (mux->lanes[i].queue.horizon_ns < last)
            mux->lanes[i].queue.horizon_ns = last;
    mux->final_ns = last;
    recount(mux);
}

bool ark_mux_full(const ark_mux *mux, size_t stream)
{
    return !is_live(mux) && ark_queue_full(&mux->lanes[stream].queue);
}

bool ark_mux_has_room(const ark_mux *mux, size_t stream)
{
    return ark_queue_has_room(&mux->lanes[stream].queue);
}

/* ------------------------------------------------------------------ blocks out */

/* Say once that a stream has been away for longer than it may, and once that it is back. */
static void note_gap(lane *l, int64_t from_ns, int64_t to_ns)
{
    int64_t patience = l->contract_ns > ARRAKIS_SECOND_NS ? l->contract_ns : ARRAKIS_SECOND_NS;
    if (l->gap_since_ns == ARRAKIS_UNSET)
        l->gap_since_ns = from_ns;
    if (l->served && !l->gap_said && to_ns - l->gap_since_ns >= patience) {
        l->gap_said = true;
        ark_log(ARRAKIS_LOG_WARNING, "%s: no data since GPS %.3f; serving gaps until it resumes",
                l->id, (double)l->gap_since_ns * 1e-9);
    }
}

static void note_data(lane *l, int64_t at_ns)
{
    if (l->gap_since_ns != ARRAKIS_UNSET && l->gap_said)
        ark_log(ARRAKIS_LOG_INFO, "%s: data resumed at GPS %.3f after %.1f s", l->id,
                (double)at_ns * 1e-9, (double)(at_ns - l->gap_since_ns) * 1e-9);
    l->served = true;
    l->gap_said = false;
    l->gap_since_ns = ARRAKIS_UNSET;
}

/* Whether no stream has data before end_ns; *next_ns: where the next data is, or the end of what
 * is known. */
static bool nothing_before(const ark_mux *mux, int64_t end_ns, int64_t *next_ns)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < mux->count; i++) {
        const ark_queue *queue = &mux->lanes[i].queue;
        int64_t front = ark_queue_front(queue);
        if (front != ARRAKIS_UNSET && front < end_ns)
            return false;
        if (front != ARRAKIS_UNSET && front < next)
            next = front;
        if (queue->horizon_ns < next)
            next = queue->horizon_ns;
    }
    *next_ns = next;
    return true;
}

/* With a start, absence becomes a gap where all streams are known, when that is handed out, and not
 * before: while one of them is waited for, the others' data may come late. */
static void settle(ark_mux *mux)
{
    int64_t all_ns = INT64_MAX;
    if (!mux->voids)
        return;
    for (size_t i = 0; i < mux->count; i++)
        if (known_ns(&mux->lanes[i]) < all_ns)
            all_ns = known_ns(&mux->lanes[i]);
    all_ns = mux->cursor_ns + ark_stride_floor(all_ns - mux->cursor_ns, mux->block_ns);
    mux->voids = false;
    for (size_t i = 0; i < mux->count; i++) {
        lane *l = &mux->lanes[i];
        if (l->queue.horizon_ns < all_ns)
            l->queue.horizon_ns = all_ns;
        mux->voids = mux->voids || l->void_ns > l->queue.horizon_ns;
    }
}

static void advance(ark_mux *mux, int64_t to_ns)
{
    mux->cursor_ns = to_ns;
    if (!is_live(mux))
        mux->next_pass_ns = INT64_MIN; /* the next block has deadlines of its own */
    recount(mux);
}

static uint64_t strides_until(const ark_queue *queue, int64_t span_ns)
{
    int64_t stride_ns = queue->stripe->stride_ns;
    return (uint64_t)((span_ns + stride_ns - 1) / stride_ns);
}

static arrakis_status take_block(ark_mux *mux, arrakis_block **out, arrakis_error *err)
{
    int64_t start_ns = mux->cursor_ns, end_ns = start_ns + mux->block_ns;
    bool cut = mux->final_ns != ARRAKIS_UNSET && mux->final_ns < end_ns;
    for (size_t i = 0; i < mux->count; i++) {
        ark_chunk **chunk = &mux->chunks[i];
        if (ark_queue_close(&mux->lanes[i].queue, start_ns, chunk) < 0)
            return ark_fail(err, ARRAKIS_ENOMEM, "out of memory for a block");
        if (*chunk && cut && (*chunk)->end_ns > mux->final_ns)
            (*chunk)->end_ns = mux->final_ns;
    }
    arrakis_status rc = ark_block_assemble(out, mux->layout, start_ns, mux->chunks, err);
    if (rc < 0)
        return rc; /* nothing has been taken: the next call tries again */
    for (size_t i = 0; i < mux->count; i++) {
        lane *l = &mux->lanes[i];
        const ark_chunk *chunk = ark_queue_take(&l->queue, start_ns);
        mux->gaps += strides_until(&l->queue, cut ? mux->final_ns - start_ns : mux->block_ns) -
                     (chunk ? chunk->elements : 0);
        if (chunk)
            note_data(l, start_ns);
        else
            note_gap(l, start_ns, end_ns);
    }
    advance(mux, end_ns);
    return ARRAKIS_OK;
}

/* Behind the end of the source, a part of a block is enough. */
bool ark_mux_ready(const ark_mux *mux)
{
    if (!begun(mux))
        return false;
    return mux->final_ns == ARRAKIS_UNSET ? mux->unready == 0 : mux->cursor_ns < mux->final_ns;
}

arrakis_status ark_mux_pull(ark_mux *mux, arrakis_block **out, arrakis_error *err)
{
    *out = NULL;
    int64_t next_ns;
    while (ark_mux_ready(mux)) {
        int64_t cursor = mux->cursor_ns;
        settle(mux);
        if (mux->options.on_gap == ARRAKIS_GAP_FILL ||
            !nothing_before(mux, cursor + mux->block_ns, &next_ns))
            return take_block(mux, out, err);
        if (next_ns < cursor + mux->block_ns)
            next_ns = cursor + mux->block_ns;
        int64_t to_ns = next_ns, end_ns = mux->options.end_ns;
        bool to_the_end = end_ns != ARRAKIS_UNSET && end_ns > cursor && end_ns < next_ns;
        if (to_the_end)
            to_ns = end_ns + mux->block_ns - 1; /* the block that would begin there, or next */
        advance(mux, cursor + ark_stride_floor(to_ns - cursor, mux->block_ns));
        if (mux->options.on_gap == ARRAKIS_GAP_RAISE)
            return ark_fail(err, ARRAKIS_EGAP, "no input has data from %lld ns to %lld ns",
                            (long long)cursor, (long long)(to_the_end ? end_ns : mux->cursor_ns));
    }
    return ARRAKIS_TIMEOUT;
}

int64_t ark_mux_newest_ns(const ark_mux *mux, size_t stream)
{
    return mux->lanes[stream].queue.last_ns;
}

void ark_mux_stats(const ark_mux *mux, arrakis_stats *stats)
{
    stats->late += mux->late;
    stats->duplicate += mux->duplicate;
    stats->mismatched += mux->mismatched;
    stats->overflow += mux->overflow;
    stats->gaps += mux->gaps;
}
