/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow_ipc.h"
#include "arrow_fields.h"
#include "error.h"
#include "flatbuffer.h"

#include <stdlib.h>

enum { MAX_FIELDS = 65536 };

typedef struct reading {
    ark_flat flat;
    /* Tables and texts may be shared, so that a small header could ask for endless memory or time.
     * What is copied and searched is paid from this; an honest header holds each byte itself. */
    size_t budget;
    arrakis_error *err;
} reading;

static const char *type_name(unsigned type)
{
    static const char *const names[] = {
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
    return type < sizeof names / sizeof *names ? names[type] : "of an unknown type";
}

static arrakis_status malformed(reading *r)
{
    return ark_fail(r->err, ARRAKIS_EFORMAT, "Arrow schema: header leads outside its %zu bytes",
                    r->flat.size);
}

static bool spend(reading *r, size_t amount)
{
    if (amount > r->budget)
        return false;
    r->budget -= amount;
    return true;
}

/* A copy of a text. NULL text where it is absent. */
static arrakis_status copy_text(reading *r, char **out, ark_flat_vector text)
{
    if (text.count > 0 && memchr(text.data, 0, text.count))
        return ark_fail(r->err, ARRAKIS_EFORMAT, "Arrow schema: a zero byte in a text");
    if (!spend(r, text.count + 1))
        return ark_fail(r->err, ARRAKIS_EFORMAT,
                        "Arrow schema: more text than a header of %zu bytes can hold",
                        r->flat.size);
    *out = malloc(text.count + 1);
    if (!*out)
        return ark_fail(r->err, ARRAKIS_ENOMEM, "no memory for an Arrow schema");
    if (text.count > 0)
        memcpy(*out, text.data, text.count);
    (*out)[text.count] = '\0';
    return ARRAKIS_OK;
}

static arrakis_status read_rate(reading *r, char **out, ark_flat_table table)
{
    ark_flat_vector pairs = ark_flat_elements(&r->flat, table, ARK_FIELD_METADATA, 4);
    for (size_t i = 0; i < pairs.count; i++) {
        if (!spend(r, 4))
            return ark_fail(r->err, ARRAKIS_EFORMAT,
                            "Arrow schema: more metadata than a header of %zu bytes can hold",
                            r->flat.size);
        ark_flat_table pair = ark_flat_element(&r->flat, pairs, i);
        ark_flat_vector key = ark_flat_elements(&r->flat, pair, ARK_PAIR_KEY, 1);
        if (key.count == 4 && memcmp(key.data, "rate", 4) == 0)
            return copy_text(r, out, ark_flat_elements(&r->flat, pair, ARK_PAIR_VALUE, 1));
    }
    return ARRAKIS_OK;
}

static arrakis_dtype integer_type(int bits, bool is_signed)
{
    switch (bits) {
    case 8:
        return is_signed ? ARRAKIS_INT8 : ARRAKIS_UINT8;
    case 16:
        return is_signed ? ARRAKIS_INT16 : ARRAKIS_UINT16;
    case 32:
        return is_signed ? ARRAKIS_INT32 : ARRAKIS_UINT32;
    case 64:
        return is_signed ? ARRAKIS_INT64 : ARRAKIS_UINT64;
    default:
        return ARRAKIS_DTYPE_NONE;
    }
}

/* The type of a field of numbers; EUNSUPPORTED for any other. `within` is "" or "a list of ". */
static arrakis_status read_dtype(reading *r, arrakis_dtype *out, ark_flat_table table,
                                 const char *column, const char *within)
{
    unsigned type = ark_flat_u8(&r->flat, table, ARK_FIELD_TYPE_TYPE);
    ark_flat_table detail = ark_flat_child(&r->flat, table, ARK_FIELD_TYPE);
    int width = 0;
    *out = ARRAKIS_DTYPE_NONE;
    if (type == ARK_ARROW_INT) {
        width = ark_flat_i32(&r->flat, detail, ARK_INT_BITS);
        *out = integer_type(width, ark_flat_u8(&r->flat, detail, ARK_INT_SIGNED));
    } else if (type == ARK_ARROW_FLOAT) {
        int precision = ark_flat_i16(&r->flat, detail, ARK_FLOAT_PRECISION);
        width = precision == ARK_PRECISION_HALF ? 16 : 0;
        *out = precision == ARK_PRECISION_SINGLE   ? ARRAKIS_FLOAT32
               : precision == ARK_PRECISION_DOUBLE ? ARRAKIS_FLOAT64
                                                   : ARRAKIS_DTYPE_NONE;
    }
    if (r->flat.bad)
        return malformed(r);
    if (*out != ARRAKIS_DTYPE_NONE)
        return ARRAKIS_OK;
    if (type == ARK_ARROW_INT || type == ARK_ARROW_FLOAT)
        return ark_fail(r->err, ARRAKIS_EUNSUPPORTED, "column \"%s\" is %s%s of %d bits", column,
                        within, type_name(type), width);
    return ark_fail(
        r->err, ARRAKIS_EUNSUPPORTED,
        "column \"%s\" is %s%s; numbers, utf8, lists of numbers and maps of utf8 are read", column,
        within, type_name(type));
}

static arrakis_status refuse_dictionary(reading *r, ark_flat_table table, const char *column)
{
    if (!ark_flat_has(&r->flat, table, ARK_FIELD_DICTIONARY))
        return ARRAKIS_OK;
    return ark_fail(r->err, ARRAKIS_EUNSUPPORTED, "column \"%s\" is dictionary-encoded", column);
}

/* The `count` children of a field, which must have as many. */
static arrakis_status read_children(reading *r, ark_flat_table *out, size_t count,
                                    ark_flat_table table, const char *column)
{
    ark_flat_vector children = ark_flat_elements(&r->flat, table, ARK_FIELD_CHILDREN, 4);
    if (!r->flat.bad && children.count != count)
        return ark_fail(r->err, ARRAKIS_EFORMAT,
                        "column \"%s\": a type with %zu children, not %zu", column, children.count,
                        count);
    for (size_t i = 0; !r->flat.bad && i < count; i++) {
        out[i] = ark_flat_element(&r->flat, children, i);
        arrakis_status rc = refuse_dictionary(r, out[i], column);
        if (rc < 0)
            return rc;
    }
    return r->flat.bad ? malformed(r) : ARRAKIS_OK;
}

static arrakis_status read_list(reading *r, ark_field *field, ark_flat_table table)
{
    ark_flat_table child;
    arrakis_status rc = read_children(r, &child, 1, table, field->name);
    return rc < 0 ? rc : read_dtype(r, &field->dtype, child, field->name, "a list of ");
}

static arrakis_status read_map(reading *r, ark_field *field, ark_flat_table table)
{
    ark_flat_table entries, halves[2];
    arrakis_status rc;
    if ((rc = read_children(r, &entries, 1, table, field->name)) < 0 ||
        (rc = read_children(r, halves, 2, entries, field->name)) < 0)
        return rc;
    unsigned key = ark_flat_u8(&r->flat, halves[0], ARK_FIELD_TYPE_TYPE);
    unsigned item = ark_flat_u8(&r->flat, halves[1], ARK_FIELD_TYPE_TYPE);
    if (ark_flat_u8(&r->flat, entries, ARK_FIELD_TYPE_TYPE) != ARK_ARROW_STRUCT)
        return ark_fail(r->err, ARRAKIS_EFORMAT,
                        "column \"%s\": a map whose entries are no structs", field->name);
    if (key != ARK_ARROW_UTF8 || item != ARK_ARROW_UTF8)
        return ark_fail(r->err, ARRAKIS_EUNSUPPORTED,
                        "column \"%s\" is a map of %s to %s, not of utf8 to utf8", field->name,
                        type_name(key), type_name(item));
    return ARRAKIS_OK;
}

static arrakis_status read_field(reading *r, ark_field *field, ark_flat_table table)
{
    arrakis_status rc;
    if ((rc = copy_text(r, &field->name, ark_flat_elements(&r->flat, table, ARK_FIELD_NAME, 1))) <
            0 ||
        (rc = refuse_dictionary(r, table, field->name)) < 0 ||
        (rc = read_rate(r, &field->rate, table)) < 0)
        return rc;
    field->nullable = ark_flat_u8(&r->flat, table, ARK_FIELD_NULLABLE);
    switch (ark_flat_u8(&r->flat, table, ARK_FIELD_TYPE_TYPE)) {
    case ARK_ARROW_UTF8:
        field->kind = ARK_TYPE_UTF8;
        break;
    case ARK_ARROW_LIST:
        field->kind = ARK_TYPE_LIST;
        rc = read_list(r, field, table);
        break;
    case ARK_ARROW_MAP:
        field->kind = ARK_TYPE_MAP;
        rc = read_map(r, field, table);
        break;
    default:
        field->kind = ARK_TYPE_PRIMITIVE;
        rc = read_dtype(r, &field->dtype, table, field->name, "");
        break;
    }
    return rc < 0 || !r->flat.bad ? rc : malformed(r);
}

static arrakis_status read_schema(reading *r, ark_schema *schema)
{
    ark_flat_table root = ark_flat_root(&r->flat);
    ark_flat_table header = ark_flat_child(&r->flat, root, ARK_MESSAGE_HEADER);
    int endianness = ark_flat_i16(&r->flat, header, ARK_SCHEMA_ENDIANNESS);
    ark_flat_vector fields = ark_flat_elements(&r->flat, header, ARK_SCHEMA_FIELDS, 4);
    if (r->flat.bad || header.at == 0)
        return malformed(r);
    if (endianness != 0)
        return ark_fail(r->err, ARRAKIS_EUNSUPPORTED, "Arrow schema is big-endian");
    if (fields.count > MAX_FIELDS)
        return ark_fail(r->err, ARRAKIS_EUNSUPPORTED, "Arrow schema has %zu fields, over %d",
                        fields.count, MAX_FIELDS);
    schema->fields = calloc(fields.count ? fields.count : 1, sizeof *schema->fields);
    if (!schema->fields)
        return ark_fail(r->err, ARRAKIS_ENOMEM, "no memory for an Arrow schema");
    arrakis_status rc = ARRAKIS_OK;
    while (rc >= 0 && schema->count < fields.count) {
        ark_flat_table table = ark_flat_element(&r->flat, fields, schema->count);
        rc = read_field(r, &schema->fields[schema->count++], table);
    }
    return rc;
}

arrakis_status ark_schema_read(ark_schema **out, const ark_ipc_message *message,
                               arrakis_error *err)
{
    *out = NULL;
    if (message->kind != ARK_IPC_SCHEMA)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow stream: %s where a schema was wanted",
                        message->kind == ARK_IPC_BATCH ? "a record batch" : "the end");
    ark_schema *schema = calloc(1, sizeof *schema);
    if (!schema)
        return ark_fail(err, ARRAKIS_ENOMEM, "no memory for an Arrow schema");
    reading r = {{message->header, message->header_size, false}, 2 * message->header_size, err};
    arrakis_status rc = read_schema(&r, schema);
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
    free(schema);
}
