/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of all look-up tables whose keys others choose. */
#ifndef ARK_BASE_HASH_H
#define ARK_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3 under a key. Who does not know the key finds no texts that collide. */
uint64_t ark_hash_keyed(const uint64_t key[2], const void *data, size_t size);
/* Under the process's own key, which is random. */
uint64_t ark_hash(const void *data, size_t size);

#endif
