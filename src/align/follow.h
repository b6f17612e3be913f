/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream does when its channels change: it hands out the blocks that are as before, then ends, or is opened
 * anew and goes on. */
#ifndef ARK_ALIGN_FOLLOW_H
#define ARK_ALIGN_FOLLOW_H

#include "align/changes.h"

/* Have a stream told of changes. It owns `changes`, also on failure. */
arrakis_status ark_follow_begin(arrakis_stream *stream, ark_changes *changes, arrakis_error *err);
/* Do what is to be done before the next block. OK: go on; TIMEOUT: the stream is being opened anew; an error ends
 * it. */
arrakis_status ark_follow_step(arrakis_stream *stream, arrakis_error *err);
/* Whether what was pulled where the next block began at cursor_ns is not as before any more: a block, or time that was
 * left out. Then the block (NULL: there is none) is dropped. */
bool ark_follow_stops(arrakis_stream *stream, int64_t cursor_ns, arrakis_block **block);
/* Whether an error of the reader comes from a change: then it is none of the stream's. */
bool ark_follow_takes_error(arrakis_stream *stream, const arrakis_error *why);
void ark_follow_close(arrakis_stream *stream, ark_closing *closing);

#endif
