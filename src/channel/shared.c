/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/shared.h"

#include "base/hash.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A cache of the metadata that was used lately: set-associative, with four times as many entries
 * as a site has partitions. So partitions of one site, whose channels may come by turns, do not
 * evict each other. */
enum { RECENT = 16384, WAYS = 4 };
/* Metadata with longer texts is not cached, so that the cache is bounded. */
enum { SHARED_SIZE_MAX = 512 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ark_channel_shared *recent[RECENT]; /* each holds a reference */
static size_t evictions;                   /* how often an entry was replaced */

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

/* The first entry of its set. A collision costs memory, and nothing else. */
static size_t set_of(const arrakis_channel_info *info)
{
    const char *const texts[] = {info->partition_id, info->publisher, info->replay_id};
    uint64_t h = (uint64_t)info->dtype;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        h = h * 31 + (texts[i] ? ark_hash(texts[i], strlen(texts[i])) : 0);
    return (size_t)h % RECENT / WAYS * WAYS;
}

static const char *copy_text(char **entry, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    const char *copy = memcpy(*entry, text, size);
    *entry += size;
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

static ark_channel_shared *new_shared(const arrakis_channel_info *info)
{
    ark_channel_shared *shared = malloc(sizeof *shared + texts_size(info));
    if (!shared)
        return NULL;
    atomic_init(&shared->refs, 1);
    shared->dtype = info->dtype;
    shared->sample_rate = info->sample_rate;
    shared->stride_ns = info->stride_ns;
    shared->max_latency_ns = info->max_latency_ns;
    char *entry = shared->text;
    shared->publisher = copy_text(&entry, info->publisher);
    shared->partition_id = copy_text(&entry, info->partition_id);
    shared->replay_id = copy_text(&entry, info->replay_id);
    return shared;
}

/* The entry that has the metadata of `info`, or else the one to use for it: a free one, or one to
 * evict. */
static ark_channel_shared **find_entry(size_t set, const arrakis_channel_info *info)
{
    ark_channel_shared **entry = NULL;
    for (size_t i = set; i < set + WAYS; i++) {
        if (recent[i] && ark_channel_shared_fits(recent[i], info))
            return &recent[i];
        if (!recent[i] && !entry)
            entry = &recent[i];
    }
    return entry ? entry : &recent[set + evictions++ % WAYS];
}

ark_channel_shared *ark_channel_shared_of(const arrakis_channel_info *info)
{
    if (texts_size(info) > SHARED_SIZE_MAX)
        return new_shared(info);
    size_t set = set_of(info);
    pthread_mutex_lock(&lock);
    ark_channel_shared **entry = find_entry(set, info), *shared = *entry, *old = NULL;
    if (!shared || !ark_channel_shared_fits(shared, info)) {
        old = shared;
        *entry = shared = new_shared(info);
    }
    ark_channel_shared_ref(shared);
    pthread_mutex_unlock(&lock);
    ark_channel_shared_unref(old);
    return shared;
}

ark_channel_shared *ark_channel_shared_ref(ark_channel_shared *shared)
{
    assert(!shared || atomic_load(&shared->refs) > 0);
    if (shared)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void ark_channel_shared_unref(ark_channel_shared *shared)
{
    assert(!shared || atomic_load(&shared->refs) > 0);
    if (shared && atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1)
        free(shared);
}
