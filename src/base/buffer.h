/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow. Empty when all bytes of the struct are 0. */
#ifndef ARK_BASE_BUFFER_H
#define ARK_BASE_BUFFER_H

#include <arrakis/arrakis.h>

typedef struct ark_buffer {
    uint8_t *data;
    size_t size, capacity;
} ark_buffer;

/* Make room for `more` bytes after the first `size`. */
arrakis_status ark_buffer_reserve(ark_buffer *buffer, size_t more, arrakis_error *err);
void ark_buffer_clear(ark_buffer *buffer);

#endif
