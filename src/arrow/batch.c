/* SPDX-License-Identifier: Apache-2.0 */
/* Where the arrays of columns of any type lie, and whether their contents are valid. A batch is
 * refused when Arrow's own reader or its full validation refuses it. */
#include "arrow/batch.h"

#include "arrow/check.h"
#include "arrow/flatbuffer.h"
#include "arrow/format.h"
#include "arrow/type.h"
#include "base/error.h"
#include "block/bits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    MAX_NESTING = 64,
    KEPT_ARRAYS = 4, /* arrays of a column that is used: a map, its entries, keys and items */
    BODIES = 16,     /* overlapping buffers may have so many times the size of the body in all */
    UNKNOWN_NULLS = -1, /* a null count that means: as many as the bitmap has */
    VIEW_SIZE = 16,
    VIEW_INLINE = 12, /* bytes in the view itself */
    VIEW_PREFIX = 4,
    CODES = INT8_MAX + 1,
};

/* One array of a column: the column's own, or one inside it. */
typedef struct array {
    int64_t length, null_count;
    const uint8_t *valid;       /* NULL: no element is null, even if the batch has a bitmap */
    const uint8_t *data[2];     /* values; or offsets, and text or sizes; or codes and offsets */
    int64_t size[2];            /* in bytes */
    const uint8_t *first_valid; /* of a struct's first child */
} array;

typedef struct batch {
    ark_flatbuffer_vector nodes, buffers, counts;
    size_t node, buffer, count; /* of each, the next one */
    const uint8_t *body;
    int64_t body_size;
    int64_t budget; /* the most bytes that may still be read */
    bool old;       /* metadata version 4 */
    const ark_type *types;
    /* the column that is being read */
    const ark_schema_field *field;
    array kept[KEPT_ARRAYS]; /* its first arrays */
    size_t array_count;
    int nesting;
    bool contents_checked;
    arrakis_error *err;
} batch;

static arrakis_status load_array(batch *b, const ark_type *type, array *out);

static arrakis_status refuse_column(const batch *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static arrakis_status refuse_column(const batch *b, const char *format, ...)
{
    char what[200];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return ark_fail(b->err, ARRAKIS_EFORMAT, "column \"%s\": %s", b->field->name, what);
}

/* ---- nodes and buffers */

static arrakis_status take_node(batch *b, array *out)
{
    if (b->node >= b->nodes.count)
        return refuse_column(b, "the batch has %zu nodes, too few", b->nodes.count);
    const uint8_t *node = b->nodes.data + 16 * b->node++;
    out->length = ark_load_i64(node);
    out->null_count = ark_load_i64(node + 8);
    return out->length < 0 ? refuse_column(b, "a length of %" PRId64, out->length) : ARRAKIS_OK;
}

static arrakis_status spend_budget(batch *b, int64_t bytes)
{
    if (bytes > b->budget)
        return refuse_column(b, "the batch's buffers overlap to over %d times its body", BODIES);
    b->budget -= bytes;
    return ARRAKIS_OK;
}

/* Find a buffer in the body. The offset of one without bytes is not checked. */
static arrakis_status find_buffer(const batch *b, size_t i, const uint8_t **data, int64_t *size)
{
    if (i >= b->buffers.count)
        return refuse_column(b, "the batch has %zu buffers, too few", b->buffers.count);
    int64_t offset = ark_load_i64(b->buffers.data + 16 * i);
    *size = ark_load_i64(b->buffers.data + 16 * i + 8);
    *data = b->body;
    if (*size == 0)
        return ARRAKIS_OK;
    if (offset < 0 || *size < 0 || offset > b->body_size || *size > b->body_size - offset)
        return refuse_column(b,
                             "a buffer of %" PRId64 " bytes at %" PRId64 " of a body of %" PRId64,
                             *size, offset, b->body_size);
    if (offset % 8)
        return refuse_column(b, "a buffer at %" PRId64 ", no multiple of 8", offset);
    *data += offset;
    return ARRAKIS_OK;
}

static arrakis_status take_buffer(batch *b, const uint8_t **data, int64_t *size)
{
    ARK_TRY(find_buffer(b, b->buffer++, data, size));
    return spend_budget(b, *size);
}

/* Whether `size` bytes hold `count` elements of `bits` bits. */
static arrakis_status check_size(const batch *b, int64_t size, int64_t count, int64_t bits)
{
    int64_t needed; /* the buffer is in memory, so 8 * size does not overflow */
    if (count > 0 && (__builtin_mul_overflow(count, bits, &needed) || needed > 8 * size))
        return refuse_column(b,
                             "a buffer of %" PRId64 " bytes, too few for %" PRId64
                             " elements of %" PRId64 " bits",
                             size, count, bits);
    return ARRAKIS_OK;
}

/* ---- nulls */

static bool has_bitmap(const batch *b, const ark_type *type)
{
    switch (type->storage) {
    case ARK_STORE_NOTHING:
        return false;
    case ARK_STORE_SPARSE_UNION:
    case ARK_STORE_DENSE_UNION:
    case ARK_STORE_RUNS:
        return b->old;
    default:
        return true;
    }
}

/* The null samples of a list that is used are counted again by callers that reuse the header of
 * the batch. */
static bool is_checked_again(const batch *b, const array *p)
{
    return b->field->kind == ARK_TYPE_LIST && b->array_count == 2 &&
           p->null_count != UNKNOWN_NULLS;
}

/* With a wrong null count readers could take nulls for samples, or samples for nulls. */
static arrakis_status check_nulls(batch *b, array *p)
{
    if (p->null_count < UNKNOWN_NULLS || p->null_count > p->length ||
        (p->null_count > 0 && !p->valid))
        return refuse_column(b, "%" PRId64 " nulls in a length of %" PRId64, p->null_count,
                             p->length);
    if (!p->valid)
        return ARRAKIS_OK;
    b->contents_checked |= !is_checked_again(b, p);
    int64_t nulls = ark_bits_zeros(p->valid, p->length);
    if (p->null_count != UNKNOWN_NULLS && nulls != p->null_count)
        return refuse_column(b, "%" PRId64 " nulls, and a bitmap of %" PRId64, p->null_count,
                             nulls);
    p->null_count = nulls;
    return ARRAKIS_OK;
}

/* The node and the bitmap, which nearly all types begin with. */
static arrakis_status take_common(batch *b, const ark_type *type, array *out)
{
    arrakis_status rc = take_node(b, out);
    if (rc < 0 || !has_bitmap(b, type))
        return rc;
    if (out->null_count == 0) {
        b->buffer++; /* unused: the buffer may even be missing */
        return ARRAKIS_OK;
    }
    int64_t size;
    ARK_TRY(take_buffer(b, &out->valid, &size));
    ARK_TRY(check_size(b, size, out->length, 1));
    return check_nulls(b, out);
}

/* The same, for types that have no nulls where they have no bitmap. */
static arrakis_status take_nullable(batch *b, const ark_type *type, array *out)
{
    arrakis_status rc = take_common(b, type, out);
    return rc < 0 || out->valid ? rc : check_nulls(b, out);
}

/* ---- values of a fixed width */

static bool value_ok(const ark_type *type, const uint8_t *values, int64_t i)
{
    int64_t value;
    switch (type->storage) {
    case ARK_STORE_DAYS:
        return ark_load_i64(values + 8 * i) % INT64_C(86400000) == 0;
    case ARK_STORE_TIMES:
        value = ark_type_integer_at(values, i, type->width);
        return value >= 0 && value < type->limit;
    default:
        return ark_check_decimal(values + i * type->width, type->width, type->precision);
    }
}

static arrakis_status load_fixed(batch *b, const ark_type *type, array *out)
{
    ARK_TRY(take_nullable(b, type, out));
    /* for these types Arrow's reader checks the offset of the buffer even when there are no
     * values */
    bool checked =
        out->length > 0 || type->storage == ARK_STORE_BYTES || type->storage == ARK_STORE_DECIMALS;
    out->data[0] = b->body;
    if (!checked)
        b->buffer++;
    else
        ARK_TRY(take_buffer(b, &out->data[0], &out->size[0]));
    int64_t bits = type->storage == ARK_STORE_BITS ? 1 : 8 * (int64_t)type->width;
    arrakis_status rc = check_size(b, out->size[0], out->length, bits);
    if (rc < 0 || type->storage == ARK_STORE_NUMBERS || type->storage == ARK_STORE_BITS ||
        type->storage == ARK_STORE_BYTES)
        return rc;
    b->contents_checked = true;
    for (int64_t i = 0; i < out->length; i++)
        if (ark_is_set(out->valid, i) && !value_ok(type, out->data[0], i))
            return refuse_column(b, "value %" PRId64 " is not of the type %s", i,
                                 ark_type_name(type));
    return ARRAKIS_OK;
}

/* ---- offsets */

/* Without elements there may be no offset at all. */
static arrakis_status check_offsets(batch *b, const array *p, int32_t width, int64_t limit)
{
    if (p->length == 0 && p->size[0] == 0)
        return ARRAKIS_OK;
    if (p->size[0] / width <= p->length)
        return refuse_column(b, "%" PRId64 " bytes of offsets, too few for %" PRId64 " elements",
                             p->size[0], p->length);
    bool ok = width == 8       ? ark_check_long_offsets(p->data[0], p->length, limit)
              : p->length == 0 ? ark_load_i32(p->data[0]) >= 0
                               : ark_check_offsets(p->data[0], p->length, limit);
    return ok ? ARRAKIS_OK
              : refuse_column(b, "offsets decrease or leave the %" PRId64 " elements", limit);
}

/* ---- text and bytes */

static arrakis_status check_texts(batch *b, const ark_type *type, const array *p)
{
    for (int64_t i = 0; type->utf8 && i < p->length; i++) {
        int64_t from = ark_type_integer_at(p->data[0], i, type->width);
        int64_t to = ark_type_integer_at(p->data[0], i + 1, type->width);
        if (ark_is_set(p->valid, i) && !ark_check_utf8(p->data[1] + from, to - from))
            return refuse_column(b, "text %" PRId64 " is no UTF-8", i);
    }
    return ARRAKIS_OK;
}

static arrakis_status load_text(batch *b, const ark_type *type, array *out)
{
    b->contents_checked = true;
    ARK_TRY(take_nullable(b, type, out));
    ARK_TRY(take_buffer(b, &out->data[0], &out->size[0]));
    ARK_TRY(take_buffer(b, &out->data[1], &out->size[1]));
    ARK_TRY(check_offsets(b, out, type->width, out->size[1]));
    return check_texts(b, type, out);
}

/* ---- views: 4 bytes of size; then the bytes, or their first 4, a buffer and an offset in it */

typedef struct views {
    size_t first; /* the first buffer that the views refer to */
    int64_t count;
} views;

/* The bytes of a view; NULL: it is not valid. */
static const uint8_t *view_bytes(const batch *b, const views *of, const uint8_t *view)
{
    static const uint8_t zeros[VIEW_INLINE];
    int64_t size = ark_load_i32(view);
    if (size < 0)
        return NULL;
    if (size <= VIEW_INLINE)
        return memcmp(view + 4 + size, zeros, (size_t)(VIEW_INLINE - size)) == 0 ? view + 4 : NULL;
    int64_t buffer = ark_load_i32(view + 8), offset = ark_load_i32(view + 12), buffer_size;
    const uint8_t *data;
    if (buffer < 0 || offset < 0 || buffer >= of->count ||
        find_buffer(b, of->first + (size_t)buffer, &data, &buffer_size) < 0 ||
        offset + size > buffer_size || memcmp(data + offset, view + 4, VIEW_PREFIX) != 0)
        return NULL;
    return data + offset;
}

static arrakis_status check_views(batch *b, const ark_type *type, const array *p, const views *of)
{
    for (int64_t i = 0; i < p->length; i++) {
        if (!ark_is_set(p->valid, i))
            continue;
        const uint8_t *view = p->data[0] + VIEW_SIZE * i;
        const uint8_t *bytes = view_bytes(b, of, view);
        if (!bytes)
            return refuse_column(b, "view %" PRId64 " is not valid", i);
        int64_t size = type->utf8 ? ark_load_i32(view) : 0;
        ARK_TRY(spend_budget(b, size > VIEW_INLINE ? size : 0));
        if (!ark_check_utf8(bytes, size))
            return refuse_column(b, "text %" PRId64 " is no UTF-8", i);
    }
    return ARRAKIS_OK;
}

static arrakis_status count_views(batch *b, views *out)
{
    if (b->count >= b->counts.count)
        return refuse_column(b, "the batch has %zu numbers of view buffers, too few",
                             b->counts.count);
    out->count = ark_load_i64(b->counts.data + 8 * b->count++);
    int64_t left = (int64_t)b->buffers.count - (int64_t)b->buffer;
    return out->count < 0 || out->count > left
               ? refuse_column(b, "%" PRId64 " view buffers, of %" PRId64 " that are left",
                               out->count, left)
               : ARRAKIS_OK;
}

static arrakis_status load_views(batch *b, const ark_type *type, array *out)
{
    views of = {0, 0};
    b->contents_checked = true;
    ARK_TRY(count_views(b, &of));
    ARK_TRY(take_nullable(b, type, out));
    ARK_TRY(take_buffer(b, &out->data[0], &out->size[0]));
    of.first = b->buffer;
    for (int64_t i = 0; i < of.count; i++)
        ARK_TRY(take_buffer(b, &out->data[1], &out->size[1]));
    ARK_TRY(check_size(b, out->size[0], out->length, 8 * VIEW_SIZE));
    return check_views(b, type, out, &of);
}

/* ---- lists */

static arrakis_status load_list(batch *b, const ark_type *type, array *out)
{
    array child;
    ARK_TRY(take_nullable(b, type, out));
    ARK_TRY(take_buffer(b, &out->data[0], &out->size[0]));
    ARK_TRY(load_array(b, &b->types[type->child], &child));
    b->contents_checked |= b->field->kind != ARK_TYPE_LIST;
    if (type->storage == ARK_STORE_MAP && (child.valid || child.first_valid))
        return refuse_column(b, "a map with null entries or keys");
    return check_offsets(b, out, type->width, child.length);
}

static arrakis_status load_list_view(batch *b, const ark_type *type, array *out)
{
    array child;
    b->contents_checked = true;
    ARK_TRY(take_nullable(b, type, out));
    ARK_TRY(take_buffer(b, &out->data[0], &out->size[0]));
    ARK_TRY(take_buffer(b, &out->data[1], &out->size[1]));
    ARK_TRY(load_array(b, &b->types[type->child], &child));
    ARK_TRY(check_size(b, out->size[0], out->length, 8 * (int64_t)type->width));
    ARK_TRY(check_size(b, out->size[1], out->length, 8 * (int64_t)type->width));
    return ark_check_spans(out->data[0], out->data[1], out->length, type->width, child.length)
               ? ARRAKIS_OK
               : refuse_column(b, "an offset or size leaves the %" PRId64 " elements",
                               child.length);
}

static arrakis_status load_fixed_list(batch *b, const ark_type *type, array *out)
{
    array child;
    ARK_TRY(take_nullable(b, type, out));
    ARK_TRY(load_array(b, &b->types[type->child], &child));
    int64_t needed;
    if (type->width < 0 || __builtin_mul_overflow(out->length, (int64_t)type->width, &needed) ||
        child.length < needed)
        return refuse_column(b, "%" PRId64 " lists of %" PRId32 " have %" PRId64 " elements",
                             out->length, type->width, child.length);
    return ARRAKIS_OK;
}

/* ---- structs, unions, runs */

static arrakis_status load_struct(batch *b, const ark_type *type, array *out)
{
    arrakis_status rc = take_nullable(b, type, out);
    for (uint32_t i = 0; rc >= 0 && i < type->child_count; i++) {
        array child;
        rc = load_array(b, &b->types[type->child + i], &child);
        if (rc >= 0 && child.length < out->length)
            return refuse_column(b, "%" PRId64 " structs, %" PRId64 " of a child", out->length,
                                 child.length);
        if (i == 0 && rc >= 0)
            out->first_valid = child.valid;
    }
    return rc;
}

/* The lengths of the children by their code; -1: no child has the code. Where two children have
 * the same, the last one counts. */
static arrakis_status load_variants(batch *b, const ark_type *type, int64_t lengths[CODES],
                                    int64_t needed)
{
    for (int i = 0; i < CODES; i++)
        lengths[i] = -1;
    for (uint32_t i = 0; i < type->child_count; i++) {
        const ark_type *variant = &b->types[type->child + i];
        array child;
        ARK_TRY(load_array(b, variant, &child));
        if (child.length < needed)
            return refuse_column(b, "%" PRId64 " unions, %" PRId64 " of a child", needed,
                                 child.length);
        lengths[variant->code] = child.length;
    }
    return ARRAKIS_OK;
}

static arrakis_status check_codes(batch *b, const array *p, const int64_t lengths[CODES],
                                  bool dense)
{
    int64_t last[CODES] = {0};
    for (int64_t i = 0; i < p->length; i++) {
        uint8_t code = p->data[0][i];
        if (code >= CODES || lengths[code] < 0)
            return refuse_column(
                b, "union %" PRId64 " has a type id that none of its children has", i);
        int64_t offset = dense ? ark_load_i32(p->data[1] + 4 * i) : 0;
        if (dense && (offset < last[code] || offset >= lengths[code]))
            return refuse_column(b, "union %" PRId64 ": offsets decrease or leave the child", i);
        last[code] = offset;
    }
    return ARRAKIS_OK;
}

static arrakis_status load_union(batch *b, const ark_type *type, array *out)
{
    bool dense = type->storage == ARK_STORE_DENSE_UNION;
    int64_t lengths[CODES];
    arrakis_status rc = take_node(b, out);
    b->contents_checked = true;
    if (rc < 0)
        return rc;
    if (b->old && out->null_count != 0)
        return refuse_column(b, "a union with a bitmap of its own");
    b->buffer += b->old;
    out->null_count = 0;
    size_t first = b->buffer;
    for (int i = 0; out->length > 0 && i < 1 + dense; i++)
        ARK_TRY(take_buffer(b, &out->data[i], &out->size[i]));
    b->buffer = first + 1 + dense;
    ARK_TRY(check_size(b, out->size[0], out->length, 8));
    if (dense)
        ARK_TRY(check_size(b, out->size[1], out->length, 32));
    ARK_TRY(load_variants(b, type, lengths, dense ? 0 : out->length));
    return check_codes(b, out, lengths, dense);
}

static arrakis_status check_runs(batch *b, const array *p, const array *ends, int32_t width)
{
    int64_t longest = width == 2 ? INT16_MAX : width == 4 ? INT32_MAX : INT64_MAX;
    int64_t last = 0;
    for (int64_t i = 0; i < ends->length; i++) {
        int64_t end = ark_type_integer_at(ends->data[0], i, width);
        if (end <= last)
            return refuse_column(b, "run %" PRId64 " ends before it begins", i);
        last = end;
    }
    if (p->length > longest || last < p->length)
        return refuse_column(b, "runs of %" PRId64 " in a length of %" PRId64, last, p->length);
    return ARRAKIS_OK;
}

static arrakis_status load_runs(batch *b, const ark_type *type, array *out)
{
    const ark_type *end_type = &b->types[type->child];
    array ends, values;
    b->contents_checked = true;
    ARK_TRY(take_nullable(b, type, out));
    ARK_TRY(load_array(b, end_type, &ends));
    ARK_TRY(load_array(b, end_type + 1, &values));
    if (out->valid || ends.null_count != 0 || ends.length > values.length)
        return refuse_column(b,
                             "%" PRId64 " runs, %" PRId64 " of them null, of %" PRId64 " values",
                             ends.length, ends.null_count, values.length);
    return check_runs(b, out, &ends, end_type->width);
}

/* ---- columns */

static arrakis_status load_nothing(batch *b, array *out)
{
    arrakis_status rc = take_node(b, out);
    if (rc >= 0 && out->null_count != out->length)
        return refuse_column(b, "%" PRId64 " nulls in a length of %" PRId64, out->null_count,
                             out->length);
    return rc;
}

static arrakis_status load_by_storage(batch *b, const ark_type *type, array *out)
{
    switch ((ark_storage)type->storage) {
    case ARK_STORE_NOTHING:
        return load_nothing(b, out);
    case ARK_STORE_NUMBERS:
    case ARK_STORE_BITS:
    case ARK_STORE_BYTES:
    case ARK_STORE_DAYS:
    case ARK_STORE_TIMES:
    case ARK_STORE_DECIMALS:
        return load_fixed(b, type, out);
    case ARK_STORE_TEXT:
        return load_text(b, type, out);
    case ARK_STORE_VIEWS:
        return load_views(b, type, out);
    case ARK_STORE_LIST:
    case ARK_STORE_MAP:
        return load_list(b, type, out);
    case ARK_STORE_LIST_VIEW:
        return load_list_view(b, type, out);
    case ARK_STORE_FIXED_LIST:
        return load_fixed_list(b, type, out);
    case ARK_STORE_STRUCT:
        return load_struct(b, type, out);
    case ARK_STORE_SPARSE_UNION:
    case ARK_STORE_DENSE_UNION:
        return load_union(b, type, out);
    case ARK_STORE_RUNS:
        break;
    }
    return load_runs(b, type, out);
}

static arrakis_status load_array(batch *b, const ark_type *type, array *out)
{
    size_t index = b->array_count++;
    *out = (array){0};
    if (b->nesting == MAX_NESTING)
        return refuse_column(b, "types nested deeper than %d", MAX_NESTING);
    b->nesting++;
    arrakis_status rc = load_by_storage(b, type, out);
    b->nesting--;
    if (index < KEPT_ARRAYS)
        b->kept[index] = *out;
    return rc;
}

/* NULL where there are no rows: then there may be no offsets. */
static const uint8_t *offsets_of(const array *p)
{
    return p->length > 0 ? p->data[0] : NULL;
}

static void set_map(ark_column *column, const array kept[KEPT_ARRAYS])
{
    column->key_offsets = offsets_of(&kept[2]);
    column->key_text = kept[2].data[1];
    column->key_text_size = kept[2].size[1];
    column->item_offsets = offsets_of(&kept[3]);
    column->item_text = kept[3].data[1];
    column->item_text_size = kept[3].size[1];
    column->item_valid = kept[3].valid;
}

static void set_column(ark_column *column, const batch *b)
{
    const array *own = &b->kept[0], *child = &b->kept[1];
    *column = (ark_column){.length = own->length,
                           .null_count = own->null_count,
                           .contents_checked = b->contents_checked};
    if (b->field->kind == ARK_TYPE_OTHER)
        return;
    column->valid = own->valid;
    if (b->field->kind == ARK_TYPE_PRIMITIVE) {
        column->values = own->data[0];
        return;
    }
    column->offsets = offsets_of(own);
    if (b->field->kind == ARK_TYPE_UTF8) {
        column->values = own->data[1];
        column->child_length = own->size[1];
        return;
    }
    column->child_length = child->length;
    column->child_valid = child->valid;
    column->child_null_count = child->null_count;
    column->values = child->data[0];
    if (b->field->kind == ARK_TYPE_MAP)
        set_map(column, b->kept);
}

static arrakis_status read_column(batch *b, ark_column *column, const ark_schema *schema, size_t i,
                                  int64_t rows)
{
    array own;
    b->field = &schema->fields[i];
    b->array_count = 0;
    b->contents_checked = false;
    ARK_TRY(load_array(b, &schema->types[i], &own));
    if (own.length != rows)
        return refuse_column(b, "%" PRId64 " rows in a batch of %" PRId64, own.length, rows);
    set_column(column, b);
    return ARRAKIS_OK;
}

/* ---- batches */

/* Refuse batches whose buffers are encoded. */
static arrakis_status check_encoding(ark_flatbuffer *flat, ark_flatbuffer_table message,
                                     ark_flatbuffer_table header, bool old, arrakis_error *err)
{
    if (ark_flatbuffer_has(flat, header, ARK_BATCH_COMPRESSION)) {
        ark_flatbuffer_table compression =
            ark_flatbuffer_child(flat, header, ARK_BATCH_COMPRESSION);
        unsigned codec = ark_flatbuffer_u8(flat, compression, ARK_COMPRESSION_CODEC);
        return ark_fail(err, ARRAKIS_EUNSUPPORTED, "record batch is compressed (%s)",
                        codec == 0   ? "LZ4"
                        : codec == 1 ? "ZSTD"
                                     : "unknown codec");
    }
    if (old && ark_flatbuffer_has(flat, message, ARK_MESSAGE_METADATA))
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "record batch of metadata version 4 with metadata of its own, by which it "
                        "may be compressed");
    return ARRAKIS_OK;
}

/* Find the nodes and buffers in the header of the batch. */
static arrakis_status open_batch(batch *b, int64_t *length, const ark_schema *schema,
                                 const ark_ipc_message *message, arrakis_error *err)
{
    if (message->kind != ARK_IPC_BATCH)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow stream: %s where a record batch was expected",
                        message->kind == ARK_IPC_SCHEMA ? "a schema" : "the end");
    ark_flatbuffer flat = {message->header, message->header_size, false};
    ark_flatbuffer_table root = ark_flatbuffer_root(&flat);
    ark_flatbuffer_table header = ark_flatbuffer_child(&flat, root, ARK_MESSAGE_HEADER);
    *b = (batch){
        .nodes = ark_flatbuffer_elements(&flat, header, ARK_BATCH_NODES, 16),
        .buffers = ark_flatbuffer_elements(&flat, header, ARK_BATCH_BUFFERS, 16),
        .counts = ark_flatbuffer_elements(&flat, header, ARK_BATCH_VARIADIC_COUNTS, 8),
        .body = message->body,
        .body_size = (int64_t)message->body_size,
        .old = ark_flatbuffer_i16(&flat, root, ARK_MESSAGE_VERSION) == ARK_VERSION_4,
        .types = schema->types,
        .err = err,
    };
    if (__builtin_mul_overflow(b->body_size, (int64_t)BODIES, &b->budget))
        b->budget = INT64_MAX;
    *length = ark_flatbuffer_i64(&flat, header, ARK_BATCH_LENGTH);
    ARK_TRY(check_encoding(&flat, root, header, b->old, err));
    if (flat.bad || header.at == 0 || *length < 0)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "record batch: a header of %zu bytes, %" PRId64 " rows",
                        message->header_size, *length);
    return ARRAKIS_OK;
}

arrakis_status ark_batch_read(ark_column *columns, int64_t *length, const ark_schema *schema,
                              const ark_ipc_message *message, arrakis_error *err)
{
    batch b;
    int64_t rows = 0;
    *length = 0;
    arrakis_status rc = open_batch(&b, &rows, schema, message, err);
    for (size_t i = 0; rc >= 0 && i < schema->count; i++)
        rc = read_column(&b, &columns[i], schema, i, rows);
    if (rc >= 0)
        *length = rows;
    return rc;
}
