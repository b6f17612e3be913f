/* SPDX-License-Identifier: Apache-2.0 */
#include "file/file_spec.h"

#include "base/error.h"
#include "channel/channel.h"
#include "channel/stride.h"

#include <arrakis/file.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS_MAX = 1000000 };
#define BLOCK_BYTES_MAX 33554432.0      /* 32 MiB */
#define SMALL_BLOCK_BYTES_MAX 4194304.0 /* 4 MiB */
#define HELD_BYTES_MAX 33554432         /* 32 MiB; none where memory is to be small */
#define BLOCKS_MAX 1000000              /* in a file */

static int by_name(const void *a, const void *b)
{
    arrakis_channel *const *x = a, *const *y = b;
    return strcmp(arrakis_channel_name(*x), arrakis_channel_name(*y));
}

static arrakis_status take_sorted(ark_file_spec *s, arrakis_channel **sorted, size_t count,
                                  const arrakis_channels *channels, arrakis_error *err)
{
    for (size_t i = 0; i < count; i++)
        sorted[i] = arrakis_channels_get(channels, i);
    qsort(sorted, count, sizeof(arrakis_channel *), by_name);
    ARK_TRY(arrakis_channels_new(&s->channels, err));
    for (size_t i = 0; i < count; i++)
        ARK_TRY(arrakis_channels_add(s->channels, sorted[i], err));
    return ARRAKIS_OK;
}

/* The files are the same whatever the order of the channels that are given. */
static arrakis_status sort_channels(ark_file_spec *s, const arrakis_channels *channels,
                                    arrakis_error *err)
{
    size_t count = arrakis_channels_count(channels);
    if (!count || count > CHANNELS_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "%zu channels to record, expected 1 to %d", count,
                        CHANNELS_MAX);
    arrakis_channel **sorted = calloc(count, sizeof(arrakis_channel *));
    arrakis_status rc = sorted ? take_sorted(s, sorted, count, channels, err)
                               : ark_no_memory(err, "%zu channels", count);
    free(sorted);
    return rc;
}

static double bytes_of(const arrakis_channels *channels, int64_t duration_ns)
{
    double bytes = 0;
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(channels, i), &info);
        bytes +=
            (double)duration_ns / 1e9 * info.sample_rate * (double)arrakis_dtype_size(info.dtype);
    }
    return bytes;
}

/* The most strides of the channels that a block may have, see arrakis_recorder_stride_ns(). */
static int64_t choose_stride(const arrakis_channels *channels, int64_t length_ns, int64_t own_ns,
                             double bytes_max)
{
    const int64_t strides = length_ns / own_ns;
    double bytes = bytes_of(channels, length_ns);
    for (int64_t blocks = 4; blocks < strides && blocks <= BLOCKS_MAX; blocks++)
        if (strides % blocks == 0 && bytes / (double)blocks <= bytes_max)
            return strides / blocks * own_ns;
    return own_ns;
}

static arrakis_status fail_samples(const arrakis_channel *channel, int64_t duration_ns,
                                   arrakis_error *err)
{
    double duration_s = (double)duration_ns / 1e9;
    return ark_fail(
        err, ARRAKIS_EINVAL, "channel '%.200s' has %g samples in %g s, expected a whole number",
        ark_info(channel).name, ark_info(channel).sample_rate * duration_s, duration_s);
}

arrakis_status ark_file_spec_samples(size_t *samples, const arrakis_channel *channel,
                                     int64_t duration_ns, arrakis_error *err)
{
    int64_t count = ark_channel_all_samples(channel, duration_ns);
    *samples = count < 0 ? 0 : (size_t)count;
    return count < 0 ? fail_samples(channel, duration_ns, err) : ARRAKIS_OK;
}

static arrakis_status check_rates(ark_file_spec *s, arrakis_error *err)
{
    for (size_t i = 0; i < arrakis_channels_count(s->channels); i++) {
        const arrakis_channel *channel = arrakis_channels_get(s->channels, i);
        s->rate += ark_info(channel).sample_rate;
        if (ark_channel_samples(channel, s->stride_ns) < 1)
            return fail_samples(channel, s->stride_ns, err);
    }
    return ARRAKIS_OK;
}

static arrakis_status choose_length(ark_file_spec *s, int64_t length_ns, bool small,
                                    arrakis_error *err)
{
    int64_t own_ns;
    ARK_TRY(ark_stride_of(&own_ns, s->channels, err));
    if (length_ns == ARRAKIS_UNSET)
        length_ns = ARRAKIS_RECORDER_LENGTH_DEFAULT_NS;
    if (length_ns < ARRAKIS_SECOND_NS || length_ns > ARRAKIS_RECORDER_LENGTH_MAX_NS ||
        length_ns % ARRAKIS_SECOND_NS || length_ns % own_ns)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "files of %g s, expected whole seconds, 1 to 86400, and a multiple of the "
                        "channels' stride of %g s",
                        (double)length_ns / 1e9, (double)own_ns / 1e9);
    s->length_ns = length_ns;
    s->own_ns = own_ns;
    s->stride_ns = choose_stride(s->channels, length_ns, own_ns,
                                 small ? SMALL_BLOCK_BYTES_MAX : BLOCK_BYTES_MAX);
    if (length_ns / s->stride_ns > BLOCKS_MAX)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "files of %g s have %" PRId64 " blocks of %" PRId64 " ns, expected up to "
                        "%d: the files must be shorter",
                        (double)length_ns / 1e9, length_ns / s->stride_ns, s->stride_ns,
                        BLOCKS_MAX);
    return check_rates(s, err);
}

arrakis_status ark_file_spec_new(ark_file_spec **out, const arrakis_channels *channels,
                                 const ark_file_form *form, arrakis_error *err)
{
    ark_file_spec *s = calloc(1, sizeof *s);
    *out = s;
    if (!s)
        return ark_no_memory(err, "files of %zu channels", arrakis_channels_count(channels));
    s->compression = form->compression;
    s->held_max = form->small ? 0 : HELD_BYTES_MAX;
    arrakis_status rc = sort_channels(s, channels, err);
    if (rc >= 0)
        rc = choose_length(s, form->length_ns, form->small, err);
    if (rc < 0) {
        ark_file_spec_free(s);
        *out = NULL;
    }
    return rc;
}

void ark_file_spec_free(ark_file_spec *s)
{
    if (!s)
        return;
    arrakis_channels_unref(s->channels);
    free(s);
}
