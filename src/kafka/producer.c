/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/producer.h"

#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "base/wait.h"
#include "kafka/conf.h"
#include "kafka/handle.h"
#include "kafka/status.h"
#include "kafka/outage.h"
#include "read/closing.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a canceled batch may still take. */
#define CANCEL_NS (2 * ARRAKIS_SECOND_NS)
/* How long before the deadline of a batch the cause of its delay is looked for, and for how
 * long. */
#define DOUBT_NS ARRAKIS_SECOND_NS
#define DOUBT_MS 500
/* How often to check whether the login has been refused, or a close canceled. */
#define LOOK_MS 200
/* How long another broker has to answer before a login counts as refused. */
#define REFUSAL_MS 1000

typedef struct message {
    struct message *next;      /* in the list of all messages of its topic */
    struct message *next_free; /* in the list of those that librdkafka does not use */
    struct topic *topic;
    uint64_t batch;
    ark_buffer buffer;
} message;

typedef struct topic {
    ark_producer *producer;
    char *name;
    rd_kafka_topic_t *handle;
    message *all, *free;
    message *filling;   /* the message of the present batch, until it is sent */
    uint64_t waits_for; /* the batch whose message is not confirmed; 0: none */
} topic;

typedef struct failures {
    size_t count;
    rd_kafka_resp_err_t code; /* of the first */
    char first[256];
} failures;

/* A handle, and the messages that its threads may use until they have ended. */
typedef struct remains {
    rd_kafka_t *rk;
    message *messages;
} remains;

struct ark_producer {
    char *url;
    rd_kafka_conf_t *conf; /* to make the handle again */
    rd_kafka_t *rk;
    ark_closing aside; /* ends one that failed for good */
    topic **topics;
    size_t topic_count;
    size_t limit;
    size_t held;   /* messages that librdkafka uses */
    int cancel_fd; /* the caller's, or -1 */
    int news_fd;   /* readable when librdkafka has events; -1 without cancel_fd */
    int close_ms;
    ark_kafka_outage *outage; /* the opaque of the handle */
    char fault[256];          /* the fault of a topic that delays the batch; "": none is known */
    bool proven;              /* a message has been delivered */

    uint64_t batch;      /* the number of the present one */
    int64_t deadline_ns; /* of the present batch, CLOCK_MONOTONIC; INT64_MAX: none */
    int timeout_ms;
    bool canceled, doubted;
    size_t sent, pending;
    failures failed, late; /* of the present batch; of earlier ones that were given up */
};

/* ---- callbacks of librdkafka, in rd_kafka_poll(), in the thread of the caller */

/* The error behind "fatal error", with which all messages fail after one. */
static rd_kafka_resp_err_t cause_of(rd_kafka_t *rk, rd_kafka_resp_err_t code, char *text,
                                    size_t size)
{
    bool fatal = code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR__PURGE_QUEUE;
    rd_kafka_resp_err_t cause = fatal ? rd_kafka_fatal_error(rk, text, size) : code;
    if (fatal && cause)
        return cause;
    snprintf(text, size, "%s", rd_kafka_err2str(code));
    return code;
}

static arrakis_status status_of(rd_kafka_resp_err_t code)
{
    return ark_kafka_status(code) == ARRAKIS_EAUTH ? ARRAKIS_EAUTH : ARRAKIS_EBROKER;
}

static void take_report(rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque)
{
    (void)opaque; /* the outage */
    message *m = report->_private;
    ark_producer *producer = m->topic->producer;
    m->next_free = m->topic->free;
    m->topic->free = m;
    producer->held--;
    failures *failed = &producer->late;
    if (m->batch == producer->batch) {
        producer->pending--;
        m->topic->waits_for = 0;
        failed = &producer->failed;
    }
    if (!report->err)
        producer->proven = true;
    if (!report->err || failed->count++)
        return;
    char text[256];
    failed->code = cause_of(rk, report->err, text, sizeof text);
    snprintf(failed->first, sizeof failed->first, "%.120s: %.120s", m->topic->name, text);
}

/* ---- open */

/* Make the descriptor for events, to wait for them and for the cancel. */
static arrakis_status open_news(ark_producer *producer, arrakis_error *err)
{
    if (producer->cancel_fd < 0)
        return ARRAKIS_OK;
    static const uint64_t one = 1;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(producer->rk);
    if (producer->news_fd < 0)
        producer->news_fd = ark_event_open();
    if (queue && producer->news_fd >= 0)
        rd_kafka_queue_io_event_enable(queue, producer->news_fd, &one, sizeof one);
    if (queue)
        rd_kafka_queue_destroy(queue);
    return queue && producer->news_fd >= 0
               ? ARRAKIS_OK
               : ark_fail(err, ARRAKIS_EIO, "a producer: no descriptor for events");
}

static arrakis_status open_topic(ark_producer *producer, topic *t, arrakis_error *err)
{
    t->handle = rd_kafka_topic_new(producer->rk, t->name, NULL);
    if (t->handle)
        return ARRAKIS_OK;
    return ark_fail(err, errno == ENOMEM ? ARRAKIS_ENOMEM : ARRAKIS_EINVAL, "topic \"%.200s\": %s",
                    t->name, rd_kafka_err2str(rd_kafka_last_error()));
}

static arrakis_status start_handle(ark_producer *producer, arrakis_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(producer->conf);
    if (!conf)
        return ark_no_memory(err, "starting a producer");
    arrakis_status rc = ark_kafka_handle_start(&producer->rk, RD_KAFKA_PRODUCER, conf, err);
    if (rc == ARRAKIS_OK)
        rc = open_news(producer, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < producer->topic_count; i++)
        rc = open_topic(producer, producer->topics[i], err);
    return rc;
}

static void free_messages(message *all)
{
    while (all) {
        message *m = all;
        all = m->next;
        ark_buffer_clear(&m->buffer);
        free(m);
    }
}

/* Waits for the connections to end: one that looks up a name takes as long as the resolver does. Then
 * librdkafka uses no message any more. */
static void end_remains(void *opaque)
{
    remains *r = opaque;
    if (r->rk)
        rd_kafka_destroy(r->rk);
    free_messages(r->messages);
}

static void end_put_aside(void *opaque)
{
    end_remains(opaque);
    free(opaque);
}

/* Take the handle from the producer, and the messages that it may still use. */
static remains take_remains(ark_producer *producer)
{
    remains out = {producer->rk, NULL};
    for (size_t i = 0; i < producer->topic_count; i++) {
        topic *t = producer->topics[i];
        if (t->handle)
            rd_kafka_topic_destroy(t->handle);
        for (message *m = t->all, *next; m; m = next) {
            next = m->next;
            m->next = out.messages;
            out.messages = m;
        }
        t->handle = NULL;
        t->all = t->free = t->filling = NULL;
        t->waits_for = 0;
    }
    producer->rk = NULL;
    producer->held = 0;
    return out;
}

static void stop_handle(ark_producer *producer)
{
    remains r = take_remains(producer);
    end_remains(&r);
}

/* The same beside the caller, one handle at a time. */
static arrakis_status put_handle_aside(ark_producer *producer, arrakis_error *err)
{
    if (ark_closing_pending(&producer->aside))
        return ark_fail(err, ARRAKIS_EDEADLINE,
                        "this producer has failed for good, and one before it still waits for its "
                        "connections to end");
    remains *r = malloc(sizeof *r);
    if (!r)
        return ark_no_memory(err, "starting a producer");
    *r = take_remains(producer);
    ark_closing_begin(&producer->aside, rd_kafka_version_str(), end_put_aside, r);
    return ARRAKIS_OK;
}

static arrakis_status configure_handle(ark_producer *producer, const ark_producer_options *o,
                                       arrakis_error *err)
{
    /* A publisher waits for each block, so messages are sent at once; and a leader that does not
     * answer is given up while there is time to send the block to the next one. */
    static const ark_kafka_property ours[] = {
        {"request.timeout.ms", "6000", false},
        {"message.max.bytes", "10000000", false},
        {"enable.idempotence", "true", false},
        {"linger.ms", "0", false},
    };
    if (!(producer->outage = ark_kafka_outage_new(o->tokens)) || !(producer->url = strdup(o->url)))
        return ark_no_memory(err, "opening a producer");
    ARK_TRY(ark_kafka_handle_conf(&producer->conf, producer->outage, o->url, ours,
                                  sizeof ours / sizeof *ours, o->properties, o->property_count,
                                  err));
    rd_kafka_conf_set_dr_msg_cb(producer->conf, take_report);
    /* Whatever the user sets: without reports of success no message would be confirmed. */
    rd_kafka_conf_set(producer->conf, "delivery.report.only.error", "false", NULL, 0);
    return ARRAKIS_OK;
}

arrakis_status ark_producer_open(ark_producer **out, const ark_producer_options *options,
                                 arrakis_error *err)
{
    *out = NULL;
    ark_producer *producer = calloc(1, sizeof *producer);
    if (!producer)
        return ark_no_memory(err, "opening a producer");
    producer->cancel_fd = options->cancel_fd;
    producer->news_fd = -1;
    producer->close_ms = options->close_ms;
    arrakis_status rc = configure_handle(producer, options, err);
    if (rc == ARRAKIS_OK)
        rc = start_handle(producer, err);
    if (rc < 0) {
        ark_producer_close(producer);
        return rc;
    }
    char limit[32] = "";
    size_t size = sizeof limit;
    rd_kafka_conf_get(producer->conf, "message.max.bytes", limit, &size);
    producer->limit = strtoul(limit, NULL, 10);
    *out = producer;
    return ARRAKIS_OK;
}

arrakis_status ark_producer_add_topic(ark_producer *producer, const char *name, arrakis_error *err)
{
    size_t count = producer->topic_count;
    if (!(count & (count - 1))) { /* full at every power of two */
        topic **grown = realloc(producer->topics, (count ? 2 * count : 1) * sizeof *grown);
        if (!grown)
            return ark_no_memory(err, "topic %s", name);
        producer->topics = grown;
    }
    topic *t = calloc(1, sizeof *t);
    char *copy = strdup(name);
    if (!t || !copy) {
        free(t);
        free(copy);
        return ark_no_memory(err, "topic %s", name);
    }
    t->name = copy;
    t->producer = producer;
    producer->topics[producer->topic_count++] = t;
    return open_topic(producer, t, err);
}

const char *ark_producer_topic(const ark_producer *producer, size_t number)
{
    assert(number < producer->topic_count);
    return producer->topics[number]->name;
}

size_t ark_producer_limit(const ark_producer *producer)
{
    return producer->limit;
}

/* ---- batches */

/* Milliseconds until the deadline of the batch, rounded up; -1: there is none. */
static int remaining_ms(const ark_producer *producer)
{
    if (producer->deadline_ns == INT64_MAX)
        return -1;
    int64_t left = producer->deadline_ns - ark_monotonic_ns();
    return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}

static bool is_canceled(const ark_producer *producer)
{
    return producer->cancel_fd >= 0 && ark_wait_fd(producer->cancel_fd, ark_wait_deadline(0));
}

/* Serve the reports of librdkafka; if there are none, wait for one or for a cancel. A cancel moves
 * the deadline closer, so that a block that is being sent can still be completed. */
static void serve_reports(ark_producer *producer, int timeout_ms)
{
    if (timeout_ms < 0 || timeout_ms > LOOK_MS)
        timeout_ms = LOOK_MS;
    if (producer->cancel_fd < 0) {
        rd_kafka_poll(producer->rk, timeout_ms);
        return;
    }
    ark_event_clear(producer->news_fd);
    struct pollfd polled[] = {{.fd = producer->news_fd, .events = POLLIN},
                              {.fd = producer->cancel_fd, .events = POLLIN}};
    if (!rd_kafka_poll(producer->rk, 0)) {
        poll(polled, producer->canceled ? 1 : 2, timeout_ms);
        rd_kafka_poll(producer->rk, 0);
    }
    if (producer->canceled || !is_canceled(producer))
        return;
    producer->canceled = true;
    int64_t last_ns = ark_monotonic_ns() + CANCEL_NS;
    producer->deadline_ns = last_ns < producer->deadline_ns ? last_ns : producer->deadline_ns;
}

static arrakis_status restart_handle(ark_producer *producer, arrakis_error *err)
{
    char text[256] = "";
    if (producer->rk && !rd_kafka_fatal_error(producer->rk, text, sizeof text))
        return ARRAKIS_OK;
    if (producer->rk)
        ark_log(ARRAKIS_LOG_WARNING,
                "starting a new producer, the last one failed for good: %s; %zu messages that it "
                "had not delivered are given up",
                text, producer->held);
    if (producer->rk)
        ARK_TRY(put_handle_aside(producer, err));
    arrakis_status rc = start_handle(producer, err);
    if (rc < 0)
        stop_handle(producer);
    return rc;
}

arrakis_status ark_producer_begin(ark_producer *producer, int timeout_ms, arrakis_error *err)
{
    if (is_canceled(producer))
        return ark_fail(err, ARRAKIS_ECANCELED, "canceled");
    producer->deadline_ns =
        timeout_ms < 0 ? INT64_MAX : ark_monotonic_ns() + timeout_ms * (ARRAKIS_SECOND_NS / 1000);
    producer->timeout_ms = timeout_ms;
    producer->batch++;
    producer->canceled = producer->doubted = false;
    producer->sent = producer->pending = producer->failed.count = 0;
    return restart_handle(producer, err);
}

arrakis_status ark_producer_buffer(ark_producer *producer, size_t number, ark_buffer **out,
                                   arrakis_error *err)
{
    assert(number < producer->topic_count);
    topic *t = producer->topics[number];
    if (!t->filling && t->free) {
        t->filling = t->free;
        t->free = t->free->next_free;
    } else if (!t->filling) {
        message *m = calloc(1, sizeof *m);
        if (!m)
            return ark_no_memory(err, "message to %s", t->name);
        m->topic = t;
        m->next = t->all;
        t->all = t->filling = m;
    }
    *out = &t->filling->buffer;
    return ARRAKIS_OK;
}

static arrakis_status fail_refused(const ark_producer *producer, const message *m,
                                   rd_kafka_resp_err_t code, arrakis_error *err)
{
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return ark_fail(err, ARRAKIS_EINVAL, "message to %s has %zu bytes, over the limit of %zu",
                        m->topic->name, m->buffer.size, producer->limit);
    char text[256];
    code = cause_of(producer->rk, code, text, sizeof text);
    return ark_fail(err, status_of(code), "message to %s: %s", m->topic->name, text);
}

/* The cause of a delay, if it is known. */
static const char *last_failure(const ark_producer *producer, char text[ARK_KAFKA_OUTAGE_TEXT])
{
    if (*producer->fault)
        return producer->fault;
    ark_kafka_outage_last(producer->outage, text);
    return text;
}

static arrakis_status no_room(const ark_producer *producer, const topic *t, arrakis_error *err)
{
    char text[ARK_KAFKA_OUTAGE_TEXT];
    const char *last = last_failure(producer, text);
    if (producer->canceled)
        return ark_fail(err, ARRAKIS_ECANCELED,
                        "canceled before message to %s could be queued; %zu other messages of "
                        "the block may yet be delivered",
                        t->name, producer->sent);
    return ark_fail(err, ARRAKIS_EDEADLINE,
                    "message to %s: no room to queue it within %d ms; %zu other messages of the "
                    "block may yet be delivered%s%s",
                    t->name, producer->timeout_ms, producer->sent,
                    *last ? "; the last failure: " : "", last);
}

arrakis_status ark_producer_send(ark_producer *producer, size_t number, arrakis_error *err)
{
    assert(number < producer->topic_count && producer->topics[number]->filling);
    topic *t = producer->topics[number];
    message *m = t->filling;
    m->batch = producer->batch;
    while (rd_kafka_produce(t->handle, 0, 0, m->buffer.data, m->buffer.size, NULL, 0, m) != 0) {
        rd_kafka_resp_err_t code = rd_kafka_last_error();
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || !rd_kafka_outq_len(producer->rk))
            return fail_refused(producer, m, code, err);
        int left = remaining_ms(producer);
        if (!left)
            return no_room(producer, t, err);
        serve_reports(producer, left);
    }
    t->filling = NULL;
    t->waits_for = producer->batch;
    producer->held++;
    producer->sent++;
    producer->pending++;
    return ARRAKIS_OK;
}

/* ---- waiting for a batch */

/* The first topic whose message is not confirmed. */
static const topic *find_waiting(const ark_producer *producer)
{
    for (size_t i = 0; i < producer->topic_count; i++)
        if (producer->topics[i]->waits_for == producer->batch)
            return producer->topics[i];
    return NULL;
}

static const char *fault_of(const rd_kafka_metadata_topic_t *found)
{
    if (found->err)
        return rd_kafka_err2str(found->err);
    for (int i = 0; i < found->partition_cnt; i++)
        if (found->partitions[i].id == 0 && found->partitions[i].leader < 0)
            return "it has no leader";
    return NULL;
}

/* Look for the cause of a delay: librdkafka does not report a topic that has no leader or does not
 * exist. */
static void look_for_cause(ark_producer *producer)
{
    const topic *t = find_waiting(producer);
    const rd_kafka_metadata_t *answer;
    producer->doubted = true;
    if (!t || rd_kafka_metadata(producer->rk, 0, t->handle, &answer, DOUBT_MS) != 0)
        return;
    const char *fault = answer->topic_cnt == 1 ? fault_of(&answer->topics[0]) : NULL;
    if (fault)
        snprintf(producer->fault, sizeof producer->fault, "topic %.120s: %.120s", t->name, fault);
    rd_kafka_metadata_destroy(answer);
}

/* How long to wait: the cause of a delay must be looked for before the deadline. */
static int next_ms(ark_producer *producer)
{
    int left = remaining_ms(producer);
    const int doubt = (int)(DOUBT_NS / 1000000);
    if (left < 0 || producer->doubted || producer->canceled || producer->timeout_ms < 2 * doubt)
        return left;
    if (left > doubt)
        return left - doubt;
    look_for_cause(producer);
    return remaining_ms(producer);
}

static arrakis_status fail_unconfirmed(const ark_producer *producer, arrakis_error *err)
{
    char text[ARK_KAFKA_OUTAGE_TEXT];
    const char *last = last_failure(producer, text);
    const topic *t = find_waiting(producer);
    const char *name = t ? t->name : "";
    if (producer->canceled)
        return ark_fail(err, ARRAKIS_ECANCELED,
                        "canceled: %zu of %zu messages are not confirmed, and may yet be "
                        "delivered; %.120s is one of their topics",
                        producer->pending, producer->sent, name);
    return ark_fail(err, ARRAKIS_EDEADLINE,
                    "%zu of %zu messages are not confirmed after %d ms, and may yet be delivered; "
                    "%.120s is one of their topics%s%s",
                    producer->pending, producer->sent, producer->timeout_ms, name,
                    *last ? "; the last failure: " : "", last);
}

/* Whether a refused login delays the batch. A broker that has accepted the login before may accept
 * it again before the deadline. */
static bool is_refused(const ark_producer *producer, bool overdue, arrakis_error *why)
{
    if (!producer->pending || producer->canceled || (producer->proven && !overdue))
        return false;
    if ((producer->proven ? ark_kafka_outage_refusal(producer->outage, why)
                          : ark_kafka_outage_verdict(producer->outage, why)) == ARRAKIS_OK)
        return false;
    /* The login may work again, or only one of several brokers refuses it: then another
     * answers. */
    const rd_kafka_metadata_t *answer;
    if (rd_kafka_metadata(producer->rk, 0, NULL, &answer, overdue ? LOOK_MS : REFUSAL_MS) != 0)
        return true;
    rd_kafka_metadata_destroy(answer);
    ark_kafka_outage_answered(producer->outage);
    return false;
}

/* Take back the messages that librdkafka has not sent, so that they are not sent when a later
 * login is accepted. OK: all have been delivered meanwhile. */
static arrakis_status not_delivered(ark_producer *producer, const arrakis_error *why,
                                    arrakis_error *err)
{
    size_t before = producer->pending;
    rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE);
    rd_kafka_poll(producer->rk, 0);
    size_t left = producer->pending, lost = producer->failed.count;
    if (!left && !lost)
        return ARRAKIS_OK;
    producer->failed.count = 0;
    if (left)
        return ark_fail(
            err, why->status,
            "%zu of %zu messages are not confirmed, and %zu of them may yet be delivered: %s",
            before, producer->sent, left, why->message);
    return ark_fail(err, why->status, "%zu of %zu messages were not delivered: %s", lost,
                    producer->sent, why->message);
}

arrakis_status ark_producer_wait(ark_producer *producer, arrakis_error *err)
{
    arrakis_error refused;
    for (int left = -1; producer->pending && left;) {
        left = next_ms(producer);
        serve_reports(producer, left);
        if (!is_refused(producer, left == 0, &refused))
            continue;
        ARK_TRY(not_delivered(producer, &refused, err));
    }
    if (producer->late.count)
        ark_log(ARRAKIS_LOG_WARNING,
                "%zu messages of blocks that were not confirmed in time are "
                "lost; %s",
                producer->late.count, producer->late.first);
    producer->late.count = 0;
    if (producer->failed.count)
        return ark_fail(err, status_of(producer->failed.code),
                        "%zu of %zu messages were not delivered; %s", producer->failed.count,
                        producer->sent, producer->failed.first);
    if (producer->pending)
        return fail_unconfirmed(producer, err);
    *producer->fault = 0;
    ark_kafka_outage_end(producer->outage, producer->url, "publishing again");
    return ARRAKIS_OK;
}

/* ---- close */

static void free_topic(topic *t)
{
    free_messages(t->all);
    free(t->name);
    free(t);
}

/* Wait for messages that are not confirmed, until the time has passed or a cancel. */
static void flush_messages(ark_producer *producer)
{
    int64_t deadline_ns = ark_wait_deadline(producer->close_ms);
    for (int64_t left_ms = producer->close_ms; left_ms > 0 && producer->held;) {
        if (is_canceled(producer))
            return;
        rd_kafka_flush(producer->rk, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS);
        left_ms = (deadline_ns - ark_monotonic_ns()) / 1000000;
    }
}

static void tear_down(void *opaque)
{
    ark_producer *producer = opaque;
    stop_handle(producer);
    ark_closing_join(&producer->aside); /* it uses the outage, too */
    for (size_t i = 0; i < producer->topic_count; i++)
        free_topic(producer->topics[i]);
    free(producer->topics);
    if (producer->conf)
        rd_kafka_conf_destroy(producer->conf);
    if (producer->news_fd >= 0)
        close(producer->news_fd);
    ark_kafka_outage_free(producer->outage);
    free(producer->url);
    free(producer);
}

void ark_producer_close(ark_producer *producer)
{
    if (!producer)
        return;
    if (producer->rk) {
        flush_messages(producer); /* may need tokens */
        if (producer->held)
            ark_log(ARRAKIS_LOG_WARNING, "closing: %zu messages not delivered are given up",
                    producer->held);
    }
    if (producer->outage)
        ark_kafka_outage_close(producer->outage);
    ark_closing closing = ARK_CLOSING_NONE;
    ark_closing_begin(&closing, rd_kafka_version_str(), tear_down, producer);
    ark_closing_wait(&closing);
}
