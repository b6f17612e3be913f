/* SPDX-License-Identifier: Apache-2.0 */
/* What the recorder is doing: a line on a terminal, renewed every second, and a summary now and
 * then in the log. */
#ifndef CLI_RECORD_PROGRESS_H
#define CLI_RECORD_PROGRESS_H

#include "options.h"

#include <arrakis/file.h>

/** Between summaries in the log, unless --summary is given. */
#define RECORD_SUMMARY_NS (15 * 60 * ARRAKIS_SECOND_NS)

/** How long data may lie at a broker: whoever looks at files does not notice. */
#define RECORD_FETCH_WAIT_NS (ARRAKIS_SECOND_NS / 2)

struct record_counts {
    arrakis_recorder_stats kept;
    uint64_t late; /* blocks that came late */
};

struct record_progress {
    const arrakis_recorder *recorder;
    const arrakis_stream *stream;
    uint64_t late;       /* blocks of streams before that came late */
    int64_t interval_ns; /* between summaries; 0: there is only one at the end */
    bool terminal;
    int64_t drawn_ns, summary_ns; /* when the last ones were, on the steady clock */
    struct record_counts before;  /* of the last summary */
};

/** Between summaries; 0: there is only one at the end. */
int64_t record_progress_interval(const struct options *options);
/** interval_ns: of record_progress_interval(). */
void record_progress_begin(struct record_progress *progress, const arrakis_recorder *recorder,
                           const arrakis_stream *stream, int64_t interval_ns);
/** Another stream goes on; the one before may be closed then. */
void record_progress_stream(struct record_progress *progress, const arrakis_stream *stream);
/** To be called at least once a second. */
void record_progress_show(struct record_progress *progress);
/** A number of bytes for people, as in "1.5 GB". */
void record_progress_size(char text[32], uint64_t bytes);
double record_progress_percent(uint64_t part, uint64_t whole);
/** Log what was done in all. */
void record_progress_end(struct record_progress *progress);

#endif
