/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of one input -> rows of the requested channels. No I/O.
 *
 * The messages of a publisher are alike: the schema, the header of the batch, the ids and the list
 * offsets are the same bytes again and again; only times and samples change. So what was found in
 * one message is kept together with the bytes that it was found in, and used again as long as
 * these bytes are equal. Everything else is read as in the first message: there is one way to
 * read, whose results are cached. */
#ifndef ARK_READ_ROW_DECODER_H
#define ARK_READ_ROW_DECODER_H

#include "block/rows.h"
#include "read/row_schema.h"

typedef struct ark_row_decoder ark_row_decoder;

/* `channels` must live longer than the decoder, and each must have a partition_index; `stride_ns`
 * is that of the input. `latest`: where all decoders of one thread share the schema that one of
 * them has read last; the caller drops it after the decoders. NULL: this decoder shares no schema.
 * EINVAL: a channel without partition_index, two channels with the same one, or several data
 * types. */
arrakis_status ark_row_decoder_new(ark_row_decoder **out, const arrakis_channels *channels,
                                   int64_t stride_ns, ark_row_schema **latest, arrakis_error *err);
void ark_row_decoder_free(ark_row_decoder *decoder);

/* Begin with a message; its bytes must stay until its last batch has been used. */
void ark_row_decoder_begin(ark_row_decoder *decoder, const void *message, size_t size);
/* The rows of the next batch of the message. They point into the decoder and the message;
 * rows->run_count is 0 when the batch has no row of a requested channel. When one batch of a
 * message cannot be read, the call for the first batch fails: no batch of that message is
 * returned. DONE: no more batches. EFORMAT, EUNSUPPORTED: the message cannot be read. ENOMEM: call
 * again. */
arrakis_status ark_row_decoder_next(ark_row_decoder *decoder, ark_rows *rows, arrakis_error *err);

#endif
