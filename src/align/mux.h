/* SPDX-License-Identifier: Apache-2.0 */
/* Aligns inputs: rows of single inputs go in (mux_push.h), blocks of all inputs come out. Data
 * that does not come has deadlines (mux_deadline.h). No I/O, no clock: the time is an argument. */
#ifndef ARK_ALIGN_MUX_H
#define ARK_ALIGN_MUX_H

#include <arrakis/arrakis.h>

/* The latency of channels that declare no max_latency, in a request that must end. */
#define ARK_DEFAULT_LATENCY_NS (2 * ARRAKIS_SECOND_NS)

typedef struct ark_mux_options {
    int64_t start_ns;      /* ARRAKIS_UNSET: live */
    int64_t stride_ns;     /* ARRAKIS_UNSET: native */
    int64_t tolerance_ns;  /* in place of the channels' max_latency; ARRAKIS_UNSET: max_latency */
    int64_t fetch_wait_ns; /* how long data may lie at its source: all is due this much later */
    arrakis_on_gap on_gap;
    bool bounded;            /* the request has an end: it must be reached */
    int64_t end_ns;          /* that end; ARRAKIS_UNSET: none, or not known yet */
    arrakis_channels *order; /* of the channels of a block; NULL: input by input */
} ark_mux_options;

typedef struct ark_mux_input_info {
    const char *id;
    const arrakis_channels *channels;
} ark_mux_input_info;

typedef struct ark_mux ark_mux;

/* A live mux waits for data from `now_ns` on. EINVAL names the input or option. */
arrakis_status ark_mux_new(ark_mux **out, const ark_mux_input_info *inputs, size_t count,
                           const ark_mux_options *options, int64_t now_ns, arrakis_error *err);
void ark_mux_free(ark_mux *mux);

const arrakis_channels *ark_mux_channels(const ark_mux *mux);
int64_t ark_mux_stride_ns(const ark_mux *mux);
/* The source has been opened, which may have taken long. The deadlines of a live mux count from
 * now_ns on: data that came meanwhile is not in the mux yet, and must not be taken for missing. */
void ark_mux_opened(ark_mux *mux, int64_t now_ns);
/* Where the next block begins; ARRAKIS_UNSET: a live mux that has not begun. */
int64_t ark_mux_cursor_ns(const ark_mux *mux);
/* Where a later request must begin that is to go on after the blocks so far. This is not the
 * cursor when the source has ended within the last block: the rest of it was not handed out. */
int64_t ark_mux_position_ns(const ark_mux *mux);

/* Whether all inputs have their watermark at or after the end of the next block. */
bool ark_mux_ready(const ark_mux *mux);
/* The next block. TIMEOUT: it is not ready. EGAP: no input has data, and on_gap is raise; the next
 * call continues after the gap. ENOMEM: the next call tries again. */
arrakis_status ark_mux_pull(ark_mux *mux, arrakis_block **out, arrakis_error *err);

/* With a start: the source held no more data of an input at at_ns. `live`: from now on deadlines
 * pass for the input as in a live stream. */
void ark_mux_exhausted(ark_mux *mux, size_t input, int64_t at_ns, bool live);
/* The source has ended. Nothing comes after the last data, or after until_ns if that is later
 * (ARRAKIS_UNSET: the last data). */
void ark_mux_finish(ark_mux *mux, int64_t until_ns);
/* With a start: whether the queue of an input has reached its limit, and the input should be
 * paused. */
bool ark_mux_full(const ark_mux *mux, size_t input);
/* Whether the queue of an input is at most half full. */
bool ark_mux_has_room(const ark_mux *mux, size_t input);

/* Begin of the newest stride of an input that has data; ARRAKIS_UNSET: none yet. */
int64_t ark_mux_newest_ns(const ark_mux *mux, size_t input);
/* The end of the newest data of all inputs; ARRAKIS_UNSET: none has come yet. */
int64_t ark_mux_newest_end_ns(const ark_mux *mux);
/* How long after the begin of its stride the data of an input is due; ARRAKIS_UNSET: never. */
int64_t ark_mux_due_after_ns(const ark_mux *mux, size_t input);
/* Adds late, duplicate, mismatched, overflow, gaps. */
void ark_mux_stats(const ark_mux *mux, arrakis_stats *stats);

#endif
