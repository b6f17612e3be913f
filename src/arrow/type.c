/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/type.h"

#include "arrow/flatbuffer.h"
#include "arrow/format.h"

const char *ark_type_name(const ark_type *type)
{
    static const char *const names[ARK_ARROW_TYPES] = {
        "no type",
        "null",
        "integer",
        "float",
        "binary",
        "utf8",
        "bool",
        "decimal",
        "date",
        "time",
        "timestamp",
        "interval",
        "list",
        "struct",
        "union",
        "fixed-size binary",
        "fixed-size list",
        "map",
        "duration",
        "large binary",
        "large utf8",
        "large list",
        "run-end encoded",
        "binary view",
        "utf8 view",
        "list view",
        "large list view",
    };
    if (type->dtype != ARRAKIS_DTYPE_NONE)
        return arrakis_dtype_name((arrakis_dtype)type->dtype);
    return type->arrow == ARK_ARROW_FLOAT ? "float16" : names[type->arrow];
}

int64_t ark_type_integer_at(const uint8_t *values, int64_t i, int32_t width)
{
    const uint8_t *at = values + i * width;
    switch (width) {
    case 1:
        return (int8_t)*at;
    case 2:
        return (int16_t)ark_load_u16(at);
    case 4:
        return ark_load_i32(at);
    default:
        return ark_load_i64(at);
    }
}
