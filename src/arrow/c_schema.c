/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/c_schema.h"

#include "base/error.h"
#include "channel/channel.h"
#include "channel/rate.h"

#include <arrakis/arrow.h>

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *format;
    arrakis_dtype dtype;
} formats[] = {
    {"c", ARRAKIS_INT8},    {"s", ARRAKIS_INT16},   {"i", ARRAKIS_INT32},  {"l", ARRAKIS_INT64},
    {"C", ARRAKIS_UINT8},   {"S", ARRAKIS_UINT16},  {"I", ARRAKIS_UINT32}, {"L", ARRAKIS_UINT64},
    {"f", ARRAKIS_FLOAT32}, {"g", ARRAKIS_FLOAT64},
};

const char *ark_c_schema_format(arrakis_dtype dtype)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].dtype == dtype)
            return formats[i].format;
    return NULL;
}

arrakis_dtype ark_c_schema_dtype(const char *format)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].format, format) == 0)
            return formats[i].dtype;
    return ARRAKIS_DTYPE_NONE;
}

/* ------------------------------------------------------------------ metadata */

/* The number of pairs; then, for each pair, size and bytes of the key, size and bytes of the
 * value. Numbers are int32 in the byte order of the machine. */
enum { METADATA_SIZE = 3 * sizeof(int32_t) + sizeof "rate" + ARK_RATE_TEXT_SIZE };

static void write_metadata(char to[METADATA_SIZE], const char *key, const char *value)
{
    int32_t pairs = 1, key_size = (int32_t)strlen(key), value_size = (int32_t)strlen(value);
    memcpy(to, &pairs, sizeof pairs);
    to += sizeof pairs;
    memcpy(to, &key_size, sizeof key_size);
    to += sizeof key_size;
    memcpy(to, key, (size_t)key_size);
    to += key_size;
    memcpy(to, &value_size, sizeof value_size);
    memcpy(to + sizeof value_size, value, (size_t)value_size);
}

static const char *read_text(const char *at, const char **text, int32_t *size)
{
    memcpy(size, at, sizeof *size);
    *text = at + sizeof *size;
    return *text + (*size > 0 ? *size : 0);
}

const char *ark_c_schema_metadata(const char *metadata, const char *key, int32_t *size)
{
    int32_t pairs = 0;
    if (metadata)
        memcpy(&pairs, metadata, sizeof pairs);
    const char *at = metadata + (metadata ? sizeof pairs : 0);
    for (int32_t i = 0; i < pairs; i++) {
        const char *name, *value;
        int32_t name_size;
        at = read_text(at, &name, &name_size);
        at = read_text(at, &value, size);
        if (name_size == (int32_t)strlen(key) && memcmp(name, key, strlen(key)) == 0)
            return value;
    }
    return NULL;
}

/* ------------------------------------------------------------------ schemas in one piece of memory */

/* A field, and the field inside it where it is a list. */
typedef struct column {
    struct ArrowSchema field, item;
    struct ArrowSchema *child;
    char metadata[METADATA_SIZE];
} column;

/* The memory that an exported schema points into. It lives until the schema and all its fields are
 * released: consumers may move these out and release them in any thread, hence the atomic
 * count. */
typedef struct schema_memory {
    atomic_size_t refs;
    arrakis_channels *channels; /* the names of the fields point into these; NULL: none do */
    struct ArrowSchema **children;
    column columns[];
} schema_memory;

static void memory_unref(schema_memory *memory, size_t refs)
{
    if (atomic_fetch_sub(&memory->refs, refs) != refs)
        return;
    arrakis_channels_unref(memory->channels);
    free(memory->children);
    free(memory);
}

/* Mark a schema, and the fields that are still in it, as released; returns how many that are. */
static size_t mark_released(struct ArrowSchema *schema)
{
    size_t count = 1;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release)
            count += mark_released(schema->children[i]);
    schema->release = NULL;
    return count;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema_memory *memory = schema->private_data;
    memory_unref(memory, mark_released(schema));
}

static void set_schema(struct ArrowSchema *schema, schema_memory *memory, const char *format,
                       const char *name, bool nullable)
{
    *schema = (struct ArrowSchema){
        .format = format,
        .name = name,
        .flags = nullable ? ARROW_FLAG_NULLABLE : 0,
        .release = release_schema,
        .private_data = memory,
    };
    atomic_fetch_add_explicit(&memory->refs, 1, memory_order_relaxed);
}

static void set_list(column *c, schema_memory *memory, const char *format, const char *name)
{
    set_schema(&c->field, memory, "+l", name, true);
    set_schema(&c->item, memory, format, "item", true);
    c->child = &c->item;
    c->field.n_children = 1;
    c->field.children = &c->child;
}

static schema_memory *memory_new(size_t count)
{
    schema_memory *memory = calloc(1, sizeof *memory + count * sizeof *memory->columns);
    if (!memory)
        return NULL;
    atomic_init(&memory->refs, 0);
    memory->children = calloc(count, sizeof *memory->children);
    if (!memory->children) {
        free(memory);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        memory->children[i] = &memory->columns[i].field;
    return memory;
}

static void set_struct(struct ArrowSchema *out, schema_memory *memory, size_t count)
{
    set_schema(out, memory, "+s", "", false);
    out->n_children = (int64_t)count;
    out->children = memory->children;
}

/* ------------------------------------------------------------------ the two layouts */

static int by_name(const void *a, const void *b)
{
    const column *x = a, *y = b;
    return strcmp(x->field.name, y->field.name);
}

/* Set names and types, and sort by name. The pointers between fields are set later: sorting moves
 * them. */
static void name_columns(column *columns, const arrakis_channels *channels)
{
    size_t count = arrakis_channels_count(channels);
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info info = ark_info(arrakis_channels_get(channels, i));
        columns[i].field.name = info.name;
        columns[i].item.format = ark_c_schema_format(info.dtype);
    }
    qsort(columns, count, sizeof *columns, by_name);
}

static arrakis_status set_columns(schema_memory *memory, arrakis_error *err)
{
    const arrakis_channels *channels = memory->channels;
    size_t count = arrakis_channels_count(channels);
    set_schema(&memory->columns[0].field, memory, "l", "time", false);
    name_columns(&memory->columns[1], channels);
    for (size_t i = 1; i <= count; i++) {
        column *c = &memory->columns[i];
        set_list(c, memory, c->item.format, c->field.name);
        int64_t index = arrakis_channels_index(channels, c->field.name);
        char rate[ARK_RATE_TEXT_SIZE];
        ARK_TRY(ark_rate_print(
            rate, ark_info(arrakis_channels_get(channels, (size_t)index)).sample_rate, err));
        write_metadata(c->metadata, "rate", rate);
        c->field.metadata = c->metadata;
    }
    return ARRAKIS_OK;
}

arrakis_status arrakis_channels_export_schema(const arrakis_channels *channels,
                                              struct ArrowSchema *out, arrakis_error *err)
{
    if (out)
        *out = (struct ArrowSchema){0};
    if (!channels || !out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_channels_export_schema: %s is NULL",
                        channels ? "out" : "channels");
    size_t count = arrakis_channels_count(channels) + 1;
    schema_memory *memory = memory_new(count);
    if (!memory)
        return ark_no_memory(err, "a schema of %zu columns", count);
    memory->channels = arrakis_channels_ref(channels);
    set_struct(out, memory, count);
    arrakis_status rc = set_columns(memory, err);
    if (rc < 0) {
        memory_unref(memory, atomic_load(&memory->refs));
        *out = (struct ArrowSchema){0};
    }
    return rc;
}

arrakis_status arrakis_rows_export_schema(arrakis_dtype dtype, struct ArrowSchema *out,
                                          arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_rows_export_schema: out is NULL");
    *out = (struct ArrowSchema){0};
    const char *format = ark_c_schema_format(dtype);
    if (!format)
        return ark_fail(err, ARRAKIS_EINVAL, "rows of data type %d, which does not exist",
                        (int)dtype);
    schema_memory *memory = memory_new(3);
    if (!memory)
        return ark_no_memory(err, "a schema of rows");
    set_struct(out, memory, 3);
    set_schema(&memory->columns[0].field, memory, "l", "time", true);
    set_schema(&memory->columns[1].field, memory, "I", "id", true);
    set_list(&memory->columns[2], memory, format, "data");
    return ARRAKIS_OK;
}
