/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>

arrakis_status ark_buffer_reserve(ark_buffer *buffer, size_t more, arrakis_error *err)
{
    assert(buffer->size <= buffer->capacity);
    if (more <= buffer->capacity - buffer->size)
        return ARRAKIS_OK;
    if (more > SIZE_MAX / 2 - buffer->size)
        return ark_fail(err, ARRAKIS_ENOMEM, "a buffer of %zu bytes cannot grow by %zu",
                        buffer->size, more);
    size_t capacity = buffer->size + more;
    if (capacity < buffer->capacity + buffer->capacity / 2)
        capacity = buffer->capacity + buffer->capacity / 2;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data)
        return ark_no_memory(err, "a buffer of %zu bytes", capacity);
    buffer->data = data;
    buffer->capacity = capacity;
    return ARRAKIS_OK;
}

void ark_buffer_clear(ark_buffer *buffer)
{
    free(buffer->data);
    *buffer = (ark_buffer){NULL, 0, 0};
}
