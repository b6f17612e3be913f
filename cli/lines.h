/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of stdin, each as soon as it has arrived. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>

/** Begins with all bytes 0. */
struct lines {
    char *data;
    size_t from, size, capacity; /* bytes [from, size) have been read, and are not used yet */
    size_t number;               /* of the last line, from 1 */
    bool ended;
};

/** The next line, without its end and with a zero byte after it; valid until the next call. NULL
 *  at the end of stdin or after an interrupt. A line of more than 256 MiB is an error.
 *  @return 0, or the exit code after a message */
int lines_next(struct lines *lines, char **line, size_t *size);
void lines_free(struct lines *lines);

#endif
