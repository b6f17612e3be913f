/* SPDX-License-Identifier: Apache-2.0 */
/* What every reader implements. next() never waits: callers wait for the reader's file
 * descriptor. */
#ifndef ARK_READ_READER_H
#define ARK_READ_READER_H

#include "block/layout.h"
#include "block/rows.h"
#include "read/closing.h"

#include <arrakis/reader.h>

#include <assert.h>

/* Rows of one input that have arrived. They point into the reader, until the next call of it. */
typedef struct ark_arrival {
    size_t input;
    ark_rows rows;
} ark_arrival;

/* Whether and how long a stream of a server that broke is taken up again. All bytes 0: it is not. */
typedef struct ark_retry {
    bool on;
    int64_t time_ns, tries; /* ARRAKIS_UNSET: no limit */
} ark_retry;

typedef struct ark_reader_ops {
    /* Do what would take long in open(), for a reader that is opened later. NULL: nothing takes
     * long */
    arrakis_status (*prepare)(arrakis_reader *reader, arrakis_error *err);
    arrakis_status (*open)(arrakis_reader *reader, arrakis_error *err);
    /* OK; TIMEOUT: no data yet, wait for the descriptor; DONE: no data comes; an error ends the
     * reader */
    arrakis_status (*next)(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *err);
    bool (*done)(const arrakis_reader *reader);
    /* A GPS time, since_ns or later, at which the source held no data of the input that next() has
     * not handed out; ARRAKIS_UNSET: it may hold some. *again_ns: when to ask again
     * (ARRAKIS_UNSET: after the next arrival) */
    int64_t (*exhausted)(arrakis_reader *reader, size_t input, int64_t since_ns,
                         int64_t *again_ns);
    /* Whether all sources are lost, and are to be taken up again: until then no data comes. NULL:
     * never */
    bool (*all_lost)(const arrakis_reader *reader);
    /* Since when (monotonic) the source of an input is lost in this way; ARRAKIS_UNSET: it is not.
     * NULL: never */
    int64_t (*lost_since)(const arrakis_reader *reader, size_t input);
    /* Pause or resume an input; NULL: the source cannot */
    void (*pause)(arrakis_reader *reader, size_t input, bool paused);
    /* NULL: there is no backlog to skip */
    arrakis_status (*fast_forward)(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                   arrakis_error *err);
    /* Adds messages, bytes, undecodable, unwanted, fast_forwards, errors, losses, recoveries */
    void (*stats)(const arrakis_reader *reader, arrakis_stats *stats);
    /* What may take long is begun in reader->closing. Called by ark_reader_close_into() only */
    void (*close)(arrakis_reader *reader);
} ark_reader_ops;

typedef struct ark_reader_input {
    char *id;
    arrakis_channels *channels;
    int64_t stride_ns;
    ark_layout *layout; /* for arrakis_reader_next(); made when first needed */
} ark_reader_input;

/* The head of every reader. */
struct arrakis_reader {
    const ark_reader_ops *ops;
    ark_reader_input *inputs;
    size_t input_count;
    arrakis_channels *channels; /* of all inputs, in the order of the request */
    int fd;
    bool opened;
    bool has_start;   /* the source begins at start_ns, and so does a stream of the reader */
    int64_t start_ns; /* GPS; ARRAKIS_UNSET: live */
    /* how long data may lie at its source, so that the source is asked less often */
    int64_t fetch_wait_ns;
    /* the request has an end, which it must reach, or fail. Set before opening; read in any thread */
    atomic_bool bounded;
    ark_retry retry;           /* set before opening */
    const atomic_bool *cancel; /* looked at while opening; NULL: none */
    /* monotonic: begin of the call under way, which may have asked other readers' brokers before;
     * 0: none is under way */
    int64_t begun_ns;
    struct ark_closing *closing; /* while closing: what takes long is waited for there */
};

/* A reader as what it is: the operation that closes it tells. */
#define ARK_READER_AS(type, reader, its_ops)                                                      \
    (assert((reader)->ops->close == (its_ops).close), (type *)(reader))

/* Group channels by their partition into inputs `<prefix><partition_id>`. EINVAL names the channel
 * and the field that it lacks, or an empty list. */
arrakis_status ark_reader_group(arrakis_reader *reader, arrakis_channels *channels,
                                const char *prefix, arrakis_error *err);
/* Prepare or open a reader that is part of another reader: with the cancel, the end and the time
 * limit of the other reader. */
arrakis_status ark_reader_prepare_within(arrakis_reader *reader, const arrakis_reader *outer,
                                         arrakis_error *err);
arrakis_status ark_reader_open_within(arrakis_reader *reader, const arrakis_reader *outer,
                                      arrakis_error *err);
/* Whether all sources of a reader are lost, and are to be taken up again. */
static inline bool ark_reader_all_lost(const arrakis_reader *reader)
{
    return reader->ops->all_lost && reader->ops->all_lost(reader);
}

/* Since when (monotonic) the source of an input is lost and is to be taken up again; ARRAKIS_UNSET: it is
 * not. */
static inline int64_t ark_reader_lost_since(const arrakis_reader *reader, size_t input)
{
    return reader->ops->lost_since ? reader->ops->lost_since(reader, input) : ARRAKIS_UNSET;
}

/* Close a reader (NULL: none) as one of several, which are then waited for together. */
void ark_reader_close_into(arrakis_reader *reader, struct ark_closing *closing);
/* How much later data may come because it lies at its source: what begins to be fetched while a
 * request for the rest lies there waits for the answer to that request, and then for its own. */
static inline int64_t ark_reader_lies_ns(const arrakis_reader *reader)
{
    return 2 * reader->fetch_wait_ns;
}

/* Free what the head holds, not the reader. */
void ark_reader_clear(arrakis_reader *reader);

#endif
