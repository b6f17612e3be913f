/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of frame files, which is that of cksum(1). No I/O. */
#ifndef ARK_GWF_CHECKSUM_H
#define ARK_GWF_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The state after `size` more bytes. The state before the first byte is 0. */
uint32_t ark_gwf_checksum_add(uint32_t state, const void *bytes, size_t size);
/* The state after bytes whose state is `first` and `size` more bytes whose state, counted from 0,
 * is `second`: so bytes that belong to a structure and to the file are looked at once. */
uint32_t ark_gwf_checksum_join(uint32_t first, uint32_t second, uint64_t size);
/* The checksum of `size` bytes whose state is `state`. */
uint32_t ark_gwf_checksum_end(uint32_t state, uint64_t size);

#endif
