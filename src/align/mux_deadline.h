/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines: data that has not come by then is missing. In a live stream they pass with the clock.
 * In a request with a start the source is asked whether it holds the data. */
#ifndef ARK_ALIGN_MUX_DEADLINE_H
#define ARK_ALIGN_MUX_DEADLINE_H

#include "align/mux.h"

/* Let deadlines pass. Repeated calls are cheap: it acts at most once per stride. With a start, it
 * is to be called when no more arrivals are at hand. */
void ark_mux_deadline_expire(ark_mux *mux, int64_t now_ns);

/* Live: no deadline after stop_ns passes, as no data can come that would keep it (INT64_MAX: all pass). It
 * may be set later, not earlier. */
void ark_mux_deadline_stop(ark_mux *mux, int64_t stop_ns);

/* When ark_mux_deadline_expire() can next make a block ready; ARRAKIS_UNSET: only data can. */
int64_t ark_mux_deadline_ns(const ark_mux *mux);

/* With a start: the number of an input that keeps the next block from being ready and whose data
 * was due by now_ns, or -1. *due_ns receives when its data was due, or the earliest time at which
 * data of some input will be due (ARRAKIS_UNSET: never). */
int64_t ark_mux_deadline_overdue(const ark_mux *mux, int64_t now_ns, int64_t *due_ns);

#endif
