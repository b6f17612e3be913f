/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Blocks and streams by the Arrow C data interface and the Arrow C stream interface: exported to,
 * and imported from, any other library in this process that supports these interfaces (pyarrow,
 * polars, duckdb, nanoarrow), without Arrow's own library; an export copies no sample where the
 * memory layout allows it.
 *
 * Source of the structs and of their rules:
 * https://arrow.apache.org/docs/format/CDataInterface.html and .../CStreamInterface.html
 *
 * What is exported belongs to its consumer, who calls its `release` once, in any thread. The
 * memory is that of the block, to which the export holds a reference: the block may be dropped
 * earlier. The memory must not be written to. Parts may be moved out, as the interface permits,
 * and stay valid.
 */
#ifndef ARRAKIS_ARROW_H
#define ARRAKIS_ARROW_H

#include <arrakis/arrakis.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

/* ------------------------------------------------------------------ columns: one row per block */

/**
 * Exports the schema of blocks of these channels: a struct of `time` (int64, GPS nanoseconds, the
 * block's start) and one list column per channel. Columns are named after the channels, are sorted
 * by name (bytewise) and have the metadata `rate`; arrakis_arrow_writer_schema() writes the same
 * schema.
 *
 * @param out  receives a schema to be released; its `release` is NULL unless OK
 * @return OK; EINVAL; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_channels_export_schema(const arrakis_channels *channels,
                                                          struct ArrowSchema *out,
                                                          arrakis_error *err);
/**
 * Exports a block as one row of that schema. A missing sample is a null in its list; the value
 * under a null is unspecified. No sample is copied: the export allocates only the description of
 * the block's memory (some 250 bytes per channel).
 *
 * @param out  receives an array to be released; its `release` is NULL unless OK
 * @return OK; EINVAL: an argument is NULL, or a series has over 2,147,483,647 samples; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_block_export(const arrakis_block *block, struct ArrowArray *out,
                                                arrakis_error *err);

/* ------------------------------------------------------------------ rows: one row per channel */

/**
 * Exports the schema of rows of one data type, as they are published to Kafka: `time` (int64),
 * `id` (uint32), `data` (a list of the type). Parameters and return statuses as
 * arrakis_channels_export_schema().
 */
ARRAKIS_API arrakis_status arrakis_rows_export_schema(arrakis_dtype dtype, struct ArrowSchema *out,
                                                      arrakis_error *err);
/**
 * Exports the channels of a block that have this data type, as one row per channel, in the block's
 * order. A block without such a channel exports no rows, which is not an error. Samples are not
 * copied where those of all rows are contiguous in the block, as those of one partition are.
 *
 * @param ids  the ids of the rows, one per channel of the block (channels of other types
 *             included): as a rule each channel's partition_index; NULL: the index of the channel
 *             in the block
 * @param out  receives an array to be released; its `release` is NULL unless OK
 * @return OK; EINVAL: `block` or `out` is NULL, there is no such data type, or the rows have over
 *         2,147,483,647 samples together; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_block_export_rows(const arrakis_block *block,
                                                     arrakis_dtype dtype, const uint32_t *ids,
                                                     struct ArrowArray *out, arrakis_error *err);

/**
 * Writes rows as one message, in the form in which a publisher sends a partition's channels to
 * Kafka, with no broker involved: an Arrow IPC stream of that schema, one batch, and the end of
 * the stream. The bytes are those that arrakis_publisher_publish() and the Python client send for
 * the same samples. arrakis_memory_reader_push() takes them. May be called by several threads at
 * once.
 *
 * @param out       receives the message; NULL: only `size` is wanted
 * @param capacity  bytes that `out` has room for
 * @param size      receives the size of the message in bytes, also when `capacity` is too small;
 *                  some 700 bytes and what the samples take; 0 on another failure
 * @param dtype     the data type of all rows
 * @param time_ns   GPS time of the first sample of each row, 0 to ARRAKIS_TIME_MAX_NS
 * @param count     rows; 0: a message without rows
 * @param ids       one per row: the channel's partition_index
 * @param series    one per row, each with the type `dtype`. The lengths may differ. `samples` may
 *                  be NULL, which means that all samples are missing, and needs no alignment. A
 *                  missing sample is written as 0
 * @return OK; EINVAL: an argument is NULL, `time_ns` is out of range, `dtype` does not exist or a
 *         row has another, there are over 2,147,483,647 rows, or samples in all rows together, or
 *         `capacity` is less than the message needs; ENOMEM. Unless OK, nothing is written to `out`
 */
ARRAKIS_API arrakis_status arrakis_rows_encode(void *out, size_t capacity, size_t *size,
                                               arrakis_dtype dtype, int64_t time_ns, size_t count,
                                               const uint32_t *ids, const arrakis_series *series,
                                               arrakis_error *err);

/* ------------------------------------------------------------------ streams */

/**
 * Takes ownership of a stream (on failure the stream is closed) and exports its blocks, each as
 * arrakis_block_export() does.
 *
 * `get_next` waits for the next block without limit. It returns 0 and a block; after the last
 * block, it returns 0 and an array whose `release` is NULL. On an error it returns a value of
 * errno, and `get_last_error` returns the text: ECANCELED once the cancel of the stream was set
 * (arrakis_request, arrakis_stream_options), ENOMEM, EINVAL, EACCES (for EAUTH), ECONNREFUSED (for
 * ECONNECT), and EIO for every other status. `release` closes the stream. The exported stream
 * belongs to one thread at a time.
 *
 * The schema is that of the channels at the time of this call. Where a stream with `follow` comes to a
 * block in which a channel has another type or rate, `get_next` returns EIO, and the text names the
 * channel; another partition or stride changes nothing in the schema.
 *
 * @return OK; EINVAL: an argument is NULL; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_stream_export(arrakis_stream *stream,
                                                 struct ArrowArrayStream *out, arrakis_error *err);

/* ------------------------------------------------------------------ the other way */

/**
 * Makes a block from one row of such columns, whichever library made them. Copies the samples;
 * keeps and releases nothing of what it is given.
 *
 * The columns may have any order. A list may have 32-bit or 64-bit offsets (`+l`, `+L`) or a fixed
 * size (`+w:N`). A null list is a channel whose samples are all missing. Pointers are trusted, as
 * the interface requires; lengths, offsets and types are checked.
 *
 * @param channels  the channels of the block: each needs a column with its name, its data type
 *                  and, where the column has that metadata, its rate; the block keeps a reference
 * @param row       below array->length
 * @return OK; EINVAL: the array is not a struct, a list is inconsistent, the time is not from 0 to
 *         ARRAKIS_TIME_MAX_NS, there are no samples at all, or the samples of two channels do not
 *         last equally long; ENOTFOUND: a column is not one of the channels, or a channel has no
 *         column; EMISMATCH: a column has another type or rate; EUNSUPPORTED: a dictionary, or a
 *         list of another kind; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_block_import(arrakis_block **out, arrakis_channels *channels,
                                                const struct ArrowSchema *schema,
                                                const struct ArrowArray *array, int64_t row,
                                                arrakis_error *err);

/* ------------------------------------------------------------------ Arrow IPC: bytes */

/**
 * Encodes aligned blocks as an Arrow IPC stream: `time: int64` and one `list<T>` column per
 * channel, sorted by name, with the field metadata `rate` (the column layout of the Flight
 * server).
 */
typedef struct arrakis_arrow_writer arrakis_arrow_writer;
ARRAKIS_API arrakis_status arrakis_arrow_writer_new(arrakis_arrow_writer **out,
                                                    const arrakis_channels *channels,
                                                    arrakis_error *err);
/** Returns the bytes to write first, once. Borrowed until the next call on the writer. */
ARRAKIS_API arrakis_status arrakis_arrow_writer_schema(arrakis_arrow_writer *writer,
                                                       const void **data, size_t *size,
                                                       arrakis_error *err);
/**
 * Chooses whether the padding that follows a buffer is part of that buffer in the batches written
 * from now on: the length of each buffer of a column is then a multiple of 8 bytes. The bytes of
 * the samples, their places and what a reader finds are the same; without padding, as at first, a
 * batch is byte for byte what pyarrow writes.
 *
 * For a batch that an Arrow library reads and writes again, as a Flight server does for each of
 * its clients: Arrow C++ hands a buffer without padding to gRPC in two pieces, and one with
 * padding in one piece. For channels of one 4-byte sample that takes a fifth of the CPU of writing
 * a batch.
 */
ARRAKIS_API void arrakis_arrow_writer_pad(arrakis_arrow_writer *writer, bool pad);
/**
 * Returns the bytes of one block, which must have the writer's channels (found by name). Borrowed
 * until the next call on the writer.
 */
ARRAKIS_API arrakis_status arrakis_arrow_writer_block(arrakis_arrow_writer *writer,
                                                      const arrakis_block *block,
                                                      const void **data, size_t *size,
                                                      arrakis_error *err);
/**
 * Returns the bytes of several blocks. Where channels have few samples per block, this costs less
 * than a call per block: consecutive blocks of one stream with the same duration become one record
 * batch, with one row per block.
 *
 * @param count  1 or more
 * @return OK; EINVAL: no block, a block that is NULL, or a channel with over 2,147,483,647 samples
 *         in a batch; ENOTFOUND: a block lacks one of the channels; EMISMATCH: a block has one of
 *         the channels with another type; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_arrow_writer_blocks(arrakis_arrow_writer *writer,
                                                       const arrakis_block *const *blocks,
                                                       size_t count, const void **data,
                                                       size_t *size, arrakis_error *err);

/** Returns the bytes that end the stream. */
ARRAKIS_API void arrakis_arrow_writer_end(arrakis_arrow_writer *writer, const void **data,
                                          size_t *size);
ARRAKIS_API void arrakis_arrow_writer_free(arrakis_arrow_writer *writer);
/**
 * Decodes such a stream into blocks, from bytes as they arrive; an Arrow IPC file, too, whose batches
 * are taken in the order in which they lie.
 */
typedef struct arrakis_arrow_reader arrakis_arrow_reader;
/**
 * Makes an arrow reader.
 *
 * @param channels  the channels that a column may be of, found by name; the reader keeps a
 *                  reference. A stream need not have a column for every channel
 */
ARRAKIS_API arrakis_status arrakis_arrow_reader_new(arrakis_arrow_reader **out,
                                                    arrakis_channels *channels,
                                                    arrakis_error *err);
/**
 * Gives the reader a copy of the next bytes of the stream; the bytes may end anywhere. After the
 * end of a stream or a file another one may follow, with its own schema.
 */
ARRAKIS_API arrakis_status arrakis_arrow_reader_push(arrakis_arrow_reader *reader,
                                                     const void *data, size_t size,
                                                     arrakis_error *err);
/** Declares that no more bytes will come. */
ARRAKIS_API void arrakis_arrow_reader_finish(arrakis_arrow_reader *reader);
/**
 * Returns the next block, one per row. The block's channels are those that were given, in the
 * order of the columns; a null list is a channel whose samples are all missing. Limits: the header
 * of a message has at most 64 MiB (67,108,864 bytes), its body at most 1 GiB (1,073,741,824
 * bytes), and a schema at most 65,536 fields.
 *
 * @param block  receives a reference, to be dropped with arrakis_block_unref(); NULL unless OK
 * @return OK; TIMEOUT: more bytes are needed; DONE: a stream has ended and no bytes follow it, or,
 *         once arrakis_arrow_reader_finish() was called, the bytes have ended; ENOTFOUND: a column
 *         is not one of the channels; EMISMATCH: a column has another type, or another rate in its
 *         metadata; EINVAL: the samples of two channels do not last equally long; EFORMAT: the
 *         bytes are not an Arrow stream, a message is incomplete or inconsistent, two columns have
 *         the same name, or a limit is exceeded; EUNSUPPORTED; ENOMEM: call again
 */
ARRAKIS_API arrakis_status arrakis_arrow_reader_next(arrakis_arrow_reader *reader,
                                                     arrakis_block **block, arrakis_error *err);

ARRAKIS_API void arrakis_arrow_reader_free(arrakis_arrow_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
