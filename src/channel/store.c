/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/store.h"

#include "base/error.h"
#include "base/hash.h"
#include "channel/channel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ITEMS_MIN = 16,
    TEXT_MIN = 1024,
    TEXT_MAX = INT32_MAX,  /* the largest `name_at` */
    UNUSED_MIN = 64 << 10, /* fewer unused bytes are left */
};

/* ------------------------------------------------------------------ slots */

static size_t next_slot(const ark_channel_store *store, size_t slot)
{
    return (slot + 1) & (store->slot_count - 1);
}

static void link_item(ark_channel_store *store, uint32_t hash, size_t index)
{
    size_t slot = hash & (store->slot_count - 1);
    while (store->slots[slot].item)
        slot = next_slot(store, slot);
    store->slots[slot] = (ark_store_slot){hash, (uint32_t)index + 1};
}

/* The slot of a channel. */
static size_t slot_of(const ark_channel_store *store, size_t index)
{
    const char *name = ark_channel_store_name(store, index);
    size_t slot = (uint32_t)ark_hash(name, strlen(name)) & (store->slot_count - 1);
    while (store->slots[slot].item != index + 1)
        slot = next_slot(store, slot);
    return slot;
}

/* Free a slot, and move up those after it that are not in their own slot because it was in use. */
static void free_slot(ark_channel_store *store, size_t hole)
{
    size_t mask = store->slot_count - 1;
    for (size_t slot = next_slot(store, hole); store->slots[slot].item;
         slot = next_slot(store, slot)) {
        size_t home = store->slots[slot].hash & mask;
        if (((slot - home) & mask) < ((slot - hole) & mask))
            continue;
        store->slots[hole] = store->slots[slot];
        hole = slot;
    }
    store->slots[hole].item = 0;
}

static bool is_named(const ark_channel_store *store, size_t index, const char *name, size_t length)
{
    const char *there = ark_channel_store_name(store, index);
    return strlen(there) == length && memcmp(there, name, length) == 0;
}

size_t ark_channel_store_find(const ark_channel_store *store, const char *name, size_t length)
{
    if (!store->slot_count)
        return ARK_NO_INDEX;
    uint32_t hash = (uint32_t)ark_hash(name, length);
    size_t slot = hash & (store->slot_count - 1);
    for (; store->slots[slot].item; slot = next_slot(store, slot)) {
        if (store->slots[slot].hash == hash &&
            is_named(store, store->slots[slot].item - 1, name, length))
            return store->slots[slot].item - 1;
    }
    return ARK_NO_INDEX;
}

/* ------------------------------------------------------------------ room */

static bool grow_items(ark_channel_store *store)
{
    size_t capacity = store->capacity ? store->capacity * 2 : ITEMS_MIN;
    ark_stored_channel *items = reallocarray(store->items, capacity, sizeof *items);
    if (!items)
        return false;
    store->items = items;
    store->capacity = capacity;
    return true;
}

/* At most five of eight slots are used. */
static bool grow_slots(ark_channel_store *store)
{
    size_t old_count = store->slot_count, count = old_count ? old_count * 2 : 2 * ITEMS_MIN;
    ark_store_slot *old = store->slots, *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    store->slots = slots;
    store->slot_count = count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i].item)
            link_item(store, old[i].hash, old[i].item - 1);
    free(old);
    return true;
}

static bool grow_text(ark_channel_store *store, size_t size)
{
    size_t capacity = store->text_capacity ? store->text_capacity : TEXT_MIN;
    while (capacity - store->text_size < size)
        capacity *= 2;
    if (capacity == store->text_capacity)
        return true;
    char *text = realloc(store->text, capacity);
    if (!text)
        return false;
    store->text = text;
    store->text_capacity = capacity;
    return true;
}

static bool make_room(ark_channel_store *store, size_t name_size)
{
    return store->text_size + name_size <= TEXT_MAX && store->count < UINT32_MAX - 1 &&
           (store->count < store->capacity || grow_items(store)) &&
           (store->count * 8 < store->slot_count * 5 || grow_slots(store)) &&
           grow_text(store, name_size);
}

/* Once half of the text is unused, copy the other half; without memory for that it stays. */
static void compact_text(ark_channel_store *store)
{
    if (store->text_unused < UNUSED_MIN || store->text_unused < store->text_size / 2)
        return;
    size_t capacity = store->text_size - store->text_unused + TEXT_MIN, size = 0;
    char *text = malloc(capacity);
    if (!text)
        return;
    for (size_t i = 0; i < store->count; i++) {
        size_t name_size = strlen(ark_channel_store_name(store, i)) + 1;
        memcpy(text + size, ark_channel_store_name(store, i), name_size);
        store->items[i].name_at = (uint32_t)size & TEXT_MAX;
        size += name_size;
    }
    free(store->text);
    store->text = text;
    store->text_capacity = capacity;
    store->text_size = size;
    store->text_unused = 0;
}

/* ------------------------------------------------------------------ channels */

/* Channels mostly come partition by partition. */
static ark_channel_shared *shared_of(const ark_channel_store *store,
                                     const arrakis_channel_info *info)
{
    ark_channel_shared *last = store->count ? store->items[store->count - 1].shared : NULL;
    return last && ark_channel_shared_fits(last, info) ? ark_channel_shared_ref(last)
                                                       : ark_channel_shared_of(info);
}

static void set_item(ark_stored_channel *item, ark_channel_shared *shared,
                     const arrakis_channel_info *info)
{
    item->shared = shared;
    item->time_ns = info->time_ns;
    item->has_index = info->partition_index != ARRAKIS_UNSET;
    item->index = item->has_index ? (uint32_t)info->partition_index : 0;
}

static bool add_channel(ark_channel_store *store, ark_channel_shared *shared,
                        const arrakis_channel_info *info)
{
    size_t length = strlen(info->name);
    if (!make_room(store, length + 1))
        return false;
    ark_stored_channel *item = &store->items[store->count];
    set_item(item, shared, info);
    item->name_at = (uint32_t)store->text_size & TEXT_MAX;
    memcpy(store->text + store->text_size, info->name, length + 1);
    store->text_size += length + 1;
    link_item(store, (uint32_t)ark_hash(info->name, length), store->count++);
    return true;
}

arrakis_status ark_channel_store_put(ark_channel_store *store, size_t index,
                                     const arrakis_channel_info *info, arrakis_error *err)
{
    assert(index == ARK_NO_INDEX || strcmp(ark_channel_store_name(store, index), info->name) == 0);
    ark_channel_shared *shared = shared_of(store, info);
    if (shared && index != ARK_NO_INDEX) {
        ark_channel_shared_unref(store->items[index].shared);
        set_item(&store->items[index], shared, info);
        return ARRAKIS_OK;
    }
    if (shared && add_channel(store, shared, info))
        return ARRAKIS_OK;
    ark_channel_shared_unref(shared);
    return ark_no_memory(err, "channel '%.200s' after %zu others", info->name, store->count);
}

void ark_channel_store_remove(ark_channel_store *store, size_t index)
{
    assert(index < store->count);
    size_t last = store->count - 1;
    free_slot(store, slot_of(store, index));
    ark_channel_shared_unref(store->items[index].shared);
    store->text_unused += strlen(ark_channel_store_name(store, index)) + 1;
    if (index != last) {
        store->slots[slot_of(store, last)].item = (uint32_t)index + 1;
        store->items[index] = store->items[last];
    }
    store->count--;
    compact_text(store);
}

arrakis_channel_info ark_channel_store_info(const ark_channel_store *store, size_t index)
{
    assert(index < store->count);
    const ark_stored_channel *item = &store->items[index];
    return ark_channel_shared_info(item->shared, ark_channel_store_name(store, index),
                                   item->time_ns,
                                   item->has_index ? (int64_t)item->index : ARRAKIS_UNSET);
}

arrakis_channel *ark_channel_store_make(const ark_channel_store *store, size_t index)
{
    assert(index < store->count);
    const ark_stored_channel *item = &store->items[index];
    return ark_channel_of_shared(ark_channel_shared_ref(item->shared),
                                 ark_channel_store_name(store, index), item->time_ns,
                                 item->has_index ? (int64_t)item->index : ARRAKIS_UNSET);
}

void ark_channel_store_clear(ark_channel_store *store)
{
    for (size_t i = 0; i < store->count; i++)
        ark_channel_shared_unref(store->items[i].shared);
    free(store->items);
    free(store->text);
    free(store->slots);
    *store = (ark_channel_store){0};
}
