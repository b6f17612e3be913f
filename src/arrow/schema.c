/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/schema.h"

#include "arrow/flatbuffer.h"
#include "arrow/format.h"
#include "base/error.h"

#include <stdlib.h>

enum {
    MAX_FIELDS = 65536,
    MAX_TYPES = 4 * MAX_FIELDS,
    MAX_FIXED_WIDTH = INT32_MAX / 8,
    TEXTS_PER_BYTE = 8,
};

typedef struct schema_reading {
    ark_flatbuffer flat;
    ark_schema *schema;
    size_t type_room;
    /* How many bytes of texts may still be copied. Several fields may share one text, so without a
     * bound a small header could make us allocate any amount of memory. */
    size_t budget;
    const char *column; /* the field that is being read */
    arrakis_error *err;
} schema_reading;

/* ---- texts */

static arrakis_status fail_malformed(schema_reading *r)
{
    return ark_fail(r->err, ARRAKIS_EFORMAT, "Arrow schema: header leads outside its %zu bytes",
                    r->flat.size);
}

/* Copy a text; "" where it is absent. */
static arrakis_status copy_text(schema_reading *r, char **out, ark_flatbuffer_vector text)
{
    if (text.count + 1 > r->budget)
        return ark_fail(r->err, ARRAKIS_EFORMAT,
                        "Arrow schema: more text than %d times its header's %zu bytes",
                        TEXTS_PER_BYTE, r->flat.size);
    r->budget -= text.count + 1;
    *out = malloc(text.count + 1);
    if (!*out)
        return ark_no_memory(r->err, "an Arrow schema");
    if (text.count > 0)
        memcpy(*out, text.data, text.count);
    (*out)[text.count] = '\0';
    for (size_t i = 0; i < text.count; i++)
        if (!(*out)[i])
            (*out)[i] = '\xff'; /* no channel name and no number has this byte */
    return ARRAKIS_OK;
}

static arrakis_status read_rate(schema_reading *r, char **out, ark_flatbuffer_table table)
{
    ark_flatbuffer_vector pairs = ark_flatbuffer_elements(&r->flat, table, ARK_FIELD_METADATA, 4);
    for (size_t i = 0; i < pairs.count; i++) {
        ark_flatbuffer_table pair = ark_flatbuffer_element(&r->flat, pairs, i);
        ark_flatbuffer_vector key = ark_flatbuffer_elements(&r->flat, pair, ARK_PAIR_KEY, 1);
        if (key.count == 4 && memcmp(key.data, "rate", 4) == 0)
            return copy_text(r, out, ark_flatbuffer_elements(&r->flat, pair, ARK_PAIR_VALUE, 1));
    }
    return ARRAKIS_OK;
}

/* ---- types without children */

/* A number of a table; `otherwise` where it is absent. */
static int i16_or(schema_reading *r, ark_flatbuffer_table table, unsigned field, int otherwise)
{
    return ark_flatbuffer_has(&r->flat, table, field) ? ark_flatbuffer_i16(&r->flat, table, field)
                                                      : otherwise;
}

static int32_t i32_or(schema_reading *r, ark_flatbuffer_table table, unsigned field,
                      int32_t otherwise)
{
    return ark_flatbuffer_has(&r->flat, table, field) ? ark_flatbuffer_i32(&r->flat, table, field)
                                                      : otherwise;
}

static arrakis_status refuse_type(schema_reading *r, const ark_type *type, const char *what,
                                  int64_t value)
{
    return ark_fail(r->err, ARRAKIS_EFORMAT, "column \"%s\" is %s with %s %lld", r->column,
                    ark_type_name(type), what, (long long)value);
}

static void store_numbers(ark_type *type, int32_t width)
{
    type->storage = ARK_STORE_NUMBERS;
    type->width = width;
}

static arrakis_status read_integer(schema_reading *r, ark_type *type, ark_flatbuffer_table detail)
{
    static const struct {
        int bits;
        unsigned char is_unsigned, is_signed;
    } widths[] = {{8, ARRAKIS_UINT8, ARRAKIS_INT8},
                  {16, ARRAKIS_UINT16, ARRAKIS_INT16},
                  {32, ARRAKIS_UINT32, ARRAKIS_INT32},
                  {64, ARRAKIS_UINT64, ARRAKIS_INT64}};
    int bits = ark_flatbuffer_i32(&r->flat, detail, ARK_INT_BITS);
    bool is_signed = ark_flatbuffer_u8(&r->flat, detail, ARK_INT_SIGNED);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        if (widths[i].bits == bits) {
            type->dtype = is_signed ? widths[i].is_signed : widths[i].is_unsigned;
            store_numbers(type, bits / 8);
            return ARRAKIS_OK;
        }
    return refuse_type(r, type, "bits", bits);
}

static void read_float(schema_reading *r, ark_type *type, ark_flatbuffer_table detail)
{
    int precision = ark_flatbuffer_i16(&r->flat, detail, ARK_FLOAT_PRECISION);
    if (precision == ARK_PRECISION_HALF) {
        store_numbers(type, 2);
        return;
    }
    type->dtype = precision == ARK_PRECISION_SINGLE ? ARRAKIS_FLOAT32 : ARRAKIS_FLOAT64;
    store_numbers(type, precision == ARK_PRECISION_SINGLE ? 4 : 8);
}

static arrakis_status read_decimal(schema_reading *r, ark_type *type, ark_flatbuffer_table detail)
{
    static const struct {
        int bits, digits;
    } widths[] = {{32, 9}, {64, 18}, {128, 38}, {256, 76}};
    int bits = i32_or(r, detail, ARK_DECIMAL_BITS, 128);
    type->precision = ark_flatbuffer_i32(&r->flat, detail, ARK_DECIMAL_PRECISION);
    type->storage = ARK_STORE_DECIMALS;
    type->width = bits / 8;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        if (widths[i].bits == bits)
            return type->precision >= 1 && type->precision <= widths[i].digits
                       ? ARRAKIS_OK
                       : refuse_type(r, type, "digits", type->precision);
    return refuse_type(r, type, "bits", bits);
}

static void read_date(schema_reading *r, ark_type *type, ark_flatbuffer_table detail)
{
    bool days = i16_or(r, detail, ARK_TYPE_UNIT, ARK_DATE_MILLISECOND) == ARK_DATE_DAY;
    store_numbers(type, days ? 4 : 8);
    if (!days)
        type->storage = ARK_STORE_DAYS;
}

static arrakis_status read_time(schema_reading *r, ark_type *type, ark_flatbuffer_table detail)
{
    int unit = i16_or(r, detail, ARK_TIME_UNIT, ARK_UNIT_MILLISECOND);
    int bits = i32_or(r, detail, ARK_TIME_BITS, 32);
    bool fine = unit == ARK_UNIT_MICROSECOND || unit == ARK_UNIT_NANOSECOND;
    type->storage = ARK_STORE_TIMES;
    type->width = fine ? 8 : 4;
    type->limit = unit == ARK_UNIT_NANOSECOND    ? 86400 * INT64_C(1000000000)
                  : unit == ARK_UNIT_MICROSECOND ? 86400 * INT64_C(1000000)
                  : unit == ARK_UNIT_MILLISECOND ? 86400 * INT64_C(1000)
                                                 : 86400;
    return bits == 8 * type->width ? ARRAKIS_OK : refuse_type(r, type, "bits", bits);
}

static arrakis_status read_interval(schema_reading *r, ark_type *type, ark_flatbuffer_table detail)
{
    int unit = ark_flatbuffer_i16(&r->flat, detail, ARK_TYPE_UNIT);
    store_numbers(type, unit == ARK_INTERVAL_MONTHS ? 4 : unit == ARK_INTERVAL_DAYS ? 8 : 16);
    return unit >= ARK_INTERVAL_MONTHS && unit <= ARK_INTERVAL_ALL
               ? ARRAKIS_OK
               : refuse_type(r, type, "unit", unit);
}

static arrakis_status read_fixed_binary(schema_reading *r, ark_type *type,
                                        ark_flatbuffer_table detail)
{
    type->storage = ARK_STORE_BYTES;
    type->width = ark_flatbuffer_i32(&r->flat, detail, ARK_TYPE_WIDTH);
    return type->width >= 0 && type->width <= MAX_FIXED_WIDTH
               ? ARRAKIS_OK
               : refuse_type(r, type, "bytes", type->width);
}

static void store_text(ark_type *type, ark_storage storage, int32_t width, bool utf8)
{
    type->storage = (unsigned char)storage;
    type->width = width;
    type->utf8 = utf8;
}

static arrakis_status read_leaf(schema_reading *r, ark_type *type, ark_flatbuffer_table detail)
{
    switch (type->arrow) {
    case ARK_ARROW_NULL:
        type->storage = ARK_STORE_NOTHING;
        return ARRAKIS_OK;
    case ARK_ARROW_INT:
        return read_integer(r, type, detail);
    case ARK_ARROW_FLOAT:
        read_float(r, type, detail);
        return ARRAKIS_OK;
    case ARK_ARROW_BOOL:
        type->storage = ARK_STORE_BITS;
        return ARRAKIS_OK;
    case ARK_ARROW_DECIMAL:
        return read_decimal(r, type, detail);
    case ARK_ARROW_DATE:
        read_date(r, type, detail);
        return ARRAKIS_OK;
    case ARK_ARROW_TIME:
        return read_time(r, type, detail);
    case ARK_ARROW_TIMESTAMP:
    case ARK_ARROW_DURATION:
        store_numbers(type, 8);
        return ARRAKIS_OK;
    case ARK_ARROW_INTERVAL:
        return read_interval(r, type, detail);
    case ARK_ARROW_FIXED_BINARY:
        return read_fixed_binary(r, type, detail);
    case ARK_ARROW_BINARY:
    case ARK_ARROW_UTF8:
        store_text(type, ARK_STORE_TEXT, 4, type->arrow == ARK_ARROW_UTF8);
        return ARRAKIS_OK;
    case ARK_ARROW_LARGE_BINARY:
    case ARK_ARROW_LARGE_UTF8:
        store_text(type, ARK_STORE_TEXT, 8, type->arrow == ARK_ARROW_LARGE_UTF8);
        return ARRAKIS_OK;
    case ARK_ARROW_BINARY_VIEW:
    case ARK_ARROW_UTF8_VIEW:
        store_text(type, ARK_STORE_VIEWS, 16, type->arrow == ARK_ARROW_UTF8_VIEW);
        return ARRAKIS_OK;
    default:
        return refuse_type(r, type, "number", type->arrow);
    }
}

/* ---- types with children */

static arrakis_status check_children(schema_reading *r, const ark_type *type, uint32_t expected)
{
    return type->child_count == expected ? ARRAKIS_OK
                                         : refuse_type(r, type, "children", type->child_count);
}

static arrakis_status read_map(schema_reading *r, ark_type *type)
{
    ARK_TRY(check_children(r, type, 1));
    type->storage = ARK_STORE_MAP;
    type->width = 4;
    const ark_type *types = r->schema->types, *entries = &types[type->child];
    if (entries->nullable || entries->storage != ARK_STORE_STRUCT || entries->child_count != 2 ||
        types[entries->child].nullable)
        return ark_fail(r->err, ARRAKIS_EFORMAT,
                        "column \"%s\": a map whose entries are not structs of a key and an item",
                        r->column);
    return ARRAKIS_OK;
}

static arrakis_status read_union(schema_reading *r, ark_type *type, ark_flatbuffer_table detail)
{
    bool sparse = ark_flatbuffer_i16(&r->flat, detail, ARK_UNION_MODE) == ARK_UNION_SPARSE;
    ark_flatbuffer_vector ids = ark_flatbuffer_elements(&r->flat, detail, ARK_UNION_IDS, 4);
    type->storage = sparse ? ARK_STORE_SPARSE_UNION : ARK_STORE_DENSE_UNION;
    if (ids.data && ids.count != type->child_count)
        return refuse_type(r, type, "type ids", (int64_t)ids.count);
    for (uint32_t i = 0; i < type->child_count; i++) {
        int64_t id = ids.data ? ark_load_i32(ids.data + 4 * (size_t)i) : (int64_t)i;
        if (id < 0 || id > INT8_MAX)
            return refuse_type(r, type, "type id", id);
        r->schema->types[type->child + i].code = (signed char)id;
    }
    return ARRAKIS_OK;
}

static arrakis_status read_runs(schema_reading *r, ark_type *type)
{
    ARK_TRY(check_children(r, type, 2));
    type->storage = ARK_STORE_RUNS;
    unsigned ends = r->schema->types[type->child].dtype;
    if (ends == ARRAKIS_INT16 || ends == ARRAKIS_INT32 || ends == ARRAKIS_INT64)
        return ARRAKIS_OK;
    return ark_fail(r->err, ARRAKIS_EFORMAT, "column \"%s\": runs that end at %s", r->column,
                    ark_type_name(&r->schema->types[type->child]));
}

static arrakis_status read_list(schema_reading *r, ark_type *type, ark_storage storage,
                                int32_t width)
{
    type->storage = (unsigned char)storage;
    type->width = width;
    return check_children(r, type, 1);
}

/* Fill in a type whose children have been read. */
static arrakis_status read_by_type(schema_reading *r, ark_type *type, ark_flatbuffer_table detail)
{
    switch (type->arrow) {
    case ARK_ARROW_LIST:
        return read_list(r, type, ARK_STORE_LIST, 4);
    case ARK_ARROW_LARGE_LIST:
        return read_list(r, type, ARK_STORE_LIST, 8);
    case ARK_ARROW_LIST_VIEW:
        return read_list(r, type, ARK_STORE_LIST_VIEW, 4);
    case ARK_ARROW_LARGE_LIST_VIEW:
        return read_list(r, type, ARK_STORE_LIST_VIEW, 8);
    case ARK_ARROW_FIXED_LIST:
        return read_list(r, type, ARK_STORE_FIXED_LIST,
                         ark_flatbuffer_i32(&r->flat, detail, ARK_TYPE_WIDTH));
    case ARK_ARROW_MAP:
        return read_map(r, type);
    case ARK_ARROW_STRUCT:
        type->storage = ARK_STORE_STRUCT;
        return ARRAKIS_OK;
    case ARK_ARROW_UNION:
        return read_union(r, type, detail);
    case ARK_ARROW_RUNS:
        return read_runs(r, type);
    default:
        type->child_count = 0; /* these types have none, whatever the field has */
        return read_leaf(r, type, detail);
    }
}

/* Append `count` types. */
static arrakis_status add_types(schema_reading *r, uint32_t *first, size_t count)
{
    ark_schema *schema = r->schema;
    if (count > MAX_TYPES - schema->type_count)
        return ark_fail(r->err, ARRAKIS_EUNSUPPORTED,
                        "Arrow schema has over %d fields with those inside fields", MAX_TYPES);
    if (schema->type_count + count > r->type_room) {
        size_t room = 2 * (schema->type_count + count);
        ark_type *types = reallocarray(schema->types, room, sizeof *types);
        if (!types)
            return ark_no_memory(r->err, "an Arrow schema");
        schema->types = types;
        r->type_room = room;
    }
    *first = (uint32_t)schema->type_count;
    if (count > 0)
        memset(schema->types + *first, 0, count * sizeof *schema->types);
    schema->type_count += count;
    return ARRAKIS_OK;
}

/* Read the type of the field `table` into types[at], and append the types of its children. The
 * verifier has bounded how deep tables are nested. */
static arrakis_status read_type(schema_reading *r, uint32_t at, ark_flatbuffer_table table)
{
    if (ark_flatbuffer_has(&r->flat, table, ARK_FIELD_DICTIONARY))
        return ark_fail(r->err, ARRAKIS_EUNSUPPORTED, "column \"%s\" is dictionary-encoded",
                        r->column);
    ark_flatbuffer_vector children =
        ark_flatbuffer_elements(&r->flat, table, ARK_FIELD_CHILDREN, 4);
    uint32_t first;
    arrakis_status rc = add_types(r, &first, children.count);
    for (size_t i = 0; rc >= 0 && i < children.count; i++)
        rc = read_type(r, first + (uint32_t)i, ark_flatbuffer_element(&r->flat, children, i));
    if (rc < 0)
        return rc;
    ark_type type = {
        .arrow = ark_flatbuffer_u8(&r->flat, table, ARK_FIELD_TYPE_TYPE),
        .dtype = ARRAKIS_DTYPE_NONE,
        .nullable = ark_flatbuffer_u8(&r->flat, table, ARK_FIELD_NULLABLE),
        .child = first,
        .child_count = (uint32_t)children.count,
    };
    if (type.arrow == ARK_ARROW_NONE || type.arrow >= ARK_ARROW_TYPES)
        return ark_fail(r->err, ARRAKIS_EFORMAT, "column \"%s\" is of an unknown type %d",
                        r->column, type.arrow);
    rc = read_by_type(r, &type, ark_flatbuffer_child(&r->flat, table, ARK_FIELD_TYPE));
    r->schema->types[at] = type;
    return rc < 0 || !r->flat.bad ? rc : fail_malformed(r);
}

/* ---- fields */

static bool is_utf8(const ark_type *type)
{
    return type->storage == ARK_STORE_TEXT && type->width == 4 && type->utf8;
}

/* Set the kind of a field: whether its type is used, and how. */
static void set_kind(ark_schema_field *field, const ark_type *type, const ark_type *types)
{
    const ark_type *child = &types[type->child];
    field->kind = ARK_TYPE_OTHER;
    field->type_name = ark_type_name(type);
    field->child_name = "";
    field->nullable = type->nullable;
    if (type->dtype != ARRAKIS_DTYPE_NONE) {
        field->kind = ARK_TYPE_PRIMITIVE;
        field->dtype = (arrakis_dtype)type->dtype;
    } else if (is_utf8(type)) {
        field->kind = ARK_TYPE_UTF8;
    } else if (type->storage == ARK_STORE_LIST) {
        field->child_name = ark_type_name(child);
        if (type->width == 4 && child->dtype != ARRAKIS_DTYPE_NONE) {
            field->kind = ARK_TYPE_LIST;
            field->dtype = (arrakis_dtype)child->dtype;
        }
    } else if (type->storage == ARK_STORE_MAP) {
        if (is_utf8(&types[child->child]) && is_utf8(&types[child->child + 1]))
            field->kind = ARK_TYPE_MAP;
    }
}

static arrakis_status read_field(schema_reading *r, size_t i, ark_flatbuffer_table table)
{
    ark_schema_field *field = &r->schema->fields[i];
    ARK_TRY(
        copy_text(r, &field->name, ark_flatbuffer_elements(&r->flat, table, ARK_FIELD_NAME, 1)));
    r->column = field->name;
    ARK_TRY(read_rate(r, &field->rate, table));
    ARK_TRY(read_type(r, (uint32_t)i, table));
    set_kind(field, &r->schema->types[i], r->schema->types);
    return ARRAKIS_OK;
}

static arrakis_status read_schema(schema_reading *r)
{
    ark_schema *schema = r->schema;
    ark_flatbuffer_table root = ark_flatbuffer_root(&r->flat);
    ark_flatbuffer_table header = ark_flatbuffer_child(&r->flat, root, ARK_MESSAGE_HEADER);
    int endianness = ark_flatbuffer_i16(&r->flat, header, ARK_SCHEMA_ENDIANNESS);
    ark_flatbuffer_vector fields = ark_flatbuffer_elements(&r->flat, header, ARK_SCHEMA_FIELDS, 4);
    if (r->flat.bad || header.at == 0)
        return fail_malformed(r);
    if (endianness != 0)
        return ark_fail(r->err, ARRAKIS_EUNSUPPORTED, "Arrow schema is big-endian");
    if (fields.count > MAX_FIELDS)
        return ark_fail(r->err, ARRAKIS_EUNSUPPORTED, "Arrow schema has %zu fields, over %d",
                        fields.count, MAX_FIELDS);
    uint32_t first;
    schema->fields = calloc(fields.count ? fields.count : 1, sizeof *schema->fields);
    if (!schema->fields)
        return ark_no_memory(r->err, "an Arrow schema");
    arrakis_status rc = add_types(r, &first, fields.count);
    while (rc >= 0 && schema->count < fields.count) {
        size_t i = schema->count++;
        rc = read_field(r, i, ark_flatbuffer_element(&r->flat, fields, i));
    }
    return rc;
}

arrakis_status ark_schema_read(ark_schema **out, const ark_ipc_message *message,
                               arrakis_error *err)
{
    *out = NULL;
    if (message->kind != ARK_IPC_SCHEMA)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow stream: %s where a schema was expected",
                        message->kind == ARK_IPC_BATCH ? "a record batch" : "the end");
    if (message->body_size > 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow schema with a body of %zu bytes",
                        message->body_size);
    ark_schema *schema = calloc(1, sizeof *schema);
    if (!schema)
        return ark_no_memory(err, "an Arrow schema");
    schema_reading r = {
        .flat = {message->header, message->header_size, false},
        .schema = schema,
        .budget = TEXTS_PER_BYTE * message->header_size,
        .column = "",
        .err = err,
    };
    arrakis_status rc = read_schema(&r);
    if (rc < 0) {
        ark_schema_free(schema);
        return rc;
    }
    *out = schema;
    return ARRAKIS_OK;
}

void ark_schema_free(ark_schema *schema)
{
    if (!schema)
        return;
    for (size_t i = 0; i < schema->count; i++) {
        free(schema->fields[i].name);
        free(schema->fields[i].rate);
    }
    free(schema->fields);
    free(schema->types);
    free(schema);
}
