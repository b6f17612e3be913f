/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Blocks and streams by the Arrow C data interface and the Arrow C stream interface: handed to, and
 * taken from, any other library in this process that has it (pyarrow, polars, duckdb, nanoarrow),
 * without Arrow's own library and without a copy of a sample.
 *
 * Source of the structs and of their rules:
 * https://arrow.apache.org/docs/format/CDataInterface.html and .../CStreamInterface.html
 *
 * What is exported belongs to its consumer, who calls its `release` once, in any thread. Its memory is
 * the block's, of which it holds a reference: the block may be freed before. It must not be written
 * to. Parts of it may be moved out, as the interface permits, and live on.
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
 * The schema of blocks of these channels: a struct of `time` (int64, GPS nanoseconds, the block's
 * start) and a list column per channel, named after it and sorted by name (bytewise), with the
 * metadata `rate`: what arrakis_arrow_writer_schema() writes.
 * @param out  receives a schema to be released; its `release` is NULL unless OK
 * @return OK; EINVAL; ENOMEM.
 */
ARRAKIS_API arrakis_status arrakis_channels_export_schema(const arrakis_channels *channels,
                                                          struct ArrowSchema *out,
                                                          arrakis_error *err);
/**
 * A block as one row of that schema. A missing sample is a null in its list; what lies under it is
 * unspecified. No sample is copied: of the block's memory, only what describes it is made anew (some
 * 250 bytes per channel).
 * @param out  receives an array to be released; its `release` is NULL unless OK
 * @return OK; EINVAL: an argument is NULL, or a series has over 2,147,483,647 samples; ENOMEM.
 */
ARRAKIS_API arrakis_status arrakis_block_export(const arrakis_block *block, struct ArrowArray *out,
                                                arrakis_error *err);

/* ------------------------------------------------------------------ rows: one row per channel */

/** The schema of rows of one data type, as they are published to Kafka: `time` (int64), `id`
 *  (uint32), `data` (a list of the type). Otherwise as arrakis_channels_export_schema(). */
ARRAKIS_API arrakis_status arrakis_rows_export_schema(arrakis_dtype dtype, struct ArrowSchema *out,
                                                      arrakis_error *err);
/**
 * Those channels of a block that have this data type, a row each, in the block's order; none is no
 * error. The samples are not copied where they lie one behind the other in the block, as those of one
 * partition do.
 * @param ids  the ids of the rows, one for each channel of the block (of any type): as a rule its
 *             partition_index; NULL: its place among the block's channels
 * @return OK; EINVAL: block or out is NULL, no such data type, or over 2,147,483,647 samples in all;
 *         ENOMEM.
 */
ARRAKIS_API arrakis_status arrakis_block_export_rows(const arrakis_block *block,
                                                     arrakis_dtype dtype, const uint32_t *ids,
                                                     struct ArrowArray *out, arrakis_error *err);

/* ------------------------------------------------------------------ streams */

/**
 * Take a stream over (on failure too: then it is closed) and hand its blocks out, each as
 * arrakis_block_export() does.
 *
 * `get_next` waits for the next block without limit. It returns 0, and behind the last block an array
 * whose `release` is NULL; an error ends in a value of errno, with its text from `get_last_error`:
 * ECANCELED once the stream's cancel was set, if it was given one (arrakis_request, arrakis_stream_options); ENOMEM, EINVAL, EACCES (EAUTH), ECONNREFUSED (ECONNECT),
 * and EIO for the rest. `release` closes the stream. One thread at a time.
 * @return OK; EINVAL: an argument is NULL; ENOMEM.
 */
ARRAKIS_API arrakis_status arrakis_stream_export(arrakis_stream *stream,
                                                 struct ArrowArrayStream *out, arrakis_error *err);

/* ------------------------------------------------------------------ the other way */

/**
 * Make a block of a row of such columns, whoever made them. Copies the samples, keeps nothing of what
 * it was given, and releases nothing.
 *
 * The columns may have any order. A list may be one of 32 bit or 64 bit offsets (`+l`, `+L`) or of
 * fixed size (`+w:N`); a null list is a channel wholly missing. Pointers are believed, as the interface
 * has it; lengths, offsets and types are checked.
 *
 * @param channels  the block's: each needs a column of its name, data type and, where the column has
 *                  that metadata, rate; a reference is kept
 * @param row       below array->length
 * @return OK; EINVAL: no struct, a torn list, no time from 0 to ARRAKIS_TIME_MAX_NS, no samples at
 *         all, or samples that do not last as long as another channel's; ENOTFOUND: a column that is
 *         none of the channels, or a channel without a column; EMISMATCH: a column of another type or
 *         rate; EUNSUPPORTED: a dictionary or a list of another kind; ENOMEM.
 */
ARRAKIS_API arrakis_status arrakis_block_import(arrakis_block **out, arrakis_channels *channels,
                                                const struct ArrowSchema *schema,
                                                const struct ArrowArray *array, int64_t row,
                                                arrakis_error *err);

/* ------------------------------------------------------------------ Arrow IPC: bytes */

/** Encodes aligned blocks as an Arrow IPC stream: `time: int64` and a `list<T>` column a channel,
 *  sorted by name, field metadata `rate` (the column layout of the Flight server). */
typedef struct arrakis_arrow_writer arrakis_arrow_writer;
ARRAKIS_API arrakis_status arrakis_arrow_writer_new(arrakis_arrow_writer **out,
                                                    const arrakis_channels *channels,
                                                    arrakis_error *err);
/** Bytes to write first, once. Borrowed until the next call on the writer. */
ARRAKIS_API arrakis_status arrakis_arrow_writer_schema(arrakis_arrow_writer *writer,
                                                       const void **data, size_t *size,
                                                       arrakis_error *err);
/** Bytes for one block of the writer's channels (found by name). Borrowed as above. */
ARRAKIS_API arrakis_status arrakis_arrow_writer_block(arrakis_arrow_writer *writer,
                                                      const arrakis_block *block,
                                                      const void **data, size_t *size,
                                                      arrakis_error *err);
/**
 * Bytes for several blocks, which cost less than those of each by itself where channels are narrow: one
 * record batch for as many in a row as come from one stream and last equally long, a row a block.
 *
 * @param count  1 or more
 * @return OK; EINVAL: no block, or one that is NULL, or a channel of over 2,147,483,647 samples in a
 *         batch; ENOTFOUND: a block lacks one of the channels; EMISMATCH: has one of another type;
 *         ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_arrow_writer_blocks(arrakis_arrow_writer *writer,
                                                       const arrakis_block *const *blocks,
                                                       size_t count, const void **data,
                                                       size_t *size, arrakis_error *err);

/** Bytes that end the stream. */
ARRAKIS_API void arrakis_arrow_writer_end(arrakis_arrow_writer *writer, const void **data,
                                          size_t *size);
ARRAKIS_API void arrakis_arrow_writer_free(arrakis_arrow_writer *writer);
/** Decodes such a stream into blocks, out of bytes as they come. */
typedef struct arrakis_arrow_reader arrakis_arrow_reader;
/** @param channels  what the columns may be, by name; a reference is kept. A stream need not have
 *                   all of them. */
ARRAKIS_API arrakis_status arrakis_arrow_reader_new(arrakis_arrow_reader **out,
                                                    arrakis_channels *channels,
                                                    arrakis_error *err);
/** The next bytes of the stream, cut anywhere; copied. Behind a stream's end another stream may
 *  follow, with a schema of its own. */
ARRAKIS_API arrakis_status arrakis_arrow_reader_push(arrakis_arrow_reader *reader,
                                                     const void *data, size_t size,
                                                     arrakis_error *err);
/** No more bytes will come. */
ARRAKIS_API void arrakis_arrow_reader_finish(arrakis_arrow_reader *reader);
/**
 * The next block, one a row. Its channels are those given, in the order of the columns; a null row
 * is a channel wholly missing. A message's header has at most 64 MiB (67,108,864 bytes), its body
 * at most 1 GiB (1,073,741,824 bytes), and a schema at most 65,536 fields.
 *
 * @param block  receives a reference to be freed; NULL unless OK
 * @return OK; TIMEOUT: more bytes are needed; DONE: a stream's end with nothing behind it, or, once
 *         arrakis_arrow_reader_finish() was called, the end of the bytes; ENOTFOUND: a column that
 *         is none of the channels; EMISMATCH: a column of another type or with another rate in its
 *         metadata; EINVAL: a channel's samples that do not last as long as another's; EFORMAT: what
 *         is no Arrow stream, a torn message, two columns of one name, or a limit exceeded;
 *         EUNSUPPORTED; ENOMEM: call again.
 */
ARRAKIS_API arrakis_status arrakis_arrow_reader_next(arrakis_arrow_reader *reader,
                                                     arrakis_block **block, arrakis_error *err);

ARRAKIS_API void arrakis_arrow_reader_free(arrakis_arrow_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
