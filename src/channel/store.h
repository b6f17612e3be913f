/* SPDX-License-Identifier: Apache-2.0 */
/* Very many channels in little memory, found by name: holds what a metadata topic has. A channel
 * takes its name and 40 bytes; an arrakis_channel is made only of channels that are used. */
#ifndef ARK_CHANNEL_STORE_H
#define ARK_CHANNEL_STORE_H

#include "channel/shared.h"

typedef struct ark_stored_channel {
    ark_channel_shared *shared; /* a reference */
    int64_t time_ns;
    uint32_t name_at : 31; /* in `text` */
    uint32_t has_index : 1;
    uint32_t index;
} ark_stored_channel;

typedef struct ark_store_slot {
    uint32_t hash;
    uint32_t item; /* index in `items`, plus one; 0: the slot is free */
} ark_store_slot;

/* A hash table. Empty when all bytes are 0. */
typedef struct ark_channel_store {
    /* in the order in which they were first put, until one is removed */
    ark_stored_channel *items;
    size_t count, capacity;
    char *text; /* the names, each with its zero byte */
    size_t text_size, text_capacity;
    size_t text_unused;    /* bytes of the names of removed channels */
    ark_store_slot *slots; /* open addressing */
    size_t slot_count;     /* a power of two, or 0 */
} ark_channel_store;

/* The index of a name, or ARK_NO_INDEX. */
size_t ark_channel_store_find(const ark_channel_store *store, const char *name, size_t length);
/* Copy a channel: to `index`, which ark_channel_store_find() returned for its name, or to the end
 * for ARK_NO_INDEX. ENOMEM: nothing has changed. */
arrakis_status ark_channel_store_put(ark_channel_store *store, size_t index,
                                     const arrakis_channel_info *info, arrakis_error *err);
/* Remove a channel; the last channel gets its index. */
void ark_channel_store_remove(ark_channel_store *store, size_t index);
static inline const char *ark_channel_store_name(const ark_channel_store *store, size_t index)
{
    return store->text + store->items[index].name_at;
}

/* The metadata of a channel; its texts are valid until the store changes. */
arrakis_channel_info ark_channel_store_info(const ark_channel_store *store, size_t index);
/* Make a channel; NULL: out of memory. */
arrakis_channel *ark_channel_store_make(const ark_channel_store *store, size_t index);
void ark_channel_store_clear(ark_channel_store *store);

#endif
