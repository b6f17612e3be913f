/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds are shared by way of a small table of those that were lately asked for. */
#include "channel/shared.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Four times as many places as a site has partitions, looked for in a few places each: so no two
 * partitions of a site, whose channels come by turns, take the place from each other. */
enum { RECENT = 16384, WAYS = 4 };
/* What is kept for later is bounded: one with longer texts is made anew. */
enum { SHARED_SIZE_MAX = 512 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ark_channel_shared *recent[RECENT]; /* each holds a reference */
static size_t taken;                       /* places that were taken from another */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool ark_channel_shared_fits(const ark_channel_shared *shared, const arrakis_channel_info *info)
{
    return shared->dtype == info->dtype && shared->sample_rate == info->sample_rate &&
           shared->stride_ns == info->stride_ns &&
           shared->max_latency_ns == info->max_latency_ns &&
           same_text(shared->partition_id, info->partition_id) &&
           same_text(shared->publisher, info->publisher) &&
           same_text(shared->replay_id, info->replay_id);
}

/* A collision costs memory, no more. */
static size_t home_of(const arrakis_channel_info *info)
{
    const char *const texts[] = {info->partition_id, info->publisher, info->replay_id};
    uint64_t h = (uint64_t)info->dtype;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        h = h * 31 + (texts[i] ? ark_hash(texts[i], strlen(texts[i])) : 0);
    return (size_t)h % RECENT / WAYS * WAYS;
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

static size_t texts_size(const arrakis_channel_info *info)
{
    return text_size(info->publisher) + text_size(info->partition_id) + text_size(info->replay_id);
}

static ark_channel_shared *make(const arrakis_channel_info *info)
{
    ark_channel_shared *shared = malloc(sizeof *shared + texts_size(info));
    if (!shared)
        return NULL;
    atomic_init(&shared->refs, 1);
    shared->dtype = info->dtype;
    shared->sample_rate = info->sample_rate;
    shared->stride_ns = info->stride_ns;
    shared->max_latency_ns = info->max_latency_ns;
    char *place = shared->text;
    shared->publisher = copy_text(&place, info->publisher);
    shared->partition_id = copy_text(&place, info->partition_id);
    shared->replay_id = copy_text(&place, info->replay_id);
    return shared;
}

/* Its place among those that it may have, or the one to take: a free one, else any. */
static ark_channel_shared **place_of(size_t home, const arrakis_channel_info *info)
{
    ark_channel_shared **place = NULL;
    for (size_t i = home; i < home + WAYS; i++) {
        if (recent[i] && ark_channel_shared_fits(recent[i], info))
            return &recent[i];
        if (!recent[i] && !place)
            place = &recent[i];
    }
    return place ? place : &recent[home + taken++ % WAYS];
}

ark_channel_shared *ark_channel_shared_of(const arrakis_channel_info *info)
{
    if (texts_size(info) > SHARED_SIZE_MAX)
        return make(info);
    size_t home = home_of(info);
    pthread_mutex_lock(&lock);
    ark_channel_shared **place = place_of(home, info), *shared = *place, *old = NULL;
    if (!shared || !ark_channel_shared_fits(shared, info)) {
        old = shared;
        *place = shared = make(info);
    }
    ark_channel_shared_ref(shared);
    pthread_mutex_unlock(&lock);
    ark_channel_shared_free(old);
    return shared;
}

ark_channel_shared *ark_channel_shared_ref(ark_channel_shared *shared)
{
    if (shared)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void ark_channel_shared_free(ark_channel_shared *shared)
{
    if (shared && atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1)
        free(shared);
}
