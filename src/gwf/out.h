/* SPDX-License-Identifier: Apache-2.0 */
/* Structures to a descriptor, with their checksums and that of the file. Numbers are written in
 * this machine's byte order, which the file's header tells. */
#ifndef ARK_GWF_OUT_H
#define ARK_GWF_OUT_H

#include "base/buffer.h"
#include "gwf/format.h"

#include <arrakis/arrakis.h>

#include <string.h>

/* Empty when all bytes are 0. */
typedef struct ark_gwf_out {
    int fd;
    uint64_t size;         /* bytes of the file so far */
    uint32_t state;        /* of the checksum of all that does not wait */
    uint32_t header_state; /* the same of the header alone */
    ark_buffer waiting;    /* written with what comes next */
    /* The structure that is being made: its elements, and the bytes that are not copied to them,
     * which come before the element at `data_at`. */
    ark_buffer elements;
    bool out_of_memory; /* an element is missing */
    const void *data;
    size_t data_size, data_at;
} ark_gwf_out;

void ark_gwf_out_clear(ark_gwf_out *out);

void ark_gwf_out_make_room(ark_gwf_out *out, size_t size);

/* Add an element to the structure. */
static inline void ark_gwf_out_put(ark_gwf_out *out, const void *bytes, size_t size)
{
    ark_buffer *elements = &out->elements;
    if (size > elements->capacity - elements->size)
        ark_gwf_out_make_room(out, size);
    if (out->out_of_memory)
        return;
    memcpy(elements->data + elements->size, bytes, size);
    elements->size += size;
}
void ark_gwf_out_text(ark_gwf_out *out, const char *text);
void ark_gwf_out_reference(ark_gwf_out *out, ark_gwf_class kind, uint32_t instance);
/* Add `size` bytes that stay where they are until the structure is written; once per structure. */
void ark_gwf_out_data(ark_gwf_out *out, const void *data, size_t size);

static inline void ark_gwf_out_u16(ark_gwf_out *out, uint16_t value)
{
    ark_gwf_out_put(out, &value, sizeof value);
}
static inline void ark_gwf_out_u32(ark_gwf_out *out, uint32_t value)
{
    ark_gwf_out_put(out, &value, sizeof value);
}
static inline void ark_gwf_out_u64(ark_gwf_out *out, uint64_t value)
{
    ark_gwf_out_put(out, &value, sizeof value);
}
static inline void ark_gwf_out_f32(ark_gwf_out *out, float value)
{
    ark_gwf_out_put(out, &value, sizeof value);
}
static inline void ark_gwf_out_f64(ark_gwf_out *out, double value)
{
    ark_gwf_out_put(out, &value, sizeof value);
}

/* Begin a file with its header; what another file left behind is dropped. */
arrakis_status ark_gwf_out_header(ark_gwf_out *out, int fd, arrakis_error *err);
/* The checksum of that header. */
uint32_t ark_gwf_out_header_sum(const ark_gwf_out *out);
/* Write the structure whose elements were added, with its checksum. */
arrakis_status ark_gwf_out_structure(ark_gwf_out *out, ark_gwf_class kind, uint32_t instance,
                                     arrakis_error *err);
/* The same for the last structure, which has the file's checksum, too; and write what waits. */
arrakis_status ark_gwf_out_last(ark_gwf_out *out, ark_gwf_class kind, uint32_t instance,
                                arrakis_error *err);

#endif
