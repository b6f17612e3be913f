/* SPDX-License-Identifier: Apache-2.0 */
#include "client/known.h"

#include "base/error.h"
#include "channel/channel.h"
#include "channel/json.h"
#include "client/difference.h"

#include <stdlib.h>
#include <string.h>

arrakis_status ark_known_init(ark_known *known, const arrakis_channels *stream, bool direct,
                              arrakis_error *err)
{
    *known = (ark_known){.count = arrakis_channels_count(stream), .direct = direct};
    if (!(known->names = calloc(known->count, sizeof *known->names)))
        return ark_no_memory(err, "looking out for changes of %zu channels", known->count);
    for (size_t i = 0; i < known->count; i++)
        known->names[i] = arrakis_channel_name(arrakis_channels_get(stream, i));
    return ARRAKIS_OK;
}

void ark_known_clear(ark_known *known)
{
    ark_places_clear(&known->places);
    arrakis_channels_unref(known->channels);
    free(known->names);
}

/* Without memory for their places, data is believed where no channel of the stream is. */
void ark_known_set(ark_known *known, const arrakis_channels *channels)
{
    arrakis_channels *former = known->channels;
    known->channels = arrakis_channels_ref(channels);
    ark_places_clear(&known->places);
    arrakis_channels_unref(former);
    ark_places_make(&known->places, known->channels);
}

/* ------------------------------------------------------------------ what has changed */

static const arrakis_channel *find_channel(const arrakis_channels *channels, const char *name)
{
    int64_t index = arrakis_channels_index(channels, name);
    return index < 0 ? NULL : arrakis_channels_get(channels, (size_t)index);
}

static ark_difference difference(const ark_known *known, const arrakis_channels *now, size_t i,
                                 char *text, size_t size)
{
    const arrakis_channel *before = find_channel(known->channels, known->names[i]),
                          *after = find_channel(now, known->names[i]);
    if (!before)
        return ARK_DIFFERENCE_NONE;
    const arrakis_channel_info was = ark_info(before);
    const arrakis_channel_info is = after ? ark_info(after) : was;
    if (text)
        ark_difference_text(text, size, &was, after ? &is : NULL, known->direct);
    return ark_difference_of(&was, after ? &is : NULL, known->direct);
}

/* From when on data of a channel that differs may be another one's; see ark_places_doubt_ns(). */
static int64_t doubt_since(const ark_known *known, const arrakis_channels *now, ark_places *places,
                           size_t i)
{
    if (!known->direct)
        return INT64_MAX;
    if (!places->list && !ark_places_make(places, now))
        return ARRAKIS_UNSET;
    return ark_places_doubt_ns(&known->places, places,
                               find_channel(known->channels, known->names[i]),
                               find_channel(now, known->names[i]));
}

/* What a stream that follows has of a removed channel are gaps, until the channel is back or the
 * grace is over. */
arrakis_status ark_known_compare(const ark_known *known, const arrakis_channels *now, bool follow,
                                 ark_change *out)
{
    char text[400];
    size_t changed = 0, removed = 0, first = 0;
    ark_places places = {0};
    *out =
        (ark_change){.changed = calloc(known->count, sizeof *out->changed), .doubt_ns = INT64_MAX};
    if (!out->changed)
        return ARRAKIS_ENOMEM;
    for (size_t i = 0; i < known->count; i++) {
        ark_difference d = difference(known, now, i, NULL, 0);
        if (d == ARK_DIFFERENCE_NONE)
            continue;
        if (!changed && !removed)
            first = i;
        changed += d == ARK_DIFFERENCE_CHANGED;
        removed += d == ARK_DIFFERENCE_REMOVED;
        out->changed[i] = d == ARK_DIFFERENCE_CHANGED || !follow;
        int64_t doubt_ns = doubt_since(known, now, &places, i);
        out->doubt_ns = doubt_ns < out->doubt_ns ? doubt_ns : out->doubt_ns;
    }
    ark_places_clear(&places);
    out->gone = removed > 0;
    if (!changed && !removed)
        return ARRAKIS_OK;
    difference(known, now, first, text, sizeof text);
    if (changed + removed > 1)
        ark_fail(&out->what, ARRAKIS_ECHANGED, "%s; so have %zu other channels", text,
                 changed + removed - 1);
    else
        ark_fail(&out->what, ARRAKIS_ECHANGED, "%s", text);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ what may be a change */

static bool differs_from(const arrakis_channel *channel, const arrakis_channel_info *is,
                         bool partitions)
{
    const arrakis_channel_info was = ark_info(channel);
    return ark_difference_of(&was, is, partitions) != ARK_DIFFERENCE_NONE;
}

bool ark_known_may_change(const ark_known *known, bool noticed, const void *key, size_t key_size,
                          const void *value, size_t value_size)
{
    enum { NAME_MAX_SIZE = 1024 };
    char name[NAME_MAX_SIZE];
    ark_channel_json json;
    if (!known->channels || key_size >= sizeof name)
        return false;
    memcpy(name, key, key_size);
    name[key_size] = '\0';
    const arrakis_channel *channel = find_channel(known->channels, name);
    bool matters = channel && (noticed || !value);
    if (matters || !value || (!channel && !noticed) ||
        ark_channel_json_read(&json, value, value_size, NULL) != ARRAKIS_OK)
        return matters;
    matters = channel ? differs_from(channel, &json.info, known->direct)
                      : ark_places_is_taken_by(&known->places, &json.info);
    ark_channel_json_clear(&json);
    return matters;
}
