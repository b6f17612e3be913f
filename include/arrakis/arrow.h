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
 * ECANCELED once arrakis_stream_cancel() was called, which may be done from any thread and from a
 * signal handler until the stream is released; ENOMEM, EINVAL, EACCES (EAUTH), ECONNREFUSED (ECONNECT),
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

#ifdef __cplusplus
}
#endif

#endif
