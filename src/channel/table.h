/* SPDX-License-Identifier: Apache-2.0 */
/* Channels with look-up by name: what a list of channels is made of. */
#ifndef ARK_CHANNEL_TABLE_H
#define ARK_CHANNEL_TABLE_H

#include <arrakis/arrakis.h>

/* All-zero is an empty table. Holds a reference to each of its channels. */
typedef struct ark_channel_table {
    arrakis_channel **items; /* in the order added */
    size_t count, capacity;
    uint32_t *slots;   /* open addressing: place in `items` + 1, 0 is free */
    size_t slot_count; /* a power of two, or 0 */
} ark_channel_table;

/* The place of a name in `items`, or ARK_NOWHERE. */
size_t ark_channel_table_find(const ark_channel_table *table, const char *name, size_t length);
/* Takes a new reference. The name must not be there. ENOMEM leaves the table as it was. */
arrakis_status ark_channel_table_add(ark_channel_table *table, arrakis_channel *channel,
                                     arrakis_error *err);
void ark_channel_table_clear(ark_channel_table *table);

#endif
