/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plain_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The size in bytes of the UTF-8 character at `s`, and the character; 0: it is not UTF-8. */
static size_t character_at(const unsigned char *s, uint32_t *character)
{
    size_t size = *s < 0x80   ? 1
                  : *s < 0xc2 ? 0
                  : *s < 0xe0 ? 2
                  : *s < 0xf0 ? 3
                  : *s < 0xf5 ? 4
                              : 0;
    uint32_t value = size == 1 ? *s : size ? *s & (0xffu >> (size + 1)) : 0;
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80) /* the terminating zero too */
            return 0;
        value = value << 6 | (s[i] & 0x3f);
    }
    bool is_short = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
    bool is_none = (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff;
    *character = value;
    return is_short || is_none ? 0 : size;
}

static bool is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) ||      /* C0, DEL, C1 */
           c == 0x061c || c == 0x200e || c == 0x200f || /* marks of direction */
           (c >= 0x2028 && c <= 0x202e) ||              /* separators, embeddings, overrides */
           (c >= 0x2066 && c <= 0x2069);                /* isolates */
}

void ark_plain_text(char *text)
{
    unsigned char *to = (unsigned char *)text;
    for (const unsigned char *from = to; *from;) {
        uint32_t c;
        size_t size = character_at(from, &c);
        if (!size || is_hidden(c)) {
            *to++ = size == 1 && c >= '\t' && c <= '\r' ? ' ' : '?';
            from += size ? size : 1;
        } else {
            memmove(to, from, size);
            to += size;
            from += size;
        }
    }
    *to = '\0';
}
