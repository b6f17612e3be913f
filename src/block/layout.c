/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/error.h"
#include "channel/channel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The samples of the channels follow each other, each series aligned to the size of a sample. */
static arrakis_status lay_out_channels(ark_layout_input *input, const arrakis_channels *channels,
                                       arrakis_error *err)
{
    size_t offset = 0, bits_at = 0;
    input->packed = true;
    for (uint32_t i = 0; i < input->channel_count; i++) {
        const arrakis_channel *channel = arrakis_channels_get(channels, i);
        int64_t samples = ark_channel_samples(channel, input->stride_ns);
        if (samples <= 0 || samples > INT32_MAX / (int64_t)input->strides)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "%s: %g Hz does not give a usable number of samples in %lld ns",
                            ark_info(channel).name, ark_info(channel).sample_rate,
                            (long long)input->stride_ns);
        ark_layout_channel *at = &input->channels[i];
        at->samples = (uint32_t)samples;
        at->size = (uint16_t)arrakis_dtype_size(ark_info(channel).dtype);
        at->dtype = (uint16_t)ark_info(channel).dtype;
        at->offset = (offset + at->size - 1) / at->size * at->size;
        at->bits_at = bits_at;
        input->packed =
            input->packed && at->offset == offset && at->size == input->channels[0].size;
        size_t length = (size_t)samples * input->strides;
        offset = at->offset + length * at->size;
        bits_at += (length + 7) / 8;
    }
    input->sample_bytes = offset;
    input->mask_bytes = bits_at;
    return ARRAKIS_OK;
}

static size_t longest_series(const ark_layout_input *input)
{
    size_t longest = 0;
    for (uint32_t i = 0; i < input->channel_count; i++) {
        size_t bytes =
            (size_t)input->channels[i].samples * input->strides * input->channels[i].size;
        longest = bytes > longest ? bytes : longest;
    }
    return longest;
}

static arrakis_status add_input(ark_layout *layout, size_t i, const arrakis_channels *list,
                                int64_t stride_ns, arrakis_error *err)
{
    assert(stride_ns > 0);
    ark_layout_input *input = &layout->inputs[i];
    if (layout->duration_ns / stride_ns > INT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "blocks of %lld ns hold too many strides of %lld ns",
                        (long long)layout->duration_ns, (long long)stride_ns);
    input->stride_ns = stride_ns;
    input->strides = (uint32_t)(layout->duration_ns / stride_ns);
    input->channel_count = (uint32_t)arrakis_channels_count(list);
    input->channels = calloc(input->channel_count + 1, sizeof *input->channels);
    if (!input->channels)
        return ark_no_memory(err, "%zu channels", arrakis_channels_count(list));
    arrakis_status rc = lay_out_channels(input, list, err);
    if (rc == ARRAKIS_OK && input->sample_bytes >= ARK_CHUNK_POOL_FROM &&
        !(input->pool = calloc(1, sizeof *input->pool)))
        return ark_no_memory(err, "%zu channels", arrakis_channels_count(list));
    return rc;
}

/* The channels of all lists, in the order of the lists. */
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

static arrakis_status number_channels(ark_layout *layout, arrakis_error *err)
{
    size_t n = 0;
    layout->positions =
        calloc(arrakis_channels_count(layout->channels) + 1, sizeof *layout->positions);
    if (!layout->positions)
        return ark_no_memory(err, "%zu channels", arrakis_channels_count(layout->channels));
    for (uint32_t i = 0; i < layout->input_count; i++)
        for (uint32_t k = 0; k < layout->inputs[i].channel_count; k++)
            layout->positions[n++] = (ark_layout_position){i, k};
    return ARRAKIS_OK;
}

arrakis_status ark_layout_new(ark_layout **out, const arrakis_channels *const *lists,
                              const int64_t *strides_ns, size_t count, int64_t duration_ns,
                              arrakis_error *err)
{
    assert(count && duration_ns > 0);
    *out = NULL;
    size_t longest = 0;
    ark_layout *layout = calloc(1, sizeof *layout);
    if (!layout)
        return ark_no_memory(err, "the layout of %zu inputs", count);
    atomic_init(&layout->refs, 1);
    layout->duration_ns = duration_ns;
    layout->input_count = count;
    layout->inputs = calloc(count + 1, sizeof *layout->inputs);
    arrakis_status rc = layout->inputs ? join_lists(layout, lists, count, err)
                                       : ark_no_memory(err, "the layout of %zu inputs", count);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++) {
        rc = add_input(layout, i, lists[i], strides_ns[i], err);
        if (rc == ARRAKIS_OK && longest_series(&layout->inputs[i]) > longest)
            longest = longest_series(&layout->inputs[i]);
    }
    if (rc == ARRAKIS_OK)
        rc = number_channels(layout, err);
    if (rc == ARRAKIS_OK && !(layout->zeros = calloc(longest + 8, 1)))
        rc = ark_no_memory(err, "the layout of %zu inputs", count);
    if (rc < 0) {
        ark_layout_unref(layout);
        return rc;
    }
    *out = layout;
    return ARRAKIS_OK;
}

arrakis_status ark_layout_order(ark_layout *layout, arrakis_channels *order, arrakis_error *err)
{
    assert(arrakis_channels_count(order) == arrakis_channels_count(layout->channels));
    size_t count = arrakis_channels_count(layout->channels);
    ark_layout_position *positions = calloc(count + 1, sizeof *positions);
    if (!positions)
        return ark_no_memory(err, "%zu channels", count);
    for (size_t i = 0; i < count; i++) {
        const char *name = arrakis_channel_name(arrakis_channels_get(order, i));
        positions[i] = layout->positions[arrakis_channels_index(layout->channels, name)];
    }
    arrakis_channels_unref(layout->channels);
    layout->channels = arrakis_channels_ref(order);
    free(layout->positions);
    layout->positions = positions;
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

void ark_layout_unref(ark_layout *layout)
{
    if (!layout || atomic_fetch_sub(&layout->refs, 1) != 1)
        return;
    for (size_t i = 0; layout->inputs && i < layout->input_count; i++) {
        ark_chunk_pool *pool = layout->inputs[i].pool;
        for (size_t k = 0; pool && k < ARK_CHUNK_POOL; k++)
            free(atomic_load(&pool->chunks[k]));
        free(pool);
        free(layout->inputs[i].channels);
    }
    free(layout->inputs);
    free(layout->positions);
    free(layout->zeros);
    free(atomic_load(&layout->by_name));
    arrakis_channels_unref(layout->channels);
    free(layout);
}
