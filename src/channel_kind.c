/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds are shared by way of a small table of those that were lately asked for. */
#include "channel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { RECENT = 4096 }; /* a power of two; more partitions than a site has */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ark_channel_kind *recent[RECENT]; /* each holds a reference */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool describes(const arrakis_channel_info *info, const ark_channel_kind *kind)
{
    return kind->data_type == info->data_type && kind->sample_rate == info->sample_rate &&
           kind->stride_ns == info->stride_ns && kind->max_latency_ns == info->max_latency_ns &&
           same_text(kind->partition_id, info->partition_id) &&
           same_text(kind->publisher, info->publisher) &&
           same_text(kind->replay_id, info->replay_id);
}

/* FNV-1a. A collision costs memory, no more. */
static uint64_t mix(uint64_t h, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        h = (h ^ ((const unsigned char *)data)[i]) * UINT64_C(0x100000001b3);
    return h;
}

static size_t place_of(const arrakis_channel_info *info)
{
    const char *const texts[] = {info->partition_id, info->publisher, info->replay_id};
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        h = texts[i] ? mix(h, texts[i], strlen(texts[i])) : h;
    h = mix(h, &info->data_type, sizeof info->data_type);
    h = mix(h, &info->sample_rate, sizeof info->sample_rate);
    return (size_t)(h ^ h >> 32) % RECENT;
}

static const char *copy_text(char **place, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    const char *copy = memcpy(*place, text, size);
    *place += size;
    return copy;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static ark_channel_kind *make(const arrakis_channel_info *info)
{
    ark_channel_kind *kind = malloc(sizeof *kind + text_size(info->publisher) +
                                    text_size(info->partition_id) + text_size(info->replay_id));
    if (!kind)
        return NULL;
    atomic_init(&kind->refs, 1);
    kind->data_type = info->data_type;
    kind->sample_rate = info->sample_rate;
    kind->stride_ns = info->stride_ns;
    kind->max_latency_ns = info->max_latency_ns;
    char *place = kind->text;
    kind->publisher = copy_text(&place, info->publisher);
    kind->partition_id = copy_text(&place, info->partition_id);
    kind->replay_id = copy_text(&place, info->replay_id);
    return kind;
}

ark_channel_kind *ark_channel_kind_of(const arrakis_channel_info *info)
{
    ark_channel_kind **place = &recent[place_of(info)], *old = NULL;
    pthread_mutex_lock(&lock);
    ark_channel_kind *kind = *place;
    if (!kind || !describes(info, kind)) {
        old = kind;
        *place = kind = make(info);
    }
    if (kind)
        atomic_fetch_add_explicit(&kind->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    ark_channel_kind_free(old);
    return kind;
}

void ark_channel_kind_free(ark_channel_kind *kind)
{
    if (kind && atomic_fetch_sub_explicit(&kind->refs, 1, memory_order_acq_rel) == 1)
        free(kind);
}
