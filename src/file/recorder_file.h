/* SPDX-License-Identifier: Apache-2.0 */
/* The file that a recorder is writing: it begins, ends and gets its name, or fails. */
#ifndef ARK_FILE_RECORDER_FILE_H
#define ARK_FILE_RECORDER_FILE_H

#include "file/recorder_state.h"

arrakis_status ark_recorder_file_begin(arrakis_recorder *r, arrakis_error *err);
/* Complete the file that is being written: it ends at end_ns, and a later recorder goes on at
 * next_ns. */
arrakis_status ark_recorder_file_end(arrakis_recorder *r, int64_t end_ns, int64_t next_ns,
                                     arrakis_error *err);
/* End at end_ns a file of which no block has come, or of which all blocks are empty. It does not take
 * the place of one that is there. */
arrakis_status ark_recorder_file_skip(arrakis_recorder *r, int64_t end_ns, int64_t next_ns,
                                      arrakis_error *err);
/* Drop the file in progress, which was to end at end_ns; ARRAKIS_UNSET: with its span, or where channels
 * change within it, which then is not known yet. EIO: too many have failed. */
arrakis_status ark_recorder_file_give_up(arrakis_recorder *r, int64_t end_ns,
                                         const arrakis_error *why, arrakis_error *err);
/* Count the samples of a time of which no block has come. */
void ark_recorder_file_count_missing(arrakis_recorder *r, int64_t from_ns, int64_t to_ns);

#endif
