/* SPDX-License-Identifier: Apache-2.0 */
#include "align/mux_dump.h"

#include "align/mux_deadline.h"
#include "align/mux_state.h"

/* The watermark of an input without data may be the least or the greatest number: it is written as
 * null. */
static json_t *time_or_null(int64_t time_ns)
{
    bool is_time = time_ns > INT64_MIN / 2 && time_ns < INT64_MAX / 2;
    return is_time ? json_integer(time_ns) : json_null();
}

/* Texts of peers may not be UTF-8, which JSON requires. */
static json_t *text_or_mark(const char *text)
{
    json_t *string = json_string(text);
    return string ? string : json_string("(not UTF-8)");
}

static json_int_t count_of(uint64_t count)
{
    return count < INT64_MAX ? (json_int_t)count : INT64_MAX;
}

static const char *phase_name(ark_mux_phase phase)
{
    static const char *const names[] = {[ARK_MUX_BEGINNING] = "beginning",
                                        [ARK_MUX_RUNNING] = "running",
                                        [ARK_MUX_ENDING] = "ending"};
    return names[phase];
}

/* Whether the next block, or the first one, waits for the input. */
static bool is_waited_for(const ark_mux *mux, const ark_mux_input *input)
{
    return ark_mux_begun(mux) ? ark_mux_input_watermark_ns(input) < ark_mux_block_end_ns(mux)
                              : input->first == ARK_MUX_FIRST_UNKNOWN;
}

static json_t *dump_input(const ark_mux *mux, const ark_mux_input *input)
{
    const ark_queue *queue = &input->queue;
    return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:I, s:I, s:i, s:i}", "id",
                     text_or_mark(input->id), "waited_for", is_waited_for(mux, input),
                     "watermark_ns", time_or_null(ark_mux_input_watermark_ns(input)), "newest_ns",
                     time_or_null(queue->last_ns), "due_after_ns",
                     time_or_null(input->due_after_ns), "gap_since_ns",
                     time_or_null(input->gap_since_ns), "strides", count_of(queue->elements),
                     "most_strides", count_of(queue->capacity), "blocks", (int)queue->count,
                     "far_ahead", (int)input->held.count);
}

static json_t *dump_inputs(const ark_mux *mux)
{
    json_t *inputs = json_array();
    for (size_t i = 0; inputs && i < mux->count; i++)
        if (json_array_append_new(inputs, dump_input(mux, &mux->inputs[i])) < 0) {
            json_decref(inputs);
            inputs = NULL;
        }
    return inputs;
}

json_t *ark_mux_dump(const ark_mux *mux)
{
    json_t *inputs = dump_inputs(mux);
    if (!inputs)
        return NULL;
    return json_pack("{s:s, s:b, s:I, s:o, s:o, s:b, s:I, s:o}", "phase", phase_name(mux->phase),
                     "live", mux->live, "stride_ns", (json_int_t)mux->block_ns, "cursor_ns",
                     time_or_null(mux->cursor_ns), "deadline_ns",
                     time_or_null(ark_mux_deadline_ns(mux)), "ready", ark_mux_ready(mux),
                     "unready_inputs", count_of(mux->unready), "inputs", inputs);
}

size_t ark_mux_dump_waited_for(const ark_mux *mux, size_t *count)
{
    size_t first = 0;
    *count = 0;
    for (size_t i = mux->count; i-- > 0;)
        if (is_waited_for(mux, &mux->inputs[i])) {
            first = i;
            ++*count;
        }
    return first;
}
