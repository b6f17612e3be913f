/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of the simulated detector's stream: a live table on a terminal, else one line per second. */
#ifndef CLI_DEMO_VIEW_H
#define CLI_DEMO_VIEW_H

#include "out.h"

#include <arrakis/arrakis.h>

enum { VIEW_HISTORY = 32, VIEW_LATENCIES = 4096 };

/** One channel's recent past. */
struct trace {
    float values[VIEW_HISTORY]; /* a ring, a value a block; NAN where there is a gap */
    size_t next;
    size_t stream;  /* of the reader */
    int64_t gap_ns; /* when the last one was seen; ARRAKIS_UNSET: never */
    bool in_gap;
};

struct view {
    bool live, unicode;
    struct out out;
    const arrakis_stream *stream;
    const arrakis_channels *channels;
    struct trace *traces;
    arrakis_block *block; /* the last one */
    uint64_t blocks;
    /* since the last line */
    size_t new_blocks, new_gaps;
    int64_t *latencies_ns;
    size_t gap_channel; /* one of those with a gap */
};

/** @return 0, or the exit code after a message */
int view_begin(struct view *view, const arrakis_stream *stream, bool live);
/** Takes the block over. */
void view_add(struct view *view, arrakis_block *block);
/** Show what there is. @return whether to go on. */
bool view_show(struct view *view);
/** @return the exit code, where that of reading was `code` */
int view_end(struct view *view, int code);

#endif
