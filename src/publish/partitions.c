/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/partitions.h"

#include "base/error.h"
#include "channel/channel.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A smaller stride was meant in another unit. */
static const int64_t stride_min_ns = ARRAKIS_SECOND_NS / 100;
static const int64_t stride_max_ns = 86400 * ARRAKIS_SECOND_NS;

static bool texts_differ(const char *a, const char *b)
{
    return a && *a && b && *b && strcmp(a, b) != 0;
}

/* ---- what channels must be */

/* Check one channel by itself. */
static arrakis_status check_channel(const arrakis_channel_info *info,
                                    const arrakis_publisher_options *options, arrakis_error *err)
{
    const char *missing = !info->partition_id || !*info->partition_id ? "partition_id"
                          : info->partition_index == ARRAKIS_UNSET    ? "partition_index"
                          : info->stride_ns == ARRAKIS_UNSET          ? "stride"
                                                                      : NULL;
    if (missing)
        return ark_fail(err, ARRAKIS_EINVAL, "channel %s has no %s", info->name, missing);
    if (info->partition_index < 0 || info->partition_index > UINT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "channel %s: partition_index is %" PRId64 ", expected 0 to 4294967295",
                        info->name, info->partition_index);
    if (info->stride_ns < stride_min_ns || info->stride_ns > stride_max_ns)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "channel %s: stride is %" PRId64 " ns, expected %" PRId64 " to %" PRId64
                        ", ten milliseconds to a day, in nanoseconds",
                        info->name, info->stride_ns, stride_min_ns, stride_max_ns);
    if (texts_differ(info->publisher, options->publisher_id))
        return ark_fail(err, ARRAKIS_EINVAL, "channel %s: publisher is \"%s\", expected \"%s\"",
                        info->name, info->publisher, options->publisher_id);
    if (info->replay_id && *info->replay_id && !options->replay_id)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "channel %s: replay_id is \"%s\", and the publisher is a live one",
                        info->name, info->replay_id);
    if (texts_differ(info->replay_id, options->replay_id))
        return ark_fail(err, ARRAKIS_EINVAL, "channel %s: replay_id is \"%s\", expected \"%s\"",
                        info->name, info->replay_id, options->replay_id);
    return ARRAKIS_OK;
}

static arrakis_status check_channels(ark_publish_partitions *partitions,
                                     const arrakis_publisher_options *options, arrakis_error *err)
{
    arrakis_channel_info first = ark_info(arrakis_channels_get(options->channels, 0));
    partitions->stride_ns = first.stride_ns;
    size_t count = arrakis_channels_count(options->channels);
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info info = ark_info(arrakis_channels_get(options->channels, i));
        ARK_TRY(check_channel(&info, options, err));
        if (info.stride_ns != first.stride_ns)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "channel %s: stride is %" PRId64 " ns, expected %" PRId64 " as of %s",
                            info.name, info.stride_ns, first.stride_ns, first.name);
    }
    return ARRAKIS_OK;
}

/* ---- partitions */

static int by_partition(const void *a, const void *b, void *opaque)
{
    const arrakis_channels *channels = opaque;
    return ark_channel_by_partition(arrakis_channels_get(channels, *(const uint32_t *)a),
                                    arrakis_channels_get(channels, *(const uint32_t *)b));
}

/* Number the partitions. In `order` the channels of a partition follow each other. */
static arrakis_status number_partitions(ark_publish_partitions *partitions, const uint32_t *order,
                                        size_t count, arrakis_error *err)
{
    arrakis_channel_info last = ARRAKIS_CHANNEL_INFO_INIT;
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info info = ark_info(arrakis_channels_get(partitions->channels, order[i]));
        if (!i || strcmp(info.partition_id, last.partition_id) != 0) {
            partitions->first_of[partitions->partition_count++] = order[i];
        } else if (info.partition_index == last.partition_index) {
            return ark_fail(err, ARRAKIS_EINVAL,
                            "channels %s and %s both have index %" PRId64 " in partition %s",
                            last.name, info.name, info.partition_index, info.partition_id);
        } else if (info.dtype != last.dtype) {
            return ark_fail(err, ARRAKIS_EINVAL,
                            "channel %s is %s and %s is %s; partition %s can hold one data type",
                            last.name, arrakis_dtype_name(last.dtype), info.name,
                            arrakis_dtype_name(info.dtype), info.partition_id);
        }
        partitions->partition_of[order[i]] = (uint32_t)partitions->partition_count - 1;
        last = info;
    }
    return ARRAKIS_OK;
}

arrakis_status ark_publish_partitions_init(ark_publish_partitions *partitions,
                                           const arrakis_publisher_options *options,
                                           arrakis_error *err)
{
    assert(arrakis_channels_count(options->channels));
    *partitions = (ark_publish_partitions){0};
    ARK_TRY(check_channels(partitions, options, err));
    size_t count = arrakis_channels_count(options->channels);
    partitions->channels = arrakis_channels_ref(options->channels);
    partitions->partition_of = calloc(count, sizeof *partitions->partition_of);
    partitions->first_of = calloc(count, sizeof *partitions->first_of);
    uint32_t *order = calloc(count, sizeof *order);
    arrakis_status rc;
    if (partitions->partition_of && partitions->first_of && order) {
        for (size_t i = 0; i < count; i++)
            order[i] = (uint32_t)i;
        qsort_r(order, count, sizeof *order, by_partition, partitions->channels);
        rc = number_partitions(partitions, order, count, err);
    } else {
        rc = ark_no_memory(err, "registering %zu channels", count);
    }
    free(order);
    return rc;
}

void ark_publish_partitions_clear(ark_publish_partitions *partitions)
{
    arrakis_channels_unref(partitions->channels);
    free(partitions->partition_of);
    free(partitions->first_of);
    *partitions = (ark_publish_partitions){0};
}

/* ---- looking up */

static arrakis_status text_mismatch(arrakis_error *err, const char *name, const char *field,
                                    const char *found, const char *wanted)
{
    return ark_fail(err, ARRAKIS_EMISMATCH, "channel %s: %s is \"%s\", registered is \"%s\"", name,
                    field, found, wanted);
}

/* An error with the first field in which a channel differs from its registration. */
static arrakis_status fail_mismatch(const arrakis_channel *channel,
                                    const arrakis_channel *registered, arrakis_error *err)
{
    arrakis_channel_info a = ark_info(channel), b = ark_info(registered);
    if (a.dtype != b.dtype)
        return text_mismatch(err, a.name, "data_type", arrakis_dtype_name(a.dtype),
                             arrakis_dtype_name(b.dtype));
    if (a.sample_rate < b.sample_rate || a.sample_rate > b.sample_rate)
        return ark_fail(err, ARRAKIS_EMISMATCH,
                        "channel %s: sample_rate is %.17g Hz, registered is %.17g Hz", a.name,
                        a.sample_rate, b.sample_rate);
    const struct {
        const char *field, *found, *wanted;
    } texts[] = {{"publisher", a.publisher, b.publisher},
                 {"partition_id", a.partition_id, b.partition_id},
                 {"replay_id", a.replay_id, b.replay_id}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts_differ(texts[i].found, texts[i].wanted))
            return text_mismatch(err, a.name, texts[i].field, texts[i].found, texts[i].wanted);
    const struct {
        const char *field;
        int64_t found, wanted;
    } numbers[] = {{"time", a.time_ns, b.time_ns},
                   {"partition_index", a.partition_index, b.partition_index},
                   {"stride", a.stride_ns, b.stride_ns},
                   {"max_latency", a.max_latency_ns, b.max_latency_ns}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].found != ARRAKIS_UNSET && numbers[i].wanted != ARRAKIS_UNSET &&
            numbers[i].found != numbers[i].wanted)
            return ark_fail(err, ARRAKIS_EMISMATCH,
                            "channel %s: %s is %" PRId64 ", registered is %" PRId64, a.name,
                            numbers[i].field, numbers[i].found, numbers[i].wanted);
    return ark_fail(err, ARRAKIS_EMISMATCH, "channel %s is not as it was registered", a.name);
}

arrakis_status ark_publish_partitions_find(const ark_publish_partitions *partitions, size_t *out,
                                           const arrakis_channel *channel, arrakis_error *err)
{
    assert(partitions->channels);
    int64_t at = arrakis_channels_index(partitions->channels, arrakis_channel_name(channel));
    if (at < 0)
        return ark_fail(err, ARRAKIS_EMISMATCH, "channel %s is not registered",
                        arrakis_channel_name(channel));
    *out = (size_t)at;
    const arrakis_channel *registered = arrakis_channels_get(partitions->channels, *out);
    return channel == registered || arrakis_channel_equal(channel, registered)
               ? ARRAKIS_OK
               : fail_mismatch(channel, registered, err);
}
