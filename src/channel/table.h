/* SPDX-License-Identifier: Apache-2.0 */
/* Channels found by name, for lists of channels. */
#ifndef ARK_CHANNEL_TABLE_H
#define ARK_CHANNEL_TABLE_H

#include <arrakis/arrakis.h>

/* A hash table. Empty when all bytes are 0. Has a reference to each of its channels. */
typedef struct ark_channel_table {
    arrakis_channel **items; /* in the order in which they were added */
    size_t count, capacity;
    uint32_t *slots;   /* open addressing: index in `items`, plus one; 0: the slot is free */
    size_t slot_count; /* a power of two, or 0 */
} ark_channel_table;

/* The index of a name in `items`, or ARK_NO_INDEX. */
size_t ark_channel_table_find(const ark_channel_table *table, const char *name, size_t length);
/* Add a channel whose name is not in the table, with a new reference. ENOMEM: nothing has
 * changed. */
arrakis_status ark_channel_table_add(ark_channel_table *table, arrakis_channel *channel,
                                     arrakis_error *err);
void ark_channel_table_clear(ark_channel_table *table);

#endif
