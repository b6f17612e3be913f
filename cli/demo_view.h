/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the stream of the simulated detector: a live table on a terminal, otherwise one line per
 * second. */
#ifndef CLI_DEMO_VIEW_H
#define CLI_DEMO_VIEW_H

#include "out.h"

#include <arrakis/arrakis.h>

enum { VIEW_HISTORY = 32, VIEW_LATENCIES = 4096 };

/** The last blocks of one channel. */
struct trace {
    float values[VIEW_HISTORY]; /* a ring with one value per block; NAN: a gap */
    size_t next;
    size_t stream;  /* the number of its input in the reader */
    int64_t gap_ns; /* when the last gap was seen; ARRAKIS_UNSET: never */
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
    /* since the last line was printed */
    size_t new_blocks, new_gaps;
    int64_t *latencies_ns;
    size_t gap_channel; /* a channel with a gap */
};

/** @return 0, or the exit code after a message */
int view_begin(struct view *view, const arrakis_stream *stream, bool live);
/** Add a block, and own it. */
void view_add(struct view *view, arrakis_block *block);
/** Show the last blocks. @return whether to go on. */
bool view_show(struct view *view);
/** `code` is the exit code of reading. @return the exit code of all */
int view_end(struct view *view, int code);

#endif
