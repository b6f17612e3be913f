/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's metadata topics, read once from their beginning to the end they have then.
 *
 * This is librdkafka's simple consumer: it needs no group, so nobody looks for a coordinator (which
 * would create __consumer_offsets), and it starts from the topic metadata that was just asked for.
 * Three topics take 10 ms where assigning a group's partitions takes 500. */
#include "catalog.h"

#include "error.h"
#include "kafka_ask.h"
#include "kafka_close.h"
#include "kafka_conf.h"
#include "log.h"
#include "wait.h"

#include <stdlib.h>
#include <string.h>

#define TOPIC_PREFIX "arrakis-metadata-"
/* A cancel is looked at this often. */
#define SLICE_MS 100

typedef struct metadata_topic {
    rd_kafka_topic_t *handle;
    ark_metadata *records;
    int64_t begin, end; /* offsets: of the first record, after the last one */
    bool finished;
} metadata_topic;

typedef struct metadata_read {
    const char *url;
    int64_t deadline_ms, timeout_ns;
    const atomic_bool *cancel;
    arrakis_channel_fn fn;
    void *opaque;
    bool stopped; /* by fn */
    rd_kafka_t *rk;
    ark_kafka_asker asker;
    rd_kafka_queue_t *queue;
    metadata_topic *topics;
    size_t count, finished;
} metadata_read;

static int64_t clock_ms(void)
{
    return ark_monotonic_ns() / 1000000;
}

/* The time for the next wait, or ECANCELED, or EDEADLINE. */
static arrakis_status next_wait(const metadata_read *read, int *wait_ms, arrakis_error *err)
{
    if (read->cancel && atomic_load(read->cancel))
        return ark_fail(err, ARRAKIS_ECANCELED, "reading the metadata topics: canceled");
    int64_t left_ms = read->deadline_ms - clock_ms();
    *wait_ms = left_ms < SLICE_MS ? (int)left_ms : SLICE_MS;
    if (left_ms > 0)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EDEADLINE, "%zu of %zu metadata topics are not read within %g s",
                    read->count - read->finished, read->count, (double)read->timeout_ns / 1e9);
}

static arrakis_status add_topic(metadata_read *read, const rd_kafka_metadata_topic_t *found,
                                arrakis_error *err)
{
    if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ark_fail(err, ark_kafka_status(found->err), "topic %s: %s", found->topic,
                        rd_kafka_err2str(found->err));
    if (found->partition_cnt != 1)
        return ark_fail(
            err, ARRAKIS_EFORMAT,
            "metadata topic %s has %d partitions, wanted 1: its records have no order; "
            "create it again and have its publisher written to it anew",
            found->topic, found->partition_cnt);
    metadata_topic *topic = &read->topics[read->count];
    arrakis_status rc = ark_metadata_new(&topic->records, found->topic, err);
    if (rc < 0)
        return rc;
    read->count++;
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    rd_kafka_topic_conf_set(conf, "auto.offset.reset", "earliest", NULL, 0);
    rd_kafka_topic_conf_set_opaque(conf, topic);
    topic->handle = rd_kafka_topic_new(read->rk, found->topic, conf);
    if (!topic->handle)
        return ark_fail(err, ark_kafka_status(rd_kafka_last_error()), "topic %s: %s", found->topic,
                        rd_kafka_err2str(rd_kafka_last_error()));
    return ARRAKIS_OK;
}

static arrakis_status add_topics(metadata_read *read, const struct rd_kafka_metadata *list,
                                 arrakis_error *err)
{
    size_t count = list->topic_cnt > 0 ? (size_t)list->topic_cnt : 0;
    /* The topics' places are their handles' opaques: they must not move. */
    read->topics = calloc(count ? count : 1, sizeof *read->topics);
    if (!read->topics)
        return ark_fail(err, ARRAKIS_ENOMEM, "%zu topics: out of memory", count);
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_metadata_topic_t *found = &list->topics[i];
        if (strncmp(found->topic, TOPIC_PREFIX, strlen(TOPIC_PREFIX)) != 0)
            continue;
        arrakis_status rc = add_topic(read, found, err);
        if (rc < 0)
            return rc;
    }
    if (!read->count)
        ark_log(ARRAKIS_LOG_WARNING, "%s has no topic " TOPIC_PREFIX "*, so no channels are known",
                read->url);
    return ARRAKIS_OK;
}

/* Every topic's first offset (RD_KAFKA_OFFSET_BEGINNING) or the one after its last (_END). */
static arrakis_status ask_offsets(metadata_read *read, rd_kafka_topic_partition_list_t *list,
                                  int64_t wanted, arrakis_error *err)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = wanted;
    return ark_kafka_ask_offsets(&read->asker, list, err);
}

static arrakis_status find_spans(metadata_read *read, arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)read->count);
    if (!list)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    for (size_t i = 0; i < read->count; i++)
        rd_kafka_topic_partition_list_add(list, rd_kafka_topic_name(read->topics[i].handle), 0);
    arrakis_status rc = ask_offsets(read, list, RD_KAFKA_OFFSET_BEGINNING, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < read->count; i++)
        read->topics[i].begin = list->elems[i].offset;
    if (rc == ARRAKIS_OK)
        rc = ask_offsets(read, list, RD_KAFKA_OFFSET_END, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < read->count; i++)
        read->topics[i].end = list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

static bool hand_on(arrakis_channel *channel, void *opaque)
{
    metadata_read *read = opaque;
    read->stopped = !read->fn(channel, read->opaque);
    return !read->stopped;
}

/* The topic is read: its channels go to the caller, its memory goes back. */
static void finish(metadata_read *read, metadata_topic *topic)
{
    topic->finished = true;
    read->finished++;
    ark_metadata_check(topic->records);
    ark_metadata_each(topic->records, hand_on, read);
    ark_metadata_free(topic->records);
    topic->records = NULL;
}

/* Offsets are given as numbers: RD_KAFKA_OFFSET_BEGINNING is looked up by librdkafka, and when the
 * partition has not yet reached its broker's thread that is tried again only after 500 ms (seen in
 * every third run). */
static arrakis_status start(metadata_read *read, arrakis_error *err)
{
    for (size_t i = 0; i < read->count; i++) {
        metadata_topic *topic = &read->topics[i];
        if (topic->begin >= topic->end)
            finish(read, topic);
        else if (rd_kafka_consume_start_queue(topic->handle, 0, topic->begin, read->queue) < 0)
            return ark_fail(err, ark_kafka_status(rd_kafka_last_error()), "topic %s: %s",
                            rd_kafka_topic_name(topic->handle),
                            rd_kafka_err2str(rd_kafka_last_error()));
    }
    return ARRAKIS_OK;
}

static arrakis_status take_error(metadata_read *read, const rd_kafka_message_t *message,
                                 metadata_topic *topic, arrakis_error *err)
{
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (topic)
            finish(read, topic);
        return ARRAKIS_OK;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__FATAL:
        return ark_fail(err, ark_kafka_status(message->err), "topic %s: %s",
                        message->rkt ? rd_kafka_topic_name(message->rkt) : "?",
                        rd_kafka_message_errstr(message));
    default: /* librdkafka goes on trying */
        ark_log(ARRAKIS_LOG_WARNING, "%s: reading metadata topics: %s", read->url,
                rd_kafka_message_errstr(message));
        return ARRAKIS_OK;
    }
}

static arrakis_status take(metadata_read *read, const rd_kafka_message_t *message,
                           arrakis_error *err)
{
    metadata_topic *topic = message->rkt ? rd_kafka_topic_opaque(message->rkt) : NULL;
    if (topic && topic->finished)
        return ARRAKIS_OK;
    if (message->err || !topic)
        return take_error(read, message, topic, err);
    arrakis_status rc = ark_metadata_apply(topic->records, message->key, message->key_len,
                                           message->payload, message->len, message->offset, err);
    if (rc < 0)
        return rc;
    /* Where compaction or a marker took the last offset, the end of the partition says so. */
    if (message->offset >= topic->end - 1)
        finish(read, topic);
    return ARRAKIS_OK;
}

static arrakis_status consume(metadata_read *read, arrakis_error *err)
{
    while (read->finished < read->count && !read->stopped) {
        int wait_ms = 0;
        arrakis_status rc = next_wait(read, &wait_ms, err);
        if (rc < 0)
            return rc;
        rd_kafka_message_t *message = rd_kafka_consume_queue(read->queue, wait_ms);
        if (!message)
            continue;
        rc = take(read, message, err);
        rd_kafka_message_destroy(message);
        if (rc < 0)
            return rc;
    }
    return ARRAKIS_OK;
}

static arrakis_status read_all(metadata_read *read, arrakis_error *err)
{
    const struct rd_kafka_metadata *list;
    arrakis_status rc = ark_kafka_ask_topics(&read->asker, true, &list, err);
    if (rc < 0)
        return rc;
    rc = add_topics(read, list, err);
    rd_kafka_metadata_destroy(list);
    if (rc < 0 || !read->count)
        return rc;
    if ((rc = find_spans(read, err)) < 0 || (rc = start(read, err)) < 0)
        return rc;
    return consume(read, err);
}

static void clean_up(metadata_read *read)
{
    for (size_t i = 0; i < read->count; i++) {
        if (read->topics[i].handle)
            rd_kafka_topic_destroy(read->topics[i].handle);
        ark_metadata_free(read->topics[i].records);
    }
    if (read->queue)
        rd_kafka_queue_destroy(read->queue);
    /* Its threads may still hold messages, whose topics point to ours. */
    ark_kafka_close(read->rk, free, read->topics);
}

arrakis_status ark_kafka_metadata_check(const char *url, arrakis_error *err)
{
    return ark_kafka_check_url(url, err);
}

arrakis_status ark_kafka_metadata_read(const char *url, const arrakis_property *properties,
                                       size_t property_count, int64_t timeout_ns,
                                       const atomic_bool *cancel, arrakis_channel_fn fn,
                                       void *opaque, arrakis_error *err)
{
    static const ark_kafka_property ours[] = {
        {"allow.auto.create.topics", "false", true},
        {"enable.auto.commit", "false", false},
        {"enable.partition.eof", "true", false},
        {"fetch.wait.max.ms", "10", false}, /* an empty topic is known to be so after this */
        {"socket.nagle.disable", "true", false},
        /* Bounded by bytes alone: past either limit librdkafka parks a partition for a second. */
        {"queued.min.messages", "10000000", false},
        {"queued.max.messages.kbytes", "65536", false},
    };
    metadata_read read = {.url = url,
                          .timeout_ns = timeout_ns,
                          .deadline_ms = clock_ms() + timeout_ns / 1000000,
                          .cancel = cancel,
                          .fn = fn,
                          .opaque = opaque};
    arrakis_status rc =
        ark_kafka_new(&read.rk, RD_KAFKA_CONSUMER, url, ours, sizeof ours / sizeof ours[0],
                      properties, property_count, err);
    if (rc < 0)
        return rc;
    read.queue = rd_kafka_queue_new(read.rk);
    read.asker = (ark_kafka_asker){read.rk, timeout_ns, cancel};
    rc = read.queue ? read_all(&read, err) : ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    clean_up(&read);
    return rc < 0 ? ark_fail_within(err, rc, "%s", url) : rc;
}
