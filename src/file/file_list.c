/* SPDX-License-Identifier: Apache-2.0 */
#include "file/file_list.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static int by_span(const ark_span_name *x, const ark_span_name *y)
{
    if (x->gps != y->gps)
        return x->gps < y->gps ? -1 : 1;
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return strcmp(x->extension, y->extension);
}

static int by_file(const void *a, const void *b)
{
    const ark_listed_file *x = a, *y = b;
    return by_span(&x->name, &y->name);
}

bool ark_file_list_same(const ark_span_name *a, const ark_span_name *b)
{
    return by_span(a, b) == 0;
}

void ark_file_list_clear(ark_file_list *list)
{
    free(list->items);
    *list = (ark_file_list){NULL, 0, 0, 0, 0};
}

arrakis_status ark_file_list_reserve(ark_file_list *list, arrakis_error *err)
{
    if (list->count < list->capacity)
        return ARRAKIS_OK;
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    ark_listed_file *items = reallocarray(list->items, capacity, sizeof *items);
    if (!items)
        return ark_no_memory(err, "a list of %zu files", capacity);
    list->items = items;
    list->capacity = capacity;
    return ARRAKIS_OK;
}

static void count_file(ark_file_list *list, const ark_span_name *name, uint64_t size)
{
    list->bytes += size;
    if (name->length > list->longest)
        list->longest = name->length;
}

arrakis_status ark_file_list_append(ark_file_list *list, const ark_span_name *name, uint64_t size,
                                    arrakis_error *err)
{
    ARK_TRY(ark_file_list_reserve(list, err));
    list->items[list->count++] = (ark_listed_file){*name, size, false};
    count_file(list, name, size);
    return ARRAKIS_OK;
}

void ark_file_list_sort(ark_file_list *list)
{
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, by_file);
}

/* Where the file is, or would be. */
static size_t index_of(const ark_file_list *list, const ark_span_name *name)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_span(&list->items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void ark_file_list_put(ark_file_list *list, const ark_span_name *name, uint64_t size)
{
    size_t at = index_of(list, name);
    ark_listed_file *here = list->items + at;
    if (at < list->count && by_span(&here->name, name) == 0) {
        list->bytes -= here->size;
    } else {
        memmove(here + 1, here, (list->count - at) * sizeof *here);
        list->count++;
    }
    *here = (ark_listed_file){*name, size, false};
    count_file(list, name, size);
}

void ark_file_list_drop(ark_file_list *list, size_t at)
{
    list->bytes -= list->items[at].size;
    list->count--;
    memmove(list->items + at, list->items + at + 1, (list->count - at) * sizeof *list->items);
}

size_t ark_file_list_from(const ark_file_list *list, int64_t gps)
{
    const ark_span_name before_all = {.gps = gps};
    return index_of(list, &before_all);
}

size_t ark_file_list_after(const ark_file_list *list, int64_t gps)
{
    return ark_file_list_from(list, gps - list->longest + 1);
}

ark_listed_file *ark_file_list_find(const ark_file_list *list, const ark_span_name *name)
{
    size_t at = index_of(list, name);
    return at < list->count && by_span(&list->items[at].name, name) == 0 ? &list->items[at] : NULL;
}

bool ark_file_list_covers(const ark_file_list *list, const ark_span_name *name, bool ours)
{
    int64_t at = name->gps;
    const int64_t end = name->gps + name->length;
    for (size_t i = ark_file_list_after(list, at); i < list->count && at < end; i++) {
        const ark_listed_file *file = &list->items[i];
        const int64_t file_end = file->name.gps + file->name.length;
        if (file->name.gps > at)
            break;
        if (file_end > at && (file->ours || !ours) && by_span(&file->name, name) != 0 &&
            strcmp(file->name.extension, name->extension) == 0)
            at = file_end;
    }
    return at >= end;
}
