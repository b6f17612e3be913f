/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's metadata topics, read once from their beginning to their end.
 *
 * Uses the simple consumer of librdkafka. It needs no group, and so no coordinator (looking for
 * one would create __consumer_offsets), and it starts with the topic metadata that was just
 * received. Three topics take 20 ms; assigning the partitions to a group consumer takes 500.
 *
 * The topic of one publisher does not affect the others: a topic that cannot be read is ignored,
 * with a warning that names it. */
#include "kafka/metadata_topics.h"

#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "kafka/brokers.h"
#include "kafka/close.h"
#include "kafka/handle.h"
#include "kafka/metadata.h"
#include "kafka/metadata_choice.h"
#include "kafka/query.h"
#include "kafka/status.h"
#include "kafka/outage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often the cancel is checked. */
#define SLICE_MS 100
/* How many records are taken from librdkafka at one time. */
#define AT_ONCE 256
/* When no record of any topic has arrived for this long, the topics that are not read to their
 * ends are given up: mostly their partition has no leader. */
#define QUIET_MS 3000
/* The most memory of the channels of all topics that are being read. */
#define HELD_MAX ((size_t)1 << 30)

typedef struct metadata_topic {
    rd_kafka_topic_t *handle;
    ark_metadata *records; /* NULL: the topic has been read or given up */
    int64_t next;          /* offset */
} metadata_topic;

/* What the threads of librdkafka may use until they have ended: their messages point to the
 * topics. */
typedef struct kept {
    metadata_topic *topics;
    ark_kafka_outage *outage;
} kept;

typedef struct metadata_read {
    const ark_metadata_source *source;
    int64_t deadline_ms, heard_ms; /* heard_ms 0: no record yet */
    bool heard;                    /* the last records taken had one of a topic */
    int64_t waiting_max;           /* the most bytes of records in the queue of librdkafka */
    int64_t taken;                 /* bytes taken since the queue was empty */
    const ark_selection *selection;
    bool stopped; /* the caller needs no more channels */
    arrakis_error *passed_over;
    rd_kafka_t *rk;
    ark_kafka_asker asker;
    rd_kafka_queue_t *queue;
    metadata_topic *topics;
    kept *kept;
    size_t count, left; /* the number of topics, and of those neither read nor given up */
    size_t read;        /* topics that were read to their ends */
    size_t ignored;     /* topics that were not */
    size_t held;        /* bytes of the channels of topics that are being read */
} metadata_read;

static int64_t clock_ms(void)
{
    return ark_monotonic_ns() / 1000000;
}

/* ------------------------------------------------------------------ the end of one topic */

/* The reason of a topic that may be readable later is preferred. */
static void keep_reason(metadata_read *read, const char *name, arrakis_status status,
                        const char *why)
{
    if (read->passed_over->status == ARRAKIS_OK ||
        (read->passed_over->status == ARRAKIS_EFORMAT && status != ARRAKIS_EFORMAT))
        ark_fail(read->passed_over, status, "metadata topic %s: %s", name, why);
}

/* Give up a topic with a warning, and keep the reason. */
static void pass_over(metadata_read *read, const char *name, arrakis_status status,
                      const char *why)
{
    if (read->ignored++ < ARK_METADATA_TOPICS_MAX)
        ark_log(ARRAKIS_LOG_WARNING, "%s: ignoring metadata topic %s: %s", read->source->url, name,
                why);
    keep_reason(read, name, status, why);
}

static void release_topic(metadata_read *read, metadata_topic *topic)
{
    read->held -= ark_metadata_bytes(topic->records);
    ark_metadata_free(topic->records);
    topic->records = NULL;
    read->left--;
}

static void give_up(metadata_read *read, metadata_topic *topic, arrakis_status status,
                    const char *why)
{
    pass_over(read, rd_kafka_topic_name(topic->handle), status, why);
    release_topic(read, topic);
}

/* A topic has been read: hand its selected channels to the caller, and free its memory. */
static arrakis_status finish_topic(metadata_read *read, metadata_topic *topic, arrakis_error *err)
{
    ark_metadata_check(topic->records);
    arrakis_status rc = ark_metadata_each(topic->records, read->selection, err);
    read->stopped = rc == ARRAKIS_DONE;
    read->read++;
    release_topic(read, topic);
    return rc < 0 ? rc : ARRAKIS_OK;
}

/* ------------------------------------------------------------------ which topics */

/* A topic that has an error, or several partitions. */
static void pass_over_unreadable(metadata_read *read, const rd_kafka_metadata_topic_t *found)
{
    char text[160];
    if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        pass_over(read, found->topic, ark_kafka_status(found->err), rd_kafka_err2str(found->err));
        return;
    }
    snprintf(text, sizeof text,
             "it has %d partitions, expected 1: its records have no order; create it again and "
             "have its publisher written to it anew",
             found->partition_cnt);
    pass_over(read, found->topic, ARRAKIS_EFORMAT, text);
}

/* Those that are more than are read. They may be read once others are gone. */
static void pass_over_rest(metadata_read *read, const ark_metadata_choice *choice)
{
    char text[160];
    if (choice->chosen == choice->readable)
        return;
    const char *first = choice->wanted[choice->chosen]->topic;
    snprintf(text, sizeof text,
             "%zu topics " ARK_METADATA_PREFIX "* can be read, expected up to %zu: those from it "
             "on, in the order of names, are not read",
             choice->readable, choice->chosen);
    ark_log(ARRAKIS_LOG_WARNING, "%s: ignoring metadata topic %s and %zu others: %s",
            read->source->url, first, choice->readable - choice->chosen - 1, text);
    keep_reason(read, first, ARRAKIS_EBROKER, text);
}

static arrakis_status add_topic(metadata_read *read, const rd_kafka_metadata_topic_t *found,
                                arrakis_error *err)
{
    metadata_topic *topic = &read->topics[read->count];
    ARK_TRY(ark_metadata_new(&topic->records, found->topic, arrakis_gps_now_ns(), err));
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

static arrakis_status add_chosen(metadata_read *read, const ark_metadata_choice *choice,
                                 arrakis_error *err)
{
    if (!choice->count)
        ark_log(ARRAKIS_LOG_WARNING,
                "%s has no topic " ARK_METADATA_PREFIX "* that is asked for, so no channels are "
                "known",
                read->source->url);
    /* The topics must not move: they are the opaques of their handles. */
    read->topics = calloc(choice->chosen + 1, sizeof *read->topics);
    if (!read->topics)
        return ark_no_memory(err, "%zu topics", choice->chosen);
    for (size_t i = 0; i < choice->chosen; i++)
        ARK_TRY(add_topic(read, choice->wanted[i], err));
    pass_over_rest(read, choice);
    for (size_t i = choice->readable; i < choice->count; i++)
        pass_over_unreadable(read, choice->wanted[i]);
    return ARRAKIS_OK;
}

static arrakis_status add_topics(metadata_read *read, const struct rd_kafka_metadata *list,
                                 arrakis_error *err)
{
    ark_metadata_choice choice;
    const ark_metadata_source *source = read->source;
    arrakis_status rc = ark_metadata_choice_make(&choice, list, source->publishers,
                                                 source->publisher_count, source->topics_max, err);
    if (rc == ARRAKIS_OK)
        rc = add_chosen(read, &choice, err);
    ark_metadata_choice_clear(&choice);
    return rc;
}

/* Start at offset 0, or at the first one, if retention has deleted that: compaction, which
 * metadata topics have, keeps the first offset of a log. librdkafka would look up
 * RD_KAFKA_OFFSET_BEGINNING, and if the partition is not with the thread of its broker yet, it
 * tries again only after 500 ms (in every third run). */
static void start_topics(metadata_read *read)
{
    read->left = read->count;
    for (size_t i = 0; i < read->count; i++) {
        metadata_topic *topic = &read->topics[i];
        if (rd_kafka_consume_start_queue(topic->handle, 0, 0, read->queue) < 0)
            give_up(read, topic, ark_kafka_status(rd_kafka_last_error()),
                    rd_kafka_err2str(rd_kafka_last_error()));
    }
}

/* ------------------------------------------------------------------ reading */

static arrakis_status take_error(metadata_read *read, const rd_kafka_message_t *message,
                                 metadata_topic *topic, arrakis_error *err)
{
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        return topic ? finish_topic(read, topic, err) : ARRAKIS_OK;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        if (topic)
            give_up(read, topic, ark_kafka_status(message->err), rd_kafka_err2str(message->err));
        return ARRAKIS_OK;
    case RD_KAFKA_RESP_ERR__FATAL:
        return ark_fail(err, ark_kafka_status(message->err), "reading metadata topics: %s",
                        rd_kafka_message_errstr(message));
    default: /* librdkafka tries again */
        ark_log(ARRAKIS_LOG_WARNING, "%s: reading metadata topics: %s", read->source->url,
                rd_kafka_message_errstr(message));
        return ARRAKIS_OK;
    }
}

static arrakis_status take_record(metadata_read *read, const rd_kafka_message_t *message,
                                  metadata_topic *topic, arrakis_error *err)
{
    arrakis_error fault = {0};
    size_t before = ark_metadata_bytes(topic->records);
    arrakis_status rc =
        ark_metadata_apply(topic->records, message->key, message->key_len, message->payload,
                           message->len, message->offset, &fault);
    read->held += ark_metadata_bytes(topic->records) - before;
    if (rc == ARRAKIS_ENOMEM)
        return ark_fail(err, rc, "%s", fault.message);
    if (rc < 0)
        give_up(read, topic, rc, fault.message);
    else if (read->held > HELD_MAX)
        give_up(read, topic, ARRAKIS_EFORMAT,
                "with the channels of other topics its channels take over 1 GiB");
    return ARRAKIS_OK;
}

static arrakis_status take_message(metadata_read *read, const rd_kafka_message_t *message,
                                   arrakis_error *err)
{
    metadata_topic *topic = message->rkt ? rd_kafka_topic_opaque(message->rkt) : NULL;
    read->taken += (int64_t)message->len;
    if (topic && !topic->records)
        return ARRAKIS_OK;
    if (topic && !message->err)
        topic->next = message->offset + 1;
    read->heard |= topic && (!message->err || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF);
    return message->err || !topic ? take_error(read, message, topic, err)
                                  : take_record(read, message, topic, err);
}

/* When its queue is full, librdkafka before 2.2 checks only after a second whether to go on, or
 * when it has something to do, such as a seek to the present offset. Later ones check after
 * fetch.queue.backoff.ms. */
static void go_on(metadata_read *read)
{
    bool stands = read->taken >= read->waiting_max && rd_kafka_version() < 0x02020000;
    read->taken = 0;
    for (size_t i = 0; stands && i < read->count; i++)
        if (read->topics[i].records)
            rd_kafka_seek(read->topics[i].handle, 0, read->topics[i].next, 0);
}

/* Take the records that have arrived, or wait up to wait_ms for the first. Many at a time, so that
 * the clock is read and the lock taken once for all. */
static arrakis_status take_many(metadata_read *read, int wait_ms, arrakis_error *err)
{
    rd_kafka_message_t *messages[AT_ONCE];
    arrakis_status rc = ARRAKIS_OK;
    ssize_t count = rd_kafka_consume_batch_queue(read->queue, 0, messages, AT_ONCE);
    if (count <= 0) {
        go_on(read);
        messages[0] = rd_kafka_consume_queue(read->queue, wait_ms);
        count = messages[0] != NULL;
    }
    read->heard = false;
    for (ssize_t i = 0; i < count; i++) {
        if (rc == ARRAKIS_OK && !read->stopped)
            rc = take_message(read, messages[i], err);
        rd_kafka_message_destroy(messages[i]);
    }
    if (read->heard)
        read->heard_ms = clock_ms();
    return rc;
}

/* Give up the topics that do not arrive, or that are written faster than they are read. */
static void give_up_rest(metadata_read *read)
{
    char text[80];
    int64_t begun_ms = read->deadline_ms - read->source->timeout_ns / 1000000;
    snprintf(text, sizeof text, "its end is not reached within %.1f s",
             (double)(clock_ms() - begun_ms) / 1e3);
    for (size_t i = 0; i < read->count; i++)
        if (read->topics[i].records)
            give_up(read, &read->topics[i], ARRAKIS_EDEADLINE, text);
}

static arrakis_status consume_topics(metadata_read *read, arrakis_error *err)
{
    while (read->left && !read->stopped) {
        if (read->source->cancel && atomic_load(read->source->cancel))
            return ark_fail(err, ARRAKIS_ECANCELED, "reading the metadata topics: canceled");
        int64_t now_ms = clock_ms(), left_ms = read->deadline_ms - now_ms;
        if (left_ms <= 0 || (read->heard_ms && now_ms - read->heard_ms > QUIET_MS)) {
            give_up_rest(read);
            break;
        }
        ARK_TRY(take_many(read, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS, err));
    }
    return ARRAKIS_OK;
}

static arrakis_status read_all(metadata_read *read, arrakis_error *err)
{
    const struct rd_kafka_metadata *list;
    ARK_TRY(ark_kafka_query_topics(&read->asker, true, &list, err));
    arrakis_status rc = add_topics(read, list, err);
    rd_kafka_metadata_destroy(list);
    if (rc < 0)
        return rc;
    start_topics(read);
    rc = consume_topics(read, err);
    if (read->ignored > ARK_METADATA_TOPICS_MAX)
        ark_log(ARRAKIS_LOG_WARNING, "%s: ignoring %zu more metadata topics", read->source->url,
                read->ignored - ARK_METADATA_TOPICS_MAX);
    if (rc == ARRAKIS_OK && !read->read && !read->stopped && read->passed_over->status < 0)
        rc = ark_fail(err, read->passed_over->status, "%s", read->passed_over->message);
    return rc;
}

static void free_kept(void *opaque)
{
    kept *k = opaque;
    ark_kafka_outage_free(k->outage);
    free(k->topics);
    free(k);
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
    ark_kafka_outage_close(read->kept->outage);
    read->kept->topics = read->topics;
    ark_kafka_close(read->rk, free_kept, read->kept);
}

static arrakis_status start_handle(metadata_read *read, arrakis_error *err)
{
    static const ark_kafka_property ours[] = {
        {"allow.auto.create.topics", "false", true},
        {"enable.auto.commit", "false", false},
        {"enable.partition.eof", "true", false},
        {"fetch.wait.max.ms", "10", false}, /* the end of a topic is reported after this time */
        /* The queue is bounded only by bytes. A record takes three times its size there. */
        {"queued.min.messages", "10000000", false},
        {"queued.max.messages.kbytes", "4096", false},
        {"fetch.queue.backoff.ms", "1", true},
    };
    const ark_metadata_source *source = read->source;
    rd_kafka_conf_t *conf;
    if (!(read->kept = calloc(1, sizeof *read->kept)) ||
        !(read->kept->outage = ark_kafka_outage_new(source->tokens))) {
        free(read->kept);
        return ark_no_memory(err, "metadata topics");
    }
    arrakis_status rc = ark_kafka_handle_conf(&conf, read->kept->outage, source->url, ours,
                                              sizeof ours / sizeof *ours, source->properties,
                                              source->property_count, err);
    if (rc == ARRAKIS_OK)
        rc = ark_kafka_handle_start(&read->rk, RD_KAFKA_CONSUMER, conf, err);
    if (rc < 0)
        free_kept(read->kept);
    return rc;
}

/* The user may have set it. */
static int64_t waiting_max_of(rd_kafka_t *rk)
{
    char text[32] = "";
    size_t size = sizeof text;
    rd_kafka_conf_get(rd_kafka_conf(rk), "queued.max.messages.kbytes", text, &size);
    return strtoll(text, NULL, 10) << 10;
}

arrakis_status ark_metadata_topics_read(const ark_metadata_source *source,
                                        const ark_selection *selection, arrakis_error *passed_over,
                                        arrakis_error *err)
{
    *passed_over = (arrakis_error){.status = ARRAKIS_OK};
    metadata_read read = {.source = source,
                          .deadline_ms = clock_ms() + source->timeout_ns / 1000000,
                          .selection = selection,
                          .passed_over = passed_over};
    ARK_TRY(start_handle(&read, err));
    read.waiting_max = waiting_max_of(read.rk);
    read.queue = rd_kafka_queue_new(read.rk);
    read.asker = (ark_kafka_asker){.rk = read.rk,
                                   .timeout_ns = source->timeout_ns,
                                   .cancel = source->cancel,
                                   .leaves_calls = true,
                                   .outage = read.kept->outage};
    arrakis_status rc = read.queue ? read_all(&read, err) : ark_no_memory(err, "metadata topics");
    clean_up(&read);
    return rc < 0 ? ark_fail_within(err, rc, "%s", source->url) : rc;
}
