/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include <stdio.h>

rd_kafka_t *bare_new(rd_kafka_type_t type, const char *const *settings)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", bench_text("url", NULL), text, sizeof text))
        bench_fail("%s", text);
    for (; settings[0]; settings += 2) {
        rd_kafka_conf_res_t set =
            rd_kafka_conf_set(conf, settings[0], settings[1], text, sizeof text);
        if (set == RD_KAFKA_CONF_INVALID)
            bench_fail("%s", text);
    }
    char name[64], value[64];
    for (size_t i = 0; bench_property(i, name, value); i++)
        if (rd_kafka_conf_set(conf, name, value, text, sizeof text))
            bench_fail("%s", text);
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    if (!rk)
        bench_fail("%s", text);
    return rk;
}

static int64_t largest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smallest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

rd_kafka_t *bare_consumer(size_t partitions, bool backlog, rd_kafka_queue_t **queue)
{
    /* as src/kafka/fetch_size.c */
    int64_t mib = 1 << 20, count = (int64_t)partitions;
    int64_t message = 4096 + largest(bench_number("channels", 80), 100) *
                                 bench_number("samples", 1) * bench_number("sample_size", 4);
    int64_t two = largest(2 * message, smallest(32 * mib / count, 256 << 10));
    int64_t queue_bytes = smallest(largest(largest(count, 4) * mib, 4 * count * two), 64 * mib);
    int64_t fetch_bytes = largest(smallest(mib, backlog ? queue_bytes / 4 / count : mib), two);
    int64_t least_bytes = count <= 64 ? 1 : smallest(count * message, mib);
    int64_t waited_ms = count <= 64 ? 500 : smallest(count / 32, 30);
    char queue_kib[24], fetch[24], least[24], wait_ms[24];
    snprintf(queue_kib, sizeof queue_kib, "%lld", (long long)queue_bytes / 1024);
    snprintf(fetch, sizeof fetch, "%lld", (long long)fetch_bytes);
    snprintf(least, sizeof least, "%lld", (long long)least_bytes);
    snprintf(wait_ms, sizeof wait_ms, "%lld", (long long)waited_ms);
    const char *const settings[] = {"fetch.message.max.bytes",
                                    fetch,
                                    "fetch.min.bytes",
                                    least,
                                    "fetch.wait.max.ms",
                                    wait_ms,
                                    "group.id",
                                    "bench",
                                    "message.max.bytes",
                                    "10000000",
                                    "enable.auto.commit",
                                    "false",
                                    "enable.auto.offset.store",
                                    "false",
                                    "allow.auto.create.topics",
                                    "false",
                                    "auto.offset.reset",
                                    "earliest",
                                    "queued.min.messages",
                                    "10000000",
                                    "queued.max.messages.kbytes",
                                    queue_kib,
                                    "fetch.queue.backoff.ms",
                                    "10",
                                    "socket.nagle.disable",
                                    "true",
                                    "reconnect.backoff.max.ms",
                                    "1000",
                                    NULL};
    rd_kafka_t *rk = bare_new(RD_KAFKA_CONSUMER, settings);
    rd_kafka_poll_set_consumer(rk);
    *queue = rd_kafka_queue_get_consumer(rk);
    return rk;
}

void bare_assign(rd_kafka_t *rk, const char *prefix, size_t partitions, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)partitions);
    rd_kafka_topic_t **topics = bench_alloc(partitions * sizeof *topics);
    for (size_t i = 0; i < partitions; i++) {
        char name[128];
        snprintf(name, sizeof name, "arrakis-%s%04zu", prefix, i);
        topics[i] = rd_kafka_topic_new(rk, name, NULL);
        rd_kafka_topic_partition_list_add(list, name, 0)->offset = offset;
    }
    /* assigning before the topics are known costs half a second */
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(rk, 0, NULL, &metadata, 30000))
        bench_fail("no metadata");
    rd_kafka_metadata_destroy(metadata);
    if (rd_kafka_assign(rk, list))
        bench_fail("not assigned");
    rd_kafka_topic_partition_list_destroy(list);
    for (size_t i = 0; i < partitions; i++)
        rd_kafka_topic_destroy(topics[i]);
}
