/* SPDX-License-Identifier: Apache-2.0 */
/* What every reader implements. A reader never waits in next(): callers wait on its file descriptor. */
#ifndef ARK_READ_READER_H
#define ARK_READ_READER_H

#include "block/layout.h"
#include "block/rows.h"
#include "read/closing.h"

#include <arrakis/reader.h>

/* Rows that arrived on one input; they point into the reader until the next call on it. */
typedef struct ark_arrival {
    size_t stream;
    ark_rows rows;
} ark_arrival;

typedef struct ark_reader_ops {
    /* What takes long in open(), for a reader whose turn comes later: open() then is short. NULL:
     * nothing does */
    arrakis_status (*prepare)(arrakis_reader *reader, arrakis_error *err);
    arrakis_status (*open)(arrakis_reader *reader, arrakis_error *err);
    /* OK; TIMEOUT: no data at present, the descriptor becomes readable; DONE; an error ends the reader */
    arrakis_status (*next)(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *err);
    bool (*done)(const arrakis_reader *reader);
    /* GPS time, since_ns or later, at which the source held nothing of the stream beyond what has
     * been handed out; ARRAKIS_UNSET when it may. *again_ns: ask again then (ARRAKIS_UNSET: after
     * data has come). */
    int64_t (*exhausted)(arrakis_reader *reader, size_t stream, int64_t since_ns,
                         int64_t *again_ns);
    /* Pause or resume one input; NULL where the source cannot */
    void (*pause)(arrakis_reader *reader, size_t stream, bool paused);
    /* NULL: there is no backlog to skip */
    arrakis_status (*fast_forward)(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                   arrakis_error *err);
    /* Adds messages, bytes, undecodable, unwanted, fast_forwards, errors */
    void (*stats)(const arrakis_reader *reader, arrakis_stats *stats);
    /* Begins what may take long in reader->closing. Called by ark_reader_close_into() alone */
    void (*close)(arrakis_reader *reader);
} ark_reader_ops;

typedef struct ark_reader_stream {
    char *id;
    arrakis_channels *channels;
    int64_t stride_ns;
    ark_layout *layout; /* for arrakis_reader_next(); made when first needed */
} ark_reader_stream;

/* The head of every reader. */
struct arrakis_reader {
    const ark_reader_ops *ops;
    ark_reader_stream *streams;
    size_t stream_count;
    arrakis_channels *channels; /* of all inputs, in the order of the request */
    int fd;
    bool opened;
    bool has_start;   /* where to begin is the source's to know, and a stream of it begins there */
    int64_t start_ns; /* GPS; ARRAKIS_UNSET: live */
    bool bounded;     /* the request has an end: it must be reached, or fail. Set before opening */
    const atomic_bool *cancel; /* looked at while opening; NULL: none */
    int64_t begun_ns; /* monotonic: when the call began that asks this one's brokers, and perhaps
                       * others' before; 0: none does */
    struct ark_closing *closing; /* while closing: what goes on beside it, waited for later */
};

/* Group channels by their partition into streams `<prefix><partition_id>`, in the order in which
 * partitions first appear. EINVAL names the channel and the field it lacks, or an empty list. */
arrakis_status ark_reader_group(arrakis_reader *reader, arrakis_channels *channels,
                                const char *prefix, arrakis_error *err);
/* Prepare or open a reader that another reader is made of: with the cancel, the end and the time limit of
 * that other reader. */
arrakis_status ark_reader_prepare_within(arrakis_reader *reader, const arrakis_reader *outer,
                                         arrakis_error *err);
arrakis_status ark_reader_open_within(arrakis_reader *reader, const arrakis_reader *outer,
                                      arrakis_error *err);
/* Close a reader (NULL: none) as one of several: they are waited for together. */
void ark_reader_close_into(arrakis_reader *reader, struct ark_closing *closing);
/* Frees what the head holds, not the reader. */
void ark_reader_clear(arrakis_reader *reader);

#endif
