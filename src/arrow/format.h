/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers out of Arrow's Message.fbs and Schema.fbs: places of fields in their tables, and the
 * values of enumerations. Shared by the reader and the writer. */
#ifndef ARK_ARROW_FORMAT_H
#define ARK_ARROW_FORMAT_H

#include "arrow/flatbuffer.h"

enum { ARK_VERSION_4 = 3, ARK_VERSION_5 = 4 };

enum {
    ARK_MESSAGE_VERSION,
    ARK_MESSAGE_HEADER_TYPE,
    ARK_MESSAGE_HEADER,
    ARK_MESSAGE_BODY_LENGTH,
    ARK_MESSAGE_METADATA,
};

enum {
    ARK_HEADER_SCHEMA = 1,
    ARK_HEADER_DICTIONARY,
    ARK_HEADER_BATCH,
    ARK_HEADER_TENSOR,
    ARK_HEADER_SPARSE_TENSOR,
};

enum {
    ARK_BATCH_LENGTH,
    ARK_BATCH_NODES,
    ARK_BATCH_BUFFERS,
    ARK_BATCH_COMPRESSION,
    ARK_BATCH_VARIADIC_COUNTS,
};

enum { ARK_COMPRESSION_CODEC };

enum { ARK_SCHEMA_ENDIANNESS, ARK_SCHEMA_FIELDS };

enum {
    ARK_FIELD_NAME,
    ARK_FIELD_NULLABLE,
    ARK_FIELD_TYPE_TYPE,
    ARK_FIELD_TYPE,
    ARK_FIELD_DICTIONARY,
    ARK_FIELD_CHILDREN,
    ARK_FIELD_METADATA,
};

enum { ARK_INT_BITS, ARK_INT_SIGNED };
enum { ARK_FLOAT_PRECISION };
enum { ARK_PRECISION_HALF, ARK_PRECISION_SINGLE, ARK_PRECISION_DOUBLE };
enum { ARK_DECIMAL_PRECISION, ARK_DECIMAL_SCALE, ARK_DECIMAL_BITS };
enum { ARK_TIME_UNIT, ARK_TIME_BITS };
enum { ARK_TYPE_UNIT };  /* of dates and intervals */
enum { ARK_TYPE_WIDTH }; /* of fixed-size binary, and a fixed-size list's length */
enum { ARK_UNION_MODE, ARK_UNION_IDS };
enum { ARK_PAIR_KEY, ARK_PAIR_VALUE };

enum { ARK_DATE_DAY, ARK_DATE_MILLISECOND };
enum { ARK_UNIT_SECOND, ARK_UNIT_MILLISECOND, ARK_UNIT_MICROSECOND, ARK_UNIT_NANOSECOND };
enum { ARK_INTERVAL_MONTHS, ARK_INTERVAL_DAYS, ARK_INTERVAL_ALL };
enum { ARK_UNION_SPARSE };

/* The union Type. */
enum {
    ARK_ARROW_NONE,
    ARK_ARROW_NULL,
    ARK_ARROW_INT,
    ARK_ARROW_FLOAT,
    ARK_ARROW_BINARY,
    ARK_ARROW_UTF8,
    ARK_ARROW_BOOL,
    ARK_ARROW_DECIMAL,
    ARK_ARROW_DATE,
    ARK_ARROW_TIME,
    ARK_ARROW_TIMESTAMP,
    ARK_ARROW_INTERVAL,
    ARK_ARROW_LIST,
    ARK_ARROW_STRUCT,
    ARK_ARROW_UNION,
    ARK_ARROW_FIXED_BINARY,
    ARK_ARROW_FIXED_LIST,
    ARK_ARROW_MAP,
    ARK_ARROW_DURATION,
    ARK_ARROW_LARGE_BINARY,
    ARK_ARROW_LARGE_UTF8,
    ARK_ARROW_LARGE_LIST,
    ARK_ARROW_RUNS,
    ARK_ARROW_BINARY_VIEW,
    ARK_ARROW_UTF8_VIEW,
    ARK_ARROW_LIST_VIEW,
    ARK_ARROW_LARGE_LIST_VIEW,
    ARK_ARROW_TYPES, /* how many there are */
};

/* Whether a header is a Message, whole, of which only the header of another kind than a schema or a
 * record batch is not looked at. arrow/verify.c */
bool ark_message_verify(const uint8_t *header, size_t size);

/* Wrap a header table as a Message, which ends the builder's work; ark_flat_finish()'s bytes, or NULL
 * and why in its status. arrow/write.c */
const uint8_t *ark_message_finish(ark_flat_builder *b, uint8_t kind, ark_flat_place header,
                                  size_t body_size);

#endif
