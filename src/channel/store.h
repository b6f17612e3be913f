/* SPDX-License-Identifier: Apache-2.0 */
/* Very many channels in little space, by name: what a metadata topic is kept in. A channel takes its
 * name and 40 bytes; an arrakis_channel is made only of those that somebody asks for. */
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
    uint32_t hash, place; /* in `items` + 1; 0 is free */
} ark_store_slot;

/* All-zero is an empty store. */
typedef struct ark_channel_store {
    ark_stored_channel *items; /* in the order of their first records, until one is removed */
    size_t count, capacity;
    char *text; /* the names, each with its zero byte */
    size_t text_size, text_capacity;
    size_t text_unused;    /* names of channels that were removed */
    ark_store_slot *slots; /* open addressing */
    size_t slot_count;     /* a power of two, or 0 */
} ark_channel_store;

/* The place of a name, or ARK_NOWHERE. */
size_t ark_channel_store_find(const ark_channel_store *store, const char *name, size_t length);
/* Takes copies: at `place`, where a channel of this name is, or behind the last when it is found
 * nowhere. ENOMEM leaves the store as it was. */
arrakis_status ark_channel_store_put(ark_channel_store *store, size_t place,
                                     const arrakis_channel_info *info, arrakis_error *err);
/* The last channel moves to `place`. */
void ark_channel_store_remove(ark_channel_store *store, size_t place);
static inline const char *ark_channel_store_name(const ark_channel_store *store, size_t place)
{
    return store->text + store->items[place].name_at;
}

/* What is known of a channel; its texts are the store's, until that is changed. */
arrakis_channel_info ark_channel_store_info(const ark_channel_store *store, size_t place);
/* A new reference; NULL: out of memory. */
arrakis_channel *ark_channel_store_make(const ark_channel_store *store, size_t place);
void ark_channel_store_clear(ark_channel_store *store);

#endif
