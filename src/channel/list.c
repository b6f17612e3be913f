/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/mutable.h"
#include "channel/channel.h"
#include "channel/table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct arrakis_channels {
    atomic_uint refs;
    ark_channel_table table;
};

arrakis_status arrakis_channels_new(arrakis_channels **out, arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_channels_new: out is NULL");
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ark_no_memory(err, "a list of channels");
    atomic_init(&(*out)->refs, 1);
    return ARRAKIS_OK;
}

arrakis_status arrakis_channels_add(arrakis_channels *channels, arrakis_channel *channel,
                                    arrakis_error *err)
{
    if (!channels || !channel)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_channels_add: %s is NULL",
                        channels ? "channel" : "channels");
    const char *name = arrakis_channel_name(channel);
    if (atomic_load(&channels->refs) > 1)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "channel '%.200s' is added to a list that is in use: it no longer changes",
                        name);
    if (ark_channel_table_find(&channels->table, name, strlen(name)) != ARK_NO_INDEX)
        return ark_fail(err, ARRAKIS_EINVAL, "channel '%.200s' is given twice", name);
    return ark_channel_table_add(&channels->table, channel, err);
}

size_t arrakis_channels_count(const arrakis_channels *channels)
{
    return channels ? channels->table.count : 0;
}

arrakis_channel *arrakis_channels_get(const arrakis_channels *channels, size_t i)
{
    return channels && i < channels->table.count ? channels->table.items[i] : NULL;
}

int64_t arrakis_channels_index(const arrakis_channels *channels, const char *name)
{
    size_t index = channels && name ? ark_channel_table_find(&channels->table, name, strlen(name))
                                    : ARK_NO_INDEX;
    return index == ARK_NO_INDEX ? -1 : (int64_t)index;
}

arrakis_channels *arrakis_channels_ref(const arrakis_channels *channels)
{
    arrakis_channels *list = ark_mutable(channels);
    if (list)
        atomic_fetch_add_explicit(&list->refs, 1, memory_order_relaxed);
    return list;
}

void arrakis_channels_unref(arrakis_channels *channels)
{
    if (!channels || atomic_fetch_sub_explicit(&channels->refs, 1, memory_order_acq_rel) != 1)
        return;
    ark_channel_table_clear(&channels->table);
    free(channels);
}
