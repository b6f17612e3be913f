/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Readers: where rows come from. A program that uses a client needs none of this: arrakis_client_stream()
 * makes the readers that its channels need. Here are the readers themselves, to read a broker's partitions
 * without aligning them, to feed messages of one's own, or to align several sources as one.
 */
#ifndef ARRAKIS_READER_H
#define ARRAKIS_READER_H

#include <arrakis/arrakis.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ readers */

/** A source of streams: each stream is a set of channels that arrive together (a Kafka partition).
 *  Kafka, memory and multi readers are made by the calls below. */
typedef struct arrakis_reader arrakis_reader;
typedef struct arrakis_kafka_options {
    size_t struct_size;
    /** GPS; ARRAKIS_UNSET: now; 0 is the beginning of what the topics hold. A start in the future is
     *  waited for. */
    int64_t start_ns;
    /** a live stream stuck behind its latency budget skips to the present */
    bool fast_forward;
    /** ARRAKIS_UNSET: 1 MiB a partition, at least 4, at most 64 MiB, or four answers of the broker if
     *  they are larger */
    int64_t prefetch_bytes;
    const arrakis_property *properties;
    size_t property_count;
    /** bounds each call to the broker at open, and twice of it all of them together with those of other
     *  readers that are opened by the same call; ARRAKIS_UNSET: 10 s */
    int64_t request_timeout_ns;
    /** for the brokers' login, where `properties` have a security.protocol with SASL and the
     *  sasl.mechanism OAUTHBEARER; NULL: none, and librdkafka gets tokens itself if
     *  sasl.oauthbearer.method is oidc (which Debian's librdkafka cannot). EINVAL: given and not
     *  used, or needed and not given. */
    arrakis_token_fn kafka_token_fn;
    void *kafka_token_opaque;
} arrakis_kafka_options;

#define ARRAKIS_KAFKA_OPTIONS_INIT                                                                \
    {                                                                                             \
        sizeof(arrakis_kafka_options), ARRAKIS_UNSET, false, ARRAKIS_UNSET, NULL, 0,              \
            ARRAKIS_UNSET, NULL, NULL                                                             \
    }
ARRAKIS_API void arrakis_kafka_options_init(arrakis_kafka_options *out, size_t struct_size);

/**
 * A reader of channels out of Kafka topics. Connects only in arrakis_reader_open().
 *
 * A topic that does not exist is named in the log and is a gap; it is looked for again after a second,
 * then at doubling intervals of up to 10 s, and read once it is there: with a start from its beginning,
 * live from what was stamped since the reader was opened, but for what `fast_forward` would skip. A topic
 * whose partition has no leader, or a leader that does not answer, is waited for 2 s when the reader is
 * opened, and later looked for in the same way, but a second after the last time that it was not found.
 *
 * What a request with an end waits for is bounded. A topic that has been known not to exist, or to have
 * no leader, for 10 s holds nothing more: what it lacks is a gap, and the log names it. So does, after
 * 30 s, a topic whose leader does not answer, or that hands out nothing of what it holds. When no broker
 * has answered for 30 s the stream ends with ECONNECT; a request without an end waits for the brokers.
 * The first answers of a leader that was away are believed 3 s and the channels' max_latency (of which 30 s
 * count at most) after it, and what has been due for less than 30 s becomes a gap 3 s after it was due,
 * after the reader was opened and after the last question about any of its topics that failed: another
 * node may just have taken over, to which the producers have not come yet.
 *
 * A login that is refused when the reader is opened is EAUTH at once. One that is refused later, since a
 * password was changed or a certificate has expired, is tried again for 10 s, as a broker that has just
 * started may not know its users yet; when no broker answers then, the stream ends with EAUTH, a live one
 * too. Tokens are renewed before they expire, whether or not the reader is asked for data.
 *
 * A start is looked up by the times at which messages were stamped, which a producer's or a broker's
 * clock gives: 10 s earlier than asked for, so that stamps may be 10 s before the data's time. A live
 * reader whose place in a topic is gone (truncated, or the topic made anew) goes on with what comes, one
 * with a start with what is left.
 *
 * A connection that does not answer, or does not come about, is given up after 6 s (socket.timeout.ms,
 * socket.connection.setup.timeout.ms). An answer with a backlog can have 32 MB: over a link that needs
 * longer for it (below some 60 Mbit/s), give socket.timeout.ms more. librdkafka unpacks a compressed
 * batch of messages whole, however large it gets, and ends the process when there is no memory for it:
 * where producers are not trusted, give the process a memory limit. A message larger than 100 MB
 * (receive.message.max.bytes) cannot be passed: the partitions of its broker give gaps.
 *
 * @param url       broker "host:port" or "kafka://host:port", several separated by commas
 * @param channels  each with partition_id, partition_index and stride; a reference is kept
 * @param options   NULL for the defaults
 * @return OK; EINVAL naming the channel and the field that is missing, a partition id of which no
 *         Kafka topic can have the name, two channels on one (partition, index), an empty list, an
 *         unusable url or property; ENOMEM.
 */
ARRAKIS_API arrakis_status arrakis_kafka_reader_new(arrakis_reader **out, const char *url,
                                                    arrakis_channels *channels,
                                                    const arrakis_kafka_options *options,
                                                    arrakis_error *err);

/** A reader of messages that the program pushes itself: same streams, same decoding, no broker. */
ARRAKIS_API arrakis_status arrakis_memory_reader_new(arrakis_reader **out,
                                                     arrakis_channels *channels,
                                                     arrakis_error *err);
/** Queue one message (copied) as it would stand in the topic of `stream`.
 *  @return OK; EINVAL for another kind of reader or no such stream; ENOMEM. */
ARRAKIS_API arrakis_status arrakis_memory_reader_push(arrakis_reader *reader, size_t stream,
                                                      const void *message, size_t size,
                                                      arrakis_error *err);

/** Nothing more will be pushed: once drained, the reader is done. */
ARRAKIS_API void arrakis_memory_reader_finish(arrakis_reader *reader);
/** One reader over several; takes them over, on failure too. Streams follow each other in order.
 *  @return OK; EINVAL: no reader, two channels of one name, or readers that begin at different times;
 *  ENOMEM. */
ARRAKIS_API arrakis_status arrakis_multi_reader_new(arrakis_reader **out,
                                                    arrakis_reader *const *readers, size_t count,
                                                    arrakis_error *err);

ARRAKIS_API size_t arrakis_reader_input_count(const arrakis_reader *reader);
/** `<url>/<partition_id>` for Kafka. Borrowed from the reader. */
ARRAKIS_API const char *arrakis_reader_input_id(const arrakis_reader *reader, size_t stream);
/** The channels of one stream, borrowed from the reader. */
ARRAKIS_API const arrakis_channels *arrakis_reader_input_channels(const arrakis_reader *reader,
                                                                  size_t stream);
/** Connect and begin. Takes twice the request timeout at most, however many brokers it has.
 *  @return OK; ECONNECT naming the url and the last trouble: no broker answers; EAUTH with the reason: a
 *  login that is refused, a security.protocol that is not the broker's, a topic that one may not see;
 *  EBROKER; EDEADLINE: of several brokers, too, when those before have taken the time; EINVAL when called
 *  twice. */
ARRAKIS_API arrakis_status arrakis_reader_open(arrakis_reader *reader, arrakis_error *err);

/**
 * What has arrived on one stream: its rows of the channels asked for, as a block.
 *
 * @param stream      receives the number of the stream
 * @param timeout_ms  0: only what is here; negative: for ever
 * @return OK; TIMEOUT; DONE when nothing will come any more; ECONNECT, EBROKER, EAUTH (a topic that
 *         one may not read) on a fatal error. Messages that do not decode are counted, logged and skipped.
 */
ARRAKIS_API arrakis_status arrakis_reader_next(arrakis_reader *reader, int timeout_ms,
                                               size_t *stream, arrakis_block **block,
                                               arrakis_error *err);

/** Becomes readable when arrakis_reader_next() may have something. -1 before open. */
ARRAKIS_API int arrakis_reader_fd(const arrakis_reader *reader);
/** Whether nothing will come any more. Kafka: never. */
ARRAKIS_API bool arrakis_reader_done(const arrakis_reader *reader);
/** Whether everything the source held at some moment since `since_ns` (GPS; ARRAKIS_UNSET: the
 *  last few seconds) has been handed out. Does not wait: a broker is asked in the background, the answer
 *  makes the reader's descriptor readable, and until then this is false. */
ARRAKIS_API bool arrakis_reader_exhausted(arrakis_reader *reader, int64_t since_ns);
/** Skip ahead to the first messages at or after `to_ns` (ARRAKIS_UNSET: the end), never back. Asks the
 *  brokers, twice the request timeout at most in all; partitions without an answer stay where they are.
 *  @param moved  receives the number of partitions moved; may be NULL */
ARRAKIS_API arrakis_status arrakis_reader_fast_forward(arrakis_reader *reader, int64_t to_ns,
                                                       size_t *moved, arrakis_error *err);
/** Returns within 2 s, however many brokers it has: librdkafka's connections that have not ended by then
 *  end in the background (2.0 leaves them open, with two idle threads, when a topic was deleted meanwhile).
 *  A process that calls exit(), or returns from main(), in the 2 s after that waits for them until then. */
ARRAKIS_API void arrakis_reader_close(arrakis_reader *reader);

/* ------------------------------------------------------------------ streams of a reader */

typedef struct arrakis_stream_options {
    size_t struct_size;
    int64_t start_ns; /**< GPS; ARRAKIS_UNSET: the reader's, else now. The first block holds it. */
    /** GPS; the last block is the first to reach it, and none but the first begins there.
     *  ARRAKIS_UNSET: none */
    int64_t end_ns;
    int64_t duration_ns; /**< instead of an end: from the start, or live from the first block */
    arrakis_on_gap on_gap;
    /** of the blocks: a multiple of the native stride (the default), which is the least common multiple
     *  of the channels' and a day at most */
    int64_t stride_ns;
    /** how long after a block's end its data is waited for; ARRAKIS_UNSET: the channels' max_latency, of
     *  which more than an hour counts as an hour */
    int64_t latency_tolerance_ns;
    arrakis_cancel *cancel; /**< ends the stream, and its opening; NULL: none */
} arrakis_stream_options;

#define ARRAKIS_STREAM_OPTIONS_INIT                                                               \
    {                                                                                             \
        sizeof(arrakis_stream_options), ARRAKIS_UNSET, ARRAKIS_UNSET, ARRAKIS_UNSET,              \
            ARRAKIS_GAP_FILL, ARRAKIS_UNSET, ARRAKIS_UNSET, NULL                                  \
    }
ARRAKIS_API void arrakis_stream_options_init(arrakis_stream_options *out, size_t struct_size);

/**
 * Take a reader over (on failure too), open it and align its streams. The stream begins where the
 * reader does: a start in `options` is for readers that have none of their own (memory), and else it is
 * the reader's or ARRAKIS_UNSET.
 * @return OK; EINVAL naming the option, what was found and what was wanted; what
 *         arrakis_reader_open() returns; ENOMEM.
 */
ARRAKIS_API arrakis_status arrakis_stream_open(arrakis_stream **out, arrakis_reader *reader,
                                               const arrakis_stream_options *options,
                                               arrakis_error *err);

/** How far behind the present stream `i` of the reader underneath is, numbered as in
 *  arrakis_reader_input_id(): now less the end of the last block that arrived on it; ARRAKIS_UNSET when
 *  none has, or there is no such stream. */
ARRAKIS_API int64_t arrakis_stream_lag_ns(const arrakis_stream *stream, size_t i);
/** The reader underneath, for its stream ids and channels; borrowed. */
ARRAKIS_API const arrakis_reader *arrakis_stream_reader(const arrakis_stream *stream);

/* ------------------------------------------------------------------ random names */

/** Fill `out` with `n` characters of A-Z0-9 and a terminating zero (n + 1 bytes), each equally
 *  likely, from the system's secure source. @return OK, or EIO when the system has no entropy. */
ARRAKIS_API arrakis_status arrakis_random_alphanum(char *out, size_t n, arrakis_error *err);

/** A random Kafka group id: 16 such characters. */
ARRAKIS_API arrakis_status arrakis_random_group_id(char out[17], arrakis_error *err);

#ifdef __cplusplus
}
#endif

#endif
