/* SPDX-License-Identifier: Apache-2.0 */
/* Groups channels by several lists: channels are in one group if each list has all of them, or
 * none. No I/O. */
#ifndef ARK_READ_GROUPING_H
#define ARK_READ_GROUPING_H

#include <arrakis/arrakis.h>

typedef struct ark_grouping {
    size_t *group_of; /* by channel: its group; 0: no list has it so far */
    size_t count;     /* all groups have smaller numbers */
    size_t channel_count, list;
    size_t *seen_in; /* by channel: the last list that has it */
    struct ark_grouping_move {
        size_t list, to;
    } * moves; /* by group: the new group of its channels that this list has */
} ark_grouping;

/* For channels 0 to channel_count - 1, and lists with up to `entries` channels in all. To be
 * cleared, also after ENOMEM. */
arrakis_status ark_grouping_init(ark_grouping *grouping, size_t channel_count, size_t entries,
                                 arrakis_error *err);
void ark_grouping_clear(ark_grouping *grouping);
/* Begin a list. */
void ark_grouping_begin(ark_grouping *grouping);
/* Add a channel to the list. It may be in the list already. */
void ark_grouping_add(ark_grouping *grouping, size_t channel);

#endif
