/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are read, sorted by their times. */
#ifndef ARK_FILE_INPUT_FILES_H
#define ARK_FILE_INPUT_FILES_H

#include "file/span_name.h"

enum { ARK_INPUT_FILES_MAX = 1000000 };

typedef struct ark_input_file {
    char *path;
    ark_span_name name; /* length 0: the path has none */
} ark_input_file;

typedef struct ark_input_files {
    ark_input_file *files;
    size_t count, capacity;
} ark_input_files;

/* Find the files at paths, each a file or a directory. EINVAL: two have the same time, or one of
 * several has none in its name; ENOTFOUND: there is none; EIO. After a failure, too, the files are
 * to be cleared. */
arrakis_status ark_input_files_find(ark_input_files *files, const char *const *paths, size_t count,
                                    arrakis_error *err);
void ark_input_files_clear(ark_input_files *files);

#endif
