/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors (FrVect) of a frame file that is read. */
#ifndef ARK_GWF_VECTOR_H
#define ARK_GWF_VECTOR_H

#include "base/buffer.h"
#include "gwf/in.h"

#include <arrakis/arrakis.h>

typedef struct ark_gwf_vector {
    ark_gwf_head head;
    uint64_t data_at, stored; /* where its data is in the file, and how many bytes of it */
    uint64_t count;           /* values */
    uint32_t dimensions;
    double start, step; /* along the one dimension */
    uint16_t compress, type;
    bool is_mask; /* by its name */
    bool used;    /* by a channel */
} ark_gwf_vector;

/* Read what describes the vector, but not its data. EFORMAT: its parts are not as long as it is. */
arrakis_status ark_gwf_vector_parse(ark_gwf_in *in, const ark_gwf_head *head,
                                    ark_gwf_vector *vector, arrakis_error *err);
/* Read its values in this machine's byte order, up to `max` bytes. `room` is used meanwhile. EFORMAT:
 * the file has another number of bytes for them, or packed ones that are too many; a checksum differs.
 * EUNSUPPORTED: another type or compression, or more than `max` bytes. */
arrakis_status ark_gwf_vector_read(ark_gwf_in *in, const ark_gwf_vector *vector, size_t max,
                                   ark_buffer *out, ark_buffer *room, arrakis_error *err);

#endif
