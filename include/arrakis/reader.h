/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Readers deliver rows of channels. A program that uses a client needs none of this:
 * arrakis_client_stream() makes the readers that its channels need. This header offers the readers
 * themselves: to read a broker's partitions without aligning them, to push a program's own
 * messages, or to align several sources as one.
 */
#ifndef ARRAKIS_READER_H
#define ARRAKIS_READER_H

#include <arrakis/arrakis.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ readers */

/**
 * A reader delivers data by inputs. An input is a set of channels whose data arrives together: those
 * of one partition of a broker, of one endpoint of a server, or of one queue in memory. The calls
 * below make Kafka readers, memory readers and multi readers.
 */
typedef struct arrakis_reader arrakis_reader;
typedef struct arrakis_kafka_options {
    size_t struct_size;
    /**
     * GPS start time; ARRAKIS_UNSET: now; 0: the beginning of what the topics hold. A start in the
     * future is waited for.
     */
    int64_t start_ns;
    /** A live stream whose data stays older than its latency budget skips to the present. */
    bool fast_forward;
    /**
     * Bytes of messages that are fetched ahead, 1 KiB to 2 GiB. ARRAKIS_UNSET: 1 MiB per partition,
     * but at least 4 MiB and at most 64 MiB; or four answers of the broker, if those are larger.
     */
    int64_t prefetch_bytes;
    const arrakis_property *properties;
    size_t property_count;
    /**
     * Time limit of each call to a broker while the reader is opened; ARRAKIS_UNSET: 10 s. All
     * such calls together, those of other readers that the same call opens included, take at most
     * twice this limit.
     */
    int64_t request_timeout_ns;
    /**
     * Returns tokens for logins at the brokers; NULL: no such function. Only used where
     * `properties` set security.protocol to a protocol with SASL and sasl.mechanism to
     * OAUTHBEARER. EINVAL: the function is given and `properties` do not set these, or
     * `properties` set these and there is no source of tokens. Without the function, librdkafka
     * itself gets tokens if sasl.oauthbearer.method is "oidc" (which Debian's librdkafka does not
     * support).
     */
    arrakis_token_fn kafka_token_fn;
    void *kafka_token_opaque;
    /**
     * How long messages may lie at a broker, so that it is asked less often: up to 5 s. Each request
     * names all partitions, so hundreds of them cost more in requests than in messages. 0: what
     * comes of up to 64 partitions is handed over at once, and of more after 30 ms at most.
     * A broker that has 8 MiB (or a quarter of `prefetch_bytes`), or what the channels are expected
     * to have in that time, answers earlier; the properties fetch.wait.max.ms and fetch.min.bytes
     * replace the time and that size.
     * A stream of the reader waits for data beyond the channels' max_latency or its latency
     * tolerance, for twice this time, so that nothing becomes a gap because of it: where a partition
     * begins to be fetched while a request for the others lies at the broker, its data waits for the
     * answer to that request and then for the answer to its own.
     * A reader whose start is more than 10 s before it is made does not wait in this way: it has a
     * backlog to read, and partitions advance together only in small portions.
     */
    int64_t fetch_wait_ns;
    /**
     * Ends arrakis_reader_open() and arrakis_reader_fast_forward(). The reader keeps a reference.
     * NULL: no cancel. A stream that has the reader, or another reader that contains it, uses its
     * own cancel in place of this one.
     */
    arrakis_cancel *cancel;
} arrakis_kafka_options;

#define ARRAKIS_KAFKA_OPTIONS_INIT                                                                \
    {                                                                                             \
        sizeof(arrakis_kafka_options), ARRAKIS_UNSET, false, ARRAKIS_UNSET, NULL, 0,              \
            ARRAKIS_UNSET, NULL, NULL, 0, NULL                                                    \
    }
ARRAKIS_API void arrakis_kafka_options_init(arrakis_kafka_options *out, size_t struct_size);

/**
 * Makes a reader of channels from Kafka topics. Connects only in arrakis_reader_open().
 *
 * Topics that are missing. A topic that does not exist is named in the log, and its data is a gap.
 * The reader looks for such a topic again after a second, then at doubling intervals of up to 10
 * s. Once the topic exists, a reader with a start reads it from its beginning; a live reader reads
 * the messages stamped since the reader was opened, except those that `fast_forward` would skip:
 * at most those of the last hour, and at most 1,000 messages plus four for each stride of that
 * time, whatever the timestamps are and whether or not the clock was set.
 * When a reader is opened, it waits 2 s for a partition that has no leader, or whose leader does
 * not answer; later it looks for such a partition as for a topic that does not exist, but again a
 * second after the last time that the partition was not found.
 *
 * Requests with an end. The waits of a request with an end are bounded. A topic that has not
 * existed, or has had no leader, for 10 s is taken to hold nothing more: its missing data becomes
 * a gap, and the log names the topic. The same applies after 30 s to a topic whose leader does not
 * answer, or that delivers nothing of what it holds. When no broker has answered for 30 s, the
 * stream ends with ECONNECT; a request without an end waits for the brokers.
 *
 * Leaders that change. When a node fails, another node may take over before the producers have
 * found it. Therefore the first answers of a leader that was away are trusted only 3 s and the
 * channels' max_latency (of which at most 30 s count) after they came; and data that has been due
 * for less than 30 s becomes a gap only 3 s after the latest of these: the time it was due, the
 * opening of the reader, the last failed question about any of its topics, and the finding of a
 * topic whose leader had been silent. A topic about which questions have failed for 30 s without
 * a break does not count for the last two.
 *
 * Leaders that are silent. Questions are asked by a second connection to each broker. Leaders that
 * do not answer together are asked each by itself, 16 at a time: each is given 2 s to log in and
 * to answer, or, when there are more than 16 of them, its share of 2 s, but at least 0.3 s. After
 * a silence the reader makes these connections anew (at first after 1 s, then after twice as long
 * each time, up to 16 s; again after 1 s once all leaders have answered for 32 s), because a new
 * connection is told anew who leads. The old ones close in the background, one set at a time.
 *
 * Logins. A login that is refused when the reader is opened is EAUTH at once. A login that is
 * refused later (a password was changed, a certificate has expired) is tried again for 10 s,
 * because a broker that has just started may not have loaded its users yet; if no broker answers
 * then, the stream ends with EAUTH, also when it is live. A request with an end also ends with
 * EAUTH when only the connections for questions are refused for 10 s, and the established ones go
 * on. A topic that was missing, and that the user may not see when the reader looks for it again,
 * ends the stream with EAUTH. Tokens are renewed before they expire, whether or not the reader is
 * asked for data.
 *
 * Start. The start is looked up by the timestamps of messages, which the clock of a producer or of
 * a broker sets. The look-up asks for a time 10 s before the start, so timestamps may be up to 10
 * s before the time of the data. When the position of a reader in a topic is gone (the topic was
 * truncated, or made anew), a live reader continues with the messages that come, and a reader with
 * a start continues with the messages that are left.
 *
 * Connections. The reader gives up after 6 s on a connection that does not answer or cannot be
 * established (socket.timeout.ms, socket.connection.setup.timeout.ms). An answer of a broker that
 * has a backlog can have 32 MB; over a link that needs longer for it (below some 60 Mbit/s), set
 * socket.timeout.ms to more. librdkafka decompresses a batch of messages as a whole, however large
 * it gets, and ends the process when there is no memory for it: where producers are not trusted,
 * give the process a memory limit. A message larger than 100 MB (receive.message.max.bytes) cannot
 * be skipped: the partitions of its broker become gaps.
 *
 * @param url       brokers: "host:port" or "kafka://host:port", several separated by commas
 * @param channels  each with partition_id, partition_index and stride; the reader keeps a
 *                  reference
 * @param options   NULL for the defaults
 * @return OK; EINVAL: a channel lacks a field (the text names both), a partition id cannot be part
 *         of a Kafka topic's name, two channels have the same partition and index, the list is
 *         empty, or the url or a property cannot be used; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_kafka_reader_new(arrakis_reader **out, const char *url,
                                                    arrakis_channels *channels,
                                                    const arrakis_kafka_options *options,
                                                    arrakis_error *err);

/**
 * Makes a reader of messages that the program pushes. It has the same inputs and the same decoding
 * as a Kafka reader, and no broker.
 *
 * @param channels  as for arrakis_kafka_reader_new()
 * @return as arrakis_kafka_reader_new()
 */
ARRAKIS_API arrakis_status arrakis_memory_reader_new(arrakis_reader **out,
                                                     arrakis_channels *channels,
                                                     arrakis_error *err);
/**
 * Queues a copy of one message, in the form in which the topic of input `input` would hold it.
 *
 * @return OK; EINVAL: not a memory reader, or no such input; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_memory_reader_push(arrakis_reader *reader, size_t input,
                                                      const void *message, size_t size,
                                                      arrakis_error *err);

/** Declares that no more messages will be pushed: once all are read, the reader is done. */
ARRAKIS_API void arrakis_memory_reader_finish(arrakis_reader *reader);
/**
 * Makes one reader of several, and takes ownership of them, also on failure. The inputs of the
 * readers follow each other in order.
 *
 * @return OK; EINVAL: no reader is given, two channels have the same name, or the readers begin at
 *         different times; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_multi_reader_new(arrakis_reader **out,
                                                    arrakis_reader *const *readers, size_t count,
                                                    arrakis_error *err);

/**
 * An endpoint that a server has returned for a request for data, as it returned it: the ticket, and
 * the locations of which each has all of the endpoint's data.
 */
typedef struct arrakis_endpoint {
    const void *ticket;
    size_t ticket_size;
    const char *const *locations; /**< URIs; tried in this order */
    size_t location_count;        /**< 0: the server itself */
} arrakis_endpoint;

/**
 * Makes a reader of endpoints that the program has asked a server for. arrakis_client_stream() does
 * both; this is for programs that ask by themselves. Connects only in arrakis_reader_open().
 *
 * Endpoints whose tickets begin at the same time are read together, and such slices one after the
 * other. Give the stream of the reader the start and the end of the request, and, as the server has
 * waited for late data before the reader does, a latency_tolerance_ns above the channels'
 * max_latency.
 *
 * @param client     of the server that returned the endpoints; it may be closed afterwards
 * @param endpoints  borrowed; up to 10,000, with up to 16 locations each
 * @param channels   those that are read, each with a stride; the reader keeps a reference
 * @param begin_ns   the begin of the request (GPS); ARRAKIS_UNSET: live
 * @param end_ns     its end; ARRAKIS_UNSET: none
 * @return OK; EINVAL: the client has no server, no endpoint or no channel is given, or there are
 *         too many endpoints or locations; EFORMAT: a ticket cannot be read; ENOTFOUND: no endpoint
 *         has a channel; EUNSUPPORTED: the location is a broker, or the library is built without
 *         Flight; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_endpoint_reader_new(
    arrakis_reader **out, arrakis_client *client, const arrakis_endpoint *endpoints, size_t count,
    arrakis_channels *channels, int64_t begin_ns, int64_t end_ns, arrakis_error *err);

ARRAKIS_API size_t arrakis_reader_input_count(const arrakis_reader *reader);
/**
 * Returns the id of an input: `<url>/<partition_id>` for Kafka, where brokers that a server names
 * have no scheme; for a server its URL, which begins with `grpc://` or `grpc+tls://`, and a
 * number. Borrowed from the reader.
 */
ARRAKIS_API const char *arrakis_reader_input_id(const arrakis_reader *reader, size_t input);
/** Returns the channels of an input. Borrowed from the reader. */
ARRAKIS_API const arrakis_channels *arrakis_reader_input_channels(const arrakis_reader *reader,
                                                                  size_t input);
/**
 * Connects and begins. Takes at most twice the request timeout, however many brokers the reader
 * has.
 *
 * @return OK; ECONNECT: no broker answers; the text names the url and the last failure; EAUTH with
 *         the reason: a login is refused, security.protocol is not the one that the broker uses,
 *         or the user may not see a topic; EBROKER; EDEADLINE: no answer in time, also when
 *         earlier brokers of several have used the time up; EINVAL: the reader is already open;
 *         EIO: no descriptor is left; ECANCELED: by the cancel of its options, or of the stream
 *         that opens it
 */
ARRAKIS_API arrakis_status arrakis_reader_open(arrakis_reader *reader, arrakis_error *err);

/**
 * Returns what has arrived on one input: its rows of the requested channels, as a block. Messages
 * that cannot be decoded are counted, logged and skipped.
 *
 * @param timeout_ms  0: return only what has already arrived; negative: wait without limit
 * @param input       receives the index of the input
 * @param block       receives a reference, to be dropped with arrakis_block_unref(); NULL unless
 *                    OK
 * @return OK; TIMEOUT; DONE: no more data will come; ECONNECT, EBROKER: a fatal error; EAUTH, also
 *         fatal: the user may not read a topic, or a login was refused; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_reader_next(arrakis_reader *reader, int timeout_ms,
                                               size_t *input, arrakis_block **block,
                                               arrakis_error *err);

/**
 * Returns a descriptor that becomes readable when arrakis_reader_next() may return something; -1
 * before the reader is open.
 */
ARRAKIS_API int arrakis_reader_fd(const arrakis_reader *reader);
/** Returns whether no more data will come. Always false for a Kafka reader. */
ARRAKIS_API bool arrakis_reader_done(const arrakis_reader *reader);
/**
 * Returns whether all that the source held at some moment since `since_ns` (GPS; ARRAKIS_UNSET:
 * within the last few seconds) has been returned. The call does not wait: a broker is asked in the
 * background, and the call returns false until the answer has come, which makes the reader's
 * descriptor readable. An answer counts for 5 s: a program that asks less often must ask again when
 * the descriptor is readable.
 */
ARRAKIS_API bool arrakis_reader_exhausted(arrakis_reader *reader, int64_t since_ns);
/**
 * Skips to the first messages at or after `to_ns` (ARRAKIS_UNSET: the end), and never back. The
 * call asks the brokers, for at most twice the request timeout in all; partitions without an
 * answer keep their position.
 *
 * @param moved  receives the number of partitions that were moved; may be NULL
 * @return OK; EINVAL: the reader is not open; ECANCELED, ECONNECT, EAUTH, EBROKER: as for
 *         arrakis_reader_open()
 */
ARRAKIS_API arrakis_status arrakis_reader_fast_forward(arrakis_reader *reader, int64_t to_ns,
                                                       size_t *moved, arrakis_error *err);
/**
 * Closes a reader. Returns within 2 s, however many brokers the reader has. Connections of
 * librdkafka that have not ended by then end in the background; librdkafka 2.0 leaves them open,
 * with two idle threads, when a topic was deleted meanwhile. If the process calls exit(), or
 * returns from main(), within 2 s after that, exit() waits for these connections until the 2 s
 * have passed.
 */
ARRAKIS_API void arrakis_reader_close(arrakis_reader *reader);

/* ------------------------------------------------------------------ aligned streams */

typedef struct arrakis_stream_options {
    size_t struct_size;
    /**
     * GPS; ARRAKIS_UNSET: the reader's start, or now if the reader has none. The first block
     * contains this time.
     */
    int64_t start_ns;
    /**
     * GPS; the first block that reaches this time is the last; only the first block of a stream
     * may begin at it. ARRAKIS_UNSET: no end.
     */
    int64_t end_ns;
    /** Instead of an end: counted from the start; in a live stream, from the first block. */
    int64_t duration_ns;
    arrakis_on_gap on_gap;
    /**
     * Duration of the stream's blocks: a multiple of the native stride, which is the default. The
     * native stride is the least common multiple of the channels' strides, and at most a day.
     */
    int64_t stride_ns;
    /**
     * How long after the end of a block its data is waited for; ARRAKIS_UNSET: the channels'
     * max_latency, of which at most an hour counts.
     */
    int64_t latency_tolerance_ns;
    /** Ends the stream and its opening; NULL: no cancel. */
    arrakis_cancel *cancel;
    arrakis_retry retry; /**< whether a server's stream that breaks is taken up again */
    /**
     * After how long, from when the stream broke, the last try is made; ARRAKIS_UNSET: no limit. 0 to
     * ARRAKIS_TIME_MAX_NS.
     */
    int64_t retry_time_ns;
    /** How many tries may fail in a row, 1 or more; ARRAKIS_UNSET: no limit. */
    int64_t retry_tries;
} arrakis_stream_options;

#define ARRAKIS_STREAM_OPTIONS_INIT                                                               \
    {                                                                                             \
        sizeof(arrakis_stream_options), ARRAKIS_UNSET, ARRAKIS_UNSET, ARRAKIS_UNSET,              \
            ARRAKIS_GAP_FILL, ARRAKIS_UNSET, ARRAKIS_UNSET, NULL, ARRAKIS_RETRY_DEFAULT,          \
            ARRAKIS_UNSET, ARRAKIS_UNSET                                                          \
    }
ARRAKIS_API void arrakis_stream_options_init(arrakis_stream_options *out, size_t struct_size);

/**
 * Takes ownership of a reader (also on failure), opens it and aligns its inputs. The stream begins
 * where the reader begins: a start in `options` is only for readers without a start of their own
 * (memory readers); with any other reader it must be ARRAKIS_UNSET or equal to the reader's start.
 *
 * @return OK; EINVAL: the text names the option, what was found and what was expected; what
 *         arrakis_reader_open() returns; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_stream_open(arrakis_stream **out, arrakis_reader *reader,
                                               const arrakis_stream_options *options,
                                               arrakis_error *err);

/**
 * Returns how far input `i` of the stream's reader is behind the present: now minus the end of the
 * last block that arrived on the input. Inputs are numbered as in arrakis_reader_input_id(); with
 * `follow` in the request, the numbers hold until the next arrakis_stream_next(). ARRAKIS_UNSET when
 * no block has arrived yet, or when there is no such input.
 */
ARRAKIS_API int64_t arrakis_stream_lag_ns(const arrakis_stream *stream, size_t i);
/**
 * Returns the reader of a stream, for its input ids and channels. Borrowed from the stream; with
 * `follow` in the request, until the next arrakis_stream_next().
 */
ARRAKIS_API const arrakis_reader *arrakis_stream_reader(const arrakis_stream *stream);

/* ------------------------------------------------------------------ groups */

/**
 * Several processes, on any machines, share the partitions of channels: each partition is read by one
 * member of a group at a time. Kafka's brokers coordinate the group (its consumer-group protocol,
 * classic, with librdkafka's assignor cooperative-sticky), and keep for each partition from where on it
 * is not done. A member that has not been heard of for the session time-out is thrown out, and others go on
 * from there. All members must be given the same channels.
 *
 * What comes of a partition depends on its log alone. Its data comes in the order of time; a block is
 * complete with the message that has its last stride, or when data of a later block has come,
 * however long that takes, and what is earlier than data before it is dropped and counted as late.
 * Data that begins more than a second after the data before it waits until the next message shows
 * whether its time is right. A time more than a minute after the record's timestamp, or this
 * machine's clock, is wrong: that message is dropped. So whoever reads from a position gets the
 * same blocks from there on.
 *
 * A block that a publisher has begun when it stops does not come until data comes again: no clock
 * ends it. If the brokers delete its data before that, that data is lost.
 */
typedef struct arrakis_group arrakis_group;

typedef struct arrakis_group_options {
    size_t struct_size;
    /** The group's name: 1 to 200 bytes. Members of one name, on the same brokers, are a group. */
    const char *group;
    /**
     * GPS: where a partition begins that no member has had before; what is earlier is passed over in
     * any partition. ARRAKIS_UNSET: with what was published since this member joined, by where its
     * log ended then and not by any clock.
     */
    int64_t start_ns;
    /**
     * How long a member that is not heard of keeps its partitions; ARRAKIS_UNSET: 30 s. Brokers take
     * 6 s to 30 min unless they are configured otherwise. A member is also thrown out when
     * arrakis_group_next() has not been called for 5 min, or for this time-out if it is longer
     * (max.poll.interval.ms, in `properties`). It is heard of every 3 s, or every third of a time-out
     * below 9 s (heartbeat.interval.ms).
     */
    int64_t session_timeout_ns;
    /**
     * As for a Kafka reader. group.id, group.protocol, partition.assignment.strategy,
     * enable.auto.commit and enable.auto.offset.store cannot be set.
     */
    const arrakis_property *properties;
    size_t property_count;
    /** As for a Kafka reader, for a question to the brokers; ARRAKIS_UNSET: 10 s. */
    int64_t request_timeout_ns;
    arrakis_token_fn kafka_token_fn; /**< as for a Kafka reader */
    void *kafka_token_opaque;
    arrakis_cancel *cancel; /**< ends arrakis_group_join() and arrakis_group_next() */
    /** As for a Kafka reader, whatever the start. A partition is then read in portions of up to 8 MiB. */
    int64_t fetch_wait_ns;
} arrakis_group_options;

#define ARRAKIS_GROUP_OPTIONS_INIT                                                                \
    {                                                                                             \
        sizeof(arrakis_group_options), NULL, ARRAKIS_UNSET, ARRAKIS_UNSET, NULL, 0,               \
            ARRAKIS_UNSET, NULL, NULL, NULL, 0                                                    \
    }
ARRAKIS_API void arrakis_group_options_init(arrakis_group_options *out, size_t struct_size);

/**
 * Becomes a member of a group. Partitions come with arrakis_group_next(). Without a start it asks where the
 * partitions end, which takes up to 2 s more where some have no leader that answers, or no topic yet.
 *
 * @param url       brokers, as for arrakis_kafka_reader_new()
 * @param channels  each with partition_id, partition_index and stride; the group keeps a reference. A
 *                  topic that does not exist yet is read once it does, from its beginning; it is looked
 *                  for every 30 s. Of a topic with several partitions only the first is read
 * @return OK; EINVAL: an option cannot be used, or what arrakis_kafka_reader_new() refuses; ECONNECT: no
 *         broker answers; EAUTH: a login is refused, or the user may not see a topic; ECANCELED; EIO: no
 *         descriptor is left; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_group_join(arrakis_group **out, const char *url,
                                              arrakis_channels *channels,
                                              const arrakis_group_options *options,
                                              arrakis_error *err);
/** Returns how many partitions the channels have; they are numbered from 0, as their ids are sorted. */
ARRAKIS_API size_t arrakis_group_partition_count(const arrakis_group *group);
/** Returns the id of a partition. Borrowed from the group; NULL: there is no such partition. */
ARRAKIS_API const char *arrakis_group_partition_id(const arrakis_group *group, size_t partition);
/** Returns the channels of a partition. Borrowed from the group; NULL: as above. */
ARRAKIS_API arrakis_channels *arrakis_group_partition_channels(const arrakis_group *group,
                                                               size_t partition);

/** From where a partition is to be read: the message, and the time from which on its data counts. */
typedef struct arrakis_group_position {
    int64_t offset;
    int64_t time_ns;
} arrakis_group_position;

typedef enum arrakis_group_event_kind {
    ARRAKIS_GROUP_TAKEN = 1, /**< the partition is this member's from now on */
    /**
     * The partition is another member's now, or will be: drop what of it is not committed. A partition
     * that comes back is TAKEN again, and begins where it was committed.
     */
    ARRAKIS_GROUP_LOST = 2,
    ARRAKIS_GROUP_BLOCK = 3, /**< the next block of a partition that this member has */
} arrakis_group_event_kind;

typedef struct arrakis_group_event {
    size_t struct_size;
    int kind; /**< an arrakis_group_event_kind */
    size_t partition;
    /** BLOCK: to be dropped with arrakis_block_unref(). It lies on multiples of its stride; strides that
     * no message has are missing. Blocks without any data do not come. NULL: another kind. */
    arrakis_block *block;
    arrakis_group_position at;   /**< BLOCK: where to begin in order to get this block again */
    arrakis_group_position next; /**< BLOCK: where to begin in order to get what follows it */
    /**
     * With the first BLOCK of a partition that was TAKEN: the GPS time up to which the partition is
     * done, or the start of the group if that is later. Where the block begins later, there is no
     * data of the time between: it was deleted before it was read, or never published.
     * ARRAKIS_UNSET with all other events, and where nothing is done and the group has no start.
     */
    int64_t since_ns;
} arrakis_group_event;

#define ARRAKIS_GROUP_EVENT_INIT                                                                  \
    {                                                                                             \
        sizeof(arrakis_group_event), 0, 0, NULL, {-1, 0}, {-1, 0}, ARRAKIS_UNSET                  \
    }
ARRAKIS_API void arrakis_group_event_init(arrakis_group_event *out, size_t struct_size);

/**
 * Returns the next event. The call also waits while the brokers are asked: up to 30 s when
 * partitions are taken and the brokers do not answer where these begin, and again before the first
 * data of those partitions; up to 2 s when partitions are given away of which something is done and
 * not committed yet; up to 4 s after a login was refused. A partition that no member has had begins
 * where its log ended when this member joined. If no broker answered that question, it begins with
 * the first record that is stamped since 10 s before, but at most 1,000 messages and four for each
 * stride of that time before its present end; without such a record, at its present end.
 *
 * A login that is refused, or a token that is missing, is tried again for 10 s. It is no error as
 * long as any broker answers then, on a connection that is logged in or on a new one. Failures of
 * the group's coordinator are logged, and count in `errors`, as those of any broker.
 *
 * Memory: one block per partition, up to 64 MiB of messages that were fetched ahead (or four answers of
 * the broker, if those are larger), and the messages' rows that wait because their time may be wrong, one
 * per partition.
 *
 * @param timeout_ms  0: do not wait; negative: without limit
 * @param event       `event->struct_size` must be set
 * @return OK; TIMEOUT; ECANCELED; EAUTH: the user may not read a topic, or be in the group, or a
 *         login is refused and no broker answers 10 s later; EBROKER: librdkafka cannot go on;
 *         ECONNECT: data comes, but no broker answers for 30 s the question how far the group has
 *         got; ENOMEM: a block has been lost. After an error the group must be left
 */
ARRAKIS_API arrakis_status arrakis_group_next(arrakis_group *group, int timeout_ms,
                                              arrakis_group_event *event, arrakis_error *err);
/**
 * Sets the duration of a partition's blocks, between its TAKEN and its first BLOCK; without the call it is
 * the stride of the channels.
 *
 * @return OK; EINVAL: not a multiple of the stride, over a day, no such partition, or a block has begun
 */
ARRAKIS_API arrakis_status arrakis_group_set_stride(arrakis_group *group, size_t partition,
                                                    int64_t stride_ns, arrakis_error *err);
/**
 * Declares that all of a partition before a position of one of its blocks is done: whoever takes it over
 * begins there. Returns at once; arrakis_group_next() sends it to the broker, one request at a time for all
 * partitions, and before partitions are given away in order. Of a partition that this member has lost
 * nothing is sent, and the broker refuses what a member sends that was thrown out.
 *
 * @return OK; EINVAL: no such partition or position
 */
ARRAKIS_API arrakis_status arrakis_group_commit(arrakis_group *group, size_t partition,
                                                const arrakis_group_position *position,
                                                arrakis_error *err);
/** Adds up what has come: messages, bytes, undecodable, unwanted, late, mismatched, errors, blocks. */
ARRAKIS_API void arrakis_group_stats(const arrakis_group *group, arrakis_stats *stats);
/**
 * Leaves the group, after what was committed has been sent: others take the partitions over at once.
 * Returns within 2 s, as arrakis_reader_close(); if the brokers do not answer, the others wait for the
 * session time-out.
 */
ARRAKIS_API void arrakis_group_leave(arrakis_group *group);

/* ------------------------------------------------------------------ random names */

/**
 * Fills `out` with `n` characters of A-Z0-9, each equally likely, and a terminating zero byte (n +
 * 1 bytes in all), from the system's secure source.
 *
 * @return OK; EIO: the system has no entropy
 */
ARRAKIS_API arrakis_status arrakis_random_alphanum(char *out, size_t n, arrakis_error *err);

/**
 * Fills `out` with a random Kafka group id: 16 characters of A-Z0-9.
 *
 * @return OK; EIO: the system has no entropy
 */
ARRAKIS_API arrakis_status arrakis_random_group_id(char out[17], arrakis_error *err);

#ifdef __cplusplus
}
#endif

#endif
