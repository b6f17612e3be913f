/* SPDX-License-Identifier: Apache-2.0 */
/* Data into a mux: rows are refused, held, or go into the queue of their input. */
#ifndef ARK_ALIGN_MUX_PUSH_H
#define ARK_ALIGN_MUX_PUSH_H

#include "align/mux_state.h"
#include "block/rows.h"

/* Rows of one input have arrived. Rows that do not fit are counted and logged, which is not an
 * error.
 *
 * Rows over a minute ahead of the clock are refused, unless the request itself begins there. Rows
 * are far ahead, and are held, if they begin after their input by more than the latency (with a
 * start), or after both their input and the clock by more than a second and a stride. They are held
 * until ARK_HELD_MOST - 1 later rows of the input have come, or the source holds no more, or the
 * clock comes near the rows, or a minute has passed. Rows from before held ones prove that the time
 * of the held ones is wrong: these are dropped. */
ark_push ark_mux_push(ark_mux *mux, size_t input, const ark_rows *rows, int64_t now_ns);

/* Queue the held rows of an input that begin before until_ns, or are not far ahead any more. */
void ark_mux_push_held(ark_mux *mux, ark_mux_input *input, int64_t until_ns, int64_t now_ns);
/* The same, and the rows that have been held for long. To be called when no more data is at
 * hand. */
void ark_mux_push_held_idle(ark_mux *mux, ark_mux_input *input, int64_t until_ns, int64_t now_ns);
/* When ark_mux_push_held_idle() can next queue rows; there must be held ones. */
int64_t ark_mux_push_held_due_ns(const ark_mux *mux, const ark_mux_input *input);

#endif
