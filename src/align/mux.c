/* SPDX-License-Identifier: Apache-2.0 */
#include "align/mux.h"

#include "align/mux_begin.h"
#include "align/mux_push.h"
#include "align/mux_state.h"
#include "base/error.h"
#include "base/log.h"
#include "block/block.h"
#include "block/chunk.h"
#include "channel/latency.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ making one */

/* The stride of an input and, from its channels or the tolerance, when its data is due. */
static arrakis_status read_timing(const ark_mux_input_info *info, const ark_mux_options *options,
                                  int64_t *stride_ns, int64_t *due_after_ns, arrakis_error *err)
{
    if (!arrakis_channels_count(info->channels))
        return ark_fail(err, ARRAKIS_EINVAL, "input %s has no channels", info->id);
    ARK_TRY(ark_stride_of(stride_ns, info->channels, err));
    int64_t latency = options->tolerance_ns != ARRAKIS_UNSET ? options->tolerance_ns
                                                             : ark_latency_of(info->channels);
    if (latency == ARRAKIS_UNSET && options->bounded)
        latency = ARK_DEFAULT_LATENCY_NS;
    *due_after_ns =
        latency == ARRAKIS_UNSET ? ARRAKIS_UNSET : latency + *stride_ns + options->fetch_wait_ns;
    return ARRAKIS_OK;
}

/* The duration of blocks: `chosen`, or that which all strides have in common. */
static arrakis_status choose_stride(ark_mux *mux, int64_t chosen, const int64_t *strides_ns,
                                    arrakis_error *err)
{
    int64_t native = 1;
    for (size_t i = 0; i < mux->count; i++)
        if ((native = ark_stride_lcm(native, strides_ns[i])) < 0)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "the inputs' strides have no usable common multiple");
    if (chosen == ARRAKIS_UNSET)
        chosen = native;
    if (chosen <= 0 || chosen % native)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "stride %lld ns: expected a multiple of the native stride, %lld ns",
                        (long long)chosen, (long long)native);
    mux->native_ns = native;
    mux->block_ns = chosen;
    /* A request with a start begins at the common stride boundary at or before it. */
    mux->origin_ns = mux->live ? 0 : ark_stride_floor(mux->start_ns, native);
    return ARRAKIS_OK;
}

static arrakis_status init_inputs(ark_mux *mux, const ark_mux_input_info *infos,
                                  const int64_t *due_after_ns, arrakis_error *err)
{
    bool all_due = true;
    for (size_t i = 0; i < mux->count; i++)
        all_due = all_due && due_after_ns[i] != ARRAKIS_UNSET;
    for (size_t i = 0; i < mux->count; i++) {
        ark_mux_input *input = &mux->inputs[i];
        const ark_layout_input *layout = &mux->layout->inputs[i];
        if (!(input->id = strdup(infos[i].id)))
            return ark_no_memory(err, "input %s", infos[i].id);
        input->due_after_ns = due_after_ns[i];
        input->max_ahead_ns = ark_latency_max_ahead(due_after_ns[i], layout->stride_ns);
        input->first = ARK_MUX_FIRST_UNKNOWN;
        input->gap_since_ns = ARRAKIS_UNSET;
        input->missing_until_ns = INT64_MIN;
        /* Live, no input has deadlines while the data of one of them is never due: its data
         * decides. */
        ark_queue_init(&input->queue, layout,
                       mux->live && all_due ? due_after_ns[i] : ARRAKIS_UNSET,
                       mux->live ? INT64_MIN : mux->origin_ns, mux->block_ns);
    }
    return ARRAKIS_OK;
}

static arrakis_status make_inputs(ark_mux *mux, const ark_mux_input_info *infos,
                                  const ark_mux_options *options, arrakis_error *err)
{
    int64_t *strides_ns = calloc(mux->count, sizeof *strides_ns);
    int64_t *due_after_ns = calloc(mux->count, sizeof *due_after_ns);
    const arrakis_channels **lists = calloc(mux->count, sizeof *lists);
    mux->inputs = calloc(mux->count, sizeof *mux->inputs);
    mux->chunks = calloc(mux->count, sizeof *mux->chunks);
    arrakis_status rc = ARRAKIS_OK;
    if (!strides_ns || !due_after_ns || !lists || !mux->inputs || !mux->chunks)
        rc = ark_no_memory(err, "%zu inputs", mux->count);
    for (size_t i = 0; rc == ARRAKIS_OK && i < mux->count; i++) {
        lists[i] = infos[i].channels;
        rc = read_timing(&infos[i], options, &strides_ns[i], &due_after_ns[i], err);
    }
    if (rc == ARRAKIS_OK)
        rc = choose_stride(mux, options->stride_ns, strides_ns, err);
    if (rc == ARRAKIS_OK)
        rc = ark_layout_new(&mux->layout, lists, strides_ns, mux->count, mux->block_ns, err);
    if (rc == ARRAKIS_OK && options->order)
        rc = ark_layout_order(mux->layout, options->order, err);
    if (rc == ARRAKIS_OK)
        rc = init_inputs(mux, infos, due_after_ns, err);
    free(strides_ns);
    free(due_after_ns);
    free(lists);
    return rc;
}

arrakis_status ark_mux_new(ark_mux **out, const ark_mux_input_info *inputs, size_t count,
                           const ark_mux_options *options, int64_t now_ns, arrakis_error *err)
{
    assert(options->tolerance_ns <= ARRAKIS_TIME_MAX_NS);
    *out = NULL;
    if (!count)
        return ark_fail(err, ARRAKIS_EINVAL, "nothing to align: no inputs");
    ark_mux *mux = calloc(1, sizeof *mux);
    if (!mux)
        return ark_no_memory(err, "%zu inputs", count);
    mux->live = options->start_ns == ARRAKIS_UNSET;
    mux->start_ns = options->start_ns;
    mux->end_ns = options->end_ns;
    mux->on_gap = options->on_gap;
    mux->count = count;
    mux->created_ns = mux->opened_ns = now_ns;
    mux->latest_ns = now_ns;
    mux->stop_ns = INT64_MAX;
    mux->next_expire_ns = INT64_MIN;
    arrakis_status rc = make_inputs(mux, inputs, options, err);
    if (rc < 0) {
        ark_mux_free(mux);
        return rc;
    }
    mux->phase = mux->live ? ARK_MUX_BEGINNING : ARK_MUX_RUNNING;
    mux->cursor_ns = mux->live ? ARRAKIS_UNSET : mux->origin_ns;
    mux->begin_ns = mux->live ? INT64_MIN : mux->origin_ns;
    mux->unready = count;
    *out = mux;
    return ARRAKIS_OK;
}

void ark_mux_free(ark_mux *mux)
{
    if (!mux)
        return;
    for (size_t i = 0; mux->inputs && i < mux->count; i++) {
        ark_queue_clear(&mux->inputs[i].queue);
        ark_held_rows_clear(&mux->inputs[i].held);
        free(mux->inputs[i].id);
    }
    free(mux->inputs);
    free(mux->chunks);
    ark_layout_unref(mux->layout);
    free(mux);
}

/* ------------------------------------------------------------------ what a mux tells */

const arrakis_channels *ark_mux_channels(const ark_mux *mux)
{
    return mux->layout->channels;
}

int64_t ark_mux_stride_ns(const ark_mux *mux)
{
    return mux->block_ns;
}

int64_t ark_mux_cursor_ns(const ark_mux *mux)
{
    return mux->cursor_ns;
}

int64_t ark_mux_position_ns(const ark_mux *mux)
{
    if (mux->phase != ARK_MUX_ENDING || mux->cursor_ns <= mux->source_end_ns)
        return mux->cursor_ns;
    int64_t end_ns = mux->source_end_ns + mux->native_ns - 1;
    return mux->origin_ns + ark_stride_floor(end_ns - mux->origin_ns, mux->native_ns);
}

bool ark_mux_full(const ark_mux *mux, size_t input)
{
    assert(input < mux->count);
    return !mux->live && ark_queue_full(&mux->inputs[input].queue);
}

bool ark_mux_has_room(const ark_mux *mux, size_t input)
{
    assert(input < mux->count);
    return ark_queue_has_room(&mux->inputs[input].queue);
}

int64_t ark_mux_newest_ns(const ark_mux *mux, size_t input)
{
    assert(input < mux->count);
    return mux->inputs[input].queue.last_ns;
}

int64_t ark_mux_newest_end_ns(const ark_mux *mux)
{
    int64_t newest_ns = ARRAKIS_UNSET;
    for (size_t i = 0; i < mux->count; i++) {
        const ark_mux_input *input = &mux->inputs[i];
        int64_t last_ns = input->queue.last_ns;
        if (last_ns != ARRAKIS_UNSET && last_ns + ark_mux_input_stride_ns(input) > newest_ns)
            newest_ns = last_ns + ark_mux_input_stride_ns(input);
    }
    return newest_ns;
}

int64_t ark_mux_due_after_ns(const ark_mux *mux, size_t input)
{
    assert(input < mux->count);
    return mux->inputs[input].due_after_ns;
}

void ark_mux_stats(const ark_mux *mux, arrakis_stats *stats)
{
    stats->late += mux->late;
    stats->duplicate += mux->duplicate;
    stats->mismatched += mux->mismatched;
    stats->overflow += mux->overflow;
    stats->gaps += mux->gaps;
}

/* ------------------------------------------------------------------ what its source does */

void ark_mux_opened(ark_mux *mux, int64_t now_ns)
{
    mux->opened_ns = now_ns;
}

void ark_mux_exhausted(ark_mux *mux, size_t number, int64_t at_ns, bool live)
{
    assert(number < mux->count && !mux->live);
    ark_mux_input *input = &mux->inputs[number];
    if (input->due_after_ns == ARRAKIS_UNSET) {
        ark_mux_push_held(mux, input, at_ns == INT64_MAX ? at_ns : at_ns + 1, at_ns);
        return;
    }
    int64_t missing_until_ns = ark_mux_input_due_ns(input, at_ns);
    if (missing_until_ns > input->missing_until_ns)
        input->missing_until_ns = missing_until_ns;
    mux->any_missing = true;
    ark_mux_push_held(mux, input, input->missing_until_ns, at_ns);
    if (live)
        input->queue.timeout_ns = input->due_after_ns;
    mux->next_expire_ns = INT64_MIN;
    ark_mux_count_unready(mux);
}

void ark_mux_finish(ark_mux *mux, int64_t until_ns)
{
    for (size_t i = 0; i < mux->count;
         i++) /* no data can come that shows their times to be wrong */
        ark_mux_push_held(mux, &mux->inputs[i], INT64_MAX, mux->latest_ns);
    bool begun = ark_mux_begun(mux);
    int64_t end_ns = begun ? until_ns : ARRAKIS_UNSET;
    for (size_t i = 0; i < mux->count; i++) {
        ark_mux_input *input = &mux->inputs[i];
        if (!begun && input->first == ARK_MUX_FIRST_UNKNOWN)
            input->first = ARK_MUX_FIRST_ANYWHERE;
        if (input->queue.last_ns != ARRAKIS_UNSET && input->queue.watermark_ns > end_ns)
            end_ns = input->queue.watermark_ns;
    }
    if (end_ns == ARRAKIS_UNSET)
        return;
    if (!begun)
        ark_mux_begin_try(mux);
    for (size_t i = 0; i < mux->count; i++)
        if (mux->inputs[i].queue.watermark_ns < end_ns)
            mux->inputs[i].queue.watermark_ns = end_ns;
    mux->source_end_ns = end_ns;
    mux->phase = ARK_MUX_ENDING;
    ark_mux_count_unready(mux);
}

/* ------------------------------------------------------------------ blocks out */

/* Log once that an input has had no data for longer than it may. */
static void note_gap(ark_mux_input *input, int64_t from_ns, int64_t to_ns)
{
    int64_t patience_ns =
        input->due_after_ns > ARRAKIS_SECOND_NS ? input->due_after_ns : ARRAKIS_SECOND_NS;
    if (input->gap_since_ns == ARRAKIS_UNSET) {
        input->gap_since_ns = from_ns;
        ark_log_trace(ARK_LOG_ALIGN, "%s: a gap from %lld ns on", input->id, (long long)from_ns);
    }
    if (input->had_data && !input->gap_logged && to_ns - input->gap_since_ns >= patience_ns) {
        input->gap_logged = true;
        ark_log(ARRAKIS_LOG_WARNING, "%s: no data since GPS %.3f; serving gaps until it resumes",
                input->id, (double)input->gap_since_ns * 1e-9);
    }
}

/* Log that a gap which was logged has ended. */
static void note_data(ark_mux_input *input, int64_t at_ns)
{
    if (input->gap_since_ns != ARRAKIS_UNSET && input->gap_logged)
        ark_log(ARRAKIS_LOG_INFO, "%s: data resumed at GPS %.3f after %.1f s", input->id,
                (double)at_ns * 1e-9, (double)(at_ns - input->gap_since_ns) * 1e-9);
    input->had_data = true;
    input->gap_logged = false;
    input->gap_since_ns = ARRAKIS_UNSET;
}

/* Whether no input has data before end_ns. *next_ns: then the begin of the next data, or the least
 * watermark if that is earlier. */
static bool is_empty_before(const ark_mux *mux, int64_t end_ns, int64_t *next_ns)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < mux->count; i++) {
        const ark_queue *queue = &mux->inputs[i].queue;
        int64_t oldest_ns = ark_queue_oldest_ns(queue);
        if (oldest_ns != ARRAKIS_UNSET && oldest_ns < end_ns)
            return false;
        if (oldest_ns != ARRAKIS_UNSET && oldest_ns < next)
            next = oldest_ns;
        if (queue->watermark_ns < next)
            next = queue->watermark_ns;
    }
    *next_ns = next;
    return true;
}

/* With a start: turn missing data into gaps, up to the least watermark of all inputs. Not further:
 * while one input is waited for, the others' missing data may still come. */
static void settle_missing(ark_mux *mux)
{
    int64_t least_ns = INT64_MAX;
    if (!mux->any_missing)
        return;
    for (size_t i = 0; i < mux->count; i++)
        if (ark_mux_input_watermark_ns(&mux->inputs[i]) < least_ns)
            least_ns = ark_mux_input_watermark_ns(&mux->inputs[i]);
    least_ns = mux->cursor_ns + ark_stride_floor(least_ns - mux->cursor_ns, mux->block_ns);
    mux->any_missing = false;
    for (size_t i = 0; i < mux->count; i++) {
        ark_mux_input *input = &mux->inputs[i];
        if (input->queue.watermark_ns < least_ns)
            input->queue.watermark_ns = least_ns;
        mux->any_missing = mux->any_missing || input->missing_until_ns > input->queue.watermark_ns;
    }
}

static void move_cursor(ark_mux *mux, int64_t to_ns)
{
    mux->cursor_ns = to_ns;
    if (!mux->live)
        mux->next_expire_ns = INT64_MIN; /* the next block has deadlines of its own */
    ark_mux_count_unready(mux);
}

static uint64_t count_strides(const ark_mux_input *input, int64_t span_ns)
{
    int64_t stride_ns = ark_mux_input_stride_ns(input);
    return (uint64_t)((span_ns + stride_ns - 1) / stride_ns);
}

static arrakis_status make_block(ark_mux *mux, arrakis_block **out, arrakis_error *err)
{
    int64_t start_ns = mux->cursor_ns, end_ns = ark_mux_block_end_ns(mux);
    bool shorter = mux->phase == ARK_MUX_ENDING && mux->source_end_ns < end_ns;
    for (size_t i = 0; i < mux->count; i++) {
        ark_chunk **chunk = &mux->chunks[i];
        if (ark_queue_close(&mux->inputs[i].queue, start_ns, chunk) < 0)
            return ark_no_memory(err, "a block");
        if (*chunk && shorter && (*chunk)->end_ns > mux->source_end_ns)
            (*chunk)->end_ns = mux->source_end_ns;
    }
    arrakis_status rc = ark_block_assemble(out, mux->layout, start_ns, mux->chunks, err);
    if (rc < 0)
        return rc; /* the chunks are still in the queues: the next call tries again */
    for (size_t i = 0; i < mux->count; i++) {
        ark_mux_input *input = &mux->inputs[i];
        const ark_chunk *chunk = ark_queue_take(&input->queue, start_ns);
        mux->gaps +=
            count_strides(input, shorter ? mux->source_end_ns - start_ns : mux->block_ns) -
            (chunk ? chunk->elements : 0);
        if (chunk)
            note_data(input, start_ns);
        else
            note_gap(input, start_ns, end_ns);
    }
    move_cursor(mux, end_ns);
    return ARRAKIS_OK;
}

bool ark_mux_ready(const ark_mux *mux)
{
    if (mux->phase == ARK_MUX_ENDING) /* the last block may be shorter */
        return mux->cursor_ns < mux->source_end_ns;
    return mux->phase == ARK_MUX_RUNNING && mux->unready == 0;
}

arrakis_status ark_mux_pull(ark_mux *mux, arrakis_block **out, arrakis_error *err)
{
    *out = NULL;
    int64_t next_ns;
    while (ark_mux_ready(mux)) {
        int64_t cursor_ns = mux->cursor_ns, block_end_ns = ark_mux_block_end_ns(mux);
        settle_missing(mux);
        if (mux->on_gap == ARRAKIS_GAP_FILL || !is_empty_before(mux, block_end_ns, &next_ns))
            return make_block(mux, out, err);
        if (next_ns < block_end_ns)
            next_ns = block_end_ns;
        int64_t to_ns = next_ns, end_ns = mux->end_ns;
        bool to_the_end = end_ns != ARRAKIS_UNSET && end_ns > cursor_ns && end_ns < next_ns;
        if (to_the_end)
            to_ns =
                end_ns + mux->block_ns - 1; /* to the first block boundary at or after the end */
        move_cursor(mux, cursor_ns + ark_stride_floor(to_ns - cursor_ns, mux->block_ns));
        if (mux->on_gap == ARRAKIS_GAP_RAISE)
            return ark_fail(err, ARRAKIS_EGAP, "no input has data from %lld ns to %lld ns",
                            (long long)cursor_ns,
                            (long long)(to_the_end ? end_ns : mux->cursor_ns));
    }
    return ARRAKIS_TIMEOUT;
}
