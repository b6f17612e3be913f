/* SPDX-License-Identifier: Apache-2.0 */
/* Aligns inputs: rows of single inputs in, blocks of all inputs out. No I/O, no clock: the time is an
 * argument. */
#ifndef ARK_ALIGN_MUX_H
#define ARK_ALIGN_MUX_H

#include "align/queue.h"
#include "block/rows.h"

/* A contract for channels that declare no max_latency, where a request must end. */
#define ARK_DEFAULT_LATENCY_NS (2 * ARRAKIS_SECOND_NS)

typedef struct ark_mux_options {
    int64_t start_ns;     /* ARRAKIS_UNSET: live */
    int64_t stride_ns;    /* ARRAKIS_UNSET: native */
    int64_t tolerance_ns; /* in place of the channels' max_latency; ARRAKIS_UNSET: max_latency */
    arrakis_on_gap on_gap;
    bool bounded;            /* the request has an end: it must be reached */
    int64_t end_ns;          /* that end; ARRAKIS_UNSET: none, or not known yet */
    arrakis_channels *order; /* of the blocks' channels; NULL: stream by stream */
} ark_mux_options;

typedef struct ark_mux_stream {
    const char *id;
    const arrakis_channels *channels;
} ark_mux_stream;

typedef struct ark_mux ark_mux;

/* `now_ns` is where a live mux begins to wait. EINVAL names the stream or option. */
arrakis_status ark_mux_new(ark_mux **out, const ark_mux_stream *streams, size_t count,
                           const ark_mux_options *options, int64_t now_ns, arrakis_error *err);
void ark_mux_free(ark_mux *mux);

const arrakis_channels *ark_mux_channels(const ark_mux *mux);
int64_t ark_mux_stride_ns(const ark_mux *mux);
/* The source has been opened, which may have taken long: live, deadlines count from here on, so that what
 * has come meanwhile is not taken for absent. */
void ark_mux_opened(ark_mux *mux, int64_t now_ns);
/* Where the next block begins; ARRAKIS_UNSET while a live mux has not begun. */
int64_t ark_mux_cursor_ns(const ark_mux *mux);

/* Rows of one input have arrived. Rows that do not fit are counted and logged, which is not an error.
 *
 * Rows over a minute ahead of the clock are refused, unless the request itself begins there. A block
 * far ahead of its input (by more than the latency, a second at least, and in a live stream ahead of
 * the clock too) is held until ARK_HOLD_MOST - 1 later blocks of the input have come, or the source
 * holds no more, or the clock reaches the block, or a minute has passed. A block with a time before it
 * proves that its time is wrong, and the held block is dropped. */
ark_push ark_mux_push(ark_mux *mux, size_t stream, const ark_rows *rows, int64_t now_ns);

/* Let deadlines pass. Cheap to call again: it acts at most once per stride. With a start, it is to be
 * called when no more arrivals are at hand. */
void ark_mux_expire(ark_mux *mux, int64_t now_ns);

/* Whether all inputs have their watermark at or after the end of the next block. */
bool ark_mux_ready(const ark_mux *mux);
/* The next block. TIMEOUT: it is not ready. EGAP: no input has data, and on_gap is raise; the next call
 * continues after the gap. */
arrakis_status ark_mux_pull(ark_mux *mux, arrakis_block **out, arrakis_error *err);

/* When ark_mux_expire() can next make a block ready; ARRAKIS_UNSET: only data can. */
int64_t ark_mux_deadline_ns(const ark_mux *mux);

/* ---- requests with a start: there no deadline passes by itself, the source is asked */

/* The index of an input that keeps the next block from being ready and whose data was due by now_ns, or
 * -1. *due_ns receives when its data was due, or the earliest time at which data of some input will be
 * due (ARRAKIS_UNSET: never). */
int64_t ark_mux_overdue(const ark_mux *mux, int64_t now_ns, int64_t *due_ns);
/* The source held no more data of that input at at_ns. With `live`, deadlines pass from now on for the
 * input as in a live stream. */
void ark_mux_exhausted(ark_mux *mux, size_t stream, int64_t at_ns, bool live);
/* The source has ended: all is known up to the last data, or until_ns (ARRAKIS_UNSET: that). */
void ark_mux_finish(ark_mux *mux, int64_t until_ns);
/* Whether the queue of an input has reached its limit: its source should be paused. */
bool ark_mux_full(const ark_mux *mux, size_t stream);
bool ark_mux_has_room(const ark_mux *mux, size_t stream);

/* Start of the newest block of an input; ARRAKIS_UNSET: no block yet. */
int64_t ark_mux_newest_ns(const ark_mux *mux, size_t stream);
/* Adds late, duplicate, mismatched, overflow, gaps. */
void ark_mux_stats(const ark_mux *mux, arrakis_stats *stats);

#endif
