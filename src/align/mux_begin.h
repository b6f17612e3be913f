/* SPDX-License-Identifier: Apache-2.0 */
/* Where a live mux begins: at the first block boundary at or after the begin of all its inputs. */
#ifndef ARK_ALIGN_MUX_BEGIN_H
#define ARK_ALIGN_MUX_BEGIN_H

#include "align/mux_state.h"

/* Until when an input without data is waited for. */
int64_t ark_mux_begin_due_ns(const ark_mux *mux, const ark_mux_input *input);
/* An input that has no data at its deadline begins where the mux was made: it no longer holds up
 * the others. */
void ark_mux_begin_expire(ark_mux *mux, ark_mux_input *input, int64_t now_ns);
/* Begin, if it is known of all inputs where they could begin. */
void ark_mux_begin_try(ark_mux *mux);

#endif
