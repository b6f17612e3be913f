/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/fetch_size.h"

#include "base/error.h"
#include "channel/channel.h"

#include <stdio.h>

enum { MIB = 1 << 20, LEAST = 256 << 10, ANSWER = 32 * MIB, ANSWERS = 4 };
static const int64_t largest_message = 10000000;

static int64_t smaller_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Estimate the size of the messages of a partition from those of its channels that are read. */
static int64_t message_bytes(const ark_reader_input *input)
{
    enum {
        CHANNELS = 100,
        HEADERS = 4096
    }; /* a partition has about this many channels, of which not all are read */
    int64_t longest = 0, count = (int64_t)arrakis_channels_count(input->channels);
    for (int64_t i = 0; i < count; i++) {
        const arrakis_channel *channel = arrakis_channels_get(input->channels, (size_t)i);
        longest = larger_of(longest, ark_channel_samples(channel, input->stride_ns) *
                                         (int64_t)arrakis_dtype_size(ark_info(channel).dtype));
    }
    return HEADERS + larger_of(count, CHANNELS) * longest;
}

/* A request names every partition, and so costs the broker and us by their number: about a
 * microsecond each. Answered with each message that comes, requests for hundreds of partitions
 * take all of a broker. Then it answers when a whole stride is there, or after the time of a part
 * of one: what a stride has is a guess, and one of several nodes has less. Answered with a part of
 * the bytes, what is left of a stride waits all of that time, as its request begins with it. */
static void choose_pace(ark_kafka_fetch_size *l, int64_t partitions, int64_t stride_bytes,
                        int64_t stride_ns)
{
    enum { FEW = 64, PARTS = 8, PARTITIONS_A_MS = 32, LONGEST_MS = 30 };
    l->least = 1;
    l->wait_ms = 500;
    if (partitions <= FEW)
        return;
    int64_t part_ms = larger_of(partitions / PARTITIONS_A_MS, stride_ns / PARTS / 1000000);
    l->least = smaller_of(stride_bytes, MIB);
    l->wait_ms = smaller_of(part_ms, LONGEST_MS);
}

/* Data may lie at the broker, which answers when what comes in that time is there. The size of the
 * messages is a guess: a partition may have faster channels than those that are read. So a request
 * has room for all of it in any partition, which then makes the broker answer by itself, and no
 * partition falls behind. Answers are bounded together: several have room in the queue. */
static void choose_wait(ark_kafka_fetch_size *l, int64_t wait_ns, int64_t stride_bytes,
                        int64_t stride_ns)
{
    enum { MOST = 8 * MIB };
    int64_t most = smaller_of(MOST, l->queue / ANSWERS);
    double bytes = (double)stride_bytes * (double)wait_ns / (double)stride_ns;
    l->least = bytes < (double)most ? larger_of((int64_t)bytes, 1) : most;
    l->wait_ms = larger_of(wait_ns / 1000000, 1);
    l->fetch = larger_of(l->fetch, l->least);
    l->answer = larger_of(larger_of(l->fetch, l->queue / ANSWERS), largest_message);
}

static arrakis_status check_wants(const ark_kafka_fetch_wants *wants, arrakis_error *err)
{
    if (wants->prefetch != ARRAKIS_UNSET &&
        (wants->prefetch < 1024 || wants->prefetch >> 10 > 2097151))
        return ark_fail(err, ARRAKIS_EINVAL, "prefetch of %lld bytes: expected 1 KiB to 2 GiB",
                        (long long)wants->prefetch);
    if (wants->wait_ns < 0 || wants->wait_ns > 5 * ARRAKIS_SECOND_NS)
        return ark_fail(err, ARRAKIS_EINVAL, "fetch wait of %lld ns: expected 0 to 5 s",
                        (long long)wants->wait_ns);
    return ARRAKIS_OK;
}

/* The queue has room for several whole answers: in librdkafka 2.0 an answer that does not fit
 * costs one second. For a backlog, a fetch is small: then partitions advance together, few blocks
 * wait for others, and memory is reused. An answer has room for all partitions (librdkafka accepts
 * 50 MB): otherwise the first partitions would be read to their ends before the last ones begin.
 * But a fetch has room for two messages at least: of longer ones it brings only one. */
arrakis_status ark_kafka_fetch_size_choose(ark_kafka_fetch_size *l, const ark_reader_input *inputs,
                                           size_t count, const ark_kafka_fetch_wants *wants,
                                           arrakis_error *err)
{
    ARK_TRY(check_wants(wants, err));
    int64_t partitions = (int64_t)count, two = smaller_of(ANSWER / partitions, LEAST), all = 0;
    int64_t stride_ns = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        int64_t bytes = message_bytes(&inputs[i]);
        two = larger_of(two, 2 * bytes);
        all += smaller_of(bytes, largest_message);
        stride_ns = smaller_of(stride_ns, inputs[i].stride_ns);
    }
    two = smaller_of(two, largest_message);
    l->queue = wants->prefetch;
    if (l->queue == ARRAKIS_UNSET)
        l->queue = smaller_of(
            64 * MIB, larger_of(larger_of(partitions, 4) * MIB, ANSWERS * partitions * two));
    l->fetch =
        larger_of(two, smaller_of(MIB, wants->live ? MIB : l->queue / ANSWERS / partitions));
    l->answer = 0;
    l->lies_ns = wants->even ? 0 : wants->wait_ns;
    if (l->lies_ns)
        choose_wait(l, l->lies_ns, all, stride_ns);
    else
        choose_pace(l, partitions, all, stride_ns);
    return ARRAKIS_OK;
}

bool ark_kafka_fetch_size_bounds(const ark_kafka_fetch_size *l, const ark_properties *users)
{
    return l->answer && !ark_kafka_properties_has(users, "message.max.bytes");
}

void ark_kafka_fetch_size_print(ark_kafka_fetch_texts *out, const ark_kafka_fetch_size *l)
{
    snprintf(out->queue_kib, sizeof out->queue_kib, "%lld", (long long)(l->queue >> 10));
    snprintf(out->fetch, sizeof out->fetch, "%lld", (long long)l->fetch);
    snprintf(out->least, sizeof out->least, "%lld", (long long)l->least);
    snprintf(out->wait_ms, sizeof out->wait_ms, "%lld", (long long)l->wait_ms);
    snprintf(out->answer, sizeof out->answer, "%lld", (long long)l->answer);
}
