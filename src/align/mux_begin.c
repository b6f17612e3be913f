/* SPDX-License-Identifier: Apache-2.0 */
#include "align/mux_begin.h"

int64_t ark_mux_begin_due_ns(const ark_mux *mux, const ark_mux_input *input)
{
    return ark_stride_floor(mux->opened_ns, ark_mux_input_stride_ns(input)) +
           input->queue.timeout_ns;
}

void ark_mux_begin_expire(ark_mux *mux, ark_mux_input *input, int64_t now_ns)
{
    if (input->first != ARK_MUX_FIRST_UNKNOWN || now_ns < ark_mux_begin_due_ns(mux, input))
        return;
    input->first = ARK_MUX_FIRST_DEADLINE;
    input->first_ns = ark_stride_floor(mux->created_ns, ark_mux_input_stride_ns(input));
}

void ark_mux_begin_try(ark_mux *mux)
{
    int64_t latest_ns = INT64_MIN;
    for (size_t i = 0; i < mux->count; i++) {
        const ark_mux_input *input = &mux->inputs[i];
        if (input->first == ARK_MUX_FIRST_UNKNOWN)
            return;
        if (input->first != ARK_MUX_FIRST_ANYWHERE && input->first_ns > latest_ns)
            latest_ns = input->first_ns;
    }
    if (latest_ns == INT64_MIN)
        return;
    int64_t cursor_ns = ark_stride_floor(latest_ns, mux->block_ns);
    mux->phase = ARK_MUX_RUNNING;
    mux->cursor_ns = mux->begin_ns = cursor_ns < latest_ns ? cursor_ns + mux->block_ns : cursor_ns;
    mux->next_expire_ns = INT64_MIN; /* deadlines of the first block may have passed already */
    for (size_t i = 0; i < mux->count; i++) {
        ark_queue *queue = &mux->inputs[i].queue;
        ark_queue_drop_before(queue, mux->cursor_ns);
        if (queue->watermark_ns < mux->cursor_ns)
            queue->watermark_ns = mux->cursor_ns;
    }
    ark_mux_count_unready(mux);
}
