/* SPDX-License-Identifier: Apache-2.0 */
/* Goes from one file of a recorder to the next: at the end of a span, or where channels have
 * changed within it. */
#ifndef ARK_FILE_RECORDER_PART_H
#define ARK_FILE_RECORDER_PART_H

#include "file/recorder_state.h"

/* The one place where files end and begin: the one in progress ends at end_ns, which is the end of
 * its span, or where channels have changed; the next one begins there. */
arrakis_status ark_recorder_part_end(arrakis_recorder *r, int64_t end_ns, arrakis_error *err);
/* End the span that the recorder is in, and skip those before `start_ns`. */
arrakis_status ark_recorder_part_go_to(arrakis_recorder *r, int64_t start_ns, arrakis_error *err);

#endif
