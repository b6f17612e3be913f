/* SPDX-License-Identifier: Apache-2.0 */
/* What the recorder is doing: a line on a terminal, renewed every second, and a summary now and
 * then in the log. */
#ifndef CLI_RECORD_PROGRESS_H
#define CLI_RECORD_PROGRESS_H

#include <arrakis/file.h>

/** Between summaries in the log. */
#define RECORD_SUMMARY_NS (15 * 60 * ARRAKIS_SECOND_NS)

/** How long data may lie at a broker: whoever looks at files does not notice. */
#define RECORD_FETCH_WAIT_NS (ARRAKIS_SECOND_NS / 2)

struct record_progress {
    const arrakis_recorder *recorder;
    const arrakis_stream *stream;
    uint64_t late; /* blocks of streams before that came late */
    bool terminal;
    int64_t drawn_ns, summary_ns;  /* when the last ones were, on the steady clock */
    arrakis_recorder_stats before; /* the counts of the last summary */
};

void record_progress_begin(struct record_progress *progress, const arrakis_recorder *recorder,
                           const arrakis_stream *stream);
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
