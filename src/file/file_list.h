/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one prefix, in the order of their spans. No I/O. */
#ifndef ARK_FILE_FILE_LIST_H
#define ARK_FILE_FILE_LIST_H

#include "file/span_name.h"

typedef struct ark_listed_file {
    ark_span_name name;
    uint64_t size;
    bool ours; /* written since the list was made, and whole */
} ark_listed_file;

typedef struct ark_file_list {
    ark_listed_file *items;
    size_t count, capacity;
    uint64_t bytes;  /* of all files */
    int64_t longest; /* seconds: no file is longer */
} ark_file_list;

void ark_file_list_clear(ark_file_list *list);
/* Add a file to a list that is sorted when all are there. */
arrakis_status ark_file_list_append(ark_file_list *list, const ark_span_name *name, uint64_t size,
                                    arrakis_error *err);
void ark_file_list_sort(ark_file_list *list);
/* Have room for one more file. */
arrakis_status ark_file_list_reserve(ark_file_list *list, arrakis_error *err);
/* Put a file into a sorted list that has room, or give it its size, if it has been written again. */
void ark_file_list_put(ark_file_list *list, const ark_span_name *name, uint64_t size);
void ark_file_list_drop(ark_file_list *list, size_t at);
/* The first of the files that begin at `gps` or later. */
size_t ark_file_list_from(const ark_file_list *list, int64_t gps);
/* The first of the files that may end after `gps`. */
size_t ark_file_list_after(const ark_file_list *list, int64_t gps);
/* The file of that name; NULL: it is not there. */
ark_listed_file *ark_file_list_find(const ark_file_list *list, const ark_span_name *name);
/* Whether other files with the extension of `name`, or those of them that are ours, together have
 * all its time. */
bool ark_file_list_covers(const ark_file_list *list, const ark_span_name *name, bool ours);
bool ark_file_list_same(const ark_span_name *a, const ark_span_name *b);

#endif
