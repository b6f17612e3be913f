/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of stdin, each as soon as it is there. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>

/** Set up with zeros. */
struct lines {
    char *data;
    size_t from, size, capacity; /* what is read and not yet taken: [from, size) */
    size_t number;               /* of the last line, from 1 */
    bool ended;
};

/** The next line, without its end and with a zero after it; borrowed until the next call. NULL at
 *  the end of stdin or after an interrupt. A line of more than 256 MiB is an error.
 *  @return 0, or the exit code after a message */
int lines_next(struct lines *lines, char **line, size_t *size);
void lines_free(struct lines *lines);

#endif
