/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is written to a file descriptor. Appending does not report failures: the first one, of
 * an allocation or a write, is kept in `error`, and all further text is dropped. */
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

/** Room for `n` more bytes at the end; the text before may be written out first. NULL after a
 *  failure. Pass the end of the bytes that were put there to out_advance(). */
char *out_reserve(struct out *out, size_t n);
void out_advance(struct out *out, const char *end);

void out_bytes(struct out *out, const void *data, size_t size);
void out_text(struct out *out, const char *text);
void out_char(struct out *out, char c);
void out_pad(struct out *out, char c, size_t n);
void out_format(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Append a text from outside so that it cannot control a terminal: question marks replace what
 *  control_at() finds and bytes that are not UTF-8. */
void out_plain(struct out *out, const char *text);
/** How many bytes at `text` are a control character, 0: none. U+0080 to U+009F, the controls of
 *  bidirectional text, and the separators of lines and paragraphs count. `*code` is its number. */
size_t control_at(const char *text, unsigned *code);
/** How many columns a text takes on a terminal: one per character. */
size_t text_width(const char *text, size_t size);

/** Write all text. @return whether to go on. */
bool out_flush(struct out *out);
/** Write all text, and then `data`, which is not copied. @return whether to go on. */
bool out_through(struct out *out, const void *data, size_t size);
/** Write all text and free the memory. @return `code`; after a failure 0 for a closed pipe, and 1
 *  with a message for any other. */
int out_finish(struct out *out, int code);
void out_free(struct out *out);

#endif
