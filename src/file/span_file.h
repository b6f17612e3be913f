/* SPDX-License-Identifier: Apache-2.0 */
/* One file, from nothing to its name: nothing of it is under its name until all of it is on the
 * disk. */
#ifndef ARK_FILE_SPAN_FILE_H
#define ARK_FILE_SPAN_FILE_H

#include "file/file_format.h"
#include "file/folder.h"

typedef struct ark_span_file {
    int fd; /* -1: none is being written */
    char part[ARK_SPAN_NAME_SIZE];
} ark_span_file;

#define ARK_SPAN_FILE_INIT                                                                        \
    {                                                                                             \
        .fd = -1                                                                                  \
    }

/* The name is of all that the file is to have from start_ns on. */
arrakis_status ark_span_file_begin(ark_span_file *file, ark_folder *folder,
                                   const ark_span_name *name, int64_t start_ns,
                                   ark_file_writer *writer, const ark_file_format *format,
                                   arrakis_error *err);
/* Have all of the file, up to end_ns, on the disk. *size receives its size. After a failure it is to be
 * dropped. */
arrakis_status ark_span_file_write(ark_span_file *file, int64_t end_ns, ark_file_writer *writer,
                                   const ark_file_format *format, uint64_t *size,
                                   arrakis_error *err);
/* Give it the name of what it has after all. */
arrakis_status ark_span_file_name(ark_span_file *file, ark_folder *folder,
                                  const ark_span_name *name, uint64_t size, arrakis_error *err);
/* Remove what is written so far. */
void ark_span_file_drop(ark_span_file *file, const ark_folder *folder);

#endif
