/* SPDX-License-Identifier: Apache-2.0 */
/* Messages -> arrivals, for readers of messages: decodes them, and counts and logs what cannot be
 * used. */
#ifndef ARK_READ_INGEST_H
#define ARK_READ_INGEST_H

#include "base/log_limit.h"
#include "read/reader.h"
#include "read/row_decoder.h"
#include "read/row_schema.h"

typedef struct ark_ingest_input {
    ark_row_decoder *decoder;
    ark_log_limit undecodable;
    bool no_rows; /* the last message had no row of a requested channel, which is logged once */
} ark_ingest_input;

/* Can be cleared when all bytes are 0. Must not be moved: the decoders point into it. */
typedef struct ark_ingest {
    ark_ingest_input *inputs;
    size_t count;
    ark_row_schema *schema; /* the one read last: mostly that of all inputs */
    /* the message that is being decoded */
    size_t input;
    const char *topic;
    int64_t offset;
    bool busy, rows_seen;
    uint64_t messages, bytes, undecodable, unwanted;
} ark_ingest;

arrakis_status ark_ingest_init(ark_ingest *ingest, const ark_reader_input *inputs, size_t count,
                               arrakis_error *err);
void ark_ingest_clear(ark_ingest *ingest);

/* Begin with a message of an input; `topic` and the bytes must stay until ark_ingest_next()
 * returns DONE. */
void ark_ingest_begin(ark_ingest *ingest, size_t input, const char *topic, int64_t offset,
                      const void *message, size_t size);
/* Announce a message that will soon be decoded, so that its bytes are fetched into the cache
 * meanwhile: they were written by another processor, and waiting for them takes longer than
 * decoding them. */
static inline void ark_ingest_expect(const void *message, size_t size)
{
    enum {
        LINE = 64,
        FRONT = 4096
    }; /* in longer messages the processor recognizes the pattern itself */
    for (size_t at = 0; at < size && at < FRONT; at += LINE)
        __builtin_prefetch((const char *)message + at);
}
/* The next rows of requested channels in the message. OK, or DONE: there are no more; a message
 * that cannot be decoded is counted and logged. ENOMEM: call again. */
arrakis_status ark_ingest_next(ark_ingest *ingest, ark_arrival *arrival, arrakis_error *err);
/* Give up the message that is being decoded, if any: its bytes may go. */
static inline void ark_ingest_drop(ark_ingest *ingest)
{
    ingest->busy = false;
}
void ark_ingest_stats(const ark_ingest *ingest, arrakis_stats *stats);

#endif
