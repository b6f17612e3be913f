/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a stream, shared by the files that it is made of: align/stream.c reads and aligns, align/follow.c does
 * what is to be done when the channels change. */
#ifndef ARK_ALIGN_STREAM_STATE_H
#define ARK_ALIGN_STREAM_STATE_H

#include "align/changes.h"
#include "align/mux.h"
#include "base/waiter.h"
#include "read/reader.h"

#include <arrakis/reader.h>

struct arrakis_stream {
    arrakis_reader *reader;
    ark_mux *mux;
    ark_waiter waiter;
    arrakis_stream_options options;
    int64_t end_ns; /* the first block that reaches it is the last; ARRAKIS_UNSET: none */
    bool live;
    bool over;                  /* the last block of the request has been handed out */
    bool finished;              /* the source has ended */
    int64_t stop_ns;            /* live: no deadline after this passes; INT64_MAX: all do */
    int64_t newest_ns, news_ns; /* meanwhile: the end of the newest data, and when it came */
    int64_t behind_ns;          /* meanwhile: when the data was last overdue */
    bool *paused;               /* per input: it is too far ahead of others */
    size_t paused_count;
    unsigned fruitless; /* consecutive batches of arrivals that made no block ready */
    uint64_t blocks;
    int64_t beyond_ns;   /* begin of the block that was beyond the end; ARRAKIS_UNSET: none was */
    int64_t traced_ns;   /* the block that was last traced as waited for */
    arrakis_error fatal; /* the error that ended the stream, if its status is below 0 */
    arrakis_cancel *cancel;
    /* channels that change (align/follow.h) */
    ark_changes *changes; /* NULL: nobody looks for changes */
    ark_change change;
    bool stopping;  /* the next block is not as it was */
    bool reopening; /* nothing is read until the stream has been opened anew */
    bool idle;      /* nothing was there to be taken, when last looked */
    uint64_t changed;
    arrakis_stats before; /* counts of what was read before the stream was opened anew */
};

/* As arrakis_stream_close(), but what may take long is begun in `closing`. */
void ark_stream_close_into(arrakis_stream *stream, ark_closing *closing);

#endif
