/* SPDX-License-Identifier: Apache-2.0 */
#include "channel_table.h"

#include "error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLOTS_MIN 16

/* Names come from the network: with a secret start nobody can choose names that collide. */
static uint64_t secret;
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void make_secret(void)
{
    if (getrandom(&secret, sizeof secret, GRND_NONBLOCK) != (ssize_t)sizeof secret)
        secret = (uint64_t)arrakis_gps_now_ns() ^ (uintptr_t)&secret;
}

/* FNV-1a, then a mix of all bits (the finalizer of MurmurHash3). */
static uint64_t hash(const char *name, size_t length)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ secret;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static size_t home_of(const ark_channel_table *table, size_t place)
{
    const char *name = arrakis_channel_name(table->items[place]);
    return (size_t)hash(name, strlen(name)) & (table->slot_count - 1);
}

static size_t next_slot(const ark_channel_table *table, size_t slot)
{
    return (slot + 1) & (table->slot_count - 1);
}

/* The slot that refers to `place`. */
static size_t slot_of(const ark_channel_table *table, size_t place)
{
    size_t slot = home_of(table, place);
    while (table->slots[slot] != place + 1)
        slot = next_slot(table, slot);
    return slot;
}

static void link_place(ark_channel_table *table, size_t place)
{
    size_t slot = home_of(table, place);
    while (table->slots[slot])
        slot = next_slot(table, slot);
    table->slots[slot] = (uint32_t)place + 1;
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
        link_place(table, i);
    return true;
}

size_t ark_channel_table_find(const ark_channel_table *table, const char *name, size_t length)
{
    if (!table->slot_count)
        return ARK_NOWHERE;
    size_t slot = (size_t)hash(name, length) & (table->slot_count - 1);
    for (; table->slots[slot]; slot = next_slot(table, slot)) {
        size_t place = table->slots[slot] - 1;
        const char *there = arrakis_channel_name(table->items[place]);
        if (strlen(there) == length && memcmp(there, name, length) == 0)
            return place;
    }
    return ARK_NOWHERE;
}

arrakis_status ark_channel_table_add(ark_channel_table *table, arrakis_channel *channel,
                                     arrakis_error *err)
{
    pthread_once(&secret_once, make_secret);
    if (table->count >= UINT32_MAX - 1 ||
        (table->count == table->capacity && !grow_items(table)) ||
        (table->count * 2 >= table->slot_count && !grow_slots(table)))
        return ark_fail(err, ARRAKIS_ENOMEM, "channel '%.200s': out of memory after %zu others",
                        arrakis_channel_name(channel), table->count);
    table->items[table->count] = arrakis_channel_ref(channel);
    link_place(table, table->count++);
    return ARRAKIS_OK;
}

void ark_channel_table_replace(ark_channel_table *table, size_t place, arrakis_channel *channel)
{
    arrakis_channel_free(table->items[place]);
    table->items[place] = channel;
}

/* Free a slot, and move up what stands behind it only because it was taken. */
static void unlink_slot(ark_channel_table *table, size_t hole)
{
    for (size_t slot = next_slot(table, hole); table->slots[slot]; slot = next_slot(table, slot)) {
        size_t home = home_of(table, table->slots[slot] - 1), mask = table->slot_count - 1;
        if (((slot - home) & mask) < ((slot - hole) & mask))
            continue;
        table->slots[hole] = table->slots[slot];
        hole = slot;
    }
    table->slots[hole] = 0;
}

void ark_channel_table_remove(ark_channel_table *table, size_t place)
{
    size_t last = table->count - 1;
    unlink_slot(table, slot_of(table, place));
    arrakis_channel_free(table->items[place]);
    if (place != last) {
        table->slots[slot_of(table, last)] = (uint32_t)place + 1;
        table->items[place] = table->items[last];
    }
    table->count--;
}

void ark_channel_table_clear(ark_channel_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        arrakis_channel_free(table->items[i]);
    free(table->items);
    free(table->slots);
    *table = (ark_channel_table){0};
}
