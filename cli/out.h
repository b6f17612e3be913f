/* SPDX-License-Identifier: Apache-2.0 */
/* Text on its way to a file descriptor. Appending cannot fail: the first failure, of memory or of
 * the write, is kept, and what follows is dropped. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>

struct out {
    int fd; /* -1: kept in memory */
    char *data;
    size_t size, capacity;
    int error; /* errno of the first failure, 0: none */
};

/** Room for `n` more bytes at the end, NULL once something has failed. What is already here may be
 *  written out to make it. Pass the end of what was put there to out_advance(). */
char *out_reserve(struct out *out, size_t n);
void out_advance(struct out *out, const char *end);

void out_bytes(struct out *out, const void *data, size_t size);
void out_text(struct out *out, const char *text);
void out_char(struct out *out, char c);
void out_pad(struct out *out, char c, size_t n);
void out_format(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A text that came from elsewhere, as one that cannot steer a terminal: what control_at() finds, and
 *  bytes that are no UTF-8, become question marks. */
void out_plain(struct out *out, const char *text);
/** How many bytes at `text` are a control character, 0: none. U+0080 to U+009F, the controls of
 *  bidirectional text, and the separators of lines and paragraphs count. `*code` is its number. */
size_t control_at(const char *text, unsigned *code);
/** Columns that text takes on a terminal, one a character. */
size_t text_width(const char *text, size_t size);

/** Write it all. @return whether to go on. */
bool out_flush(struct out *out);
/** The same, then write `data` without keeping a copy. */
bool out_through(struct out *out, const void *data, size_t size);
/** The exit code that the failure of writing to stdout means: a closed pipe ends quietly with 0,
 *  anything else says so and ends with 1; without a failure, `code`. Frees the memory. */
int out_finish(struct out *out, int code);
void out_free(struct out *out);

#endif
