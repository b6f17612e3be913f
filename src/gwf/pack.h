/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of FrVect.data: compression, and this machine's byte order. No I/O. */
#ifndef ARK_GWF_PACK_H
#define ARK_GWF_PACK_H

#include "base/buffer.h"

#include <arrakis/arrakis.h>

/* Compresses, one vector after the other. */
typedef struct ark_gwf_pack ark_gwf_pack;

/* `level`: 1 to 9. */
arrakis_status ark_gwf_pack_new(ark_gwf_pack **out, int level, arrakis_error *err);
void ark_gwf_pack_free(ark_gwf_pack *pack);
/* Compress `*size` bytes. Where that makes them fewer, `*smaller` is true and `*data` and `*size`
 * lead to the new bytes, which stay until the next call; else they stay as they are. */
arrakis_status ark_gwf_pack_bytes(ark_gwf_pack *pack, const void **data, size_t *size,
                                  bool *smaller, arrakis_error *err);
/* Expand bytes to exactly `expected` bytes, which replace the contents of `out`. The memory grows
 * with what comes out. EFORMAT: the bytes are not so compressed, or are others than that many. */
arrakis_status ark_gwf_pack_expand(ark_buffer *out, size_t expected, const void *data, size_t size,
                                   arrakis_error *err);

/* Expand differences whose leading zeros are suppressed to exactly `expected` bytes of integers of
 * `width` bytes (2, 4 or 8) in this machine's byte order; the bytes are little-endian. EFORMAT: they
 * are not so compressed, or too few; EUNSUPPORTED: blocks of more than 64 words. */
arrakis_status ark_gwf_pack_words(ark_buffer *out, size_t expected, size_t width,
                                  const uint8_t *data, size_t size, arrakis_error *err);

/* FrVect.compress: the bit for samples in this machine's byte order. */
uint16_t ark_gwf_pack_order(void);
/* Reverse the bytes of each of `count` numbers of `width` bytes. */
void ark_gwf_pack_swap(void *data, size_t count, size_t width);
/* Make integers of `width` bytes of the first one and the differences that follow it. */
void ark_gwf_pack_sum(void *data, size_t count, size_t width);

#endif
