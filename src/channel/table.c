/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/table.h"

#include "base/error.h"
#include "base/hash.h"
#include "channel/channel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 16

static size_t home_of(const ark_channel_table *table, size_t index)
{
    const char *name = arrakis_channel_name(table->items[index]);
    return (size_t)ark_hash(name, strlen(name)) & (table->slot_count - 1);
}

static size_t next_slot(const ark_channel_table *table, size_t slot)
{
    return (slot + 1) & (table->slot_count - 1);
}

static void link_item(ark_channel_table *table, size_t index)
{
    size_t slot = home_of(table, index);
    while (table->slots[slot])
        slot = next_slot(table, slot);
    table->slots[slot] = (uint32_t)index + 1;
}

static bool grow_items(ark_channel_table *table)
{
    size_t capacity = table->capacity ? table->capacity * 2 : SLOTS_MIN / 2;
    arrakis_channel **items = reallocarray(table->items, capacity, sizeof *items);
    if (!items)
        return false;
    table->items = items;
    table->capacity = capacity;
    return true;
}

static bool grow_slots(ark_channel_table *table)
{
    size_t count = table->slot_count ? table->slot_count * 2 : SLOTS_MIN;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    for (size_t i = 0; i < table->count; i++)
        link_item(table, i);
    return true;
}

size_t ark_channel_table_find(const ark_channel_table *table, const char *name, size_t length)
{
    if (!table->slot_count)
        return ARK_NO_INDEX;
    size_t slot = (size_t)ark_hash(name, length) & (table->slot_count - 1);
    for (; table->slots[slot]; slot = next_slot(table, slot)) {
        size_t index = table->slots[slot] - 1;
        const char *item_name = arrakis_channel_name(table->items[index]);
        if (strlen(item_name) == length && memcmp(item_name, name, length) == 0)
            return index;
    }
    return ARK_NO_INDEX;
}

arrakis_status ark_channel_table_add(ark_channel_table *table, arrakis_channel *channel,
                                     arrakis_error *err)
{
    assert(ark_channel_table_find(table, arrakis_channel_name(channel),
                                  strlen(arrakis_channel_name(channel))) == ARK_NO_INDEX);
    if (table->count >= UINT32_MAX - 1 ||
        (table->count == table->capacity && !grow_items(table)) ||
        (table->count * 2 >= table->slot_count && !grow_slots(table)))
        return ark_no_memory(err, "channel '%.200s' after %zu others",
                             arrakis_channel_name(channel), table->count);
    table->items[table->count] = arrakis_channel_ref(channel);
    link_item(table, table->count++);
    return ARRAKIS_OK;
}

void ark_channel_table_clear(ark_channel_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        arrakis_channel_unref(table->items[i]);
    free(table->items);
    free(table->slots);
    *table = (ark_channel_table){0};
}
