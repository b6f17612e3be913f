/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/metadata_tail.h"

#include "base/error.h"
#include "base/log.h"
#include "kafka/close.h"
#include "kafka/handle.h"
#include "kafka/metadata_choice.h"
#include "kafka/outage.h"
#include "kafka/query.h"
#include "kafka/status.h"

#include <stdlib.h>

typedef struct tail_topic {
    rd_kafka_topic_t *topic; /* its opaque is this struct */
    bool read;               /* some record of it has come */
    bool lost;               /* and none since an error that librdkafka does not mend by itself */
} tail_topic;

struct ark_metadata_tail {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    ark_kafka_outage *outage;
    tail_topic *topics;
    size_t count;
};

static arrakis_status start_handle(ark_metadata_tail *tail, const ark_metadata_source *source,
                                   arrakis_error *err)
{
    static const ark_kafka_property ours[] = {
        {"allow.auto.create.topics", "false", true},
        {"enable.auto.commit", "false", false},
        {"queued.min.messages", "1000", false},
        {"queued.max.messages.kbytes", "4096", false},
    };
    rd_kafka_conf_t *conf;
    if (!(tail->outage = ark_kafka_outage_new(source->tokens)))
        return ark_no_memory(err, "metadata topics");
    ARK_TRY(ark_kafka_handle_conf(&conf, tail->outage, source->url, ours,
                                  sizeof ours / sizeof *ours, source->properties,
                                  source->property_count, err));
    return ark_kafka_handle_start(&tail->rk, RD_KAFKA_CONSUMER, conf, err);
}

static arrakis_status start_topic(ark_metadata_tail *tail, const char *name, arrakis_error *err)
{
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    rd_kafka_topic_conf_set(conf, "auto.offset.reset", "earliest", NULL, 0);
    rd_kafka_topic_conf_set_opaque(conf, &tail->topics[tail->count]);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(tail->rk, name, conf);
    if (!topic)
        return ark_fail(err, ark_kafka_status(rd_kafka_last_error()), "topic %s: %s", name,
                        rd_kafka_err2str(rd_kafka_last_error()));
    tail->topics[tail->count++].topic = topic;
    if (rd_kafka_consume_start_queue(topic, 0, RD_KAFKA_OFFSET_TAIL(ARK_METADATA_TAIL_RECORDS),
                                     tail->queue) < 0)
        return ark_fail(err, ark_kafka_status(rd_kafka_last_error()), "topic %s: %s", name,
                        rd_kafka_err2str(rd_kafka_last_error()));
    return ARRAKIS_OK;
}

static arrakis_status start_topics(ark_metadata_tail *tail, const ark_metadata_source *source,
                                   int wake_fd, arrakis_error *err)
{
    const ark_kafka_asker asker = {.rk = tail->rk,
                                   .timeout_ns = source->timeout_ns,
                                   .cancel = source->cancel,
                                   .leaves_calls = true,
                                   .outage = tail->outage};
    const struct rd_kafka_metadata *list;
    const uint64_t one = 1;
    if (!(tail->queue = rd_kafka_queue_new(tail->rk)))
        return ark_no_memory(err, "metadata topics");
    rd_kafka_queue_io_event_enable(tail->queue, wake_fd, &one, sizeof one);
    ARK_TRY(ark_kafka_query_topics(&asker, true, &list, err));
    ark_metadata_choice choice;
    arrakis_status rc = ark_metadata_choice_make(&choice, list, source->publishers,
                                                 source->publisher_count, source->topics_max, err);
    if (rc == ARRAKIS_OK && !(tail->topics = calloc(choice.chosen + 1, sizeof *tail->topics)))
        rc = ark_no_memory(err, "%zu topics", choice.chosen);
    for (size_t i = 0; rc == ARRAKIS_OK && i < choice.chosen; i++)
        rc = start_topic(tail, choice.wanted[i]->topic, err);
    ark_metadata_choice_clear(&choice);
    rd_kafka_metadata_destroy(list);
    return rc;
}

arrakis_status ark_metadata_tail_open(ark_metadata_tail **out, const ark_metadata_source *source,
                                      int wake_fd, arrakis_error *err)
{
    *out = NULL;
    ark_metadata_tail *tail = calloc(1, sizeof *tail);
    if (!tail)
        return ark_no_memory(err, "metadata topics");
    arrakis_status rc = start_handle(tail, source, err);
    if (rc == ARRAKIS_OK)
        rc = start_topics(tail, source, wake_fd, err);
    if (rc < 0) {
        ark_metadata_tail_close(tail);
        return ark_fail_within(err, rc, "%s", source->url);
    }
    *out = tail;
    return ARRAKIS_OK;
}

static bool is_loss(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/* A topic that could not be read from the first is passed over, as where channels are described. */
static void take_error(const rd_kafka_message_t *m)
{
    tail_topic *topic = m->rkt ? rd_kafka_topic_opaque(m->rkt) : NULL;
    if (topic && topic->read && !topic->lost && is_loss(m->err)) {
        topic->lost = true;
        ark_log(ARRAKIS_LOG_WARNING,
                "whether the channels of the stream change is not noticed for now: topic %s: %s",
                rd_kafka_topic_name(m->rkt), rd_kafka_err2str(m->err));
    } else
        ark_log_trace(ARK_LOG_KAFKA, "metadata topics: %s", rd_kafka_message_errstr(m));
}

static void take_message(const rd_kafka_message_t *m,
                         void (*take)(const void *key, size_t key_size, const void *value,
                                      size_t value_size, void *opaque),
                         void *opaque)
{
    tail_topic *topic = rd_kafka_topic_opaque(m->rkt);
    if (topic->lost)
        ark_log(ARRAKIS_LOG_WARNING,
                "whether the channels of the stream change is noticed again: topic %s is read",
                rd_kafka_topic_name(m->rkt));
    topic->read = true;
    topic->lost = false;
    if (m->key_len)
        take(m->key, m->key_len, m->payload, m->len, opaque);
}

bool ark_metadata_tail_each(ark_metadata_tail *tail,
                            void (*take)(const void *key, size_t key_size, const void *value,
                                         size_t value_size, void *opaque),
                            void *opaque)
{
    enum { AT_ONCE = 256 };
    rd_kafka_message_t *messages[AT_ONCE];
    ssize_t count = rd_kafka_consume_batch_queue(tail->queue, 0, messages, AT_ONCE);
    for (ssize_t i = 0; i < count; i++) {
        if (messages[i]->err)
            take_error(messages[i]);
        else
            take_message(messages[i], take, opaque);
        rd_kafka_message_destroy(messages[i]);
    }
    return count > 0;
}

void ark_metadata_tail_close(ark_metadata_tail *tail)
{
    if (!tail)
        return;
    for (size_t i = 0; i < tail->count; i++)
        rd_kafka_topic_destroy(tail->topics[i].topic);
    if (tail->queue) {
        rd_kafka_queue_io_event_enable(tail->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(tail->queue);
    }
    if (tail->outage)
        ark_kafka_outage_close(tail->outage);
    ark_kafka_close(tail->rk, ark_kafka_outage_free, tail->outage);
    free(tail->topics);
    free(tail);
}
