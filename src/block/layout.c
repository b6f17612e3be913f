/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/error.h"
#include "channel/channel.h"

#include <stdlib.h>
#include <string.h>

/* Place the slots of a stripe one behind the other, each aligned to its sample. */
static arrakis_status place_slots(ark_stripe *stripe, const arrakis_channels *channels,
                                  arrakis_error *err)
{
    size_t at = 0, bits_at = 0;
    stripe->packed = true;
    for (uint32_t i = 0; i < stripe->slot_count; i++) {
        const arrakis_channel *channel = arrakis_channels_get(channels, i);
        int64_t samples = ark_channel_samples(channel, stripe->stride_ns);
        if (samples <= 0 || samples > INT32_MAX / (int64_t)stripe->strides)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "%s: %g Hz does not give a usable number of samples in %lld ns",
                            ark_info(channel).name, ark_info(channel).sample_rate,
                            (long long)stripe->stride_ns);
        ark_slot *slot = &stripe->slots[i];
        slot->samples = (uint32_t)samples;
        slot->size = (uint16_t)arrakis_dtype_size(ark_info(channel).dtype);
        slot->dtype = (uint16_t)ark_info(channel).dtype;
        slot->offset = (at + slot->size - 1) / slot->size * slot->size;
        slot->bits_at = bits_at;
        stripe->packed =
            stripe->packed && slot->offset == at && slot->size == stripe->slots[0].size;
        size_t length = (size_t)samples * stripe->strides;
        at = slot->offset + length * slot->size;
        bits_at += (length + 7) / 8;
    }
    stripe->sample_bytes = at;
    stripe->mask_bytes = bits_at;
    return ARRAKIS_OK;
}

static size_t longest_series(const ark_stripe *stripe)
{
    size_t longest = 0;
    for (uint32_t i = 0; i < stripe->slot_count; i++) {
        size_t bytes = (size_t)stripe->slots[i].samples * stripe->strides * stripe->slots[i].size;
        longest = bytes > longest ? bytes : longest;
    }
    return longest;
}

static arrakis_status add_stripe(ark_layout *layout, size_t i, const arrakis_channels *list,
                                 int64_t stride_ns, arrakis_error *err)
{
    ark_stripe *stripe = &layout->stripes[i];
    if (layout->duration_ns / stride_ns > INT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "blocks of %lld ns hold too many strides of %lld ns",
                        (long long)layout->duration_ns, (long long)stride_ns);
    stripe->stride_ns = stride_ns;
    stripe->strides = (uint32_t)(layout->duration_ns / stride_ns);
    stripe->slot_count = (uint32_t)arrakis_channels_count(list);
    stripe->slots = calloc(stripe->slot_count + 1, sizeof *stripe->slots);
    if (!stripe->slots)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    arrakis_status rc = place_slots(stripe, list, err);
    if (rc == ARRAKIS_OK && stripe->sample_bytes >= ARK_SPARES_FROM &&
        !(stripe->spares = calloc(1, sizeof *stripe->spares)))
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    return rc;
}

/* All channels, list by list. */
static arrakis_status join_lists(ark_layout *layout, const arrakis_channels *const *lists,
                                 size_t count, arrakis_error *err)
{
    if (count == 1) {
        layout->channels = arrakis_channels_ref(lists[0]);
        return ARRAKIS_OK;
    }
    arrakis_status rc = arrakis_channels_new(&layout->channels, err);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; rc == ARRAKIS_OK && k < arrakis_channels_count(lists[i]); k++)
            rc = arrakis_channels_add(layout->channels, arrakis_channels_get(lists[i], k), err);
    return rc;
}

static arrakis_status place_channels(ark_layout *layout, arrakis_error *err)
{
    size_t n = 0;
    layout->places = calloc(arrakis_channels_count(layout->channels) + 1, sizeof *layout->places);
    if (!layout->places)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < layout->stripe_count; i++)
        for (uint32_t k = 0; k < layout->stripes[i].slot_count; k++)
            layout->places[n++] = (ark_place){i, k};
    return ARRAKIS_OK;
}

arrakis_status ark_layout_new(ark_layout **out, const arrakis_channels *const *lists,
                              const int64_t *strides_ns, size_t count, int64_t duration_ns,
                              arrakis_error *err)
{
    *out = NULL;
    size_t longest = 0;
    ark_layout *layout = calloc(1, sizeof *layout);
    if (!layout)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    atomic_init(&layout->refs, 1);
    layout->duration_ns = duration_ns;
    layout->stripe_count = count;
    layout->stripes = calloc(count + 1, sizeof *layout->stripes);
    arrakis_status rc = layout->stripes ? join_lists(layout, lists, count, err)
                                        : ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++) {
        rc = add_stripe(layout, i, lists[i], strides_ns[i], err);
        if (rc == ARRAKIS_OK && longest_series(&layout->stripes[i]) > longest)
            longest = longest_series(&layout->stripes[i]);
    }
    if (rc == ARRAKIS_OK)
        rc = place_channels(layout, err);
    if (rc == ARRAKIS_OK && !(layout->zeros = calloc(longest + 8, 1)))
        rc = ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    if (rc < 0) {
        ark_layout_free(layout);
        return rc;
    }
    *out = layout;
    return ARRAKIS_OK;
}

arrakis_status ark_layout_order(ark_layout *layout, arrakis_channels *order, arrakis_error *err)
{
    size_t count = arrakis_channels_count(layout->channels);
    ark_place *places = calloc(count + 1, sizeof *places);
    if (!places)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const char *name = arrakis_channel_name(arrakis_channels_get(order, i));
        places[i] = layout->places[arrakis_channels_index(layout->channels, name)];
    }
    arrakis_channels_unref(layout->channels);
    layout->channels = arrakis_channels_ref(order);
    free(layout->places);
    layout->places = places;
    free(atomic_exchange(&layout->by_name, NULL));
    return ARRAKIS_OK;
}

static int compare_names(const void *a, const void *b, void *channels)
{
    const uint32_t *x = a, *y = b;
    return strcmp(arrakis_channel_name(arrakis_channels_get(channels, *x)),
                  arrakis_channel_name(arrakis_channels_get(channels, *y)));
}

const uint32_t *ark_layout_by_name(ark_layout *layout)
{
    uint32_t *known = atomic_load(&layout->by_name);
    if (known)
        return known;
    size_t count = arrakis_channels_count(layout->channels);
    uint32_t *order = malloc((count + 1) * sizeof *order);
    if (!order)
        return NULL;
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, count, sizeof *order, compare_names, layout->channels);
    if (atomic_compare_exchange_strong(&layout->by_name, &known, order))
        return order;
    free(order);
    return known;
}

void ark_layout_free(ark_layout *layout)
{
    if (!layout || atomic_fetch_sub(&layout->refs, 1) != 1)
        return;
    for (size_t i = 0; layout->stripes && i < layout->stripe_count; i++) {
        ark_spares *spares = layout->stripes[i].spares;
        for (size_t k = 0; spares && k < ARK_SPARES; k++)
            free(atomic_load(&spares->chunks[k]));
        free(spares);
        free(layout->stripes[i].slots);
    }
    free(layout->stripes);
    free(layout->places);
    free(layout->zeros);
    free(atomic_load(&layout->by_name));
    arrakis_channels_unref(layout->channels);
    free(layout);
}
