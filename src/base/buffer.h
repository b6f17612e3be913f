/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes; all zero is empty. */
#ifndef ARK_BASE_BUFFER_H
#define ARK_BASE_BUFFER_H

#include <arrakis/arrakis.h>

typedef struct ark_buffer {
    uint8_t *data;
    size_t size, capacity;
} ark_buffer;

arrakis_status ark_buffer_reserve(ark_buffer *buffer, size_t more, arrakis_error *err);
void ark_buffer_free(ark_buffer *buffer);

#endif
