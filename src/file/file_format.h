/* SPDX-License-Identifier: Apache-2.0 */
/* What a format of files implements. */
#ifndef ARK_FILE_FILE_FORMAT_H
#define ARK_FILE_FILE_FORMAT_H

#include "file/file_spec.h"

#include <arrakis/file.h>

/* A writer writes one file after another. */
typedef struct ark_file_writer ark_file_writer;

typedef struct ark_file_format {
    const char *name, *extension;
    bool compresses;
    /* The spec is borrowed, and lives longer than the writer. */
    arrakis_status (*open)(ark_file_writer **out, const ark_file_spec *spec, arrakis_error *err);
    void (*close)(ark_file_writer *writer);
    /* Begin a file that is empty; the one before is done with, whole or not. It lasts up to the
     * length of the spec. */
    arrakis_status (*begin)(ark_file_writer *writer, int fd, int64_t start_ns, arrakis_error *err);
    /* Blocks of the span of the file, in order of time, each a whole number of strides after the
     * start; those that never come are missing. One that is shorter than a stride ends the file.
     */
    arrakis_status (*add)(ark_file_writer *writer, const arrakis_block *block, arrakis_error *err);
    /* Write what is left up to end_ns. *size receives the size of the file. */
    arrakis_status (*end)(ark_file_writer *writer, int64_t end_ns, uint64_t *size,
                          arrakis_error *err);
} ark_file_format;

#endif
