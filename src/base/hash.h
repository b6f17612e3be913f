/* SPDX-License-Identifier: Apache-2.0 */
/* The hash for tables whose keys come from outside. */
#ifndef ARK_BASE_HASH_H
#define ARK_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3: without the key nobody can choose texts that collide. */
uint64_t ark_hash_keyed(const uint64_t key[2], const void *data, size_t size);
/* With a random key of this process. */
uint64_t ark_hash(const void *data, size_t size);

#endif
