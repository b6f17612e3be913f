/* SPDX-License-Identifier: Apache-2.0 */
/* Messages -> arrivals, for readers of messages: decoding, and accounting for what cannot be used. */
#ifndef ARK_READ_INGEST_H
#define ARK_READ_INGEST_H

#include "base/log_limit.h"
#include "read/reader.h"
#include "read/row_decoder.h"
#include "read/row_schema.h"

typedef struct ark_ingest_lane {
    ark_row_decoder *decoder;
    ark_log_limit undecodable;
    bool no_rows; /* the topic's messages have no requested rows at present: logged once */
} ark_ingest_lane;

/* All zero can be cleared. It stays where it is: its decoders point into it. */
typedef struct ark_ingest {
    ark_ingest_lane *lanes; /* one per input */
    size_t count;
    ark_row_schema *schema; /* the one read last: the streams mostly have the same one */
    size_t stream;          /* the message under way */
    const char *topic;
    int64_t offset;
    bool busy, rows_seen;
    uint64_t messages, bytes, undecodable, unwanted;
} ark_ingest;

arrakis_status ark_ingest_init(ark_ingest *ingest, const ark_reader_stream *streams, size_t count,
                               arrakis_error *err);
void ark_ingest_clear(ark_ingest *ingest);

/* Begin with a message; `topic` and the bytes stay until ark_ingest_next() returns DONE. */
void ark_ingest_begin(ark_ingest *ingest, size_t stream, const char *topic, int64_t offset,
                      const void *message, size_t size);
/* A message that will be begun with soon: the caches fetch its bytes while another one is read. They
 * were written by another processor, and waiting for them costs more than decoding them. */
static inline void ark_ingest_expect(const void *message, size_t size)
{
    enum {
        LINE = 64,
        FRONT = 4096
    }; /* of longer ones the processor makes out the pattern itself */
    for (size_t at = 0; at < size && at < FRONT; at += LINE)
        __builtin_prefetch((const char *)message + at);
}
/* The next requested rows of the message. OK or DONE: what cannot be decoded is counted and logged.
 * ENOMEM: call again. */
arrakis_status ark_ingest_next(ark_ingest *ingest, ark_arrival *arrival, arrakis_error *err);
void ark_ingest_stats(const ark_ingest *ingest, arrakis_stats *stats);

#endif
