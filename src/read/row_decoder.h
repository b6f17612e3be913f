/* SPDX-License-Identifier: Apache-2.0 */
/* One stream's messages -> rows of the channels asked for. No I/O.
 *
 * A publisher's messages are all alike: the schema, the batch's header, the ids and the list
 * offsets repeat byte for byte, only times and samples change. So what was worked out for one
 * message is kept, with the bytes it was worked out from, and used again while they are equal.
 * Whatever differs is read afresh: there is one reader, and its result can be remembered. */
#ifndef ARK_READ_ROW_DECODER_H
#define ARK_READ_ROW_DECODER_H

#include "block/rows.h"
#include "read/row_schema.h"

typedef struct ark_row_decoder ark_row_decoder;

/* `channels` (borrowed, must outlive it) each with a partition_index; `stride_ns` is the stream's.
 * `latest`: where decoders of one thread share the schema that one of them has read last (its owner
 * drops it after them); NULL: it shares none.
 * EINVAL: a channel without one, two channels with the same one, mixed data types. */
arrakis_status ark_row_decoder_new(ark_row_decoder **out, const arrakis_channels *channels,
                                   int64_t stride_ns, ark_row_schema **latest, arrakis_error *err);
void ark_row_decoder_free(ark_row_decoder *decoder);

/* Begin with a message; its bytes must stay until the last batch is taken. */
void ark_row_decoder_begin(ark_row_decoder *decoder, const void *message, size_t size);
/* Its next batch. rows->piece_count is 0 when it has no row that was asked for. rows points into
 * the decoder and the message. A message is taken whole or not at all: of one that has a batch that
 * cannot be read, none comes.
 * DONE: no more batches. EFORMAT, EUNSUPPORTED: the message cannot be read. ENOMEM: call again. */
arrakis_status ark_row_decoder_next(ark_row_decoder *decoder, ark_rows *rows, arrakis_error *err);

#endif
