/* SPDX-License-Identifier: Apache-2.0 */
#include "file/block_order.h"

#include "base/error.h"
#include "base/mutable.h"
#include "channel/stride.h"

#include <stdlib.h>

static bool same_kind(const arrakis_channel *a, const arrakis_channel *b)
{
    arrakis_channel_info x = ARRAKIS_CHANNEL_INFO_INIT, y = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(a, &x);
    arrakis_channel_get(b, &y);
    return x.dtype == y.dtype && x.sample_rate == y.sample_rate;
}

static arrakis_status find_channels(ark_block_order *o, const arrakis_channels *in_files,
                                    arrakis_error *err)
{
    o->same = true;
    for (size_t i = 0; i < arrakis_channels_count(in_files); i++) {
        const arrakis_channel *wanted = arrakis_channels_get(in_files, i);
        int64_t at = arrakis_channels_index(o->list, arrakis_channel_name(wanted));
        if (at < 0)
            return ark_fail(err, ARRAKIS_EMISMATCH, "channel '%.200s' is not in a block",
                            arrakis_channel_name(wanted));
        bool same = same_kind(arrakis_channels_get(o->list, (size_t)at), wanted);
        o->at[i] = same ? (size_t)at : ARK_BLOCK_ORDER_OTHER;
        o->same = o->same && same;
    }
    return ARRAKIS_OK;
}

arrakis_status ark_block_order_new(ark_block_order **out, const arrakis_channels *in_files,
                                   const arrakis_channels *list, bool with_stride,
                                   arrakis_error *err)
{
    size_t count = arrakis_channels_count(in_files);
    *out = NULL;
    if (arrakis_channels_count(list) != count)
        return ark_fail(err, ARRAKIS_EMISMATCH, "a block of %zu channels, expected %zu",
                        arrakis_channels_count(list), count);
    ark_block_order *o = calloc(1, sizeof *o + count * sizeof *o->at);
    if (!o)
        return ark_no_memory(err, "the order of %zu channels", count);
    o->refs = 1;
    o->list = arrakis_channels_ref(ark_mutable(list));
    arrakis_status rc = find_channels(o, in_files, err);
    if (rc >= 0 && with_stride)
        rc = ark_stride_of(&o->own_ns, list, err);
    if (rc < 0)
        ark_block_order_unref(o);
    else
        *out = o;
    return rc;
}

ark_block_order *ark_block_order_ref(ark_block_order *o)
{
    o->refs++;
    return o;
}

void ark_block_order_unref(ark_block_order *o)
{
    if (!o || --o->refs > 0)
        return;
    arrakis_channels_unref(o->list);
    free(o);
}
