/* SPDX-License-Identifier: Apache-2.0 */
#include "read/grouping.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>

arrakis_status ark_grouping_init(ark_grouping *grouping, size_t channel_count, size_t entries,
                                 arrakis_error *err)
{
    *grouping = (ark_grouping){.channel_count = channel_count, .count = 1};
    grouping->group_of = calloc(channel_count + 1, sizeof *grouping->group_of);
    grouping->seen_in = calloc(channel_count + 1, sizeof *grouping->seen_in);
    /* an entry makes at most one group */
    grouping->moves = calloc(entries + 1, sizeof *grouping->moves);
    return grouping->group_of && grouping->seen_in && grouping->moves
               ? ARRAKIS_OK
               : ark_no_memory(err, "%zu channels", channel_count);
}

void ark_grouping_clear(ark_grouping *grouping)
{
    free(grouping->group_of);
    free(grouping->seen_in);
    free(grouping->moves);
    *grouping = (ark_grouping){0};
}

void ark_grouping_begin(ark_grouping *grouping)
{
    grouping->list++;
}

void ark_grouping_add(ark_grouping *grouping, size_t channel)
{
    assert(grouping->list);
    assert(channel < grouping->channel_count);
    if (grouping->seen_in[channel] == grouping->list)
        return;
    grouping->seen_in[channel] = grouping->list;
    struct ark_grouping_move *move = &grouping->moves[grouping->group_of[channel]];
    if (move->list != grouping->list)
        *move = (struct ark_grouping_move){grouping->list, grouping->count++};
    grouping->group_of[channel] = move->to;
}
