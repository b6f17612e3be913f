/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks as arrays of the Arrow C data interface. */
#include "arrow/c_schema.h"
#include "base/error.h"
#include "base/mutable.h"
#include "block/bits.h"
#include "block/block.h"
#include "block/layout.h"

#include <arrakis/arrow.h>

#include <stdlib.h>
#include <string.h>

/* A column, and the array inside it where it is a list. */
typedef struct column {
    struct ArrowArray outer, inner;
    struct ArrowArray *child;
    const void *outer_buffers[2], *inner_buffers[2];
    int32_t ends[2]; /* offsets of a list of one row */
} column;

/* The memory that an exported array points into. It lives until the array and all arrays inside it
 * are released: consumers may move these out and release them in any thread, hence the atomic
 * count. */
typedef struct array_memory {
    atomic_size_t refs;
    arrakis_block *block; /* the samples are those of this block */
    int64_t time_ns;
    void *made; /* what rows need besides the memory of the block; freed with it */
    const void *no_validity;
    struct ArrowArray **children;
    column columns[];
} array_memory;

static void memory_unref(array_memory *memory, size_t refs)
{
    if (atomic_fetch_sub(&memory->refs, refs) != refs)
        return;
    arrakis_block_unref(memory->block);
    free(memory->made);
    free(memory->children);
    free(memory);
}

/* Mark an array, and the arrays that are still in it, as released; returns how many that are. */
static size_t mark_released(struct ArrowArray *array)
{
    size_t count = 1;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            count += mark_released(array->children[i]);
    array->release = NULL;
    return count;
}

static void release_array(struct ArrowArray *array)
{
    array_memory *memory = array->private_data;
    memory_unref(memory, mark_released(array));
}

static array_memory *memory_new(const arrakis_block *block, size_t count)
{
    array_memory *memory = malloc(sizeof *memory + count * sizeof *memory->columns);
    if (!memory)
        return NULL;
    memory->children = malloc(count * sizeof *memory->children);
    if (!memory->children) {
        free(memory);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        memory->children[i] = &memory->columns[i].outer;
    atomic_init(&memory->refs, 0);
    memory->block = arrakis_block_ref(ark_mutable(block));
    memory->time_ns = arrakis_block_start_ns(block);
    memory->made = NULL;
    memory->no_validity = NULL;
    return memory;
}

static void set_array(struct ArrowArray *array, array_memory *memory, int64_t length,
                      const void **buffers, int64_t n_buffers)
{
    *array = (struct ArrowArray){
        .length = length,
        .n_buffers = n_buffers,
        .buffers = buffers,
        .release = release_array,
        .private_data = memory,
    };
}

static void set_struct(struct ArrowArray *out, array_memory *memory, int64_t rows, size_t columns)
{
    set_array(out, memory, rows, &memory->no_validity, 1);
    out->n_children = (int64_t)columns;
    out->children = memory->children;
}

/* A column of numbers without nulls. */
static void set_numbers(column *c, array_memory *memory, int64_t rows, const void *numbers)
{
    c->outer_buffers[0] = NULL;
    c->outer_buffers[1] = numbers;
    set_array(&c->outer, memory, rows, c->outer_buffers, 2);
}

/* A column of lists, none of them null. `valid` NULL: no sample is null. */
static void set_lists(column *c, array_memory *memory, int64_t rows, const int32_t *offsets,
                      size_t samples_count, const void *samples, const uint8_t *valid)
{
    c->outer_buffers[0] = NULL;
    c->outer_buffers[1] = offsets;
    c->inner_buffers[0] = valid;
    c->inner_buffers[1] = samples;
    c->child = &c->inner;
    set_array(&c->inner, memory, (int64_t)samples_count, c->inner_buffers, 2);
    c->inner.null_count =
        valid ? -1 : 0; /* not counted: consumers count them where they need to */
    set_array(&c->outer, memory, rows, c->outer_buffers, 2);
    c->outer.n_children = 1;
    c->outer.children = &c->child;
}

/* ------------------------------------------------------------------ columns */

arrakis_status arrakis_block_export(const arrakis_block *block, struct ArrowArray *out,
                                    arrakis_error *err)
{
    if (out)
        *out = (struct ArrowArray){0};
    if (!block || !out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_block_export: %s is NULL",
                        block ? "out" : "block");
    size_t count = arrakis_channels_count(arrakis_block_channels(block));
    const uint32_t *order = ark_layout_by_name(block->layout);
    array_memory *memory = order ? memory_new(block, count + 1) : NULL;
    if (!memory)
        return ark_no_memory(err, "an array of %zu columns", count + 1);
    atomic_init(&memory->refs, 2 * count + 2);
    set_struct(out, memory, 1, count + 1);
    set_numbers(&memory->columns[0], memory, 1, &memory->time_ns);
    for (size_t i = 0; i < count; i++) {
        column *c = &memory->columns[i + 1];
        arrakis_series series;
        ark_block_series(&series, block, order[i]);
        c->ends[0] = 0;
        c->ends[1] = (int32_t)series.length;
        set_lists(c, memory, 1, c->ends, series.length, series.samples, series.valid);
    }
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ rows */

/* Rows for all channels of one data type. */
typedef struct rows {
    size_t count, samples; /* of all rows */
    bool nulls, contiguous;
    const uint8_t *first;
    /* in array_memory.made */
    int64_t *times;
    uint32_t *ids;
    int32_t *offsets;
    uint8_t *valid, *copies;
} rows;

static arrakis_status measure_rows(rows *r, const arrakis_block *block, arrakis_dtype dtype,
                                   arrakis_error *err)
{
    const uint8_t *next = NULL;
    size_t size = arrakis_dtype_size(dtype);
    *r = (rows){.contiguous = true};
    for (size_t i = 0; i < arrakis_channels_count(arrakis_block_channels(block)); i++) {
        arrakis_series s;
        ark_block_series(&s, block, i);
        if (s.dtype != dtype)
            continue;
        if (s.length > INT32_MAX - r->samples)
            return ark_fail(err, ARRAKIS_EINVAL, "rows of over %d samples", INT32_MAX);
        r->first = r->count ? r->first : s.samples;
        r->contiguous = r->contiguous && (!r->count || s.samples == next);
        next = (const uint8_t *)s.samples + s.length * size;
        r->samples += s.length;
        r->nulls = r->nulls || s.valid;
        r->count++;
    }
    return ARRAKIS_OK;
}

static size_t pad_size(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

/* Allocate times, ids, offsets and, where needed, validity and samples, in one piece. */
static bool make_room(array_memory *memory, rows *r, size_t sample_size)
{
    size_t bits = r->nulls ? pad_size(r->samples / 8 + 1) : 0;
    size_t copies = r->contiguous ? 0 : r->samples * sample_size;
    size_t times = r->count * sizeof *r->times, ids = pad_size(r->count * sizeof *r->ids);
    size_t offsets = pad_size((r->count + 1) * sizeof *r->offsets);
    uint8_t *at = memory->made = malloc(times + ids + offsets + bits + copies);
    if (!at)
        return false;
    r->times = (int64_t *)(void *)at;
    r->ids = (uint32_t *)(void *)(at += times);
    r->offsets = (int32_t *)(void *)(at += ids);
    r->valid = r->nulls ? at + offsets : NULL;
    r->copies = r->contiguous ? NULL : at + offsets + bits;
    if (bits)
        memset(r->valid, 0xff, bits);
    return true;
}

static void fill_rows(rows *r, const arrakis_block *block, arrakis_dtype dtype,
                      const uint32_t *ids)
{
    size_t row = 0, at = 0, size = arrakis_dtype_size(dtype);
    r->offsets[0] = 0;
    for (size_t i = 0; row < r->count; i++) {
        arrakis_series s;
        ark_block_series(&s, block, i);
        if (s.dtype != dtype)
            continue;
        r->times[row] = arrakis_block_start_ns(block);
        r->ids[row] = ids ? ids[i] : (uint32_t)i;
        if (s.valid)
            ark_bits_copy_zeros(r->valid, at, s.valid, 0, s.length);
        if (r->copies)
            memcpy(r->copies + at * size, s.samples, s.length * size);
        at += s.length;
        r->offsets[++row] = (int32_t)at;
    }
}

arrakis_status arrakis_block_export_rows(const arrakis_block *block, arrakis_dtype dtype,
                                         const uint32_t *ids, struct ArrowArray *out,
                                         arrakis_error *err)
{
    if (out)
        *out = (struct ArrowArray){0};
    if (!block || !out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_block_export_rows: %s is NULL",
                        block ? "out" : "block");
    if (!ark_c_schema_format(dtype))
        return ark_fail(err, ARRAKIS_EINVAL, "rows of data type %d, which does not exist",
                        (int)dtype);
    rows r;
    ARK_TRY(measure_rows(&r, block, dtype, err));
    array_memory *memory = memory_new(block, 3);
    if (!memory || !make_room(memory, &r, arrakis_dtype_size(dtype))) {
        if (memory)
            memory_unref(memory, 0);
        return ark_no_memory(err, "an array of %zu rows", r.count);
    }
    atomic_init(&memory->refs, 5);
    fill_rows(&r, block, dtype, ids);
    set_struct(out, memory, (int64_t)r.count, 3);
    set_numbers(&memory->columns[0], memory, (int64_t)r.count, r.times);
    set_numbers(&memory->columns[1], memory, (int64_t)r.count, r.ids);
    set_lists(&memory->columns[2], memory, (int64_t)r.count, r.offsets, r.samples,
              r.copies ? r.copies : r.first, r.valid);
    return ARRAKIS_OK;
}
