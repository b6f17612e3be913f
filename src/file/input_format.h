/* SPDX-License-Identifier: Apache-2.0 */
/* What reading a format of files implements. Every byte of a file is hostile. */
#ifndef ARK_FILE_INPUT_FORMAT_H
#define ARK_FILE_INPUT_FORMAT_H

#include <arrakis/file.h>

/* The most bytes of samples that a block out of a file has. */
#define ARK_INPUT_BLOCK_MAX ((size_t)1 << 30)

/* A file that is being read. */
typedef struct ark_input ark_input;

typedef struct ark_input_format {
    const char *name;
    const char *magic; /* what files begin with */
    size_t magic_size;
    /* The descriptor, that of a file, and the channels that are wanted are borrowed. */
    arrakis_status (*open)(ark_input **out, int fd, arrakis_channels *known, arrakis_error *err);
    void (*close)(ark_input *input);
    /* The next block; DONE: there is none. */
    arrakis_status (*next)(ark_input *input, arrakis_block **block, arrakis_error *err);
} ark_input_format;

#endif
