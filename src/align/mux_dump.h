/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a mux and its inputs as JSON, to look for defects. */
#ifndef ARK_ALIGN_MUX_DUMP_H
#define ARK_ALIGN_MUX_DUMP_H

#include "align/mux.h"

#include <jansson.h>

/* A JSON object; NULL: out of memory. Times are GPS times in ns, or null. */
json_t *ark_mux_dump(const ark_mux *mux);
/* The number of the first input that the next block waits for, and how many there are. */
size_t ark_mux_dump_waited_for(const ark_mux *mux, size_t *count);

#endif
