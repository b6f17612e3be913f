/* SPDX-License-Identifier: Apache-2.0 */
#include "client/places.h"

#include "channel/channel.h"

#include <stdlib.h>
#include <string.h>

static int compare_places(const void *a, const void *b)
{
    return ark_channel_by_partition(*(const arrakis_channel *const *)a,
                                    *(const arrakis_channel *const *)b);
}

bool ark_places_make(ark_places *out, const arrakis_channels *channels)
{
    size_t count = arrakis_channels_count(channels);
    *out = (ark_places){.list = calloc(count + 1, sizeof *out->list),
                        .takers = calloc(count + 1, sizeof *out->takers)};
    if (!out->list || !out->takers) {
        ark_places_clear(out);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const arrakis_channel *channel = arrakis_channels_get(channels, i);
        if (ark_info(channel).partition_id)
            out->list[out->count++] = channel;
    }
    qsort(out->list, out->count, sizeof *out->list, compare_places);
    return true;
}

void ark_places_clear(ark_places *places)
{
    ark_places_drop_takers(places);
    free(places->list);
    free(places->takers);
    *places = (ark_places){NULL, NULL, 0};
}

static int compare_with_place(const void *key, const void *item)
{
    const arrakis_channel_info *a = key;
    const arrakis_channel_info b = ark_info(*(const arrakis_channel *const *)item);
    int order = strcmp(a->partition_id, b.partition_id);
    return order ? order
                 : (a->partition_index > b.partition_index) -
                       (a->partition_index < b.partition_index);
}

/* Where in the list the place is that a channel has; `count`: nowhere. */
static size_t index_of(const ark_places *places, const arrakis_channel_info *info)
{
    const arrakis_channel **found = NULL;
    if (places->count && info->partition_id)
        found =
            bsearch(info, places->list, places->count, sizeof *places->list, compare_with_place);
    return found ? (size_t)(found - places->list) : places->count;
}

/* ------------------------------------------------------------------ who has taken a place */

/* Another name for what is in a place, described before the channel was, is not one that has taken
 * it. */
bool ark_places_is_taken_by(const ark_places *places, const arrakis_channel_info *info)
{
    size_t i = index_of(places, info);
    if (i == places->count)
        return false;
    const arrakis_channel_info held = ark_info(places->list[i]);
    bool earlier = info->time_ns != ARRAKIS_UNSET && held.time_ns != ARRAKIS_UNSET &&
                   info->time_ns < held.time_ns;
    return !earlier && strcmp(info->name, held.name) != 0;
}

void ark_places_take(ark_places *places, arrakis_channel *taker)
{
    const arrakis_channel_info info = ark_info(taker);
    size_t i = index_of(places, &info);
    if (!ark_places_is_taken_by(places, &info) ||
        (places->takers[i] && ark_info(places->takers[i]).time_ns <= info.time_ns))
        return;
    arrakis_channel_unref(places->takers[i]);
    places->takers[i] = arrakis_channel_ref(taker);
}

void ark_places_drop_takers(ark_places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        arrakis_channel_unref(places->takers[i]);
        places->takers[i] = NULL;
    }
}

/* ------------------------------------------------------------------ doubt */

static int64_t earlier_of(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* Whether a channel of this name is among those of the list that have the place of `i`. */
static bool is_among(const ark_places *places, size_t i, const char *name)
{
    while (i > 0 && compare_places(&places->list[i - 1], &places->list[i]) == 0)
        i--;
    for (size_t k = i; k < places->count; k++) {
        if (compare_places(&places->list[i], &places->list[k]) != 0)
            break;
        if (strcmp(arrakis_channel_name(places->list[k]), name) == 0)
            return true;
    }
    return false;
}

int64_t ark_places_doubt_ns(const ark_places *was, const ark_places *now,
                            const arrakis_channel *before, const arrakis_channel *after)
{
    int64_t doubt_ns = INT64_MAX;
    const arrakis_channel_info old = ark_info(before);
    if (!old.partition_id)
        return INT64_MAX;
    if (after) {
        const arrakis_channel_info is = ark_info(after);
        if (is.partition_id && strcmp(is.partition_id, old.partition_id) == 0) {
            if (is.partition_index == old.partition_index)
                return INT64_MAX;
            doubt_ns = is.time_ns;
        }
    }
    size_t here = index_of(was, &old), there = index_of(now, &old);
    if (here < was->count && was->takers[here])
        doubt_ns = earlier_of(doubt_ns, ark_info(was->takers[here]).time_ns);
    if (there < now->count) {
        const arrakis_channel_info other = ark_info(now->list[there]);
        bool was_there = here < was->count && is_among(was, here, other.name);
        if (!was_there && strcmp(other.name, old.name) != 0)
            doubt_ns = earlier_of(doubt_ns, other.time_ns);
    }
    return doubt_ns;
}
