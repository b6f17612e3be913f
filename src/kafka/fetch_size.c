/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/fetch_size.h"

#include "base/error.h"
#include "channel/channel.h"

enum { MIB = 1 << 20 };
static const int64_t largest_message = 10000000;

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The size of a partition's messages, guessed from what is known of its channels. */
static int64_t message_bytes(const ark_reader_stream *stream)
{
    enum { CHANNELS = 100, HEADERS = 4096 }; /* a partition has so many, not all are asked for */
    int64_t longest = 0, count = (int64_t)arrakis_channels_count(stream->channels);
    for (int64_t i = 0; i < count; i++) {
        const arrakis_channel *channel = arrakis_channels_get(stream->channels, (size_t)i);
        longest = larger(longest, ark_channel_samples(channel, stream->stride_ns) *
                                      (int64_t)arrakis_dtype_size(ark_info(channel).dtype));
    }
    return HEADERS + larger(count, CHANNELS) * longest;
}

/* A request names every partition, and so costs the broker and us by their number: about a
 * microsecond each. Answered with each message that comes, requests for hundreds of partitions take
 * all of a broker. Then it answers when a part of a stride is there, or after the time of such a part:
 * what is there is a guess, and one of several nodes has less. */
static void choose_pace(ark_kafka_fetch_size *l, int64_t partitions, int64_t stride_bytes,
                        int64_t stride_ns)
{
    enum { FEW = 64, PARTS = 8, PARTITIONS_A_MS = 32, LONGEST_MS = 30 };
    l->least = 1;
    l->wait_ms = 500;
    if (partitions <= FEW)
        return;
    int64_t part_ms = larger(partitions / PARTITIONS_A_MS, stride_ns / PARTS / 1000000);
    l->least = smaller(stride_bytes / PARTS, MIB);
    l->wait_ms = smaller(part_ms, LONGEST_MS);
}

/* The queue takes several whole answers: one that overruns it costs a second in librdkafka 2.0. Of a
 * backlog a fetch brings little: then partitions advance together, so that what waits for others is
 * short, and memory is used again. There is room for every partition in an answer (librdkafka takes
 * 50 MB): else the first ones are read to their end before the last ones begin. But two messages at
 * least: of longer ones it brings one only. */
arrakis_status ark_kafka_fetch_size_choose(ark_kafka_fetch_size *l,
                                           const ark_reader_stream *streams, size_t count,
                                           bool live, int64_t prefetch, arrakis_error *err)
{
    enum { LEAST = 256 << 10, ANSWER = 32 * MIB, ANSWERS = 4 };
    int64_t partitions = (int64_t)count, two = smaller(ANSWER / partitions, LEAST), all = 0;
    int64_t stride_ns = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        int64_t bytes = message_bytes(&streams[i]);
        two = larger(two, 2 * bytes);
        all += smaller(bytes, largest_message);
        stride_ns = smaller(stride_ns, streams[i].stride_ns);
    }
    two = smaller(two, largest_message);
    l->queue = prefetch;
    if (prefetch == ARRAKIS_UNSET)
        l->queue =
            smaller(64 * MIB, larger(larger(partitions, 4) * MIB, ANSWERS * partitions * two));
    if (l->queue < 1024 || l->queue >> 10 > 2097151)
        return ark_fail(err, ARRAKIS_EINVAL, "prefetch of %lld bytes: expected 1 KiB to 2 GiB",
                        (long long)prefetch);
    l->fetch = larger(two, smaller(MIB, live ? MIB : l->queue / ANSWERS / partitions));
    choose_pace(l, partitions, all, stride_ns);
    return ARRAKIS_OK;
}
