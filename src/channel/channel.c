/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/channel.h"

#include "base/error.h"
#include "base/sized_struct.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *non_empty(const char *text)
{
    return text && *text ? text : NULL;
}

/* UTF-8 as JSON, Arrow and PCRE2 require it: no overlong forms, no surrogates, at most
 * U+10FFFF. */
static bool is_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        if (*s < 0x80) {
            s++;
            continue;
        }
        int more = *s >= 0xF0 ? 3 : *s >= 0xE0 ? 2 : 1;
        uint32_t point = *s++ & (0x3Fu >> more);
        if (s[-1] < 0xC2 || s[-1] > 0xF4)
            return false;
        for (int i = 0; i < more; i++, s++) {
            if ((*s & 0xC0) != 0x80)
                return false;
            point = point << 6 | (*s & 0x3F);
        }
        if ((more == 2 && (point < 0x800 || (point >= 0xD800 && point < 0xE000))) ||
            (more == 3 && (point < 0x10000 || point > 0x10FFFF)))
            return false;
    }
    return true;
}

static arrakis_status check_texts(const arrakis_channel_info *info, arrakis_error *err)
{
    const char *const texts[] = {info->name, info->publisher, info->partition_id, info->replay_id};
    static const char *const fields[] = {"name", "publisher", "partition_id", "replay_id"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i] && !is_utf8(texts[i]))
            return ark_fail(err, ARRAKIS_EINVAL, "channel '%.200s': its %s is not UTF-8",
                            info->name, fields[i]);
    return ARRAKIS_OK;
}

/* Whether a number is between `least` and `most`, or is not given. */
static arrakis_status check_number(const char *name, const char *field, int64_t value,
                                   int64_t least, int64_t most, arrakis_error *err)
{
    if (value == ARRAKIS_UNSET || (value >= least && value <= most))
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EINVAL, "channel '%.200s': %s is %lld, expected %lld to %lld",
                    name, field, (long long)value, (long long)least, (long long)most);
}

arrakis_status ark_channel_check(arrakis_channel_info *info, arrakis_error *err)
{
    arrakis_name_parts parts;
    if (!non_empty(info->name))
        return ark_fail(err, ARRAKIS_EINVAL, "a channel without a name");
    ARK_TRY(check_texts(info, err));
    ARK_TRY(arrakis_name_parse(&parts, info->name, err));
    if (arrakis_dtype_size(info->dtype) == 0)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "channel '%.200s': data_type is %d, which does not exist", info->name,
                        (int)info->dtype);
    if (!isfinite(info->sample_rate) || info->sample_rate <= 0)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "channel '%.200s': sample_rate is %g, expected a number over 0",
                        info->name, info->sample_rate);
    ARK_TRY(
        check_number(info->name, "partition_index", info->partition_index, 0, UINT32_MAX, err));
    ARK_TRY(check_number(info->name, "stride", info->stride_ns, 1, INT64_MAX, err));
    info->publisher = non_empty(info->publisher);
    info->partition_id = non_empty(info->partition_id);
    info->replay_id = non_empty(info->replay_id);
    return check_number(info->name, "max_latency", info->max_latency_ns, 0, INT64_MAX, err);
}

arrakis_channel *ark_channel_of_shared(ark_channel_shared *shared, const char *name,
                                       int64_t time_ns, int64_t partition_index)
{
    assert(shared);
    assert(*name);
    size_t name_size = strlen(name) + 1;
    arrakis_channel *channel = malloc(offsetof(arrakis_channel, name) + name_size);
    if (!channel) {
        ark_channel_shared_unref(shared);
        return NULL;
    }
    atomic_init(&channel->refs, 1);
    channel->shared = shared;
    channel->time_ns = time_ns;
    channel->partition_index = partition_index;
    memcpy(channel->name, name, name_size);
    return channel;
}

arrakis_status arrakis_channel_new(arrakis_channel **out, const arrakis_channel_info *info,
                                   arrakis_error *err)
{
    if (!out || !info)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_channel_new: %s is NULL",
                        out ? "info" : "out");
    *out = NULL;
    arrakis_channel_info full = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_status rc = ark_sized_struct_take(&full, sizeof full, info, "channel_info", err);
    if (rc < 0 || (rc = ark_channel_check(&full, err)) < 0)
        return rc;
    ark_channel_shared *shared = ark_channel_shared_of(&full);
    *out = shared ? ark_channel_of_shared(shared, full.name, full.time_ns, full.partition_index)
                  : NULL;
    return *out ? ARRAKIS_OK : ark_no_memory(err, "channel '%.200s'", full.name);
}

arrakis_channel *arrakis_channel_ref(arrakis_channel *channel)
{
    if (channel)
        atomic_fetch_add_explicit(&channel->refs, 1, memory_order_relaxed);
    return channel;
}

void arrakis_channel_unref(arrakis_channel *channel)
{
    if (!channel || atomic_fetch_sub_explicit(&channel->refs, 1, memory_order_acq_rel) != 1)
        return;
    ark_channel_shared_unref(channel->shared);
    free(channel);
}

void arrakis_channel_get(const arrakis_channel *channel, arrakis_channel_info *info)
{
    if (!channel || !info)
        return;
    const arrakis_channel_info full = ark_info(channel);
    ark_sized_struct_give(info, &full, sizeof full);
}

const char *arrakis_channel_name(const arrakis_channel *channel)
{
    return channel ? channel->name : NULL;
}

static bool texts_agree(const char *a, const char *b)
{
    return !a || !b || strcmp(a, b) == 0;
}

static bool numbers_agree(int64_t a, int64_t b)
{
    return a == ARRAKIS_UNSET || b == ARRAKIS_UNSET || a == b;
}

bool arrakis_channel_equal(const arrakis_channel *a, const arrakis_channel *b)
{
    if (a == b || !a || !b)
        return a == b;
    const ark_channel_shared *x = a->shared, *y = b->shared;
    return strcmp(a->name, b->name) == 0 && x->dtype == y->dtype &&
           x->sample_rate == y->sample_rate && numbers_agree(a->time_ns, b->time_ns) &&
           texts_agree(x->publisher, y->publisher) &&
           texts_agree(x->partition_id, y->partition_id) &&
           numbers_agree(a->partition_index, b->partition_index) &&
           numbers_agree(x->stride_ns, y->stride_ns) &&
           numbers_agree(x->max_latency_ns, y->max_latency_ns) &&
           texts_agree(x->replay_id, y->replay_id);
}

arrakis_status ark_channel_topic(char **out, const arrakis_channel_info *info,
                                 const char *replay_id, arrakis_error *err)
{
    enum { LONGEST = 249 }; /* Kafka's limit */
    char *name;
    int n = replay_id ? asprintf(&name, "arrakis-replay-%s-%s", replay_id, info->partition_id)
                      : asprintf(&name, "arrakis-%s", info->partition_id);
    *out = NULL;
    if (n < 0)
        return ark_no_memory(err, "channel %s", info->name);
    if (n > LONGEST ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            (size_t)n) {
        ark_fail(
            err, ARRAKIS_EINVAL,
            "channel %s: no Kafka topic can have the name \"%.*s\" (expected up to %d letters, "
            "digits, '.', '_' and '-')",
            info->name, LONGEST + 1, name, LONGEST);
        free(name);
        return ARRAKIS_EINVAL;
    }
    *out = name;
    return ARRAKIS_OK;
}

int ark_channel_by_partition(const arrakis_channel *a, const arrakis_channel *b)
{
    int order = strcmp(a->shared->partition_id, b->shared->partition_id);
    if (order)
        return order;
    return (a->partition_index > b->partition_index) - (a->partition_index < b->partition_index);
}

int64_t ark_channel_all_samples(const arrakis_channel *channel, int64_t duration_ns)
{
    const double most = (double)(INT64_C(1) << 48);
    double samples = channel->shared->sample_rate * (double)duration_ns / 1e9;
    double whole = nearbyint(samples);
    double near = fmax(1e-6, 2 * DBL_EPSILON * whole); /* the rate and both results are rounded */
    return whole >= 0 && whole <= most && fabs(samples - whole) <= near ? (int64_t)whole : -1;
}

int64_t ark_channel_samples(const arrakis_channel *channel, int64_t duration_ns)
{
    int64_t samples = ark_channel_all_samples(channel, duration_ns);
    return samples <= INT32_MAX ? samples : -1;
}
