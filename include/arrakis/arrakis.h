/* SPDX-License-Identifier: Apache-2.0 */
/**
 * libarrakis: the Arrakis client in C.
 *
 * Arrakis hands out the time series of gravitational-wave detectors within a second. Publishers
 * send one block of their channels per stride (1/16 s as a rule) to Apache Kafka; this library
 * finds channels, reads them, aligns them and publishes them.
 *
 * Conventions that hold everywhere:
 * - Times are GPS nanoseconds in an int64_t, and their names end in `_ns`. ARRAKIS_UNSET means
 *   "not given".
 * - A call that can fail returns an arrakis_status: a negative value is an error, 0 is success, a
 *   positive value means "nothing this time". The last argument of such a call, `err`, receives
 *   the text of the error and may be NULL.
 * - The first argument of a constructor receives the handle, and NULL on failure. Close and free
 *   functions accept NULL. A reference to a counted object is dropped by `..._unref()`; an object
 *   with one owner is freed by `..._free()` or `..._close()`; a text that a call allocated is
 *   freed by arrakis_free(). `const char *` arguments are borrowed for the duration of the call;
 *   returned ones are borrowed from the handle that the call was made on.
 * - A handle belongs to one thread at a time. Channels, channel lists (once nothing is added to
 *   them any more) and blocks are immutable and may be read by any thread; their reference counts
 *   are atomic. arrakis_cancel_set() may be called from any thread and from a signal handler.
 * - A call that returns a status returns EINVAL and names the argument when its handle, or the
 *   pointer that is to receive its result, is NULL. Any other call then does nothing and returns
 *   NULL, 0, -1, false or ARRAKIS_UNSET; arrakis_reader_done() and arrakis_reader_exhausted()
 *   return true ("nothing will come").
 * - The library does not print, does not exit and does not install signal handlers.
 * - A struct that starts with `struct_size` is initialised with its ARRAKIS_..._INIT value, or by
 *   its `..._init()` function, which other languages can call; a program built against an older
 *   header then keeps working. A `struct_size` that was never set (0 to 8, or over 4096) is
 *   EINVAL. A struct of a newer header is accepted when the fields that this library does not have
 *   are zero, and is EINVAL otherwise.
 * - fork(): the child of a process that has a client, reader, stream or publisher may call exec()
 *   or _exit() and no function of this library, not even to close what the child inherited. A
 *   cancel that is set in such a child is not set in the parent.
 * - librdkafka ends the process when it gets no memory. ENOMEM, and the promise that a call may be
 *   repeated after ENOMEM, therefore hold for what the library allocates itself. Give a daemon a
 *   memory limit that it does not reach.
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

/** Returns the version of the library that is running, "major.minor.patch". */
ARRAKIS_API const char *arrakis_version(void);
/** Frees a text that a call of the library allocated. NULL is accepted. */
ARRAKIS_API void arrakis_free(void *text);

/* ------------------------------------------------------------------ status and errors */

/** Every status: its name, value and text. Values are never renumbered. */
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
    X(ESERVER, -14, "the server answered with an error")                                          \
    X(ECHANGED, -15, "a channel has changed")

typedef enum arrakis_status {
#define ARRAKIS_STATUS_ENUM(name, value, text) ARRAKIS_##name = value,
    ARRAKIS_STATUS_MAP(ARRAKIS_STATUS_ENUM)
#undef ARRAKIS_STATUS_ENUM
} arrakis_status;

/**
 * The status and the text of an error. The size is frozen at 512 bytes. The text is always
 * terminated and is always plain: control characters (those of bidirectional text included) and
 * bytes that are not valid UTF-8 are replaced by '?' or a blank, whatever a server or a file
 * contained.
 */
typedef struct arrakis_error {
    arrakis_status status;
    char message[508];
} arrakis_error;

/**
 * Returns the symbol of a status ("ARRAKIS_EGAP"), or "ARRAKIS_?" for a value that is not a
 * status.
 */
ARRAKIS_API const char *arrakis_status_name(arrakis_status status);
/** Returns the text of a status. */
ARRAKIS_API const char *arrakis_status_text(arrakis_status status);
/**
 * Returns whether a failed call may succeed later without any change by the caller. True for
 * TIMEOUT, ENOMEM, ECONNECT, EBROKER, EDEADLINE and ECHANGED. Repeat the call that failed; where the
 * error ended the handle, as ECONNECT, EBROKER and ECHANGED end a stream, open a new handle first.
 */
ARRAKIS_API bool arrakis_status_retriable(arrakis_status status);

/* ------------------------------------------------------------------ what everything is made of */

#define ARRAKIS_SECOND_NS INT64_C(1000000000)
/** "Not given", for every time, duration, index and limit that is an int64_t. */
#define ARRAKIS_UNSET INT64_MIN
/** The types of samples: symbol, name (numpy's), size in bytes. */
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

/** The metadata of one channel. Immutable and reference-counted. */
typedef struct arrakis_channel arrakis_channel;
/** An ordered list of channels, no two of which have the same name. Reference-counted. */
typedef struct arrakis_channels arrakis_channels;
/**
 * The series of several channels over one span. Immutable and reference-counted: a block outlives
 * the stream that it came from, and any thread may read and free it.
 */
typedef struct arrakis_block arrakis_block;
/** A sequence of aligned blocks, each with all channels of a request or a reader. */
typedef struct arrakis_stream arrakis_stream;

/* ------------------------------------------------------------------ cancel */

/**
 * A cancel ends the calls on everything that it was given to, the present calls and all later
 * ones. A cancel can be given to the connection of a client or of a publisher, to a request, to a
 * stream, to a Kafka reader, and to a member of a group. One cancel is enough for an entire
 * program. Reference-counted: each object that was given a cancel keeps a reference to it.
 */
typedef struct arrakis_cancel arrakis_cancel;

/**
 * Makes a cancel.
 *
 * @return OK; EIO: no file descriptor is left; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_cancel_new(arrakis_cancel **out, arrakis_error *err);
/**
 * Makes every call on what the cancel was given to, the present call and all later ones, return
 * ECANCELED. A call that waits for data, or asks a broker while something is opened, returns within
 * a second; what librdkafka still waits for then goes on in a thread until the present try of the
 * question ends, for 8 s at most, and closing does not wait for it. exit() waits for it for up to 2 s
 * where the connection is not plaintext, as libraries that it uses are taken down then. Where the
 * description of a call states another time, that time holds. A cancel cannot be reset.
 *
 * Safe in a signal handler and from any thread, as long as the caller holds a reference.
 */
ARRAKIS_API void arrakis_cancel_set(arrakis_cancel *cancel);
/** Returns whether arrakis_cancel_set() was called. Safe in a signal handler and from any thread. */
ARRAKIS_API bool arrakis_cancel_is_set(const arrakis_cancel *cancel);
/**
 * Returns a descriptor that becomes readable when arrakis_cancel_set() is called, for poll() and
 * the like. Do not read or close it.
 */
ARRAKIS_API int arrakis_cancel_fd(const arrakis_cancel *cancel);
/** Adds a reference, from any thread. Returns `cancel`. */
ARRAKIS_API arrakis_cancel *arrakis_cancel_ref(arrakis_cancel *cancel);
/**
 * Drops a reference, from any thread, but not in a signal handler. The last one closes the
 * descriptor.
 */
ARRAKIS_API void arrakis_cancel_unref(arrakis_cancel *cancel);

/* ------------------------------------------------------------------ where servers and brokers are */

/** A librdkafka property. The library passes it on unchanged. */
typedef struct arrakis_property {
    const char *name, *value;
} arrakis_property;

/**
 * A callback that returns a token for a login at a broker by SASL OAUTHBEARER.
 *
 * The library calls the function when a reader, a publisher or a search for channels begins,
 * before a token expires, and ten seconds after the function failed. It is called in a thread of
 * librdkafka, or in the thread of a reader that asks brokers for the ends of topics, which waits
 * for the function. Several connections may call it concurrently. The function must not call this
 * library, except arrakis_gps_now_ns(), arrakis_unix_to_gps_ns() and arrakis_token_from_file(). It
 * may be called until every object that it was given to is closed: the client and every stream of
 * that client, the reader, the publisher. Closing waits for a call that is under way, so the
 * function should return quickly.
 *
 * @param text        receives the token, terminated by a zero byte
 * @param size        size of `text`: 65536
 * @param expires_ns  receives the GPS time until which the token is valid. If the function leaves
 *                    the value at ARRAKIS_UNSET, the "exp" field of a JSON web token applies; any
 *                    other token is taken to be valid for ten minutes
 * @param opaque      the pointer that was given together with the function
 * @param err         receives the reason when there is no token; never NULL. The text becomes that
 *                    of an error or of a warning, so it must not contain a secret
 * @return OK, or an error. After an error the call that waits for the login ends with EAUTH,
 *         provided that no broker has answered yet
 */
typedef arrakis_status (*arrakis_token_fn)(char *text, size_t size, int64_t *expires_ns,
                                           void *opaque, arrakis_error *err);

/**
 * An arrakis_token_fn that reads the token from the file whose path is `opaque`, anew at each
 * call. Blanks around the token are ignored.
 *
 * @return OK; EIO: the file is 64 KiB or larger, or cannot be read; the text names the file and
 *         the reason
 */
ARRAKIS_API arrakis_status arrakis_token_from_file(char *text, size_t size, int64_t *expires_ns,
                                                   void *path, arrakis_error *err);

/**
 * Where a server or a broker is, how to log in there, and how long to wait. Texts and lists are
 * borrowed for the duration of the call that the connection is given to.
 */
typedef struct arrakis_connection {
    size_t struct_size;
    const char *url; /**< Flight server, `[grpc://]host[:port]`, or `grpc+tls://...` */
    /** Brokers: "host:port" or "kafka://host:port", several separated by commas. */
    const char *kafka_url;
    const arrakis_property *properties; /**< for librdkafka, passed on unchanged */
    size_t property_count;
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
     * Brokers at which the login in `properties` may be used although a server, and not the user,
     * named the broker. Each entry is "HOST", "HOST:PORT", "*.DOMAIN" (any host below the domain)
     * or "*.DOMAIN:PORT"; case is ignored, and an entry without a port matches any port. The list
     * matters only if `properties` contain part of a login: one of `sasl.*`, a security.protocol
     * with SASL, or a client's key or certificate.
     */
    const char *const *allowed_brokers;
    size_t allowed_broker_count;
    /**
     * Bearer token for the server; NULL: the token that WLCG bearer-token discovery finds, if any,
     * and for a publisher before that the one in the environment variable ARRAKIS_TOKEN; "": no
     * token.
     */
    const char *token;
    /** Send the token over an unencrypted connection to another host as well. */
    bool insecure_token;
    /**
     * Hosts (names or addresses) that may receive the token when an answer of the server names
     * them. For a host that is not in this list, a location that an answer names gets the token
     * only if two conditions hold: the server itself was sent the token (over TLS, on this
     * machine, or with `insecure_token`); and the location is on the server's own host, at any
     * port, or the audience of the token contains "https://<host>". Where the token is withheld, a
     * warning is logged.
     */
    const char *const *token_hosts;
    size_t token_host_count;
    /**
     * PEM file of the authorities that sign the server's certificate. NULL: the authorities that
     * the system trusts.
     */
    const char *ca_file;
    /** PEM files of a client certificate and its key, or NULL. */
    const char *cert_file, *key_file;
    /**
     * Time limit of each request; ARRAKIS_UNSET: 10 s. For an answer that is a table, the limit
     * holds for the time between two of its messages, and all of the table must arrive within 30
     * times the limit. A publisher without `url` makes no requests: timeout_ms of
     * arrakis_publisher_publish() and close_timeout_ns limit what it waits for.
     */
    int64_t request_timeout_ns;
    /**
     * Ends every call on what is opened with this connection, but for a stream whose request has a
     * cancel of its own; NULL: no cancel.
     */
    arrakis_cancel *cancel;
} arrakis_connection;

#define ARRAKIS_CONNECTION_INIT                                                                   \
    {                                                                                             \
        sizeof(arrakis_connection), NULL, NULL, NULL, 0, NULL, NULL, NULL, 0, NULL, false, NULL,  \
            0, NULL, NULL, NULL, ARRAKIS_UNSET, NULL                                              \
    }
/**
 * Initialises a connection as ARRAKIS_CONNECTION_INIT does, for callers that cannot use the macro.
 * Each `..._init()` function below does the same for its struct.
 *
 * @param struct_size  sizeof the struct as the caller was compiled with it
 */
ARRAKIS_API void arrakis_connection_init(arrakis_connection *out, size_t struct_size);

/* ------------------------------------------------------------------ client */

typedef struct arrakis_client_options {
    size_t struct_size;
    const char *metadata_path; /**< file of channels as JSON lines */
    /**
     * How long an endpoint of a server may deliver nothing new before the library gives up on it.
     * ARRAKIS_UNSET: 5 minutes for past data; for live data, 30 s beyond the latency that the
     * channels declare. New data is data within the request that is at least one stride later than
     * all data before it, or that reaches the end of the request.
     */
    int64_t stall_timeout_ns;
    /**
     * Size limit of one message from a server; a larger one is EFORMAT. ARRAKIS_UNSET: 1 GiB. The
     * connections to the server and to all servers that its answers name may together hold 64 MiB
     * more than this limit; beyond that, one of the connections is ended with EFORMAT. Compressed
     * messages are not accepted: EUNSUPPORTED.
     */
    int64_t max_message_bytes;
} arrakis_client_options;

#define ARRAKIS_CLIENT_OPTIONS_INIT                                                               \
    {                                                                                             \
        sizeof(arrakis_client_options), NULL, ARRAKIS_UNSET, ARRAKIS_UNSET                        \
    }
ARRAKIS_API void arrakis_client_options_init(arrakis_client_options *out, size_t struct_size);

/**
 * A client finds channels and opens streams of them. Channels come from the first source that is
 * given: a file, the server, the metadata topics of a broker (`arrakis-metadata-*`). Data comes
 * from where the server directs the client, or from the broker.
 */
typedef struct arrakis_client arrakis_client;
/*
 * Limits on a server's answers, besides max_message_bytes. An answer that exceeds one is EFORMAT.
 * - Endpoints: 10,000, with 16 locations each. Tickets: 64 KiB each. All endpoints together: 16
 *   MiB. The last two limits grow by twice the size of the request.
 * - At one time: 64 servers, 1,024 endpoints, and max_message_bytes of messages.
 * - Brokers: 64; a host is counted once per segment of the request that reads it.
 * - A table (of channels, counts or properties): 4,194,304 rows and 1 GiB.
 * - An answer in JSON: 1 MiB, 64 levels, and 4,096 values plus one for every 8 bytes.
 * - Headers and trailers of a call: 8 KiB each.
 */

/**
 * Makes a client. Does not connect yet.
 *
 * @param connection  with `url` or `kafka_url`; may be NULL when options have a metadata_path
 * @param options     NULL for the defaults
 * @return OK; EINVAL: no source is given, or a source that cannot be used; EUNSUPPORTED: `url` is
 *         given and the library is built without Flight, or the Flight module is missing; EIO: a
 *         certificate cannot be read; EAUTH: the token must not be sent to this server; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_client_open(arrakis_client **out,
                                               const arrakis_connection *connection,
                                               const arrakis_client_options *options,
                                               arrakis_error *err);
/** Closes a client. Streams that it opened go on. */
ARRAKIS_API void arrakis_client_close(arrakis_client *client);

/* ------------------------------------------------------------------ finding channels */

/** A search for channels. A channel is found when all conditions hold. */
typedef struct arrakis_query {
    size_t struct_size;
    /** Regular expression, matched from the first character of the name on; NULL: all names. */
    const char *pattern;
    const arrakis_dtype *dtypes;
    size_t dtype_count;        /**< 0: all */
    double min_rate, max_rate; /**< Hz, inclusive */
    const char *const *publishers;
    size_t publisher_count; /**< 0: all */
    /**
     * The GPS time whose metadata is searched; ARRAKIS_UNSET: now. Only servers keep past
     * metadata.
     */
    int64_t time_ns;
    const char *replay_id; /**< NULL: live */
} arrakis_query;

#define ARRAKIS_QUERY_INIT                                                                        \
    {                                                                                             \
        sizeof(arrakis_query), NULL, NULL, 0, 0.0, 4294967295.0, NULL, 0, ARRAKIS_UNSET, NULL     \
    }
ARRAKIS_API void arrakis_query_init(arrakis_query *out, size_t struct_size);

/**
 * A callback that receives one channel, borrowed for the duration of the call. Return false to
 * stop the search.
 */
typedef bool (*arrakis_channel_fn)(arrakis_channel *channel, void *opaque);
/**
 * Passes every channel that matches to `fn`, in no particular order, as channels become known.
 *
 * A broker's metadata topics are read for at most the client's request timeout. A record in the
 * topic of one publisher cannot change the channels of another. The following topics are passed
 * over, each with a warning that names the topic: a topic with more than one partition; a topic
 * whose channels take over 256 MiB, or over 1 GiB together with those of the other topics being
 * read; a topic that cannot be read; a topic whose end is not reached within the request timeout,
 * or before 3 s have passed in which no topic delivered anything (a partition without a leader).
 * The following records are skipped, with up to ten warnings per topic: records of over 1 MiB,
 * records that are not a channel, records that name another publisher than their topic does, and
 * records with a time more than a minute ahead of this machine's clock. Of the topics that have one
 * partition, and that the broker lists without an error, the first 1,024 are read, in the byte order
 * of their names; where the query names publishers, only the topics of those count. The others are
 * passed over, as topics that cannot be read for now (EBROKER), with one warning that names the first
 * of them. After 1,024 warnings about other topics, the rest of those is counted in one more.
 *
 * A topic that was passed over is an error only when no topic can be read, or when it is the topic
 * of one of the query's publishers; a query with publishers reads only the topics of those. While
 * a topic is read, a channel that does not match takes the size of its name and 40 bytes; up to 4
 * MiB of records wait to be processed (librdkafka's queued.max.messages.kbytes). What the channels
 * of one partition have in common is kept for later calls, for up to 16,384 partitions in up to 10
 * MB.
 *
 * @return OK (also when `fn` stopped the search); EINVAL: a malformed pattern, with the position
 *         of the fault; ECONNECT, EAUTH, EBROKER, EDEADLINE, ESERVER, EFORMAT, EUNSUPPORTED, EIO
 *         from the source; ECANCELED; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_client_find(arrakis_client *client, const arrakis_query *query,
                                               arrakis_channel_fn fn, void *opaque,
                                               arrakis_error *err);

/**
 * Counts the channels that match.
 *
 * @param count  receives their number; of no meaning unless OK
 * @return as arrakis_client_find()
 */
ARRAKIS_API arrakis_status arrakis_client_count(arrakis_client *client, const arrakis_query *query,
                                                uint64_t *count, arrakis_error *err);
/**
 * Looks up the channels with the given names, in the order of the names. When the broker's topics
 * contain a channel of one name from two publishers, the channel whose metadata became active
 * later is returned, with a warning; a channel without a time ranks last, and between equal times
 * the publisher whose name comes first in byte order wins.
 *
 * @param out  receives a list, to be dropped with arrakis_channels_unref()
 * @return as arrakis_client_find(); ENOTFOUND: the text names the channels that do not exist;
 *         ECONNECT, EDEADLINE, EAUTH or EBROKER: a channel was not found, and a metadata topic
 *         that may contain it could not be read; the text names both
 */
ARRAKIS_API arrakis_status arrakis_client_describe(arrakis_client *client, arrakis_channels **out,
                                                   const char *const *names, size_t count,
                                                   int64_t time_ns, const char *replay_id,
                                                   arrakis_error *err);

/* ------------------------------------------------------------------ data */

/**
 * What to do with a span in which no input has data. Where at least one input has data, the
 * samples of the others are marked as missing.
 */
typedef enum arrakis_on_gap {
    ARRAKIS_GAP_FILL = 0,  /**< blocks without samples: the time line is continuous */
    ARRAKIS_GAP_SKIP = 1,  /**< no blocks */
    ARRAKIS_GAP_RAISE = 2, /**< the error EGAP */
} arrakis_on_gap;

/**
 * Whether a stream of a server that breaks is taken up again. It breaks when the connection is lost,
 * when the server is restarted, sends GOAWAY, ends a stream that has no end, answers with an error
 * that may pass, or is silent for longer than `stall_timeout_ns` allows.
 *
 * The server is asked again after 1 s, and then after pauses that double, up to 30 s; each is made
 * longer at random, by up to a quarter. Each try waits `request_timeout_ns` for the connection and
 * the first message. The server is asked for the data from 5 s before the end of what has come,
 * because a server may take a start of a moment ago for the present. Where the server refuses
 * that start, sends data from before it, or has answered three tries in a row with an error of its
 * own (ESERVER), the server is asked for the present. Data that comes twice is dropped, and data
 * that does not come is missing. With `fast_forward` a live stream that is still behind 10 s after
 * it was taken up again (or its max_latency, if that is longer) goes on at the present.
 *
 * Other servers and brokers of the stream go on meanwhile: what is due of the lost one is missing in
 * the blocks; in a request with a start after 10 s, or max_latency if that is longer. While all are
 * lost, no block is returned, and no deadline passes.
 *
 * Retrying ends with the error of the last try when the limits `retry_time_ns` or `retry_tries` are
 * reached, and at once when a try cannot mend the error (EAUTH, ENOTFOUND, EUNSUPPORTED, EINVAL,
 * EFORMAT, EMISMATCH). What fails before the first message of a stream has come is an error at once,
 * too. The log has a warning when a stream breaks (at most one every 30 s, with the number of
 * streams), and a line when it goes on. Cancel and close end the waiting at once.
 *
 * A broker needs none of this: a request without an end waits for it (arrakis_kafka_reader_new()).
 */
typedef enum arrakis_retry {
    ARRAKIS_RETRY_DEFAULT = 0, /**< as ON for a request without an end or duration, else as OFF */
    ARRAKIS_RETRY_ON = 1,
    ARRAKIS_RETRY_OFF = 2, /**< a stream that breaks ends with the error */
} arrakis_retry;

/** A request for data: the options of a stream, and where its data comes from. */
typedef struct arrakis_request {
    size_t struct_size;
    /* as in arrakis_stream_options */
    int64_t start_ns, end_ns, duration_ns;
    arrakis_on_gap on_gap;
    int64_t stride_ns, latency_tolerance_ns;
    const char *replay_id;  /**< NULL: live */
    bool fast_forward;      /**< as in arrakis_kafka_options; live only */
    int64_t prefetch_bytes; /**< as in arrakis_kafka_options */
    /**
     * A replay: the server plays the data of this GPS span again and again as if it were live.
     * Give both or neither.
     */
    int64_t replay_start_ns, replay_end_ns;
    /**
     * Ends the stream and its opening, in place of the cancel of the client's connection. NULL: that
     * one ends them.
     */
    arrakis_cancel *cancel;
    arrakis_retry retry; /* these three: as in arrakis_stream_options */
    int64_t retry_time_ns, retry_tries;
    /** Not 0: go on with channels that change meanwhile, see arrakis_client_stream(). */
    int64_t follow;
    int64_t fetch_wait_ns; /**< as in arrakis_kafka_options; what a server relays comes at once */
} arrakis_request;

#define ARRAKIS_REQUEST_INIT                                                                      \
    {                                                                                             \
        sizeof(arrakis_request), ARRAKIS_UNSET, ARRAKIS_UNSET, ARRAKIS_UNSET, ARRAKIS_GAP_FILL,   \
            ARRAKIS_UNSET, ARRAKIS_UNSET, NULL, true, ARRAKIS_UNSET, ARRAKIS_UNSET,               \
            ARRAKIS_UNSET, NULL, ARRAKIS_RETRY_DEFAULT, ARRAKIS_UNSET, ARRAKIS_UNSET, 0, 0        \
    }
ARRAKIS_API void arrakis_request_init(arrakis_request *out, size_t struct_size);

/**
 * Describes the channels, then opens a stream of them. The stream does not need the client any
 * more. A stream with a start and no end continues into live data, whichever servers and brokers
 * hold the past and the live data.
 *
 * Channels that change. While a stream without an end, or with one in the future, runs, a thread
 * of the stream looks whether its channels are still what they were described as: their type, rate
 * and stride, and, where a broker is read, their partition and index. Two seconds after the stream
 * was opened it begins to wait for new records in a broker's metadata topics, those from before
 * included (of the last 1,000 of each topic); a record that differs has the channels described
 * again, when no more records have come for 0.2 s, or after 5 s. A server is asked to describe the
 * channels every 10 s, and for a stream with a start also at once. Channels are described at most
 * once per second, and descriptions that follow each other soon take three seconds together, then
 * a twentieth of the time at most (one that was begun is ended). A channel counts as removed when
 * it is not described (by a server: twice in a row). Channels from a file are not looked for, and
 * neither are those of a broker of which the program itself made the reader; metadata topics that
 * did not exist when the thread began are not seen, and neither are those that
 * arrakis_client_find() passes over. When what is looked at cannot be read, a change is not
 * noticed until it can be again: that is tried every 10 s, and a warning tells when it begins
 * (with a server, when it has failed twice in a row) and when it is over. A description that stays
 * is believed, even though another channel is described in that place later: a publisher that
 * gives a place to another channel must describe the channel that had it anew, or delete its
 * record.
 *
 * A change is logged when it is noticed, and all blocks as they were are still handed out: those
 * that begin before it can have happened, and the ones after up to the first that lacks data of a
 * changed channel, or for up to 60 s from when the first change was noticed while none does. What
 * `on_gap` leaves out or raises counts as a block that lacks all data. Then the stream ends with
 * ECHANGED; the text names the first channel, what it was and what it is now.
 *
 * Data in the old place may be another channel's: when the channel has another index in the same
 * partition, or when another channel has its place now (one of the stream; where a broker is
 * asked, any channel). Then the stream does not go by the data. It stops before the first block
 * that begins at or after the `time` of the new description, which is the other channel's
 * description if that channel has the place. If that time is not between the earliest moment at
 * which the change can have happened and the moment at which it was noticed, the earliest moment
 * counts.
 * Blocks that are handed out before a change is noticed have the data of the old place: samples of
 * another channel, if that channel has the place by then; or a gap, if noticing takes longer than
 * the latency of the stream (a server is asked every 10 s; describing many channels takes time).
 *
 * With `follow` the stream is opened anew instead, from arrakis_stream_position() on, with the
 * channels as they are now, and goes on: without a gap, where the old and the new place together
 * hold all data. A block with other channels has another arrakis_block_channels(), and
 * arrakis_stream_channels() and arrakis_stream_stride_ns() follow; names and order stay as they
 * are. When the stride has become longer, less than one stride may be left out before the first
 * block. From then on the stream is one with a start, which skips nothing. What fails in opening
 * is tried again after pauses of 1 to 10 s, for 60 s from the first failure on, except what a try
 * cannot mend, and then ends the stream with that error. A channel that was removed is missing for
 * up to 60 s; if it is not there again by then, the stream ends with ECHANGED. When another
 * channel of the stream changes meanwhile, opening is tried for up to 60 s until both are there.
 * Between two openings at least 10 s pass. A stream that has an end ends with DONE where no block
 * is left before it. A source whose data does not match what it describes ends the stream with
 * EMISMATCH when it does so before the first block of an opening.
 *
 * @return what arrakis_client_describe() and arrakis_stream_open() return; EMISMATCH: a channel
 *         has another type or rate at the broker that takes over from another source;
 *         EUNSUPPORTED: a channel's sources cannot be put into an order in time
 */
ARRAKIS_API arrakis_status arrakis_client_stream(arrakis_client *client, arrakis_stream **out,
                                                 const char *const *names, size_t count,
                                                 const arrakis_request *request,
                                                 arrakis_error *err);

/**
 * Returns the requested span as one block. The span is [start, end) or [start, start + duration);
 * with only a start, one stride from it; with only a duration, that long from now; with neither,
 * the next stride. on_gap ARRAKIS_GAP_SKIP is EINVAL. The call waits until the data has been
 * published or the deadline for it has passed.
 *
 * @param out  receives a reference to the block, to be dropped by arrakis_block_unref(); NULL unless OK
 * @return what arrakis_client_stream() and arrakis_stream_next() return, but neither TIMEOUT nor DONE;
 *         EGAP: also a source that ended before the first block
 */
ARRAKIS_API arrakis_status arrakis_client_fetch(arrakis_client *client, arrakis_block **out,
                                                const char *const *names, size_t count,
                                                const arrakis_request *request,
                                                arrakis_error *err);

/* ------------------------------------------------------------------ streams */

/**
 * Returns the next block, in order of time.
 *
 * Blocks of a live stream begin at absolute GPS multiples of the stride. Blocks of a request with
 * a start begin at the common stride boundary at or before the start. A block is returned as soon
 * as every input has data up to the block's end, or when the deadline for the block has passed;
 * samples that have not come by then are marked as missing. A request with an end always ends:
 * what the source does not hold becomes gaps.
 *
 * A live stream does not begin with data whose deadline passed over a day ago; such data is
 * dropped. One wrong time does not mask the data that follows it. Data over 60 s ahead of the
 * clock is dropped (except in a request that itself begins there). A block counts as far ahead
 * when it begins later than all that is known of its input, and than the present, by more than 1 s
 * and a stride (except in a request that itself begins in the future); in a request with a start
 * also when it begins later than all that is known of its input by more than the latency plus one
 * stride, where the latency is the input's max_latency, or latency_tolerance_ns, and counts as at
 * least 1 s and at most 60 s. A block that is far ahead is held until three more blocks of the
 * same input have come, each later than the one before it; or the source holds no more data of the
 * input; or the present comes so near that the block is not far ahead any more; or 60 s have
 * passed. If a block of the same input with an earlier time comes first, the time of the held
 * block is wrong and the held block is dropped. Four wrong times in a row, each later than the one
 * before, are therefore accepted. What is dropped is counted as mismatched.
 *
 * While other inputs are waited for, each input may hold 1,000 strides, or what arrives in twice
 * its max_latency if that is more; at most 256 MiB, but in any case two blocks. Beyond that, a
 * live stream drops its oldest blocks (overflow), and a request with a start stops reading the
 * input.
 *
 * While the system's clock is set by more than 0.25 s, deadlines go on at their own pace; they
 * follow the clock again once the clock has not been set for a minute.
 *
 * @param timeout_ms  0: return only what has already arrived; negative: wait without limit
 * @param block       receives a reference, to be dropped with arrakis_block_unref(); NULL unless
 *                    OK
 * @return OK; TIMEOUT: call again; DONE: the end of the request; ECANCELED; EGAP (with
 *         ARRAKIS_GAP_RAISE); ECONNECT, EBROKER, EAUTH, and of a server ESERVER, EDEADLINE and
 *         others that arrakis_retry names; ECHANGED (arrakis_client_stream()): the stream has
 *         ended, and every later call returns the same status; a new stream may succeed where
 *         arrakis_status_retriable() is true; ENOMEM: call again
 */
ARRAKIS_API arrakis_status arrakis_stream_next(arrakis_stream *stream, int timeout_ms,
                                               arrakis_block **block, arrakis_error *err);

/**
 * Returns a descriptor that becomes readable when arrakis_stream_next() with timeout 0 has
 * something to do. Then call arrakis_stream_next() until it returns TIMEOUT. For poll(), epoll and
 * the like; do not read the descriptor.
 */
ARRAKIS_API int arrakis_stream_fd(const arrakis_stream *stream);
/**
 * Returns the channels of the stream's blocks, in the order of the request, which is also the
 * order of arrakis_block_series(). Borrowed from the stream; with `follow`, until the next
 * arrakis_stream_next().
 */
ARRAKIS_API const arrakis_channels *arrakis_stream_channels(const arrakis_stream *stream);
/** Returns the duration of the stream's blocks. */
ARRAKIS_API int64_t arrakis_stream_stride_ns(const arrakis_stream *stream);
/**
 * Returns the GPS time at which to start again: the begin of the first block that
 * arrakis_stream_next() has not returned yet. A later request for the same channels with this
 * start goes on where the stream has stopped: it leaves nothing out and repeats nothing, as long as
 * the source still holds the data. A program that must lose nothing keeps the position of the block
 * that it has dealt with, and asks for it directly after the call that returned this block.
 *
 * @return the time; ARRAKIS_UNSET: a live stream has not begun, so its start is not known yet
 */
ARRAKIS_API int64_t arrakis_stream_position(const arrakis_stream *stream);
/** Counters of a stream, from its opening on. */
typedef struct arrakis_stats {
    size_t struct_size;
    uint64_t messages;    /**< taken from the source */
    uint64_t bytes;       /**< size of those messages */
    uint64_t undecodable; /**< messages that could not be decoded; each was logged */
    uint64_t unwanted;    /**< messages without a row of any requested channel */
    uint64_t late;        /**< blocks of an input that came after their deadline */
    uint64_t duplicate;   /**< blocks of an input that had come before */
    /** Blocks of an input that are not on its stride, or whose time is too far ahead. */
    uint64_t mismatched;
    uint64_t overflow; /**< blocks of an input dropped because other inputs were too far behind */
    uint64_t blocks;   /**< blocks returned */
    uint64_t gaps;     /**< strides of a single input returned as gaps */
    uint64_t fast_forwards; /**< skips to the present */
    uint64_t errors;        /**< transient errors of the source, early ends of inputs included */
    uint64_t losses;        /**< times that a server's stream broke and was to be taken up again */
    uint64_t recoveries;    /**< times that such a stream had new data again */
    uint64_t changes;       /**< times that channels had changed and were followed */
} arrakis_stats;

#define ARRAKIS_STATS_INIT                                                                        \
    {                                                                                             \
        sizeof(arrakis_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                        \
    }
ARRAKIS_API void arrakis_stats_init(arrakis_stats *out, size_t struct_size);

/** Copies the counts so far. `stats->struct_size` must be set. */
ARRAKIS_API void arrakis_stream_stats(const arrakis_stream *stream, arrakis_stats *stats);
/**
 * Returns the state of a stream, for whoever looks for a defect: for which inputs the next block
 * waits and until when, and what each input holds. Times are GPS times in nanoseconds, or null.
 * The members of the object may change with every version. Not while another thread uses the
 * stream.
 *
 * @return a JSON object as text, which the caller passes to arrakis_free(); NULL: out of memory,
 *         or `stream` is NULL
 */
ARRAKIS_API char *arrakis_stream_dump(const arrakis_stream *stream);
/** Closes a stream and its reader, as arrakis_reader_close() does. Blocks outlive the stream. */
ARRAKIS_API void arrakis_stream_close(arrakis_stream *stream);

/* ------------------------------------------------------------------ blocks */

/** The samples of one channel of a block. The layout of this struct is frozen. */
typedef struct arrakis_series {
    /**
     * `length` values of `dtype`, in native byte order, aligned to their size. Sample k is at
     * block start + k / sample_rate seconds. The value of a sample that is missing is unspecified.
     */
    const void *samples;
    /**
     * One bit per sample, least significant bit first, 1 = present; NULL when no sample is
     * missing.
     */
    const uint8_t *valid;
    size_t length;
    arrakis_dtype dtype;
} arrakis_series;

/**
 * Makes a block (to publish it, or for a memory reader). Copies the samples.
 *
 * @param channels  the channels of the series; the block keeps a reference
 * @param series    one per channel, in the order of `channels`: `length` is sample_rate *
 *                  duration; `dtype` is the channel's, or ARRAKIS_DTYPE_NONE to use the channel's;
 *                  `samples` may be NULL, which means that all samples are missing, and needs no
 *                  alignment
 * @return OK; EINVAL: the text names the channel, what was found and what was expected; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_block_new(arrakis_block **out, arrakis_channels *channels,
                                             int64_t start_ns, int64_t duration_ns,
                                             const arrakis_series *series, arrakis_error *err);

ARRAKIS_API arrakis_block *arrakis_block_ref(arrakis_block *block);
ARRAKIS_API void arrakis_block_unref(arrakis_block *block);
ARRAKIS_API int64_t arrakis_block_start_ns(const arrakis_block *block);
ARRAKIS_API int64_t arrakis_block_duration_ns(const arrakis_block *block);
/** Returns the channels of a block, borrowed from the block. Series i belongs to channel i. */
ARRAKIS_API const arrakis_channels *arrakis_block_channels(const arrakis_block *block);
/**
 * Returns series `i`, which must be below the number of channels. The pointers in it point into
 * the block and are valid as long as the block. Cannot fail.
 */
ARRAKIS_API arrakis_series arrakis_block_series(const arrakis_block *block, size_t i);
/** Returns how many samples of a series are missing. */
ARRAKIS_API size_t arrakis_series_missing(arrakis_series series);

/* ------------------------------------------------------------------ channels */

/** Returns numpy's name of a type, or "none" for ARRAKIS_DTYPE_NONE. */
ARRAKIS_API const char *arrakis_dtype_name(arrakis_dtype dtype);
/** Returns the number of bytes per sample, or 0 for ARRAKIS_DTYPE_NONE. */
ARRAKIS_API size_t arrakis_dtype_size(arrakis_dtype dtype);
/** Returns the type with that name, or ARRAKIS_DTYPE_NONE when there is no such type. */
ARRAKIS_API arrakis_dtype arrakis_dtype_parse(const char *name);
/**
 * The metadata of a channel. A text that is not given is NULL; a number that is not given is
 * ARRAKIS_UNSET.
 */
typedef struct arrakis_channel_info {
    size_t struct_size;
    /** `<domain>:<subsystem>[-_]<rest>`; the domain is everything before the last colon. */
    const char *name;
    arrakis_dtype dtype;
    double sample_rate; /**< Hz; over 0, may be fractional */
    int64_t time_ns;    /**< GPS, when this metadata became active */
    const char *publisher;
    const char *partition_id; /**< names the Kafka topic: `arrakis-<partition_id>` */
    int64_t partition_index;  /**< the row id of the channel in that topic, 0 to 4294967295 */
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

/**
 * Makes a channel.
 *
 * @return OK; EINVAL: the text names the field that is missing or out of range; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_channel_new(arrakis_channel **out,
                                               const arrakis_channel_info *info,
                                               arrakis_error *err);

/**
 * Makes a channel from one JSON object of at most 1 MiB, with the fields name, data_type,
 * sample_rate, time, publisher, partition_id, partition_index, stride, max_latency, replay_id. A
 * field that is null is treated as absent.
 *
 * @return OK; EFORMAT: the text names what was found and what was expected; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_channel_from_json(arrakis_channel **out, const char *text,
                                                     size_t size, arrakis_error *err);

/**
 * Returns a channel as one JSON object on one line without the absent fields, as `describe --json`
 * prints it.
 *
 * @return a text to be freed with arrakis_free(); NULL when out of memory
 */
ARRAKIS_API char *arrakis_channel_to_json(const arrakis_channel *channel);

ARRAKIS_API arrakis_channel *arrakis_channel_ref(arrakis_channel *channel);
ARRAKIS_API void arrakis_channel_unref(arrakis_channel *channel);
/**
 * Copies all metadata of a channel into `info`, whose struct_size must be set. Texts are borrowed
 * from the channel.
 */
ARRAKIS_API void arrakis_channel_get(const arrakis_channel *channel, arrakis_channel_info *info);
ARRAKIS_API const char *arrakis_channel_name(const arrakis_channel *channel);
/**
 * The parts of a channel's name, each with its length. An absent `delimiter` is 0, an absent
 * `rest` is empty.
 */
typedef struct arrakis_name_parts {
    const char *domain, *subsystem, *rest;
    size_t domain_length, subsystem_length, rest_length;
    char delimiter;
} arrakis_name_parts;

/**
 * Splits a channel's name. The parts point into `name`.
 *
 * @return OK; EINVAL: the name has no colon
 */
ARRAKIS_API arrakis_status arrakis_name_parse(arrakis_name_parts *out, const char *name,
                                              arrakis_error *err);

/**
 * Returns whether two channels are equal: name, data type and rate are equal, and so is every
 * optional field that both channels have.
 */
ARRAKIS_API bool arrakis_channel_equal(const arrakis_channel *a, const arrakis_channel *b);
/** Makes an empty list. @return OK; ENOMEM */
ARRAKIS_API arrakis_status arrakis_channels_new(arrakis_channels **out, arrakis_error *err);
/**
 * Appends a channel to the list, with a new reference to it.
 *
 * @return OK; EINVAL: the list already has a channel of that name, or another holder (a reader, a
 *         block) has a reference to the list; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_channels_add(arrakis_channels *channels,
                                                arrakis_channel *channel, arrakis_error *err);

/**
 * Reads a file of channels as JSON lines ("-" is a file name like any other). Blank lines are
 * skipped. Limits: 1 MiB per line, 1 GiB and 4,000,000 channels per file.
 *
 * @return OK; EIO; EFORMAT: the text names the line number; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_channels_load(arrakis_channels **out, const char *path,
                                                 arrakis_error *err);

ARRAKIS_API size_t arrakis_channels_count(const arrakis_channels *channels);
/** Returns channel `i`, which must be below the count. Borrowed from the list. */
ARRAKIS_API arrakis_channel *arrakis_channels_get(const arrakis_channels *channels, size_t i);
/** Returns the index of the channel with that name, or -1. */
ARRAKIS_API int64_t arrakis_channels_index(const arrakis_channels *channels, const char *name);
/**
 * Adds a reference to a list, also to one that is borrowed from a block, a stream or a publisher.
 */
ARRAKIS_API arrakis_channels *arrakis_channels_ref(const arrakis_channels *channels);
ARRAKIS_API void arrakis_channels_unref(arrakis_channels *channels);

/* ------------------------------------------------------------------ publishing */

typedef struct arrakis_publisher_options {
    size_t struct_size;
    const char *publisher_id;
    const char *replay_id; /**< NULL: live */
    /**
     * The channels to publish, each with partition_id and partition_index; all have the same
     * stride, of 10 ms to a day. The publisher keeps a reference. With a server, name, type and
     * rate are enough, and NULL means all channels that the server has for the publisher.
     */
    arrakis_channels *channels;
    /** How long closing waits for deliveries that are still under way; ARRAKIS_UNSET: 10 s. */
    int64_t close_timeout_ns;
    /**
     * After how many failures in a row (EBROKER, EDEADLINE) of arrakis_publisher_publish() the
     * publisher gives up, 1 or more: the last of these calls returns EIO instead, and so does every
     * later call. ARRAKIS_UNSET: the publisher never gives up.
     */
    int64_t max_failures;
} arrakis_publisher_options;

#define ARRAKIS_PUBLISHER_OPTIONS_INIT                                                            \
    {                                                                                             \
        sizeof(arrakis_publisher_options), NULL, NULL, NULL, ARRAKIS_UNSET, ARRAKIS_UNSET         \
    }
ARRAKIS_API void arrakis_publisher_options_init(arrakis_publisher_options *out,
                                                size_t struct_size);

typedef struct arrakis_publisher arrakis_publisher;
/**
 * Opens a publisher of channels.
 *
 * With a server (`url`), the server supplies the publisher's channels and names the broker, unless
 * `kafka_url` names another broker. Channels that the server does not have, or has with another
 * type or rate, are registered there first; the server allows that only for dynamic publishers.
 * The server may send up to 500000 channels of the publisher, with up to 64 MiB of text, within
 * ten times request_timeout_ns.
 *
 * The server may set up to 64 librdkafka properties. The properties of the connection are applied
 * after these. Only the following properties with the following values are accepted:
 * bootstrap.servers (metadata.broker.list) of up to 4096 bytes; acks (request.required.acks) all;
 * enable.idempotence true; compression.type (compression.codec), compression.level -1 to 12;
 * linger.ms (queue.buffering.max.ms) to 1000; batch.size to 100000000, batch.num.messages to
 * 1000000; message.max.bytes 1000 to 100000000; message.timeout.ms (delivery.timeout.ms) 2000 to
 * 300000; max.in.flight (max.in.flight.requests.per.connection) to 5; retries
 * (message.send.max.retries), retry.backoff.ms to 1000; security.protocol, with SASL only together
 * with sasl.mechanism (sasl.mechanisms) PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; sasl.username and
 * sasl.password of up to 1024 bytes; ssl.ca.pem of up to 65536. Where the connection's
 * `properties` contain any security property, the server's security properties are ignored.
 *
 * The connection's cancel ends opening with ECANCELED. It also ends publishing, but gives a block
 * that is under way up to 2 s to be confirmed; closing then does not wait.
 *
 * @param connection  with `kafka_url` or `url`
 * @param options     the publisher's id and channels
 * @return OK; EINVAL: the text names the channel and the field, what was found and what was
 *         expected, or a property that librdkafka refuses; ENOMEM. With `url` also EAUTH with the
 *         server's reason; EMISMATCH: the server has a channel that differs from the one given;
 *         ENOTFOUND: there are no channels; ECONNECT, EDEADLINE, ESERVER, EFORMAT, EUNSUPPORTED as
 *         arrakis_client_open() and arrakis_client_find(); ECANCELED
 */
ARRAKIS_API arrakis_status arrakis_publisher_open(arrakis_publisher **out,
                                                  const arrakis_connection *connection,
                                                  const arrakis_publisher_options *options,
                                                  arrakis_error *err);
/** Returns the channels as they are registered. Borrowed from the publisher. */
ARRAKIS_API const arrakis_channels *arrakis_publisher_channels(const arrakis_publisher *publisher);
/**
 * Publishes one block as one message per partition. Returns when all of the messages are
 * delivered.
 *
 * A partition that cannot be written to (it has no leader, for example) fails its own message
 * only: those of the other partitions are delivered, and the text of the error names one of the
 * topics that failed. After EBROKER or EDEADLINE, which may pass, the program either goes on with
 * the next block, and this one is dropped, or publishes this one again, which sends all of its
 * messages again. The last of `max_failures` such failures in a row is EIO instead: the publisher
 * has given up. Every later call then returns EIO with the same text at once, and sends nothing.
 *
 * The library gives up on a broker that does not answer after 6 s (librdkafka's socket.timeout.ms,
 * socket.connection.setup.timeout.ms and request.timeout.ms, unless `properties` set them).
 *
 * Publishing that is 10 s or more behind what comes in (`behind_ns` of arrakis_publisher_stats) is
 * logged as a warning, every 30 s while that is so.
 *
 * @param block       each channel must equal its registration; the duration is the stride; the
 *                    start is a multiple of the stride, and later than that of the last block that
 *                    was published
 * @param timeout_ms  negative: wait until librdkafka has delivered or given up each message
 *                    (`message.timeout.ms`)
 * @return OK; EMISMATCH, EINVAL: nothing was sent; EBROKER: a delivery failed, and the block may
 *         be published again; EAUTH: a delivery failed because the user may not write to the topic
 *         that the text names, or because the login is refused. The refusal of a login is returned
 *         at once as long as nothing was ever delivered; afterwards it is returned when timeout_ms
 *         has passed, because a broker that has just started may not have loaded its users yet;
 *         EDEADLINE: not confirmed in time, and the block may still be delivered, or nothing was sent,
 *         because librdkafka failed for good twice before its first connections ended; EIO: the
 *         publisher has given up after `max_failures` failures in a row, and the text has the last
 *         one (or librdkafka failed for good, and no file descriptor was left to start it anew);
 *         ECANCELED: nothing was sent, or the block may still be delivered; ENOMEM: nothing was
 *         sent
 */
ARRAKIS_API arrakis_status arrakis_publisher_publish(arrakis_publisher *publisher,
                                                     const arrakis_block *block, int timeout_ms,
                                                     arrakis_error *err);

/** What has become of the blocks of a publisher since it was opened. */
typedef struct arrakis_publisher_stats {
    size_t struct_size;
    /**
     * Blocks that were delivered or dropped. One that is published again counts once; one that
     * fails otherwise (EAUTH, for example) does not count.
     */
    uint64_t blocks;
    /**
     * Blocks among them that were dropped: publishing failed with EBROKER, EDEADLINE or, as the
     * publisher gave up, EIO, and the block was not published again right after that with success.
     * Some messages of such a block may have been delivered, or may still be.
     */
    uint64_t dropped;
    /** Failures in a row (EBROKER, EDEADLINE, EIO), since a block was delivered. */
    uint64_t failures;
    /**
     * How far publishing is behind what comes in: the age of the last block, minus the least age of
     * all blocks. The age of a block is the time since its end when arrakis_publisher_publish() is
     * called; it grows while blocks are published more slowly than they come. That the system's
     * clock is set does not count.
     */
    int64_t behind_ns;
} arrakis_publisher_stats;

#define ARRAKIS_PUBLISHER_STATS_INIT                                                              \
    {                                                                                             \
        sizeof(arrakis_publisher_stats), 0, 0, 0, 0                                               \
    }
ARRAKIS_API void arrakis_publisher_stats_init(arrakis_publisher_stats *out, size_t struct_size);

/**
 * Copies the counts so far. `stats->struct_size` must be set. Safe in any thread, also while
 * another thread publishes (of the block that is being published only `behind_ns` is known), but
 * not while the publisher is being closed.
 */
ARRAKIS_API void arrakis_publisher_get_stats(arrakis_publisher *publisher,
                                             arrakis_publisher_stats *stats);

/**
 * Closes a publisher. Waits up to `close_timeout_ns` for deliveries that are still under way, and
 * does not wait once the publisher was canceled. Deliveries that are given up are logged. Then waits
 * up to 2 s for connections to end, as arrakis_reader_close() does.
 */
ARRAKIS_API void arrakis_publisher_close(arrakis_publisher *publisher);

/* ------------------------------------------------------------------ questions to a server */

/*
 * Each of these calls asks the server about itself. A call needs a client with `url`, waits for at
 * most the request timeout, and returns a JSON text to be freed with arrakis_free(). @return OK;
 * EINVAL: the client has no `url`; EAUTH, ECONNECT, EDEADLINE, ESERVER, EFORMAT from the server;
 * ECANCELED
 */

/** Returns an object: versions, kind of backend, capabilities, domains. */
ARRAKIS_API arrakis_status arrakis_client_server_info(arrakis_client *client, char **json,
                                                      arrakis_error *err);

/** Returns an object whose "endpoints" are the servers, each with its scopes by domain. */
ARRAKIS_API arrakis_status arrakis_client_scope_map(arrakis_client *client, char **json,
                                                    arrakis_error *err);
/** Returns an object of the replays, each with its span in GPS seconds. */
ARRAKIS_API arrakis_status arrakis_client_replays(arrakis_client *client, char **json,
                                                  arrakis_error *err);
/** Returns a sorted array of the domains in the scope map. */
ARRAKIS_API arrakis_status arrakis_client_domains(arrakis_client *client, char **json,
                                                  arrakis_error *err);
/** Returns a sorted array of the URLs of the servers in the scope map. */
ARRAKIS_API arrakis_status arrakis_client_endpoints(arrakis_client *client, char **json,
                                                    arrakis_error *err);

/* ------------------------------------------------------------------ time */

/**
 * The latest time that a request, a block or a message may have: 2053-01-29. The sum of two such
 * times and a duration does not overflow.
 */
#define ARRAKIS_TIME_MAX_NS (INT64_MAX / 4)
/** Returns the present GPS time by the system's clock. */
ARRAKIS_API int64_t arrakis_gps_now_ns(void);
/**
 * Convert GPS time to Unix time and back, in nanoseconds. Unix time is constant through a leap
 * second. The leap seconds from 1980 to 2017 are built in. Later ones are read from the file that
 * the environment variable ARRAKIS_LEAP_SECONDS names, in the format of the IERS's
 * leap-seconds.list (at most 64 KiB, and 64 leap seconds in all), when the first time is
 * converted; a file that cannot be used is logged as a warning. Results saturate at the limits of
 * int64_t.
 */
ARRAKIS_API int64_t arrakis_gps_to_unix_ns(int64_t gps_ns);

ARRAKIS_API int64_t arrakis_unix_to_gps_ns(int64_t unix_ns);
/**
 * Parses a time as people write it: GPS seconds ("1400000000", "1400000000.0625", "1.4e9"), an ISO
 * 8601 date and time ("2024-05-17T16:53:02Z", "2024-05-17 16:53:02.5 UTC", "2024-05-17",
 * "20240517T165302Z"; UTC, or with an offset such as "+02:00"), "today" (its beginning in UTC),
 * "now", or an offset from now ("now-90s", "now+1h", "now-0.5d").
 *
 * @param now_ns  the GPS time that "now" stands for
 * @return OK; EFORMAT: the text is not a time, is finer than a nanosecond, or is before 0 or after
 *         ARRAKIS_TIME_MAX_NS; the error names the text and the accepted forms
 */
ARRAKIS_API arrakis_status arrakis_time_parse(int64_t *gps_ns, const char *text, int64_t now_ns,
                                              arrakis_error *err);

/**
 * Writes `gps_ns` as ISO 8601 UTC with milliseconds into `buffer` ("2024-05-17T16:53:02.000Z").
 */
ARRAKIS_API void arrakis_time_format(char buffer[32], int64_t gps_ns);

/* ------------------------------------------------------------------ log */

typedef enum arrakis_log_level {
    ARRAKIS_LOG_ERROR = 0,
    ARRAKIS_LOG_WARNING = 1,
    ARRAKIS_LOG_INFO = 2,
    ARRAKIS_LOG_DEBUG = 3,
} arrakis_log_level;

/**
 * A callback that receives one log line, without a line end; the line is as plain as the text of
 * an error. Runs in any thread of the library or of librdkafka, but never in two at one time. The
 * function must not call the library, and should not block: while it runs, other threads that log
 * wait for it, threads that read or publish and those of librdkafka included.
 */
typedef void (*arrakis_log_fn)(arrakis_log_level level, const char *message, void *opaque);
/**
 * Sends log messages up to `level` to `fn`, for the entire process; NULL (as at the start) drops
 * all messages.
 */
ARRAKIS_API void arrakis_log_set(arrakis_log_level level, arrakis_log_fn fn, void *opaque);
/**
 * Chooses what is traced, for the entire process: at the level DEBUG, lines that begin with
 * `[context]` tell what the library does, for whoever looks for a defect. None is traced at the
 * start. No context gives a password or a token.
 *
 * | context   | what |
 * |-----------|------|
 * | `align`   | blocks, what the next one waits for and until when, gaps, paused inputs |
 * | `kafka`   | where topics are read from, ends of logs, skips to the present |
 * | `flight`  | questions to servers, streams that begin, end and move to another location |
 * | `connect` | which host is connected to, and whether it is given a login or a token |
 * | `publish` | registrations, and blocks as they are sent |
 *
 * @param contexts  some of these, separated by commas, or `all`; NULL or "": none
 * @return OK; EINVAL: there is no such context, and nothing has changed
 */
ARRAKIS_API arrakis_status arrakis_log_set_debug(const char *contexts, arrakis_error *err);

#ifdef __cplusplus
}
#endif

#endif
