/* SPDX-License-Identifier: Apache-2.0 */
#include "align/mux_deadline.h"

#include "align/mux_begin.h"
#include "align/mux_push.h"
#include "align/mux_state.h"

/* A deadline of a request with a start that passes later than this was missed: the reader, or
 * another input that was waited for, stood still. The data may be on its way, so the source is
 * asked again. */
static const int64_t max_overdue_ns = ARRAKIS_SECOND_NS;

/* A clock that goes back by more than this has been set. */
static const int64_t clock_step_ns = ARRAKIS_SECOND_NS;

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* When, at the latest, the data is due that an input lacks for the next block. */
static int64_t block_due_ns(const ark_mux *mux, const ark_mux_input *input, int64_t due_after_ns)
{
    return ark_mux_block_end_ns(mux) - ark_mux_input_stride_ns(input) + due_after_ns;
}

static bool is_ready(const ark_mux *mux, const ark_mux_input *input)
{
    return ark_mux_input_watermark_ns(input) >= ark_mux_block_end_ns(mux);
}

/* ------------------------------------------------------------------ deadlines that pass */

/* The deadlines of all live inputs. */
static void expire_live(ark_mux *mux, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    for (size_t i = 0; i < mux->count; i++) {
        ark_mux_input *input = &mux->inputs[i];
        ark_mux_push_held_idle(mux, input, INT64_MIN, now_ns);
        if (input->held.count)
            next_ns = earlier(next_ns, ark_mux_push_held_due_ns(mux, input));
        int64_t timeout_ns = input->queue.timeout_ns;
        if (timeout_ns == ARRAKIS_UNSET)
            continue;
        int64_t until_ns = earlier(now_ns, mux->stop_ns);
        ark_queue_expire(&input->queue, until_ns);
        if (!ark_mux_begun(mux))
            ark_mux_begin_expire(mux, input, until_ns);
        int64_t stride_ns = ark_mux_input_stride_ns(input);
        next_ns = earlier(next_ns, ark_stride_floor(until_ns - timeout_ns, stride_ns) + stride_ns +
                                       timeout_ns);
    }
    mux->next_expire_ns = next_ns;
    if (ark_mux_begun(mux))
        ark_mux_count_unready(mux);
    else
        ark_mux_begin_try(mux);
}

/* The deadlines of the next block, of those inputs for which they pass as in a live stream. */
static void expire_with_start(ark_mux *mux, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX, end_ns = ark_mux_block_end_ns(mux);
    for (size_t i = 0; i < mux->count; i++) {
        ark_mux_input *input = &mux->inputs[i];
        if (input->queue.timeout_ns != ARRAKIS_UNSET && !is_ready(mux, input)) {
            int64_t due_ns = block_due_ns(mux, input, input->queue.timeout_ns);
            if (now_ns < due_ns)
                next_ns = earlier(next_ns, due_ns);
            else if (now_ns - due_ns > max_overdue_ns)
                input->queue.timeout_ns = ARRAKIS_UNSET;
            else
                input->missing_until_ns = end_ns;
        }
        mux->any_missing = mux->any_missing || input->missing_until_ns > input->queue.watermark_ns;
        ark_mux_push_held_idle(mux, input, input->missing_until_ns, now_ns);
        if (input->held.count)
            next_ns = earlier(next_ns, ark_mux_push_held_due_ns(mux, input));
    }
    mux->next_expire_ns = next_ns;
    ark_mux_count_unready(mux);
}

/* The clock was ahead and has been set back. Deadlines that passed too early, and whose gaps have
 * not been handed out, are taken back: the data may still come. */
static void follow_clock_back(ark_mux *mux, int64_t now_ns)
{
    for (size_t i = 0; i < mux->count; i++) {
        ark_mux_input *input = &mux->inputs[i];
        ark_queue *queue = &input->queue;
        if (input->due_after_ns == ARRAKIS_UNSET)
            continue;
        int64_t watermark_ns = ark_mux_input_due_ns(input, now_ns);
        if (input->missing_until_ns > watermark_ns)
            input->missing_until_ns = watermark_ns;
        if (ark_mux_begun(mux) && watermark_ns < mux->cursor_ns)
            watermark_ns = mux->cursor_ns;
        if (queue->last_ns != ARRAKIS_UNSET &&
            watermark_ns < queue->last_ns + ark_mux_input_stride_ns(input))
            watermark_ns = queue->last_ns + ark_mux_input_stride_ns(input);
        if (queue->watermark_ns > watermark_ns)
            queue->watermark_ns = watermark_ns;
    }
    mux->latest_ns = now_ns;
    mux->next_expire_ns = INT64_MIN;
    if (ark_mux_begun(mux))
        ark_mux_count_unready(mux);
}

void ark_mux_deadline_expire(ark_mux *mux, int64_t now_ns)
{
    if (now_ns < mux->latest_ns - clock_step_ns)
        follow_clock_back(mux, now_ns);
    if (now_ns > mux->latest_ns)
        mux->latest_ns = now_ns;
    if (now_ns < mux->next_expire_ns || mux->phase == ARK_MUX_ENDING)
        return;
    if (mux->live)
        expire_live(mux, now_ns);
    else
        expire_with_start(mux, now_ns);
}

void ark_mux_deadline_stop(ark_mux *mux, int64_t stop_ns)
{
    mux->stop_ns = stop_ns;
    mux->next_expire_ns = INT64_MIN;
}

/* ------------------------------------------------------------------ deadlines to come */

int64_t ark_mux_deadline_ns(const ark_mux *mux)
{
    bool begun = ark_mux_begun(mux);
    int64_t latest_ns = ARRAKIS_UNSET; /* earlier than all times */
    for (size_t i = 0; i < mux->count; i++) {
        const ark_mux_input *input = &mux->inputs[i];
        int64_t due_ns = ARRAKIS_UNSET, timeout_ns = input->queue.timeout_ns;
        if (begun ? is_ready(mux, input) : input->first != ARK_MUX_FIRST_UNKNOWN)
            continue;
        if (timeout_ns != ARRAKIS_UNSET)
            due_ns =
                begun ? block_due_ns(mux, input, timeout_ns) : ark_mux_begin_due_ns(mux, input);
        if (input->held.count) {
            int64_t held_due_ns = ark_mux_push_held_due_ns(mux, input);
            due_ns = due_ns == ARRAKIS_UNSET ? held_due_ns : earlier(due_ns, held_due_ns);
        }
        if (due_ns == ARRAKIS_UNSET || due_ns > mux->stop_ns)
            return ARRAKIS_UNSET;
        if (due_ns > latest_ns)
            latest_ns = due_ns;
    }
    return latest_ns;
}

/* When the source is to be asked for data of an input that is not ready; ARRAKIS_UNSET: never.
 * Data that is never due is waited for without limit. Then the source is asked only about held
 * rows: no row has to follow them. */
static int64_t ask_source_ns(const ark_mux *mux, const ark_mux_input *input)
{
    if (input->due_after_ns != ARRAKIS_UNSET)
        return block_due_ns(mux, input, input->due_after_ns);
    const ark_held *oldest = ark_held_rows_oldest(&input->held);
    if (!oldest)
        return ARRAKIS_UNSET;
    int64_t ask_ns = oldest->since_ns + ARK_DEFAULT_LATENCY_NS;
    return ask_ns > oldest->stride_start_ns ? ask_ns : oldest->stride_start_ns;
}

int64_t ark_mux_deadline_overdue(const ark_mux *mux, int64_t now_ns, int64_t *due_ns)
{
    *due_ns = ARRAKIS_UNSET;
    if (mux->live)
        return -1;
    for (size_t i = 0; i < mux->count; i++) {
        const ark_mux_input *input = &mux->inputs[i];
        if (is_ready(mux, input) || input->queue.timeout_ns != ARRAKIS_UNSET)
            continue;
        int64_t ask_ns = ask_source_ns(mux, input);
        if (ask_ns == ARRAKIS_UNSET)
            continue;
        if (*due_ns == ARRAKIS_UNSET || ask_ns < *due_ns || ask_ns <= now_ns)
            *due_ns = ask_ns;
        if (ask_ns <= now_ns)
            return (int64_t)i;
    }
    return -1;
}
