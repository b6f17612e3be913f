/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files of a recorder begin. */
#ifndef ARK_FILE_RECORDER_BEGIN_H
#define ARK_FILE_RECORDER_BEGIN_H

#include "file/recorder_state.h"

/* Where the first file begins, the folder having been entered: at start_ns (ARRAKIS_UNSET: where
 * the former recorder ended, or now), or at the first time after it of which nothing is recorded.
 * EINVAL: no GPS time; EIO. */
arrakis_status ark_recorder_begin_first(arrakis_recorder *r, int64_t start_ns, arrakis_error *err);
/* Where a file can begin at that time or later. Where channels are followed, what files have that
 * ended before their span did is not written again: the channels are others now. */
int64_t ark_recorder_begin_at(const arrakis_recorder *r, int64_t time_ns);

#endif
