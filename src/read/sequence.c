/* SPDX-License-Identifier: Apache-2.0 */
#include "read/sequence.h"

#include "base/error.h"
#include "block/block.h"
#include "channel/stride.h"

#include <stdlib.h>

/* Rows that are this much later than those before may have a wrong time. */
static const int64_t far_ahead_ns = ARRAKIS_SECOND_NS;

arrakis_status ark_sequence_init(ark_sequence *s, const arrakis_channels *channels,
                                 int64_t stride_ns, int64_t block_ns, int64_t begin_ns,
                                 arrakis_error *err)
{
    *s = (ark_sequence){.begin_ns = begin_ns,
                        .watermark_ns = begin_ns > 0 ? begin_ns : ARRAKIS_UNSET,
                        .message = ARRAKIS_UNSET};
    return ark_layout_new(&s->layout, &channels, &stride_ns, 1, block_ns, err);
}

void ark_sequence_clear(ark_sequence *s)
{
    if (s->chunk)
        ark_chunk_free(s->chunk, &s->layout->inputs[0]);
    ark_held_rows_clear(&s->held);
    ark_layout_unref(s->layout);
    *s = (ark_sequence){0};
}

static int64_t block_of(const ark_sequence *s, int64_t time_ns)
{
    return ark_stride_floor(time_ns, s->layout->duration_ns);
}

/* The block that is being filled is complete. What follows is in the message at next_offset. */
static arrakis_status hand_out(ark_sequence *s, int64_t next_offset, ark_sequence_block *out,
                               arrakis_error *err)
{
    const ark_layout_input *input = &s->layout->inputs[0];
    int64_t start_ns = s->chunk->start_ns;
    if (ark_chunk_close(s->chunk, input) < 0)
        return ark_no_memory(err, "the masks of a block");
    ARK_TRY(ark_block_assemble(&out->block, s->layout, start_ns, &s->chunk, err));
    out->at = (arrakis_group_position){s->offset, start_ns > s->begin_ns ? start_ns : s->begin_ns};
    out->next = (arrakis_group_position){next_offset, start_ns + s->layout->duration_ns};
    s->chunk = NULL;
    return ARRAKIS_OK;
}

/* Rows that are no earlier than those before. */
static arrakis_status take_rows(ark_sequence *s, const ark_rows *rows, int64_t offset,
                                ark_sequence_block *out, arrakis_error *err)
{
    const ark_layout_input *input = &s->layout->inputs[0];
    int64_t block_ns = block_of(s, rows->time_ns);
    if (s->chunk && s->chunk->start_ns != block_ns)
        return hand_out(s, offset, out, err);
    if (!s->chunk) {
        if (!(s->chunk = ark_chunk_new(input, block_ns)))
            return ark_no_memory(err, "a block");
        s->offset = offset;
    }
    if (ark_chunk_put(s->chunk, input, rows->time_ns, rows) < 0)
        return ark_no_memory(err, "the masks of a block");
    s->watermark_ns = rows->time_ns + input->stride_ns;
    return ARRAKIS_DONE;
}

/* Rows are held: what comes next shows whether their time is right. OK: a block came out; DONE: none are
 * held any more; TIMEOUT: these rows repeat them. */
static arrakis_status settle_held(ark_sequence *s, const ark_rows *rows, ark_sequence_block *out,
                                  arrakis_error *err)
{
    const ark_held *held = ark_held_rows_oldest(&s->held);
    if (rows->time_ns == held->stride_start_ns)
        return ARRAKIS_TIMEOUT;
    if (rows->time_ns > held->stride_start_ns) {
        arrakis_status rc = take_rows(s, &held->rows, s->held_offset, out, err);
        if (rc != ARRAKIS_DONE)
            return rc;
    } else {
        s->counts.mismatched++;
    }
    free(ark_held_rows_take_oldest(&s->held));
    return ARRAKIS_DONE;
}

/* Of the first rows it is told by the begin of their block: whoever begins at that block's
 * position has that for a watermark. */
static bool is_far_ahead(const ark_sequence *s, const ark_rows *rows)
{
    int64_t from_ns =
        s->watermark_ns != ARRAKIS_UNSET ? s->watermark_ns : block_of(s, rows->time_ns);
    return rows->time_ns - far_ahead_ns > from_ns;
}

/* Earlier than rows before them in one message. Whoever begins with this message passes over what
 * is before the time of a position: with rows in order, that is what was taken of it before. */
static bool is_disordered(ark_sequence *s, const ark_rows *rows, int64_t offset)
{
    if (s->message == offset && rows->time_ns < s->message_ns)
        return true;
    s->message = offset;
    s->message_ns = rows->time_ns;
    return false;
}

arrakis_status ark_sequence_put(ark_sequence *s, const ark_rows *rows, int64_t offset,
                                int64_t latest_ns, ark_sequence_block *out, arrakis_error *err)
{
    const ark_layout_input *input = &s->layout->inputs[0];
    out->block = NULL;
    if (rows->duration_ns != input->stride_ns || rows->time_ns % input->stride_ns ||
        rows->time_ns > latest_ns) {
        s->counts.mismatched++;
        return ARRAKIS_DONE;
    }
    bool disordered = is_disordered(s, rows, offset);
    if (rows->time_ns < s->begin_ns)
        return ARRAKIS_DONE;
    if (disordered || (s->watermark_ns != ARRAKIS_UNSET && rows->time_ns < s->watermark_ns)) {
        s->counts.late++;
        return ARRAKIS_DONE;
    }
    if (s->held.count) {
        arrakis_status rc = settle_held(s, rows, out, err);
        s->counts.late += rc == ARRAKIS_TIMEOUT;
        if (rc != ARRAKIS_DONE)
            return rc == ARRAKIS_TIMEOUT ? ARRAKIS_DONE : rc;
    }
    if (!is_far_ahead(s, rows))
        return take_rows(s, rows, offset, out, err);
    s->held_offset = offset;
    return ark_held_rows_add(&s->held, input, rows, rows->time_ns, 0)
               ? ARRAKIS_DONE
               : ark_no_memory(err, "rows that are held");
}

arrakis_status ark_sequence_end_message(ark_sequence *s, int64_t offset, ark_sequence_block *out,
                                        arrakis_error *err)
{
    out->block = NULL;
    if (!s->chunk || s->watermark_ns < s->chunk->start_ns + s->layout->duration_ns)
        return ARRAKIS_DONE;
    return hand_out(s, s->held.count ? s->held_offset : offset + 1, out, err);
}
