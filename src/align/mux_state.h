/* SPDX-License-Identifier: Apache-2.0 */
/* What the files mux*.c share: the state of a mux and of its inputs. */
#ifndef ARK_ALIGN_MUX_STATE_H
#define ARK_ALIGN_MUX_STATE_H

#include "align/queue.h"
#include "base/log_limit.h"
#include "block/held_rows.h"
#include "block/layout.h"
#include "channel/stride.h"

typedef enum ark_mux_phase {
    ARK_MUX_BEGINNING, /* live, and where the first block begins is not known yet */
    ARK_MUX_RUNNING,
    ARK_MUX_ENDING, /* the source has ended: no more data comes */
} ark_mux_phase;

/* ARK_MUX_BEGINNING: where an input could begin. */
typedef enum ark_mux_first {
    ARK_MUX_FIRST_UNKNOWN,  /* neither its first data nor its deadline has come */
    ARK_MUX_FIRST_DEADLINE, /* at first_ns, where the mux was made: it has no data */
    ARK_MUX_FIRST_DATA,     /* at first_ns, where its first data begins */
    ARK_MUX_FIRST_ANYWHERE, /* the source ended without data of it: the other inputs decide */
} ark_mux_first;

/* What the mux keeps of one input. */
typedef struct ark_mux_input {
    ark_queue queue;
    char *id;
    ark_held_rows held; /* rows that lie far ahead */
    /* With a start, rows that begin later than this after the watermark are held. Live, rows from
     * up to this long before the first block are not late. */
    int64_t max_ahead_ns;
    int64_t due_after_ns; /* data is due this long after its stride begins; ARRAKIS_UNSET: never */
    /* With a start: data before this time that has not arrived is known to be missing. It becomes
     * a gap, and the queue's watermark moves there, once no other input is waited for. */
    int64_t missing_until_ns;
    ark_mux_first first;
    int64_t first_ns;
    int64_t gap_since_ns; /* begin of the gap that is being handed out; ARRAKIS_UNSET: none */
    bool had_data, gap_logged;
    ark_log_limit late, mismatched, overflow;
} ark_mux_input;

typedef struct ark_mux {
    bool live;        /* the request has no start */
    int64_t start_ns; /* the start; ARRAKIS_UNSET: live */
    int64_t end_ns;   /* the end; ARRAKIS_UNSET: none, or not known yet */
    arrakis_on_gap on_gap;
    ark_mux_phase phase;
    ark_layout *layout;
    size_t count;
    ark_mux_input *inputs;
    int64_t native_ns; /* the stride that all inputs have in common */
    int64_t block_ns;  /* duration of a block */
    int64_t origin_ns; /* blocks begin at origin_ns + n * block_ns */
    int64_t cursor_ns; /* begin of the next block; ARRAKIS_UNSET while beginning */
    int64_t begin_ns;  /* of the first block; INT64_MIN while beginning */
    int64_t created_ns;
    int64_t opened_ns;      /* when the source was opened: data can come since then */
    int64_t stop_ns;        /* later deadlines do not pass; INT64_MAX: all do */
    int64_t latest_ns;      /* the latest time at which deadlines have passed */
    int64_t next_expire_ns; /* before this time no deadline passes */
    int64_t source_end_ns;  /* ARK_MUX_ENDING: the end of all data */
    size_t unready;         /* inputs whose watermark is before the end of the next block */
    bool any_missing;       /* missing_until_ns of some input is after its queue's watermark */
    ark_chunk **chunks;     /* scratch for one block */
    uint64_t late, duplicate, mismatched, overflow, gaps;
} ark_mux;

static inline bool ark_mux_begun(const ark_mux *mux)
{
    return mux->phase != ARK_MUX_BEGINNING;
}

static inline int64_t ark_mux_block_end_ns(const ark_mux *mux)
{
    return mux->cursor_ns + mux->block_ns;
}

static inline int64_t ark_mux_input_stride_ns(const ark_mux_input *input)
{
    return input->queue.layout->stride_ns;
}

static inline int64_t ark_mux_input_watermark_ns(const ark_mux_input *input)
{
    return input->missing_until_ns > input->queue.watermark_ns ? input->missing_until_ns
                                                               : input->queue.watermark_ns;
}

/* The watermark that follows from the clock alone: the end of the last stride that was due by
 * now_ns. */
static inline int64_t ark_mux_input_due_ns(const ark_mux_input *input, int64_t now_ns)
{
    int64_t stride_ns = ark_mux_input_stride_ns(input);
    return ark_stride_floor(now_ns - input->due_after_ns, stride_ns) + stride_ns;
}

/* Count the unready inputs, after watermarks or the cursor have moved. */
static inline void ark_mux_count_unready(ark_mux *mux)
{
    mux->unready = 0;
    for (size_t i = 0; i < mux->count; i++)
        mux->unready += ark_mux_input_watermark_ns(&mux->inputs[i]) < ark_mux_block_end_ns(mux);
}

#endif
