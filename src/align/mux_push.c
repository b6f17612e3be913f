/* SPDX-License-Identifier: Apache-2.0 */
#include "align/mux_push.h"

#include "align/mux_begin.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>

/* No clock of a site is this wrong: data further ahead of the clock is refused. */
static const int64_t max_ahead_of_clock_ns = 60 * ARRAKIS_SECOND_NS;
/* Nothing is published live this late: a live stream does not begin with older data. */
static const int64_t max_behind_clock_ns = 86400 * ARRAKIS_SECOND_NS;
/* Rows that were held this long are queued: an input may be that slow. */
static const int64_t max_held_ns = 60 * ARRAKIS_SECOND_NS;

/* ------------------------------------------------------------------ rows that are refused */

/* Count rows that are refused. Returns how many to log: those since the last line of log, or 0. */
static unsigned long long count_mismatch(ark_mux *mux, ark_mux_input *input, int64_t now_ns)
{
    mux->mismatched++;
    return ark_log_limit_note(&input->mismatched, now_ns);
}

static ark_push refuse_off_stride(ark_mux *mux, ark_mux_input *input, const ark_rows *rows,
                                  int64_t now_ns)
{
    unsigned long long times = count_mismatch(mux, input, now_ns);
    if (times)
        ark_log(ARRAKIS_LOG_WARNING,
                "%s: dropped %llu block(s) off the stride; the latest at %lld ns lasts %lld ns, "
                "expected %lld ns on a multiple of it",
                input->id, times, (long long)rows->time_ns, (long long)rows->duration_ns,
                (long long)ark_mux_input_stride_ns(input));
    return ARK_PUSH_MISMATCHED;
}

/* Ahead of the clock, or of rows of the same input that came later. */
static ark_push refuse_ahead(ark_mux *mux, ark_mux_input *input, int64_t time_ns, const char *of,
                             int64_t of_ns, int64_t now_ns)
{
    unsigned long long times = count_mismatch(mux, input, now_ns);
    if (times)
        ark_log(ARRAKIS_LOG_WARNING,
                "%s: dropped %llu block(s) with a wrong time; the latest is of %lld ns, %.1f s "
                "ahead of %s",
                input->id, times, (long long)time_ns, (double)(time_ns - of_ns) * 1e-9, of);
    return ARK_PUSH_MISMATCHED;
}

static ark_push refuse_too_old(ark_mux *mux, ark_mux_input *input, int64_t time_ns, int64_t now_ns)
{
    unsigned long long times = count_mismatch(mux, input, now_ns);
    if (times)
        ark_log(ARRAKIS_LOG_WARNING,
                "%s: dropped %llu block(s) with a wrong time; the latest is of %lld ns, %.1f s "
                "before the present, where a live stream begins",
                input->id, times, (long long)time_ns, (double)(now_ns - time_ns) * 1e-9);
    return ARK_PUSH_MISMATCHED;
}

/* Data from before the first block is not late: it was never to be handed out. A live stream
 * counts what is older than one block and max_ahead_ns before its begin as late; newer data is
 * that of inputs which began a little earlier than the others. */
static bool is_before_begin(const ark_mux *mux, const ark_mux_input *input,
                            int64_t stride_start_ns)
{
    return stride_start_ns < mux->begin_ns &&
           (!mux->live || stride_start_ns >= mux->begin_ns - mux->block_ns - input->max_ahead_ns);
}

static void count_late(ark_mux *mux, ark_mux_input *input, ark_push how, int64_t stride_start_ns,
                       int64_t now_ns)
{
    if (is_before_begin(mux, input, stride_start_ns))
        return;
    if (how == ARK_PUSH_DUPLICATE)
        mux->duplicate++;
    else
        mux->late++;
    unsigned long long times = ark_log_limit_note(&input->late, now_ns);
    if (times)
        ark_log(
            ARRAKIS_LOG_WARNING,
            "%s: dropped %llu late or repeated block(s); the latest at %lld ns, expected %lld ns "
            "or later",
            input->id, times, (long long)stride_start_ns, (long long)input->queue.watermark_ns);
}

/* ------------------------------------------------------------------ into the queue */

/* Live: drop the oldest rows of a queue over its limit. With a start nothing is dropped: the
 * source is paused instead (ark_mux_full). */
static void limit_queue(ark_mux *mux, ark_mux_input *input, int64_t now_ns)
{
    while (ark_queue_over(&input->queue)) {
        unsigned long long held = input->queue.elements;
        mux->overflow += ark_queue_drop_oldest(&input->queue);
        if (ark_log_limit_note(&input->overflow, now_ns))
            ark_log(
                ARRAKIS_LOG_WARNING,
                "%s: %llu blocks wait for other inputs, which is the limit; dropping the oldest",
                input->id, held);
    }
}

/* The deadlines of a live input pass when its data comes, even while other inputs are waited
 * for. */
static void expire_input(ark_mux *mux, ark_mux_input *input, int64_t now_ns)
{
    int64_t end_ns = ark_mux_block_end_ns(mux);
    bool was_unready = input->queue.watermark_ns < end_ns;
    ark_queue_expire(&input->queue, now_ns < mux->stop_ns ? now_ns : mux->stop_ns);
    mux->unready -= was_unready && input->queue.watermark_ns >= end_ns;
}

static inline ark_push queue_rows(ark_mux *mux, ark_mux_input *input, const ark_rows *rows,
                                  int64_t stride_start_ns, int64_t now_ns)
{
    ark_queue *queue = &input->queue;
    bool begun = ark_mux_begun(mux);
    int64_t end_ns = begun ? ark_mux_block_end_ns(mux) : INT64_MIN;
    bool was_unready = ark_mux_input_watermark_ns(input) < end_ns;
    if (!begun && input->first != ARK_MUX_FIRST_DATA) {
        input->first = ARK_MUX_FIRST_DATA;
        input->first_ns = queue->watermark_ns = stride_start_ns;
    }
    int64_t block_ns =
        mux->origin_ns + ark_stride_floor(stride_start_ns - mux->origin_ns, mux->block_ns);
    ark_push how = ark_queue_push(queue, rows, stride_start_ns, block_ns);
    if (how != ARK_PUSH_OK) {
        if (how != ARK_PUSH_NOMEM)
            count_late(mux, input, how, stride_start_ns, now_ns);
        return how;
    }
    mux->unready -= was_unready && queue->watermark_ns >= end_ns;
    if (mux->live)
        limit_queue(mux, input, now_ns);
    if (!begun)
        ark_mux_begin_try(mux);
    return how;
}

/* ------------------------------------------------------------------ rows that are held */

/* The clock is no measure for a request that itself begins in the future. */
static bool is_measured_by_clock(const ark_mux *mux, int64_t latest_ns)
{
    return mux->live || mux->start_ns <= latest_ns;
}

/* No longer than this before the clock reaches a stride, the stride is believed: clocks differ. */
static int64_t clock_margin_ns(const ark_mux_input *input)
{
    return ARRAKIS_SECOND_NS + ark_mux_input_stride_ns(input);
}

/* Whether a stride begins far ahead of the present and of its input. The latency of the input does
 * not matter here: data may be that late, and is never early. */
static bool is_ahead_of_present(const ark_mux *mux, const ark_mux_input *input,
                                int64_t stride_start_ns, int64_t now_ns)
{
    int64_t believed_at_ns = stride_start_ns - clock_margin_ns(input);
    return is_measured_by_clock(mux, now_ns) && believed_at_ns > now_ns &&
           believed_at_ns > input->queue.watermark_ns;
}

/* Whether a stride begins far ahead of all that is known of its input. A live input may be away for
 * any time, and come back. */
static bool is_ahead_of_input(const ark_mux *mux, const ark_mux_input *input,
                              int64_t stride_start_ns)
{
    return !mux->live && stride_start_ns - input->max_ahead_ns > ark_mux_input_watermark_ns(input);
}

static bool is_far_ahead(const ark_mux *mux, const ark_mux_input *input, int64_t stride_start_ns,
                         int64_t now_ns)
{
    return is_ahead_of_input(mux, input, stride_start_ns) ||
           is_ahead_of_present(mux, input, stride_start_ns, now_ns);
}

/* Held rows were not late when they came: no deadline passes here before they are queued. */
static ark_push queue_oldest_held(ark_mux *mux, ark_mux_input *input, int64_t now_ns)
{
    ark_held *held = ark_held_rows_take_oldest(&input->held);
    ark_push how = queue_rows(mux, input, &held->rows, held->stride_start_ns, now_ns);
    free(held);
    return how;
}

void ark_mux_push_held(ark_mux *mux, ark_mux_input *input, int64_t until_ns, int64_t now_ns)
{
    const ark_held *oldest;
    while ((oldest = ark_held_rows_oldest(&input->held)) &&
           (oldest->stride_start_ns < until_ns ||
            !is_far_ahead(mux, input, oldest->stride_start_ns, now_ns)))
        queue_oldest_held(mux, input, now_ns);
}

void ark_mux_push_held_idle(ark_mux *mux, ark_mux_input *input, int64_t until_ns, int64_t now_ns)
{
    const ark_held *oldest;
    ark_mux_push_held(mux, input, until_ns, now_ns);
    while ((oldest = ark_held_rows_oldest(&input->held)) &&
           now_ns - oldest->since_ns >= max_held_ns) {
        queue_oldest_held(mux, input, now_ns);
        ark_mux_push_held(mux, input, until_ns, now_ns);
    }
}

int64_t ark_mux_push_held_due_ns(const ark_mux *mux, const ark_mux_input *input)
{
    assert(input->held.count);
    const ark_held *oldest = ark_held_rows_oldest(&input->held);
    int64_t held_long_ns = oldest->since_ns + max_held_ns;
    int64_t believed_at_ns = oldest->stride_start_ns - clock_margin_ns(input);
    bool waits_for_clock = !is_ahead_of_input(mux, input, oldest->stride_start_ns);
    return waits_for_clock && believed_at_ns < held_long_ns ? believed_at_ns : held_long_ns;
}

/* The data of an input comes in the order of time: rows that begin before held ones show that the
 * times of the held ones are wrong. */
static void drop_later_held(ark_mux *mux, ark_mux_input *input, int64_t stride_start_ns,
                            int64_t now_ns)
{
    while (input->held.count &&
           ark_held_rows_newest(&input->held)->stride_start_ns > stride_start_ns) {
        ark_held *held = ark_held_rows_take_newest(&input->held);
        refuse_ahead(mux, input, held->stride_start_ns, "the next block of its stream",
                     stride_start_ns, now_ns);
        free(held);
    }
}

static bool is_held(const ark_mux_input *input, int64_t stride_start_ns)
{
    for (uint32_t i = 0; i < input->held.count; i++)
        if (input->held.held[i]->stride_start_ns == stride_start_ns)
            return true;
    return false;
}

/* For rows that lie far ahead, or come while others are held. True: queue the rows now. False:
 * they are held, refused or, with those held before, queued already; *how receives which.
 *
 * Late and repeated rows show nothing about the times of the held ones. The times of rows without
 * a message are right: the reader made them, to tell that there is no data. */
static bool check_far_ahead(ark_mux *mux, ark_mux_input *input, const ark_rows *rows,
                            int64_t stride_start_ns, int64_t now_ns, ark_push *how)
{
    bool certain = !rows->base;
    if (stride_start_ns < input->queue.watermark_ns)
        return true;
    if (is_held(input, stride_start_ns)) {
        count_late(mux, input, *how = ARK_PUSH_DUPLICATE, stride_start_ns, now_ns);
        return false;
    }
    drop_later_held(mux, input, stride_start_ns, now_ns);
    ark_mux_push_held(mux, input, certain ? stride_start_ns : INT64_MIN, now_ns);
    if (certain || !is_far_ahead(mux, input, stride_start_ns, now_ns))
        return true;
    *how = ARK_PUSH_NOMEM;
    if (!ark_held_rows_add(&input->held, input->queue.layout, rows, stride_start_ns, now_ns))
        return false;
    mux->next_expire_ns = INT64_MIN; /* when the held rows are let in is a deadline, too */
    *how = ARK_PUSH_HELD;
    if (input->held.count == ARK_HELD_MOST) {
        *how = queue_oldest_held(mux, input, now_ns);
        ark_mux_push_held(mux, input, INT64_MIN, now_ns);
    }
    return false;
}

/* ------------------------------------------------------------------ data in */

/* The begin of the stride that rows belong to; false: they do not fit the input's strides. */
static bool find_stride(const ark_mux *mux, const ark_mux_input *input, const ark_rows *rows,
                        int64_t *stride_start_ns)
{
    int64_t stride_ns = ark_mux_input_stride_ns(input);
    *stride_start_ns = ark_stride_floor(rows->time_ns, stride_ns);
    int64_t into_ns = rows->time_ns - *stride_start_ns;
    if (rows->duration_ns == stride_ns)
        return into_ns == 0;
    /* Shorter rows, of the first or last stride of a request. */
    return !mux->live && rows->duration_ns > 0 && into_ns + rows->duration_ns <= stride_ns &&
           (into_ns == 0 || rows->time_ns == mux->start_ns);
}

static bool is_ahead_of_clock(const ark_mux *mux, int64_t time_ns, int64_t now_ns)
{
    int64_t limit_ns = now_ns + max_ahead_of_clock_ns;
    return time_ns > limit_ns && is_measured_by_clock(mux, limit_ns);
}

/* Whether a live stream would begin with data whose deadline has passed a day ago: up to the
 * present there would be nothing but gaps to hand out. */
static bool is_too_old(const ark_mux *mux, const ark_mux_input *input, int64_t stride_start_ns,
                       int64_t now_ns)
{
    return mux->phase == ARK_MUX_BEGINNING && input->first != ARK_MUX_FIRST_DATA &&
           input->queue.timeout_ns != ARRAKIS_UNSET &&
           now_ns - max_behind_clock_ns - input->queue.timeout_ns > stride_start_ns;
}

ark_push ark_mux_push(ark_mux *mux, size_t number, const ark_rows *rows, int64_t now_ns)
{
    assert(number < mux->count);
    ark_mux_input *input = &mux->inputs[number];
    int64_t stride_start_ns;
    if (is_ahead_of_clock(mux, rows->time_ns, now_ns))
        return refuse_ahead(mux, input, rows->time_ns, "the clock", now_ns, now_ns);
    if (!find_stride(mux, input, rows, &stride_start_ns))
        return refuse_off_stride(mux, input, rows, now_ns);
    if (is_too_old(mux, input, stride_start_ns, now_ns))
        return refuse_too_old(mux, input, stride_start_ns, now_ns);
    ark_push how;
    if ((input->held.count || stride_start_ns - ARRAKIS_SECOND_NS > input->queue.watermark_ns) &&
        !check_far_ahead(mux, input, rows, stride_start_ns, now_ns, &how))
        return how;
    if (mux->live && ark_mux_begun(mux))
        expire_input(mux, input, now_ns);
    return queue_rows(mux, input, rows, stride_start_ns, now_ns);
}
