/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow IPC messages <-> bytes, for the types that Arrakis uses. No I/O, no channels, no clock.
 *
 * Reading: every byte is hostile. Nothing is assumed of the address at which a message lies, of the
 * order in which the flatbuffer's tables lie, or of any length. A message is read or refused as
 * Arrow's own reader with full validation reads or refuses it (docs/wire.md has the exceptions), in
 * columns of every type, whether they are used or not. Views that come out point into the bytes
 * given, are UNALIGNED (use memcpy), and are checked: no offset or length in them leads out of the
 * body, list and text offsets never decrease and stay inside their child. Nothing is allocated for
 * a batch.
 * Format: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 *
 * Writing: the bytes that pyarrow writes for the same values.
 */
#ifndef ARK_ARROW_IPC_H
#define ARK_ARROW_IPC_H

#include <arrakis/arrakis.h>

#include <string.h>

/* ---- reading */

typedef enum ark_ipc_kind {
    ARK_IPC_END, /* end-of-stream marker, or no bytes left */
    ARK_IPC_SCHEMA,
    ARK_IPC_BATCH,
} ark_ipc_kind;

/* One encapsulated message, cut but not read. */
typedef struct ark_ipc_message {
    ark_ipc_kind kind;
    const uint8_t *header; /* the flatbuffer Message */
    size_t header_size;
    const uint8_t *body;
    size_t body_size;
    size_t size; /* bytes from the start of the framing to the end of the body */
} ark_ipc_message;

/* Cut the next message from the front of `data`. Both framings (with and without 0xFFFFFFFF) are
 * read. EFORMAT: torn or malformed; EUNSUPPORTED: a message of another kind (dictionary, tensor),
 * old metadata version. */
arrakis_status ark_ipc_cut(ark_ipc_message *out, const uint8_t *data, size_t size,
                           arrakis_error *err);
/* The same where header and body come apart (Flight). */
arrakis_status ark_ipc_split(ark_ipc_message *out, const uint8_t *header, size_t header_size,
                             const uint8_t *body, size_t body_size, arrakis_error *err);

typedef enum ark_type_kind {
    ARK_TYPE_PRIMITIVE, /* integers and floats: `dtype` */
    ARK_TYPE_UTF8,
    ARK_TYPE_LIST,  /* of `dtype`: lists of primitives only */
    ARK_TYPE_MAP,   /* utf8 -> utf8 */
    ARK_TYPE_OTHER, /* checked, and not to be used */
} ark_type_kind;

typedef struct ark_field {
    char *name;
    ark_type_kind kind;
    arrakis_dtype dtype;
    bool nullable;
    char *rate;             /* the field's metadata value of that key, or NULL */
    const char *type_name;  /* of Arrow's, for texts */
    const char *child_name; /* of the type that a list's elements have; "" for other types */
} ark_field;

typedef struct ark_schema {
    size_t count;
    ark_field *fields;
    struct ark_type *types; /* arrow/type.h: first the fields' own, in their order */
    size_t type_count;
} ark_schema;

/* At most 65,536 fields, and 262,144 with those inside fields. A zero byte in a name or a rate reads
 * as 0xFF, so that no such name equals another. EUNSUPPORTED: dictionaries, big-endian. Free with
 * ark_schema_free. */
arrakis_status ark_schema_read(ark_schema **out, const ark_ipc_message *message,
                               arrakis_error *err);
void ark_schema_free(ark_schema *schema);

/* One column of a batch, or the child of one. */
typedef struct ark_column {
    const uint8_t *valid;   /* bitmap, LSB first; NULL: nothing is null */
    const uint8_t *offsets; /* list, utf8, map: length + 1 int32, little-endian; NULL: no rows */
    const uint8_t *values;  /* primitive: samples; list: the child's samples; utf8: the text */
    const uint8_t *child_valid; /* list: validity of the child's samples, or NULL */
    int64_t length;             /* rows */
    int64_t child_length;       /* list: samples in all; utf8: bytes; map: entries */
    int64_t null_count;         /* rows */
    int64_t child_null_count;
    /* Whether any of the contents was checked that must be checked again in the next batch, but a
     * list's offsets and how many of its samples are null. */
    bool contents_checked;
    /* map only: the two text columns of its entries */
    const uint8_t *key_offsets, *key_text, *item_offsets, *item_text, *item_valid;
    int64_t key_text_size, item_text_size;
} ark_column;

/* Whether the i-th is there; without a bitmap all are. */
static inline bool ark_is_set(const uint8_t *bitmap, int64_t i)
{
    return !bitmap || bitmap[i / 8] >> i % 8 & 1;
}

/* Offsets may lie at any address. */
static inline int32_t ark_offset_at(const uint8_t *offsets, int64_t i)
{
    int32_t value;
    memcpy(&value, offsets + (size_t)i * sizeof value, sizeof value);
    return value;
}

/* Read a batch into `columns` (schema->count of them). *length receives the number of rows. Of a
 * column of another kind (ARK_TYPE_OTHER) only the length is told.
 *
 * Where the parts lie, counted from message->body, follows from the header's bytes and body_size
 * alone: a message equal to the last one in both has its columns in the same places, and only their
 * contents are still to be checked. Buffers may overlap, up to 16 times the body's size in all. */
arrakis_status ark_batch_read(ark_column *columns, int64_t *length, const ark_schema *schema,
                              const ark_ipc_message *message, arrakis_error *err);

/* Whether length + 1 offsets never decrease and lie in 0..child_length. `length` 0: true, and
 * `offsets` may be NULL. */
bool ark_offsets_ok(const uint8_t *offsets, int64_t length, int64_t child_length);

/* ---- writing */

/* A growing run of bytes; all zero is empty. */
typedef struct ark_buffer {
    uint8_t *data;
    size_t size, capacity;
} ark_buffer;

arrakis_status ark_buffer_reserve(ark_buffer *buffer, size_t more, arrakis_error *err);
void ark_buffer_free(ark_buffer *buffer);

/* A whole Kafka message (schema, one batch, end-of-stream) with the schema time: int64, id: uint32,
 * data: list<dtype>, one row a series. Replaces what is in `out`. A series with samples NULL is a
 * row of `length` nulls. Identical to what the reference's publisher writes for the same block. */
arrakis_status ark_rows_write(ark_buffer *out, arrakis_dtype dtype, int64_t time_ns, size_t count,
                              const uint32_t *ids, const arrakis_series *series,
                              arrakis_error *err);

/* An IPC stream's schema message for the columns time: int64 and then list<dtype> each, with field
 * metadata `rate`. Appends. */
arrakis_status ark_columns_write_schema(ark_buffer *out, size_t count, const char *const *names,
                                        const arrakis_dtype *dtypes, const char *const *rates,
                                        arrakis_error *err);
/* A column's samples in a batch: `length` of them in each of its rows. */
typedef struct ark_column_cells {
    arrakis_dtype dtype;
    size_t length;
    const uint8_t *const *base; /* row i's samples lie at base[i] + offset, and none is missing */
    size_t offset;
    const arrakis_series *series; /* one a row, in place of `base`; NULL: no sample is missing */
} ark_column_cells;

/* Tells column by column; asked several times about each. */
typedef struct ark_column_source {
    void (*cells)(void *opaque, size_t column, ark_column_cells *out);
    void *opaque;
} ark_column_source;

/* One batch for that schema, a row for each time. Appends. EINVAL: no rows, or a column of over
 * INT32_MAX samples. */
arrakis_status ark_columns_write_rows(ark_buffer *out, const int64_t *times_ns, size_t rows,
                                      size_t count, const ark_column_source *source,
                                      arrakis_error *err);
/* The same of one row, of one series a column. */
arrakis_status ark_columns_write_batch(ark_buffer *out, int64_t time_ns, size_t count,
                                       arrakis_series *series, arrakis_error *err);
/* The end-of-stream marker. Appends. */
arrakis_status ark_ipc_write_end(ark_buffer *out, arrakis_error *err);

#endif
