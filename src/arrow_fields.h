/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers out of Arrow's Message.fbs and Schema.fbs: places of fields in their tables, and the
 * values of enumerations. Shared by the reader and the writer. */
#ifndef ARK_ARROW_FIELDS_H
#define ARK_ARROW_FIELDS_H

#include "flatbuffer.h"

enum { ARK_VERSION_4 = 3, ARK_VERSION_5 = 4 };

enum {
    ARK_MESSAGE_VERSION,
    ARK_MESSAGE_HEADER_TYPE,
    ARK_MESSAGE_HEADER,
    ARK_MESSAGE_BODY_LENGTH,
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
enum { ARK_PAIR_KEY, ARK_PAIR_VALUE };

/* The union Type. */
enum {
    ARK_ARROW_INT = 2,
    ARK_ARROW_FLOAT = 3,
    ARK_ARROW_UTF8 = 5,
    ARK_ARROW_LIST = 12,
    ARK_ARROW_STRUCT = 13,
    ARK_ARROW_MAP = 17,
};

/* Wrap a header table as a Message, which ends the builder's work; ark_flat_finish()'s bytes, or NULL
 * and why in its status. arrow_write.c */
const uint8_t *ark_message_finish(ark_flat_builder *b, uint8_t kind, ark_flat_place header,
                                  size_t body_size);

#endif
