/* SPDX-License-Identifier: Apache-2.0 */
/**
 * libarrakis: the Arrakis client in C.
 *
 * Arrakis hands out the time series of gravitational-wave detectors within a second. Channels are
 * published, a block of each every stride (1/16 s as a rule), to Apache Kafka; this library finds
 * them, reads them, aligns them and publishes them.
 *
 * Conventions that hold everywhere:
 * - Times are GPS nanoseconds in an int64_t and end in `_ns`. ARRAKIS_UNSET means "not given".
 * - A call that can fail returns an arrakis_status: negative is an error, 0 success, positive
 *   "nothing this time". Its last argument `err` takes the text and may be NULL.
 * - A constructor's first argument receives the handle, and NULL on failure. Close and free
 *   functions accept NULL. What is counted by references is given up by `..._unref()`, what belongs to
 *   one owner by `..._free()` or `..._close()`; a text that a call made is given up by arrakis_free().
 *   `const char *` arguments are borrowed for the call; returned ones are
 *   borrowed from the handle they were asked of.
 * - A handle belongs to one thread at a time. Channels, channel lists (once no longer added to) and
 *   blocks are immutable and may be read by any thread; their reference counts are atomic.
 *   arrakis_cancel_set() may be called from any thread and from a signal handler.
 * - Without its handle, or without a place for its result, a call that returns a status returns
 *   EINVAL and names the argument; any other does nothing and returns NULL, 0, -1, false or
 *   ARRAKIS_UNSET (true for "nothing will come": arrakis_reader_done(), arrakis_reader_exhausted()).
 * - The library does not print, exit or install signal handlers.
 * - Structs that start with `struct_size` are set up with their ARRAKIS_..._INIT value, or by their
 *   ..._init() function, which other languages can call; then a program built against an older header
 *   keeps working. A size that was never set (0 to 8, or over
 *   4096) is EINVAL. A struct of a newer header is taken when what the library does not have in it is
 *   zero, and is EINVAL otherwise.
 * - fork(): the child of a process that has a client, reader, stream or publisher may call exec() or
 *   _exit() and nothing of this library, not even to close what it inherited.
 * - librdkafka ends the process when it gets no memory. So ENOMEM, and that a call may be repeated
 *   after it, is for what the library allocates itself; a daemon is best given a limit of memory that
 *   it does not reach.
 */
#ifndef ARRAKIS_ARRAKIS_H
#define ARRAKIS_ARRAKIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAKIS_VERSION_MAJOR 0
#define ARRAKIS_VERSION_MINOR 1
#define ARRAKIS_VERSION_PATCH 0
#define ARRAKIS_VERSION "0.1.0"

#if defined(__GNUC__)
#define ARRAKIS_API __attribute__((visibility("default")))
#else
#define ARRAKIS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library that is running, "major.minor.patch". */
ARRAKIS_API const char *arrakis_version(void);
/** Gives up a text that a call of the library made. NULL is none. */
ARRAKIS_API void arrakis_free(void *text);

/* ------------------------------------------------------------------ status and errors */

/** Every status: name, value, text. Values are never renumbered. */
#define ARRAKIS_STATUS_MAP(X)                                                                     \
    X(OK, 0, "success")                                                                           \
    X(TIMEOUT, 1, "nothing within the time allowed")                                              \
    X(DONE, 2, "the end")                                                                         \
    X(EINVAL, -1, "invalid argument")                                                             \
    X(ENOMEM, -2, "out of memory")                                                                \
    X(ENOTFOUND, -3, "not found")                                                                 \
    X(EFORMAT, -4, "malformed input")                                                             \
    X(EUNSUPPORTED, -5, "not supported")                                                          \
    X(EMISMATCH, -6, "does not match what was registered")                                        \
    X(ECONNECT, -7, "cannot be reached")                                                          \
    X(EBROKER, -8, "the broker refused")                                                          \
    X(EGAP, -9, "gap in the stream")                                                              \
    X(EDEADLINE, -10, "not confirmed in time")                                                    \
    X(ECANCELED, -11, "canceled")                                                                 \
    X(EIO, -12, "input/output error")                                                             \
    X(EAUTH, -13, "not authorized")                                                               \
    X(ESERVER, -14, "the server answered with an error")

typedef enum arrakis_status {
#define ARRAKIS_STATUS_ENUM(name, value, text) ARRAKIS_##name = value,
    ARRAKIS_STATUS_MAP(ARRAKIS_STATUS_ENUM)
#undef ARRAKIS_STATUS_ENUM
} arrakis_status;

/** What went wrong. Frozen: 512 bytes for ever. The text is always terminated, and plain: control
 *  characters, those of bidirectional text among them, and bytes that are no UTF-8 are replaced by
 *  '?' or a blank, whatever a server or a file had in them. */
typedef struct arrakis_error {
    arrakis_status status;
    char message[508];
} arrakis_error;

/** The symbol of a status ("ARRAKIS_EGAP"), "ARRAKIS_?" for a value that is none. */
ARRAKIS_API const char *arrakis_status_name(arrakis_status status);
/** A status in words. */
ARRAKIS_API const char *arrakis_status_text(arrakis_status status);
/** Whether what failed may succeed later without any change by the caller: TIMEOUT, ENOMEM, ECONNECT,
 *  EBROKER and EDEADLINE may. What is tried again is the same call; where the error has ended its handle,
 *  as ECONNECT and EBROKER end a stream and a reader, it is the call after opening a new one. */
ARRAKIS_API bool arrakis_status_retriable(arrakis_status status);

/* ------------------------------------------------------------------ what everything is made of */

#define ARRAKIS_SECOND_NS INT64_C(1000000000)
/** "Not given", for every time, duration, index and limit in an int64_t. */
#define ARRAKIS_UNSET INT64_MIN
/** A sample's type: name (numpy's), C type, size in bytes. */
#define ARRAKIS_DTYPE_MAP(X)                                                                      \
    X(INT8, "int8", 1)                                                                            \
    X(INT16, "int16", 2)                                                                          \
    X(INT32, "int32", 4)                                                                          \
    X(INT64, "int64", 8)                                                                          \
    X(UINT8, "uint8", 1)                                                                          \
    X(UINT16, "uint16", 2)                                                                        \
    X(UINT32, "uint32", 4)                                                                        \
    X(UINT64, "uint64", 8)                                                                        \
    X(FLOAT32, "float32", 4)                                                                      \
    X(FLOAT64, "float64", 8)

typedef enum arrakis_dtype {
    ARRAKIS_DTYPE_NONE = 0,
#define ARRAKIS_DTYPE_ENUM(name, text, size) ARRAKIS_##name,
    ARRAKIS_DTYPE_MAP(ARRAKIS_DTYPE_ENUM)
#undef ARRAKIS_DTYPE_ENUM
} arrakis_dtype;

/** One channel's metadata. Immutable, reference-counted. */
typedef struct arrakis_channel arrakis_channel;
/** A list of channels, in order, no two of one name. */
typedef struct arrakis_channels arrakis_channels;
/** The series of several channels over one span. Immutable and reference-counted: it outlives the
 *  stream it came from and may be read and freed in any thread. */
typedef struct arrakis_block arrakis_block;
/** Aligned blocks of all channels of a reader. */
typedef struct arrakis_stream arrakis_stream;

/* ------------------------------------------------------------------ cancel */

/** Ends what is under way, and all that comes later, wherever it was given: to the connection of a
 *  client or of a publisher, to a request, to a stream. One is enough for a whole program. Reference-counted:
 *  what it was given to keeps a reference. */
typedef struct arrakis_cancel arrakis_cancel;

/** @return OK; EIO: no descriptor is left; ENOMEM */
ARRAKIS_API arrakis_status arrakis_cancel_new(arrakis_cancel **out, arrakis_error *err);
/** Makes every call that it was given to, the present and all later ones, return ECANCELED, within a second
 *  but where the call's description states another time. It cannot be taken back. Safe in a signal handler
 *  and from any thread, as long as one reference is held. */
ARRAKIS_API void arrakis_cancel_set(arrakis_cancel *cancel);
ARRAKIS_API bool arrakis_cancel_is_set(const arrakis_cancel *cancel);
/** Becomes readable with arrakis_cancel_set(), for poll and the like; not to be read or closed. */
ARRAKIS_API int arrakis_cancel_fd(const arrakis_cancel *cancel);
ARRAKIS_API arrakis_cancel *arrakis_cancel_ref(arrakis_cancel *cancel);
ARRAKIS_API void arrakis_cancel_unref(arrakis_cancel *cancel);

/* ------------------------------------------------------------------ where servers and brokers are */

/** A librdkafka property, passed on as it is. */
typedef struct arrakis_property {
    const char *name, *value;
} arrakis_property;

/**
 * Hands out a token for a login at a broker by SASL OAUTHBEARER.
 *
 * It is called in a thread of librdkafka's when a reader, a publisher or a search for channels begins,
 * before the token expires, and ten seconds after it failed; by several connections at one time; and in
 * the reader's own thread that asks brokers where topics end, which waits for it. It
 * must not call the library, but for arrakis_gps_now_ns(), arrakis_unix_to_gps_ns() and
 * arrakis_token_from_file(). What it was given with may use it until closed: client and every stream
 * of it, reader, publisher. Closing waits for a call that is under way, so it should not take long.
 *
 * @param text        receives the token, terminated by a zero: `size` is 65536
 * @param expires_ns  receives until when it is good (GPS). Left as it is, ARRAKIS_UNSET: the "exp" of
 *                    a JSON web token, and ten minutes for any other
 * @param opaque      what was given with the function
 * @param err         takes why there is none; never NULL. It becomes the text of an error or of a
 *                    warning, so it is not to have a secret in it
 * @return OK, or an error: then, while nothing has been answered yet, the call that waits for the
 *         login ends with EAUTH
 */
typedef arrakis_status (*arrakis_token_fn)(char *text, size_t size, int64_t *expires_ns,
                                           void *opaque, arrakis_error *err);

/** An arrakis_token_fn: reads the token from the file whose path `opaque` is, each time anew. Blanks
 *  around it do not count. @return OK; EIO naming the file, under 64 KiB, and what is the matter. */
ARRAKIS_API arrakis_status arrakis_token_from_file(char *text, size_t size, int64_t *expires_ns,
                                                   void *path, arrakis_error *err);

/** Where a server or a broker is, how to log in there, and how long to wait. Texts and lists are borrowed for
 *  the call that the connection is given to. */
typedef struct arrakis_connection {
    size_t struct_size;
    const char *url; /**< Flight server, `[grpc://]host[:port]`, or `grpc+tls://...` */
    /** broker "host:port" or "kafka://host:port", several separated by commas */
    const char *kafka_url;
    const arrakis_property *properties; /**< for librdkafka, passed on as they are */
    size_t property_count;
    /** for the brokers' login, where `properties` have a security.protocol with SASL and the
     *  sasl.mechanism OAUTHBEARER; NULL: none, and librdkafka gets tokens itself if
     *  sasl.oauthbearer.method is oidc (which Debian's librdkafka cannot). EINVAL: given and not
     *  used, or needed and not given. */
    arrakis_token_fn kafka_token_fn;
    void *kafka_token_opaque;
    /** Brokers at which `properties` may log in although a server names them and the user does not:
     *  each "HOST", "HOST:PORT", "*.DOMAIN" (any host below it) or "*.DOMAIN:PORT"; case does not
     *  count, and without a port any is meant. It matters only if `properties` have part of a login:
     *  one of `sasl.*`, a security.protocol with SASL, a key or a certificate of one's own. */
    const char *const *allowed_brokers;
    size_t allowed_broker_count;
    /** bearer token for the server; NULL: the one that WLCG bearer-token discovery finds, if any;
     *  "": none */
    const char *token;
    bool insecure_token; /**< send it over a plain connection to another host, too */
    /** Hosts that may have the token too where the server's answers name them: names or addresses.
     *  Without this list a place that an answer names gets the token only if the server had it itself
     *  (over TLS, on this machine, or with insecure_token), and the place is on the server's own host,
     *  whatever the port, or the token's audience has "https://<host>" in it. It is a warning where
     *  the token is kept. */
    const char *const *token_hosts;
    size_t token_host_count;
    /** PEM; who signs the server's certificate. NULL: whom the system trusts */
    const char *ca_file;
    const char *cert_file, *key_file; /**< PEM; a client certificate, or NULL */
    /** for each request; ARRAKIS_UNSET: 10 s. The parts of a table may be that far apart, and all of it
     *  takes up to 30 times as long. */
    int64_t request_timeout_ns;
    arrakis_cancel *cancel; /**< ends every call on what is opened with it; NULL: none */
} arrakis_connection;

#define ARRAKIS_CONNECTION_INIT                                                                   \
    {                                                                                             \
        sizeof(arrakis_connection), NULL, NULL, NULL, 0, NULL, NULL, NULL, 0, NULL, false, NULL,  \
            0, NULL, NULL, NULL, ARRAKIS_UNSET, NULL                                              \
    }
/** What ARRAKIS_CONNECTION_INIT is, for who cannot use the macro; so is each `..._init()` below.
 *  @param struct_size  sizeof the struct as the caller has it */
ARRAKIS_API void arrakis_connection_init(arrakis_connection *out, size_t struct_size);

/* ------------------------------------------------------------------ client */

typedef struct arrakis_client_options {
    size_t struct_size;
    const char *metadata_path; /**< file of channels as JSON lines */
    /** how long a server may send nothing new of a stream that it owes: of the past, ARRAKIS_UNSET is
     *  5 minutes; of the present, beyond what its channels promise, 30 s. New is what is a stride
     *  later than all before, or reaches the end, and within what was asked for. */
    int64_t stall_timeout_ns;
    /** the largest message taken of a server, and with 64 MiB more what the connections to it and to all
     *  servers that its answers name may hold together; beyond that one of them is ended: EFORMAT.
     *  ARRAKIS_UNSET: 1 GiB. Compressed messages are not taken: EUNSUPPORTED. */
    int64_t max_message_bytes;
} arrakis_client_options;

#define ARRAKIS_CLIENT_OPTIONS_INIT                                                               \
    {                                                                                             \
        sizeof(arrakis_client_options), NULL, ARRAKIS_UNSET, ARRAKIS_UNSET                        \
    }
ARRAKIS_API void arrakis_client_options_init(arrakis_client_options *out, size_t struct_size);

/** Finds channels, and opens streams of them. Channels come from the first that is given: a file, the
 *  server, the metadata topics of a broker (`arrakis-metadata-*`). Data comes from where the server tells,
 *  or from the broker. */
typedef struct arrakis_client arrakis_client;
/* What a server's answer may have, beside max_message_bytes; more is EFORMAT: 10,000 endpoints with 16
 * locations each; tickets of 64 KiB and 16 MiB of endpoints in all, both with twice the request's size
 * more; 64 servers, 1,024 endpoints and max_message_bytes of messages at one time; 64 brokers, each host
 * counted as often as the request goes over to it from another source. A table (of channels, counts or
 * properties) 4,194,304 rows and 1 GiB; an answer in JSON 1 MiB, 64 levels, 4,096 values and one more
 * for every 8 bytes. Headers and trailers 8 KiB each. */

/** Does not connect yet.
 *
 *  @param connection  with `url` or `kafka_url`, or NULL with a metadata_path
 *  @param options     NULL for the defaults
 *  @return OK; EINVAL when no source is given, or an unusable one; EUNSUPPORTED for `url` when the library is
 *  built without Flight or its module is missing; EIO for a certificate that cannot be read; EAUTH for a
 *  token that must not be sent there. */
ARRAKIS_API arrakis_status arrakis_client_open(arrakis_client **out,
                                               const arrakis_connection *connection,
                                               const arrakis_client_options *options,
                                               arrakis_error *err);
ARRAKIS_API void arrakis_client_close(arrakis_client *client);

/* ------------------------------------------------------------------ finding channels */

/** Which channels. All conditions hold at once. */
typedef struct arrakis_query {
    size_t struct_size;
    /** regular expression, matched from the name's first character on; NULL: all */
    const char *pattern;
    const arrakis_dtype *dtypes;
    size_t dtype_count;        /**< 0: all */
    double min_rate, max_rate; /**< Hz, inclusive */
    const char *const *publishers;
    size_t publisher_count; /**< 0: all */
    /** the metadata as of then; ARRAKIS_UNSET: now. Only servers know the past. */
    int64_t time_ns;
    const char *replay_id; /**< NULL: live */
} arrakis_query;

#define ARRAKIS_QUERY_INIT                                                                        \
    {                                                                                             \
        sizeof(arrakis_query), NULL, NULL, 0, 0.0, 4294967295.0, NULL, 0, ARRAKIS_UNSET, NULL     \
    }
ARRAKIS_API void arrakis_query_init(arrakis_query *out, size_t struct_size);

/** Receives one channel, borrowed for the call. Return false to stop. */
typedef bool (*arrakis_channel_fn)(arrakis_channel *channel, void *opaque);
/** Every channel that matches, in no order, as they become known.
 *
 *  A broker's metadata topics are read for at most the client's request timeout; of those of one
 *  publisher nothing is taken from another's. Passed over, each with a warning that names it, are: a
 *  topic with more than one partition; one whose channels take over 256 MiB, or over 1 GiB together
 *  with those of others being read; one that cannot be read, or whose end is not reached in that time
 *  or when nothing of any topic has come for 3 s (a partition without a leader). Skipped, ten a topic
 *  with a warning, are records of over 1 MiB, those that are no channel, those that name another
 *  publisher than their topic, and those with a time more than a minute ahead of this machine's
 *  clock. That is an error only when no topic can be read, or when it is the topic of one of the
 *  query's publishers, which are then the only ones to be read. A channel that is not asked for takes
 *  its name and 40 bytes until its topic is read; up to 4 MiB of records wait to be read (librdkafka's
 *  queued.max.messages.kbytes). What channels of a partition have in common is kept for later ones, of
 *  up to 16,384 partitions, in up to 10 MB.
 *
 *  @return OK (also when `fn` stopped it); EINVAL for a bad pattern, with the place; ECONNECT,
 *  EAUTH, EBROKER, EFORMAT, EIO from the source; ECANCELED. */
ARRAKIS_API arrakis_status arrakis_client_find(arrakis_client *client, const arrakis_query *query,
                                               arrakis_channel_fn fn, void *opaque,
                                               arrakis_error *err);

ARRAKIS_API arrakis_status arrakis_client_count(arrakis_client *client, const arrakis_query *query,
                                                uint64_t *count, arrakis_error *err);
/** The channels of those names, in that order. Of two publishers with a channel of one name in a
 *  broker's topics the one whose metadata became active later holds (one without a time gives way;
 *  of equal times, the publisher whose name is first in the order of bytes), with a warning.
 *  @return as find, and ENOTFOUND naming those that do not exist; where a metadata topic that may have
 *  them could not be read, ECONNECT, EDEADLINE, EAUTH or EBROKER naming both. `*out` is to be freed. */
ARRAKIS_API arrakis_status arrakis_client_describe(arrakis_client *client, arrakis_channels **out,
                                                   const char *const *names, size_t count,
                                                   int64_t time_ns, const char *replay_id,
                                                   arrakis_error *err);

/* ------------------------------------------------------------------ data */

/** What to do with a span in which no stream has data. Where one has, the others are masked. */
typedef enum arrakis_on_gap {
    ARRAKIS_GAP_FILL = 0,  /**< blocks without samples: the time line is continuous */
    ARRAKIS_GAP_SKIP = 1,  /**< nothing */
    ARRAKIS_GAP_RAISE = 2, /**< the error EGAP */
} arrakis_on_gap;

/** A request for data: a stream's options, and where it comes from. */
typedef struct arrakis_request {
    size_t struct_size;
    /* as in arrakis_stream_options */
    int64_t start_ns, end_ns, duration_ns;
    arrakis_on_gap on_gap;
    int64_t stride_ns, latency_tolerance_ns;
    const char *replay_id;  /**< NULL: live */
    bool fast_forward;      /**< as in arrakis_kafka_options; live only */
    int64_t prefetch_bytes; /**< as there */
    /** GPS; both or neither: a server plays this span again and again as if it were live */
    int64_t replay_start_ns, replay_end_ns;
    arrakis_cancel
        *cancel; /**< ends the stream, and its opening; NULL: as the client's connection has it */
} arrakis_request;

#define ARRAKIS_REQUEST_INIT                                                                      \
    {                                                                                             \
        sizeof(arrakis_request), ARRAKIS_UNSET, ARRAKIS_UNSET, ARRAKIS_UNSET, ARRAKIS_GAP_FILL,   \
            ARRAKIS_UNSET, ARRAKIS_UNSET, NULL, true, ARRAKIS_UNSET, ARRAKIS_UNSET,               \
            ARRAKIS_UNSET, NULL                                                                   \
    }
ARRAKIS_API void arrakis_request_init(arrakis_request *out, size_t struct_size);

/** Describe the channels, then open a stream of them. `*out` does not need the client any more.
 *  With a start and no end it goes on into live data, whichever servers and brokers have the one and
 *  the other.
 *  @return what arrakis_client_describe() and arrakis_stream_open() return; EMISMATCH: a channel that
 *  has another type or rate where a broker takes it over; EUNSUPPORTED: places to read a channel that
 *  cannot be put in order. */
ARRAKIS_API arrakis_status arrakis_client_stream(arrakis_client *client, arrakis_stream **out,
                                                 const char *const *names, size_t count,
                                                 const arrakis_request *request,
                                                 arrakis_error *err);

/** One block, of the span asked for: [start, end) or [start, start + duration); with a start
 *  alone, one stride from it; with a duration alone, that long from now; with neither, the next
 *  stride. on_gap skip is EINVAL. Waits until the data has been published or its deadline passed. */
ARRAKIS_API arrakis_status arrakis_client_fetch(arrakis_client *client, arrakis_block **out,
                                                const char *const *names, size_t count,
                                                const arrakis_request *request,
                                                arrakis_error *err);

/* ------------------------------------------------------------------ streams */

/**
 * The next block, in time order.
 *
 * Blocks of a live stream begin at absolute GPS multiples of their stride; those of a request with
 * a start at the common stride boundary at or before it. A block is handed out as soon as every
 * stream has data up to its end, or the deadline for it has passed: then what is missing is masked.
 * A request with an end always ends: what the source does not hold becomes gaps.
 *
 * A live stream does not begin with data whose deadline passed over a day ago: that is dropped. One wrong
 * time does not mask what follows. What lies over 60 s ahead of the clock is dropped (but in
 * a request that itself begins there). A block that begins later after all that is known of its stream
 * (live: and after the present) than the stream's max_latency, or latency_tolerance_ns, and a stride,
 * with 1 to 60 s for the latency, waits: until three more blocks of its stream have come that go on
 * forward, or the source holds no more of it, or, live, the clock has come to it, or 60 s have passed.
 * A block of its stream from before it tells that its time is wrong, and it is dropped. So four wrong
 * times in a row that go forward are believed. What is dropped counts as mismatched.
 *
 * While other streams are waited for, each stream may hold 1,000 strides, or what comes in twice its
 * max_latency if that is more, of 256 MiB at most, and two blocks in any case. Beyond that a live stream
 * drops its oldest (overflow), and a request with a start stops reading it.
 *
 * While the system's clock is set by more than 0.25 s, deadlines go on at their pace; they follow the
 * clock once it has stood for a minute.
 *
 * @param timeout_ms  0: only what is here; negative: for ever
 * @param block       receives a reference to be freed; NULL unless OK
 * @return OK; TIMEOUT: call again; DONE: the end of the request; ECANCELED; EGAP (on_gap raise);
 *         ECONNECT, EBROKER, EAUTH: the stream is over, and every later call returns the same; a new
 *         stream may do better where arrakis_status_retriable(); ENOMEM: call again.
 */
ARRAKIS_API arrakis_status arrakis_stream_next(arrakis_stream *stream, int timeout_ms,
                                               arrakis_block **block, arrakis_error *err);

/** Becomes readable when arrakis_stream_next() with timeout 0 has something to do; after that,
 *  call it until it returns TIMEOUT. For poll, epoll and the like; do not read it. */
ARRAKIS_API int arrakis_stream_fd(const arrakis_stream *stream);
/** The channels of its blocks, in the order asked for, which is that of arrakis_block_series();
 *  borrowed. */
ARRAKIS_API const arrakis_channels *arrakis_stream_channels(const arrakis_stream *stream);
/** Duration of its blocks. */
ARRAKIS_API int64_t arrakis_stream_stride_ns(const arrakis_stream *stream);
/** Counted since the stream was opened. */
typedef struct arrakis_stats {
    size_t struct_size;
    uint64_t messages;    /**< taken from the source */
    uint64_t bytes;       /**< in them */
    uint64_t undecodable; /**< messages that could not be read; each was logged */
    uint64_t unwanted;    /**< messages without a row of a channel asked for */
    uint64_t late;        /**< blocks of streams that came after their deadline */
    uint64_t duplicate;   /**< blocks of streams that had come before */
    /** blocks of streams off their stride, or with a time too far ahead */
    uint64_t mismatched;
    uint64_t overflow;      /**< blocks of streams dropped because others were too far behind */
    uint64_t blocks;        /**< handed out */
    uint64_t gaps;          /**< strides of single streams served as gaps */
    uint64_t fast_forwards; /**< skips to the present */
    uint64_t errors;        /**< transient errors of the source, early ends of its streams too */
} arrakis_stats;

#define ARRAKIS_STATS_INIT                                                                        \
    {                                                                                             \
        sizeof(arrakis_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                                 \
    }
ARRAKIS_API void arrakis_stats_init(arrakis_stats *out, size_t struct_size);

ARRAKIS_API void arrakis_stream_stats(const arrakis_stream *stream, arrakis_stats *stats);
ARRAKIS_API void arrakis_stream_close(arrakis_stream *stream);

/* ------------------------------------------------------------------ blocks */

/** The samples of one channel of a block. Frozen. */
typedef struct arrakis_series {
    /** `length` values of `dtype`, native byte order, aligned to their size; sample k is at
     *  block start + k / sample_rate seconds. Where `valid` says a sample is missing its value is
     *  unspecified. */
    const void *samples;
    /** One bit a sample, least significant first, 1 = present; NULL when none is missing. */
    const uint8_t *valid;
    size_t length;
    arrakis_dtype dtype;
} arrakis_series;

/**
 * Make a block of one's own (to publish, or for a memory reader). Copies the samples.
 *
 * @param channels  what the series are of; a reference is kept
 * @param series    one for each channel, in order: length = sample_rate * duration, dtype as
 *                  the channel's (or ARRAKIS_DTYPE_NONE to take it from there); samples NULL means
 *                  wholly missing; samples need no alignment
 * @return OK; EINVAL naming the channel, what was found and what was wanted; ENOMEM.
 */
ARRAKIS_API arrakis_status arrakis_block_new(arrakis_block **out, arrakis_channels *channels,
                                             int64_t start_ns, int64_t duration_ns,
                                             const arrakis_series *series, arrakis_error *err);

ARRAKIS_API arrakis_block *arrakis_block_ref(arrakis_block *block);
ARRAKIS_API void arrakis_block_unref(arrakis_block *block);
ARRAKIS_API int64_t arrakis_block_start_ns(const arrakis_block *block);
ARRAKIS_API int64_t arrakis_block_duration_ns(const arrakis_block *block);
/** Its channels, borrowed from the block: series i belongs to channel i. */
ARRAKIS_API const arrakis_channels *arrakis_block_channels(const arrakis_block *block);
/** Points into the block and lives as long. `i` below the number of channels. Cannot fail. */
ARRAKIS_API arrakis_series arrakis_block_series(const arrakis_block *block, size_t i);
/** Samples of a series that are missing. */
ARRAKIS_API size_t arrakis_series_missing(arrakis_series series);

/* ------------------------------------------------------------------ channels */

/** numpy's name of a type, "none" for ARRAKIS_DTYPE_NONE. */
ARRAKIS_API const char *arrakis_dtype_name(arrakis_dtype dtype);
/** Bytes a sample, 0 for ARRAKIS_DTYPE_NONE. */
ARRAKIS_API size_t arrakis_dtype_size(arrakis_dtype dtype);
/** The type of that name; ARRAKIS_DTYPE_NONE when there is none. */
ARRAKIS_API arrakis_dtype arrakis_dtype_parse(const char *name);
/** What is known of a channel. Texts are NULL, numbers ARRAKIS_UNSET, where not given. */
typedef struct arrakis_channel_info {
    size_t struct_size;
    /** `<domain>:<subsystem>[-_]<rest>`; the domain is all up to the last colon */
    const char *name;
    arrakis_dtype dtype;
    double sample_rate; /**< Hz, > 0, may be fractional */
    int64_t time_ns;    /**< GPS, when this metadata became active */
    const char *publisher;
    const char *partition_id; /**< names the Kafka topic: `arrakis-<partition_id>` */
    int64_t partition_index;  /**< the channel's row id in it, 0 to 4294967295 */
    int64_t stride_ns;        /**< duration of a published block */
    int64_t max_latency_ns;   /**< how late a block may be published */
    const char *replay_id;    /**< NULL: live */
} arrakis_channel_info;

#define ARRAKIS_CHANNEL_INFO_INIT                                                                 \
    {                                                                                             \
        sizeof(arrakis_channel_info), NULL, ARRAKIS_DTYPE_NONE, 0, ARRAKIS_UNSET, NULL, NULL,     \
            ARRAKIS_UNSET, ARRAKIS_UNSET, ARRAKIS_UNSET, NULL                                     \
    }
ARRAKIS_API void arrakis_channel_info_init(arrakis_channel_info *out, size_t struct_size);

/** @return OK; EINVAL naming the field that is missing or out of range; ENOMEM. */
ARRAKIS_API arrakis_status arrakis_channel_new(arrakis_channel **out,
                                               const arrakis_channel_info *info,
                                               arrakis_error *err);

/** From one JSON object, of at most 1 MiB, with the fields name, data_type, sample_rate, time, publisher,
 *  partition_id, partition_index, stride, max_latency, replay_id; null and absent mean the same.
 *  @return OK; EFORMAT naming what was found and what was wanted; ENOMEM. */
ARRAKIS_API arrakis_status arrakis_channel_from_json(arrakis_channel **out, const char *text,
                                                     size_t size, arrakis_error *err);

/** One JSON object on one line, absent fields left out: what `describe --json` prints.
 *  @return a string to be passed to arrakis_free(), NULL when out of memory. */
ARRAKIS_API char *arrakis_channel_to_json(const arrakis_channel *channel);

ARRAKIS_API arrakis_channel *arrakis_channel_ref(arrakis_channel *channel);
ARRAKIS_API void arrakis_channel_unref(arrakis_channel *channel);
/** Everything at once. `info->struct_size` must be set; texts are borrowed from the channel. */
ARRAKIS_API void arrakis_channel_get(const arrakis_channel *channel, arrakis_channel_info *info);
ARRAKIS_API const char *arrakis_channel_name(const arrakis_channel *channel);
/** The name's parts, each with its length; `delimiter` is 0 and `rest` empty when absent. */
typedef struct arrakis_name_parts {
    const char *domain, *subsystem, *rest;
    size_t domain_length, subsystem_length, rest_length;
    char delimiter;
} arrakis_name_parts;

/** @return OK, or EINVAL when the name has no colon. Parts point into `name`. */
ARRAKIS_API arrakis_status arrakis_name_parse(arrakis_name_parts *out, const char *name,
                                              arrakis_error *err);

/** Equal: name, data type and rate are, and every optional field that both define. */
ARRAKIS_API bool arrakis_channel_equal(const arrakis_channel *a, const arrakis_channel *b);
ARRAKIS_API arrakis_status arrakis_channels_new(arrakis_channels **out, arrakis_error *err);
/** Appends a new reference to `channel`. @return OK; EINVAL when the name is there, or when someone
 *  else (a reader, a block) holds the list; ENOMEM. */
ARRAKIS_API arrakis_status arrakis_channels_add(arrakis_channels *channels,
                                                arrakis_channel *channel, arrakis_error *err);

/** Reads a file of channels as JSON lines (`-` is not special). Blank lines are skipped. A line has at
 *  most 1 MiB, the file 1 GiB and 4,000,000 channels.
 *  @return OK; EIO; EFORMAT with the line's number. */
ARRAKIS_API arrakis_status arrakis_channels_load(arrakis_channels **out, const char *path,
                                                 arrakis_error *err);

ARRAKIS_API size_t arrakis_channels_count(const arrakis_channels *channels);
/** Borrowed from the list. `i` below the count. */
ARRAKIS_API arrakis_channel *arrakis_channels_get(const arrakis_channels *channels, size_t i);
/** The place of a name, or -1. */
ARRAKIS_API int64_t arrakis_channels_index(const arrakis_channels *channels, const char *name);
/** One more reference, also to a list that a block, a stream or a publisher lends. */
ARRAKIS_API arrakis_channels *arrakis_channels_ref(const arrakis_channels *channels);
ARRAKIS_API void arrakis_channels_unref(arrakis_channels *channels);

/* ------------------------------------------------------------------ publishing */

typedef struct arrakis_publisher_options {
    size_t struct_size;
    const char *publisher_id;
    const char *replay_id; /**< NULL: live */
    /** Each with partition_id, partition_index; one stride, of 10 ms to a day; a reference is kept.
     *  With a server name, type and rate are enough, and NULL is all that the server has for the
     *  publisher. */
    arrakis_channels *channels;
    /** how long closing waits for what is still under way; ARRAKIS_UNSET: 10 s */
    int64_t close_timeout_ns;
} arrakis_publisher_options;

#define ARRAKIS_PUBLISHER_OPTIONS_INIT                                                            \
    {                                                                                             \
        sizeof(arrakis_publisher_options), NULL, NULL, NULL, ARRAKIS_UNSET                        \
    }
ARRAKIS_API void arrakis_publisher_options_init(arrakis_publisher_options *out,
                                                size_t struct_size);

typedef struct arrakis_publisher arrakis_publisher;
/**
 * Open a publisher of some channels.
 *
 * With a server (`url`), the server has the publisher's channels and names the broker, unless `kafka_url`
 * names another. Channels that the server lacks, or has with another type or rate, are registered there
 * first, which it allows dynamic publishers alone. It may send up to 500000 channels of the publisher, with
 * up to 64 MiB of text, within ten times request_timeout_ns.
 *
 * Of librdkafka's properties the server may set up to 64 times, before those of the connection, and to these
 * values alone: bootstrap.servers (metadata.broker.list) of up to 4096 bytes; acks (request.required.acks)
 * all; enable.idempotence true; compression.type (compression.codec), compression.level -1 to 12; linger.ms
 * (queue.buffering.max.ms) to 1000; batch.size to 100000000, batch.num.messages to 1000000;
 * message.max.bytes 1000 to 100000000; message.timeout.ms (delivery.timeout.ms) 2000 to 300000;
 * max.in.flight (max.in.flight.requests.per.connection) to 5; retries (message.send.max.retries),
 * retry.backoff.ms to 1000; security.protocol, with SASL only beside sasl.mechanism (sasl.mechanisms) PLAIN,
 * SCRAM-SHA-256 or SCRAM-SHA-512; sasl.username and sasl.password of up to 1024 bytes; ssl.ca.pem of up to
 * 65536. Where the connection's `properties` have any of security, the server's of security do not count.
 *
 * The connection's cancel ends opening with ECANCELED, and publishing, too, but for up to 2 s in which the
 * block may yet be confirmed; closing then waits for nothing.
 *
 * @param connection  with `kafka_url` or `url`
 * @return OK; EINVAL naming the channel and the field, found and wanted, or a property that librdkafka
 *         refuses; ENOMEM. With `url` also EAUTH with the server's reason; EMISMATCH: a channel that the
 *         server has otherwise than given; ENOTFOUND: no channels; ECONNECT, EDEADLINE, ESERVER, EFORMAT,
 *         EUNSUPPORTED as arrakis_client_open() and arrakis_client_find(); ECANCELED.
 */
ARRAKIS_API arrakis_status arrakis_publisher_open(arrakis_publisher **out,
                                                  const arrakis_connection *connection,
                                                  const arrakis_publisher_options *options,
                                                  arrakis_error *err);
/** The channels as they are registered; borrowed. */
ARRAKIS_API const arrakis_channels *arrakis_publisher_channels(const arrakis_publisher *publisher);
/**
 * Publish one block: one message a partition. Returns when all of them are delivered.
 *
 * A broker that does not answer is given up after 6 s (librdkafka's socket.timeout.ms,
 * socket.connection.setup.timeout.ms and request.timeout.ms, unless `properties` have them).
 *
 * @param block       each channel equal to its registration; duration = stride; start a multiple of
 *                    it, and later than the last block's that was published
 * @param timeout_ms  negative: until each message is delivered or given up by librdkafka
 *                    (`message.timeout.ms`)
 * @return OK; EMISMATCH or EINVAL: nothing was sent; EBROKER: a delivery failed, the block may be
 *         published again; EAUTH: it failed because one may not write to the topic that the text
 *         names, or because the login is refused: at once as long as nothing has ever been delivered,
 *         later when timeout_ms have passed, as a broker that has just started may not know its users
 *         yet; EDEADLINE: not confirmed in time, and it may yet be delivered; ECANCELED: nothing
 *         was sent, or it may yet be delivered.
 */
ARRAKIS_API arrakis_status arrakis_publisher_publish(arrakis_publisher *publisher,
                                                     const arrakis_block *block, int timeout_ms,
                                                     arrakis_error *err);

/** Waits up to `close_timeout_ns`, and not at all once canceled, for what is still under way; what is
 *  given up then is logged. */
ARRAKIS_API void arrakis_publisher_close(arrakis_publisher *publisher);

/* ------------------------------------------------------------------ what a server tells of itself */

/* What a server says of itself. Each needs a client with `url`, waits at most the request's
 * timeout, and gives a JSON text to be passed to arrakis_free(). @return OK; EINVAL without `url`; EAUTH,
 * ECONNECT, EDEADLINE, ESERVER, EFORMAT from the server; ECANCELED. */

/** An object: versions, kind of backend, what it can do, domains. */
ARRAKIS_API arrakis_status arrakis_client_server_info(arrakis_client *client, char **json,
                                                      arrakis_error *err);

/** An object: under "endpoints" the servers, each with its scopes by domain. */
ARRAKIS_API arrakis_status arrakis_client_scope_map(arrakis_client *client, char **json,
                                                    arrakis_error *err);
/** An object: the replays, each with its span in GPS seconds. */
ARRAKIS_API arrakis_status arrakis_client_replays(arrakis_client *client, char **json,
                                                  arrakis_error *err);
/** An array: the domains that the scope map has, sorted. */
ARRAKIS_API arrakis_status arrakis_client_domains(arrakis_client *client, char **json,
                                                  arrakis_error *err);
/** An array: the URLs of the scope map's servers, sorted. */
ARRAKIS_API arrakis_status arrakis_client_endpoints(arrakis_client *client, char **json,
                                                    arrakis_error *err);

/* ------------------------------------------------------------------ time */

/** The latest time that a request, a block or a message may have: 2053-01-29. Sums of two such times
 *  and a duration stay in range. */
#define ARRAKIS_TIME_MAX_NS (INT64_MAX / 4)
/** The GPS time now, from the system's clock. */
ARRAKIS_API int64_t arrakis_gps_now_ns(void);
/** GPS to Unix time and back, nanoseconds. Unix time is constant through a leap second. The leap
 *  seconds from 1980 to 2017 are built in; later ones are taken from the file that the environment
 *  variable ARRAKIS_LEAP_SECONDS names, in the form of the IERS's leap-seconds.list (at most 64 KiB,
 *  and 64 leap seconds in all), which is read when the first time is converted. A file that cannot be
 *  used is a warning. Saturates at the ends of int64_t. */
ARRAKIS_API int64_t arrakis_gps_to_unix_ns(int64_t gps_ns);

ARRAKIS_API int64_t arrakis_unix_to_gps_ns(int64_t unix_ns);
/**
 * Read a time as people write it: GPS seconds ("1400000000", "1400000000.0625", "1.4e9"), an ISO 8601
 * date and time ("2024-05-17T16:53:02Z", "2024-05-17 16:53:02.5 UTC", "2024-05-17",
 * "20240517T165302Z"; UTC, or with an offset such as "+02:00"), "today" (its beginning in UTC), "now",
 * or an offset from it ("now-90s", "now+1h", "now-0.5d").
 *
 * @param now_ns  what "now" means, GPS
 * @return OK, or EFORMAT naming the text, and the forms that are known: it is no time, is finer than a
 *         nanosecond, or lies before 0 or after ARRAKIS_TIME_MAX_NS.
 */
ARRAKIS_API arrakis_status arrakis_time_parse(int64_t *gps_ns, const char *text, int64_t now_ns,
                                              arrakis_error *err);

/** Write `gps_ns` as ISO 8601 UTC with milliseconds into `buffer` ("2024-05-17T16:53:02.000Z"). */
ARRAKIS_API void arrakis_time_format(char buffer[32], int64_t gps_ns);

/* ------------------------------------------------------------------ log */

typedef enum arrakis_log_level {
    ARRAKIS_LOG_ERROR = 0,
    ARRAKIS_LOG_WARNING = 1,
    ARRAKIS_LOG_INFO = 2,
    ARRAKIS_LOG_DEBUG = 3,
} arrakis_log_level;

/** Takes one line of log, without a line end and as plain as an error's text. May run in any thread
 *  of the library or of librdkafka, one at a time; must not call the library. While it runs other
 *  threads wait for it, reading, publishing and librdkafka's among them: it should not block. */
typedef void (*arrakis_log_fn)(arrakis_log_level level, const char *message, void *opaque);
/** Send messages up to `level` to `fn`; NULL (as at the start) drops them. Process-wide. */
ARRAKIS_API void arrakis_log_set(arrakis_log_level level, arrakis_log_fn fn, void *opaque);

#ifdef __cplusplus
}
#endif

#endif
