/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of Arrow's Message.fbs and Schema.fbs that schemas and record batches have. */
#include "arrow/verify.h"

#include "arrow/flatbuffer.h"
#include "arrow/format.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NUMBER(bytes)                                                                             \
    {                                                                                             \
        .kind = ARK_FLATBUFFER_NUMBER, .size = (bytes)                                            \
    }
#define STRING                                                                                    \
    {                                                                                             \
        .kind = ARK_FLATBUFFER_STRING                                                             \
    }
#define REQUIRED_STRING                                                                           \
    {                                                                                             \
        .kind = ARK_FLATBUFFER_STRING, .required = true                                           \
    }
#define ELEMENTS(bytes)                                                                           \
    {                                                                                             \
        .kind = ARK_FLATBUFFER_ELEMENTS, .size = (bytes)                                          \
    }
#define TABLE(shape)                                                                              \
    {                                                                                             \
        .kind = ARK_FLATBUFFER_TABLE, .table = &(shape)                                           \
    }
#define TABLES(shape)                                                                             \
    {                                                                                             \
        .kind = ARK_FLATBUFFER_TABLES, .table = &(shape)                                          \
    }
#define UNION(shapes, must_exist)                                                                 \
    {                                                                                             \
        .kind = ARK_FLATBUFFER_UNION, .required = (must_exist), .choices = (shapes),              \
        .choice_count = COUNT(shapes)                                                             \
    }
#define SHAPE(name) static const ark_flatbuffer_shape name = {name##_fields, COUNT(name##_fields)}

/* ---- types */

static const ark_flatbuffer_shape no_parameters = {NULL, 0}; /* a type that has no parameters */

static const ark_flatbuffer_field one_i16_fields[] = {NUMBER(2)};
SHAPE(one_i16); /* floats, dates, intervals, durations */
static const ark_flatbuffer_field one_i32_fields[] = {NUMBER(4)};
SHAPE(one_i32); /* fixed-size binary, fixed-size lists */
static const ark_flatbuffer_field map_fields[] = {NUMBER(1)};
SHAPE(map);
static const ark_flatbuffer_field integer_fields[] = {NUMBER(4), NUMBER(1)};
SHAPE(integer);
static const ark_flatbuffer_field decimal_fields[] = {NUMBER(4), NUMBER(4), NUMBER(4)};
SHAPE(decimal);
static const ark_flatbuffer_field time_fields[] = {NUMBER(2), NUMBER(4)};
SHAPE(time);
static const ark_flatbuffer_field timestamp_fields[] = {NUMBER(2), STRING};
SHAPE(timestamp);
static const ark_flatbuffer_field union_shape_fields[] = {NUMBER(2), ELEMENTS(4)};
SHAPE(union_shape);

static const ark_flatbuffer_shape *const types[ARK_ARROW_TYPES] = {
    [ARK_ARROW_NULL] = &no_parameters,
    [ARK_ARROW_INT] = &integer,
    [ARK_ARROW_FLOAT] = &one_i16,
    [ARK_ARROW_BINARY] = &no_parameters,
    [ARK_ARROW_UTF8] = &no_parameters,
    [ARK_ARROW_BOOL] = &no_parameters,
    [ARK_ARROW_DECIMAL] = &decimal,
    [ARK_ARROW_DATE] = &one_i16,
    [ARK_ARROW_TIME] = &time,
    [ARK_ARROW_TIMESTAMP] = &timestamp,
    [ARK_ARROW_INTERVAL] = &one_i16,
    [ARK_ARROW_LIST] = &no_parameters,
    [ARK_ARROW_STRUCT] = &no_parameters,
    [ARK_ARROW_UNION] = &union_shape,
    [ARK_ARROW_FIXED_BINARY] = &one_i32,
    [ARK_ARROW_FIXED_LIST] = &one_i32,
    [ARK_ARROW_MAP] = &map,
    [ARK_ARROW_DURATION] = &one_i16,
    [ARK_ARROW_LARGE_BINARY] = &no_parameters,
    [ARK_ARROW_LARGE_UTF8] = &no_parameters,
    [ARK_ARROW_LARGE_LIST] = &no_parameters,
    [ARK_ARROW_RUNS] = &no_parameters,
    [ARK_ARROW_BINARY_VIEW] = &no_parameters,
    [ARK_ARROW_UTF8_VIEW] = &no_parameters,
    [ARK_ARROW_LIST_VIEW] = &no_parameters,
    [ARK_ARROW_LARGE_LIST_VIEW] = &no_parameters,
};

/* ---- schemas */

static const ark_flatbuffer_field pair_fields[] = {REQUIRED_STRING, REQUIRED_STRING};
SHAPE(pair);
static const ark_flatbuffer_field dictionary_fields[] = {NUMBER(8), TABLE(integer), NUMBER(1),
                                                         NUMBER(2)};
SHAPE(dictionary);
static const ark_flatbuffer_shape field;
static const ark_flatbuffer_field field_fields[] = {
    STRING,        NUMBER(1),    NUMBER(1), UNION(types, true), TABLE(dictionary),
    TABLES(field), TABLES(pair),
};
SHAPE(field);
static const ark_flatbuffer_field schema_fields[] = {
    NUMBER(2),
    {.kind = ARK_FLATBUFFER_TABLES, .required = true, .table = &field},
    TABLES(pair),
    ELEMENTS(8),
};
SHAPE(schema);

/* ---- batches */

static const ark_flatbuffer_field compression_fields[] = {NUMBER(1), NUMBER(1)};
SHAPE(compression);
static const ark_flatbuffer_field batch_fields[] = {
    NUMBER(8), ELEMENTS(16), ELEMENTS(16), TABLE(compression), ELEMENTS(8),
};
SHAPE(batch);

/* ---- messages */

static const ark_flatbuffer_shape *const headers[] = {
    [ARK_HEADER_SCHEMA] = &schema,
    [ARK_HEADER_BATCH] = &batch,
};
static const ark_flatbuffer_field message_fields[] = {
    NUMBER(2), NUMBER(1), UNION(headers, true), NUMBER(8), TABLES(pair),
};
SHAPE(message);

bool ark_arrow_verify(const uint8_t *header, size_t size)
{
    return ark_flatbuffer_verify(header, size, &message);
}
