/* SPDX-License-Identifier: Apache-2.0 */
/* Structures of a frame file, out of a descriptor. Nothing in the file is believed. */
#ifndef ARK_GWF_IN_H
#define ARK_GWF_IN_H

#include "base/buffer.h"
#include "gwf/format.h"

#include <arrakis/arrakis.h>

/* The most that is looked at as a whole, such as a structure with three texts. */
enum { ARK_GWF_IN_PIECE_MAX = 1 << 18 };

typedef struct ark_gwf_in {
    int fd;
    uint64_t size; /* of the file */
    bool swap;     /* the file's numbers are in the other byte order */
    ark_buffer window;
    uint64_t window_at; /* where in the file its bytes are */
} ark_gwf_in;

/* The beginning of a structure. */
typedef struct ark_gwf_head {
    uint64_t at, length;
    uint8_t check; /* ARK_GWF_CHECKSUM_CRC, or not checked */
    uint8_t kind;  /* the class, as this file numbers it */
    uint32_t instance;
} ark_gwf_head;

/* Elements that are taken one after the other. Once one is not there, or is not what it should be,
 * `failed` is true and all that follow are 0 or "". */
typedef struct ark_gwf_elements {
    const uint8_t *next;
    size_t left;
    bool swap, failed;
} ark_gwf_elements;

/* Begin with a file, and check its header. After a failure there is nothing to clear. */
arrakis_status ark_gwf_in_init(ark_gwf_in *in, int fd, arrakis_error *err);
void ark_gwf_in_clear(ark_gwf_in *in);

/* Read bytes of the file; they must be inside it. */
arrakis_status ark_gwf_in_read(const ark_gwf_in *in, uint64_t at, void *to, size_t size,
                               arrakis_error *err);
/* The bytes [at, at + size) of the file, up to ARK_GWF_IN_PIECE_MAX. They stay until the next call. */
arrakis_status ark_gwf_in_bytes(ark_gwf_in *in, uint64_t at, uint64_t size, const uint8_t **bytes,
                                arrakis_error *err);
/* The structure that begins at `at`. EFORMAT: it is not inside the file. */
arrakis_status ark_gwf_in_head(ark_gwf_in *in, uint64_t at, ark_gwf_head *head,
                               arrakis_error *err);
/* Its elements but for its checksum, which must be right, and but for the `after` bytes behind the
 * checksum. */
arrakis_status ark_gwf_in_elements(ark_gwf_in *in, const ark_gwf_head *head, size_t after,
                                   ark_gwf_elements *elements, arrakis_error *err);

uint16_t ark_gwf_in_u16(ark_gwf_elements *elements);
uint32_t ark_gwf_in_u32(ark_gwf_elements *elements);
uint64_t ark_gwf_in_u64(ark_gwf_elements *elements);
double ark_gwf_in_f64(ark_gwf_elements *elements);
const char *ark_gwf_in_text(ark_gwf_elements *elements);
/* A class and an instance; class 0: a reference to nothing. */
uint16_t ark_gwf_in_reference(ark_gwf_elements *elements, uint32_t *instance);
void ark_gwf_in_skip(ark_gwf_elements *elements, size_t size);

/* Fail with EFORMAT, and tell which structure it is. */
arrakis_status ark_gwf_in_fail(const ark_gwf_head *head, const char *what, arrakis_error *err);

#endif
