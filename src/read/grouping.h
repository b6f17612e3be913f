/* SPDX-License-Identifier: Apache-2.0 */
/* The finest grouping of channels that several lists have in common: channels are in one group if each list
 * has all of them, or none. No I/O. */
#ifndef ARK_READ_GROUPING_H
#define ARK_READ_GROUPING_H

#include <arrakis/arrakis.h>

typedef struct ark_grouping {
    size_t *group_of; /* of each channel; 0: in no list so far */
    size_t count;     /* every group's number is less */
    size_t channel_count, list;
    size_t *seen_in; /* the list that had the channel last */
    struct ark_grouping_move {
        size_t list, to;
    } * moves; /* where channels of a group go that this list has */
} ark_grouping;

/* For channels of the numbers 0 to channel_count - 1, and lists of up to `entries` in all. To be cleared
 * also after ENOMEM. */
arrakis_status ark_grouping_init(ark_grouping *grouping, size_t channel_count, size_t entries,
                                 arrakis_error *err);
void ark_grouping_clear(ark_grouping *grouping);
/* Begin a list. */
void ark_grouping_begin(ark_grouping *grouping);
/* The list has that channel; perhaps it was added already. */
void ark_grouping_add(ark_grouping *grouping, size_t channel);

#endif
