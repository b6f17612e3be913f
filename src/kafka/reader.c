/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "base/sized_struct.h"
#include "channel/channel.h"
#include "channel/latency.h"
#include "kafka/brokers.h"
#include "kafka/conf.h"
#include "kafka/call.h"
#include "kafka/close.h"
#include "kafka/end.h"
#include "kafka/fast_forward.h"
#include "kafka/fetch_size.h"
#include "kafka/forward.h"
#include "kafka/handle.h"
#include "kafka/properties.h"
#include "kafka/query.h"
#include "kafka/start.h"
#include "kafka/state.h"
#include "kafka/status.h"
#include "kafka/token_source.h"
#include "kafka/topics.h"
#include "kafka/outage.h"
#include "kafka/watch.h"
#include "kafka/watch_thread.h"
#include "read/closing.h"
#include "read/ingest.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t default_timeout_ns = 10 * ARRAKIS_SECOND_NS;

/* ------------------------------------------------------------------ taking messages */

/* An error of librdkafka about a topic. librdkafka tries again by itself, even if the topic does
 * not exist any more. */
static arrakis_status take_topic_error(ark_kafka_reader *kafka, const rd_kafka_message_t *message,
                                       arrakis_error *err)
{
    enum { UNKNOWN_TOPIC_ID = 100 }; /* not in the headers of librdkafka 2.0 */
    char text[ARK_KAFKA_OUTAGE_TEXT];
    const char *topic = rd_kafka_topic_name(message->rkt);
    ark_kafka_partition *partition = &kafka->partitions[ark_kafka_state_input_of(message)];
    switch ((int)message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: /* markers may follow the last message */
        partition->log_end = message->offset;
        atomic_store_explicit(&partition->position, message->offset, memory_order_relaxed);
        return ARRAKIS_OK;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return ark_fail(err, ARRAKIS_EAUTH, "topic %s: %s", topic, rd_kafka_err2str(message->err));
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case UNKNOWN_TOPIC_ID:
        if (!partition->gone)
            ark_log(ARRAKIS_LOG_WARNING,
                    "topic %s does not exist any more: it is a gap until it appears again", topic);
        partition->gone = true;
        atomic_fetch_add(&kafka->outage->count, 1);
        return ARRAKIS_OK;
    default:
        snprintf(text, sizeof text, "topic %s: %s", topic, rd_kafka_message_errstr(message));
        ark_kafka_outage_note(kafka->outage, text);
        return ARRAKIS_OK;
    }
}

/* An error that librdkafka returns in place of a message. librdkafka tries again by itself, unless
 * the error is fatal. */
static arrakis_status take_error(ark_kafka_reader *kafka, const rd_kafka_message_t *message,
                                 arrakis_error *err)
{
    if (message->err == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_fatal_error(kafka->rk, NULL, 0)) {
        char text[256] = "";
        rd_kafka_fatal_error(kafka->rk, text, sizeof text);
        return ark_fail(err, ARRAKIS_EBROKER, "%s: %s", kafka->url, text);
    }
    if (message->rkt)
        return take_topic_error(kafka, message, err);
    switch (message->err) { /* no group is used: errors of its coordinator do not matter */
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
        ark_log(ARRAKIS_LOG_DEBUG, "%s: %s", kafka->url, rd_kafka_message_errstr(message));
        return ARRAKIS_OK;
    default:
        ark_kafka_outage_note(kafka->outage, rd_kafka_message_errstr(message));
        return ARRAKIS_OK;
    }
}

static void take_payload(ark_kafka_reader *kafka, const rd_kafka_message_t *message)
{
    if (kafka->message_at + 1 < kafka->message_count) {
        const rd_kafka_message_t *after = kafka->messages[kafka->message_at + 1];
        ark_ingest_expect(after->payload, after->len);
    }
    ark_kafka_outage_over(kafka->outage, message, kafka->url);
    size_t input = ark_kafka_state_input_of(message);
    ark_kafka_partition *partition = &kafka->partitions[input];
    partition->gone = false;
    atomic_store_explicit(&partition->position, message->offset + 1, memory_order_relaxed);
    ark_ingest_begin(&kafka->ingest, input, rd_kafka_topic_name(message->rkt), message->offset,
                     message->payload, message->len);
    kafka->holding = true;
}

/* Take the messages that librdkafka has, without waiting. */
static bool refill_messages(ark_kafka_reader *kafka)
{
    kafka->message_at = kafka->message_count = 0;
    /* cleared before looking: what arrives later sets it again */
    ark_event_clear(kafka->head.fd);
    ssize_t count =
        rd_kafka_consume_batch_queue(kafka->queue, 0, kafka->messages, ARK_KAFKA_BATCH);
    kafka->message_count = count > 0 ? (size_t)count : 0;
    kafka->taken_ns = ark_clock_now_ns();
    return count > 0;
}

/* ------------------------------------------------------------------ falling behind */

/* Check how late an arrival is. An input that stays late skips ahead once the offsets are
 * known. */
static void check_lag(ark_kafka_reader *kafka, const ark_arrival *arrival)
{
    int64_t now_ns = kafka->taken_ns, lag_ns = now_ns - arrival->rows.time_ns;
    int64_t budget_ns = kafka->partitions[arrival->input].budget_ns;
    switch (ark_fast_forward_observe(&kafka->policy, arrival->input, lag_ns, budget_ns, now_ns)) {
    case ARK_LAG_FINE:
        return;
    case ARK_LAG_RECOVERED:
        ark_log(ARRAKIS_LOG_INFO, "%s has caught up: %.1f s old, budget %.1f s",
                kafka->head.inputs[arrival->input].id, (double)lag_ns * 1e-9,
                (double)budget_ns * 1e-9);
        return;
    case ARK_LAG_FORWARD:
        ark_kafka_forward_ask(kafka, arrival->input, arrival->rows.time_ns, now_ns);
        return;
    }
}

/* librdkafka has no message: decide whether to wait. */
static arrakis_status take_nothing(ark_kafka_reader *kafka, arrakis_error *err)
{
    if (atomic_load_explicit(&kafka->outage->news, memory_order_relaxed) &&
        atomic_exchange(&kafka->outage->news, false))
        ark_kafka_watch_login(kafka);
    const arrakis_error *end = kafka->failure.status < 0            ? &kafka->failure
                               : atomic_load(&kafka->watch.refused) ? &kafka->watch.refusal
                                                                    : NULL;
    return end ? ark_fail(err, end->status, "%s", end->message) : ARRAKIS_TIMEOUT;
}

static const ark_reader_ops kafka_ops;

static arrakis_status kafka_next(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *err)
{
    ark_kafka_reader *kafka = ARK_READER_AS(ark_kafka_reader, reader, kafka_ops);
    for (;;) {
        if (!kafka->holding &&
            atomic_load_explicit(&kafka->watch.forward_found, memory_order_acquire))
            ark_kafka_forward_go(kafka);
        if (kafka->holding) {
            arrakis_status rc = ark_ingest_next(&kafka->ingest, arrival, err);
            if (rc < 0)
                return rc;
            if (rc == ARRAKIS_OK) {
                if (kafka->fast_forward)
                    check_lag(kafka, arrival);
                return ARRAKIS_OK;
            }
            ark_kafka_state_release(kafka);
        }
        if (kafka->message_at == kafka->message_count && !refill_messages(kafka)) {
            if (atomic_load(&kafka->watch.forward_found))
                continue; /* it arrived after the look above, and its wake-up was cleared */
            return take_nothing(kafka, err);
        }
        const rd_kafka_message_t *message = kafka->messages[kafka->message_at];
        if (!message->err) {
            take_payload(kafka, message);
            continue;
        }
        arrakis_status rc = take_error(kafka, message, err);
        ark_kafka_state_release(kafka);
        if (rc < 0)
            return rc;
    }
}

/* ------------------------------------------------------------------ opening */

/* Log the topics that do not exist, once. */
static void warn_of_missing(ark_kafka_reader *kafka, const rd_kafka_resp_err_t *states)
{
    char names[600] = "";
    size_t missing = 0, length = 0;
    for (size_t i = 0; i < kafka->head.input_count; i++) {
        if (states[i] != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            continue;
        ark_kafka_partition *partition = &kafka->partitions[i];
        partition->appeared = partition->gone = true;
        partition->end.err = states[i];
        partition->end.answer = ARK_KAFKA_NEVER_THERE;
        missing++;
        int n = snprintf(names + length, sizeof names - length, " %s",
                         rd_kafka_topic_name(partition->topic));
        if (n > 0 && length + (size_t)n < sizeof names)
            length += (size_t)n;
    }
    names[length] = 0;
    if (missing)
        ark_log(ARRAKIS_LOG_WARNING,
                "%zu topic(s) do not exist on %s and are gaps until they appear:%s", missing,
                kafka->url, names);
}

static arrakis_status assign_partitions(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                        const bool *wanted, arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *list;
    int64_t begin_ns = ark_clock_steady_ns();
    arrakis_status rc = ark_kafka_start_find(kafka, ask, wanted, &list, err);
    if (rc < 0)
        return rc;
    kafka->opened_ns = begin_ns;
    for (int i = 0; i < list->cnt; i++) {
        ark_kafka_partition *partition = list->elems[i].opaque;
        partition->end.begun_ns = ark_clock_steady_ns();
        atomic_store(&partition->assigned, true);
    }
    kafka->watch.missing = (size_t)list->cnt < kafka->head.input_count;
    rd_kafka_resp_err_t code = rd_kafka_assign(kafka->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code)
        return ark_fail(err, ark_kafka_status(code), "assigning topics: %s",
                        rd_kafka_err2str(code));
    return kafka->watch.missing ? ark_kafka_watch_start(kafka, err) : ARRAKIS_OK;
}

/* The deadline is that of the whole call, which may have asked other brokers before. */
static arrakis_status check_deadline(const ark_kafka_reader *kafka, arrakis_error *err)
{
    int64_t deadline_ns = ark_kafka_state_deadline(kafka);
    if (!deadline_ns || ark_monotonic_ns() < deadline_ns)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EDEADLINE,
                    "not asked for its topics: the brokers before it have taken %g s, twice the "
                    "request timeout",
                    2e-9 * (double)kafka->timeout_ns);
}

static arrakis_status kafka_prepare(arrakis_reader *reader, arrakis_error *err)
{
    ark_kafka_reader *kafka = ARK_READER_AS(ark_kafka_reader, reader, kafka_ops);
    size_t count = reader->input_count;
    bool *wanted = calloc(count, sizeof *wanted);
    rd_kafka_resp_err_t *states = calloc(count, sizeof *states);
    rd_kafka_topic_t **topics = calloc(count, sizeof *topics);
    ark_kafka_asker ask = {.rk = kafka->rk,
                           .timeout_ns = kafka->timeout_ns,
                           .deadline_ns = ark_kafka_state_deadline(kafka),
                           .cancel = reader->cancel,
                           .leaves_calls = true,
                           .outage = kafka->outage};
    arrakis_status rc = check_deadline(kafka, err);
    if (rc == ARRAKIS_OK && (!wanted || !states || !topics))
        rc = ark_no_memory(err, "%zu partitions", kafka->head.input_count);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        topics[i] = kafka->partitions[i].topic;
    if (rc == ARRAKIS_OK)
        rc = ark_kafka_topics_find(&ask, topics, count, true, states, err);
    if (rc == ARRAKIS_OK)
        warn_of_missing(kafka, states);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        wanted[i] = states[i] != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (rc == ARRAKIS_OK)
        rc = assign_partitions(kafka, &ask, wanted, err);
    free(wanted);
    free(states);
    free(topics);
    kafka->prepared = rc == ARRAKIS_OK;
    return rc < 0 ? ark_fail_within(err, rc, "%s", kafka->url) : rc;
}

/* The offset after the messages that were taken of a partition, handed out or not. */
static int64_t taken_of(const ark_kafka_reader *kafka, size_t input)
{
    int64_t taken = atomic_load(&kafka->partitions[input].position);
    for (size_t i = kafka->message_at; i < kafka->message_count; i++) {
        const rd_kafka_message_t *message = kafka->messages[i];
        if (message->rkt && !message->err && ark_kafka_state_input_of(message) == input)
            taken = message->offset + 1;
    }
    return taken;
}

/* librdkafka resumes after the last entry that it returned, and counts the end of a partition as a
 * message: so the offset to resume at is set. */
static void go_on_from(ark_kafka_reader *kafka, size_t input, rd_kafka_topic_partition_list_t *one)
{
    one->elems[0].offset = taken_of(kafka, input);
    rd_kafka_error_t *refused =
        one->elems[0].offset >= 0 ? rd_kafka_seek_partitions(kafka->rk, one, 0) : NULL;
    if (refused)
        ark_log(ARRAKIS_LOG_DEBUG, "seeking in topic %s: %s", one->elems[0].topic,
                rd_kafka_error_string(refused));
    rd_kafka_error_destroy(refused);
}

static void kafka_pause(arrakis_reader *reader, size_t input, bool paused)
{
    ark_kafka_reader *kafka = ARK_READER_AS(ark_kafka_reader, reader, kafka_ops);
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(one, ark_kafka_state_topic(kafka, input), 0);
    rd_kafka_resp_err_t code = paused ? rd_kafka_pause_partitions(kafka->rk, one)
                                      : rd_kafka_resume_partitions(kafka->rk, one);
    if (code)
        ark_log(ARRAKIS_LOG_DEBUG, "%s topic %s: %s", paused ? "pausing" : "resuming",
                ark_kafka_state_topic(kafka, input), rd_kafka_err2str(code));
    if (!paused)
        go_on_from(kafka, input, one);
    rd_kafka_topic_partition_list_destroy(one);
    atomic_store(&kafka->partitions[input].paused, paused);
    ark_log_trace(ARK_LOG_KAFKA, "topic %s is %s", ark_kafka_state_topic(kafka, input),
                  paused ? "paused" : "resumed");
}

static arrakis_status kafka_open(arrakis_reader *reader, arrakis_error *err)
{
    const ark_kafka_reader *kafka = ARK_READER_AS(const ark_kafka_reader, reader, kafka_ops);
    return kafka->prepared ? ARRAKIS_OK : kafka_prepare(reader, err);
}

/* ------------------------------------------------------------------ making and closing */

static bool kafka_done(const arrakis_reader *reader)
{
    (void)reader;
    return false;
}

static void kafka_stats(const arrakis_reader *reader, arrakis_stats *stats)
{
    const ark_kafka_reader *kafka = ARK_READER_AS(const ark_kafka_reader, reader, kafka_ops);
    ark_ingest_stats(&kafka->ingest, stats);
    stats->errors += atomic_load(&kafka->outage->count);
    stats->fast_forwards += kafka->forward_count;
}

/* Runs in a thread of its own: ending questions and connections may take long. */
static void tear_down(void *opaque)
{
    ark_kafka_reader *kafka = opaque;
    ark_kafka_outage *outage = kafka->outage;
    rd_kafka_t *rk = kafka->rk;
    if (rk)
        ark_kafka_call_wait(rk);
    ark_kafka_watch_clear(kafka);
    ark_kafka_state_drop_messages(kafka);
    if (kafka->queue) {
        rd_kafka_queue_io_event_enable(kafka->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(kafka->queue);
    }
    for (size_t i = 0; kafka->partitions && i < kafka->head.input_count; i++)
        if (kafka->partitions[i].topic)
            rd_kafka_topic_destroy(kafka->partitions[i].topic);
    if (kafka->conf)
        rd_kafka_conf_destroy(kafka->conf);
    ark_ingest_clear(&kafka->ingest);
    ark_fast_forward_clear(&kafka->policy);
    free(kafka->partitions);
    free(kafka->url);
    arrakis_cancel_unref(kafka->cancel);
    if (kafka->head.fd >= 0)
        close(kafka->head.fd);
    ark_reader_clear(&kafka->head);
    free(kafka);
    /* last, as it may not return. No group was joined, so none must be left */
    if (rk)
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    ark_kafka_outage_free(outage);
}

static void kafka_close(arrakis_reader *reader)
{
    ark_kafka_reader *kafka = ARK_READER_AS(ark_kafka_reader, reader, kafka_ops);
    ark_kafka_watch_stop(kafka);
    if (kafka->outage)
        ark_kafka_outage_close(kafka->outage);
    if (kafka->rk)
        ark_kafka_close_begin(reader->closing, kafka->rk, tear_down, kafka);
    else
        tear_down(kafka);
}

static int64_t kafka_exhausted(arrakis_reader *reader, size_t input, int64_t since_ns,
                               int64_t *again_ns)
{
    return ark_kafka_end_exhausted(ARK_READER_AS(ark_kafka_reader, reader, kafka_ops), input,
                                   since_ns, again_ns);
}

static arrakis_status kafka_fast_forward(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                         arrakis_error *err)
{
    return ark_kafka_forward_to(ARK_READER_AS(ark_kafka_reader, reader, kafka_ops), to_ns, moved,
                                err);
}

static const ark_reader_ops kafka_ops = {
    .prepare = kafka_prepare,
    .open = kafka_open,
    .next = kafka_next,
    .done = kafka_done,
    .exhausted = kafka_exhausted,
    .pause = kafka_pause,
    .fast_forward = kafka_fast_forward,
    .stats = kafka_stats,
    .close = kafka_close,
};

/* Data of the last seconds is no backlog: all of it is in a few answers. */
static bool has_backlog(int64_t start_ns)
{
    return start_ns != ARRAKIS_UNSET && start_ns < ark_clock_now_ns() - 10 * ARRAKIS_SECOND_NS;
}

static arrakis_status make_handle(ark_kafka_reader *kafka, const arrakis_kafka_options *options,
                                  arrakis_error *err)
{
    char group[17];
    ark_kafka_fetch_texts text;
    ark_kafka_fetch_size limits = {0};
    const ark_properties users = {options->properties, options->property_count};
    bool live = kafka->start_ns == ARRAKIS_UNSET;
    const ark_kafka_fetch_wants wants = {.live = live,
                                         .even = has_backlog(kafka->start_ns),
                                         .prefetch = options->prefetch_bytes,
                                         .wait_ns = options->fetch_wait_ns};
    ARK_TRY(arrakis_random_group_id(group, err));
    ARK_TRY(ark_kafka_fetch_size_choose(&limits, kafka->head.inputs, kafka->head.input_count,
                                        &wants, err));
    kafka->head.fetch_wait_ns = limits.lies_ns;
    ark_kafka_fetch_size_print(&text, &limits);
    const ark_kafka_property ours[] = {
        {"group.id", group, false},
        {"message.max.bytes", "10000000", false},
        {"fetch.message.max.bytes", text.fetch, false},
        {"fetch.min.bytes", text.least, false},
        {"fetch.wait.max.ms", text.wait_ms, false},
        {"enable.auto.commit", "false", false},
        {"enable.auto.offset.store", "false", false},
        {"allow.auto.create.topics", "false", false},
        /* where to go on when an offset has been deleted: with a start, with the messages that are
         * left; live, with new ones */
        {"auto.offset.reset", live ? "latest" : "earliest", false},
        /* the end of the log, which need not be right after a message */
        {"enable.partition.eof", live ? "false" : "true", false},
        /* how long a topic that does not exist may still be on its way to the brokers */
        {"topic.metadata.propagation.max.ms", "5000", true},
        /* the queue is bounded by bytes: bounded by messages, many partitions would stall */
        {"queued.min.messages", "10000000", false},
        {"queued.max.messages.kbytes", text.queue_kib, false},
        {"fetch.queue.backoff.ms", "10", true},
        /* a leader that has just changed is soon asked again */
        {"fetch.error.backoff.ms", "100", false},
        {ARK_KAFKA_FETCH_ANSWER, text.answer, false}, /* the last: not always */
    };
    rd_kafka_conf_t *conf;
    size_t count = sizeof ours / sizeof *ours - !ark_kafka_fetch_size_bounds(&limits, &users);
    ARK_TRY(ark_kafka_handle_conf(&conf, kafka->outage, kafka->url, ours, count,
                                  options->properties, options->property_count, err));
    kafka->conf = rd_kafka_conf_dup(conf);
    ARK_TRY(ark_kafka_handle_start(&kafka->rk, RD_KAFKA_CONSUMER, conf, err));
    rd_kafka_poll_set_consumer(kafka->rk);
    kafka->queue = rd_kafka_queue_get_consumer(kafka->rk);
    kafka->head.fd = ark_event_open();
    if (kafka->head.fd < 0)
        return ark_fail(err, ARRAKIS_EIO, "no descriptor for events");
    const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(kafka->queue, kafka->head.fd, &one, sizeof one);
    ark_kafka_outage_wake(kafka->outage, kafka->head.fd);
    return ARRAKIS_OK;
}

static int64_t budget_of(const ark_reader_input *input, int64_t wait_ns)
{
    int64_t latest = ark_latency_of(input->channels);
    return latest > 0 ? latest + input->stride_ns + wait_ns : 0;
}

static arrakis_status make_partitions(ark_kafka_reader *kafka, arrakis_error *err)
{
    size_t count = kafka->head.input_count;
    if (!(kafka->partitions = calloc(count, sizeof *kafka->partitions)))
        return ark_no_memory(err, "%zu partitions", count);
    for (size_t i = 0; i < count; i++) {
        const ark_reader_input *input = &kafka->head.inputs[i];
        ark_kafka_end *end = &kafka->partitions[i].end;
        *end = (ark_kafka_end){.answer = ARK_KAFKA_UNASKED, .offset = -1};
        kafka->partitions[i].log_end = -1;
        kafka->partitions[i].budget_ns = budget_of(input, ark_reader_lies_ns(&kafka->head));
        const arrakis_channel_info first = ark_info(arrakis_channels_get(input->channels, 0));
        char *name;
        ARK_TRY(ark_channel_topic(&name, &first, first.replay_id, err));
        rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(kafka->rk);
        if (conf)
            rd_kafka_topic_conf_set_opaque(conf, (void *)(uintptr_t)i);
        kafka->partitions[i].topic = conf ? rd_kafka_topic_new(kafka->rk, name, conf) : NULL;
        if (conf && !kafka->partitions[i].topic)
            ark_fail(err, ARRAKIS_EINVAL, "topic \"%s\": %s", name,
                     rd_kafka_err2str(rd_kafka_last_error()));
        free(name);
        if (!conf)
            return ark_no_memory(err, "a topic's configuration");
        if (!kafka->partitions[i].topic) {
            rd_kafka_topic_conf_destroy(conf);
            return ARRAKIS_EINVAL;
        }
    }
    return ARRAKIS_OK;
}

static arrakis_status make_reader(ark_kafka_reader *kafka, const char *url,
                                  arrakis_channels *channels, const arrakis_kafka_options *options,
                                  arrakis_error *err)
{
    kafka->head.ops = &kafka_ops;
    kafka->head.fd = -1;
    ark_kafka_watch_init(&kafka->watch, ark_kafka_watch_thread);
    const ark_token_source tokens = {options->kafka_token_fn, options->kafka_token_opaque};
    if (!(kafka->outage = ark_kafka_outage_new(tokens)))
        return ark_no_memory(err, "a reader");
    kafka->cancel = arrakis_cancel_ref(options->cancel);
    kafka->head.cancel = ark_cancel_flag(kafka->cancel);
    kafka->start_ns = kafka->head.start_ns = options->start_ns;
    kafka->opened_ns = ARRAKIS_UNSET;
    kafka->head.has_start = true;
    kafka->timeout_ns = options->request_timeout_ns == ARRAKIS_UNSET ? default_timeout_ns
                                                                     : options->request_timeout_ns;
    kafka->fast_forward = options->fast_forward && options->start_ns == ARRAKIS_UNSET;
    char *prefix = NULL;
    arrakis_status rc = ark_kafka_brokers_check(url, err);
    if (rc == ARRAKIS_OK && (!(kafka->url = strdup(url)) || asprintf(&prefix, "%s/", url) < 0))
        rc = ark_no_memory(err, "%s", url);
    if (rc == ARRAKIS_OK && kafka->timeout_ns <= 0)
        rc = ark_fail(err, ARRAKIS_EINVAL, "request timeout of %lld ns: expected more than 0",
                      (long long)kafka->timeout_ns);
    if (rc == ARRAKIS_OK && kafka->start_ns != ARRAKIS_UNSET &&
        (kafka->start_ns < 0 || kafka->start_ns > ARRAKIS_TIME_MAX_NS))
        rc = ark_fail(err, ARRAKIS_EINVAL, "start %lld ns: expected 0 or more, below %lld",
                      (long long)kafka->start_ns, (long long)ARRAKIS_TIME_MAX_NS);
    if (rc == ARRAKIS_OK)
        rc = ark_reader_group(&kafka->head, channels, prefix, err);
    free(prefix);
    if (rc == ARRAKIS_OK)
        rc = ark_ingest_init(&kafka->ingest, kafka->head.inputs, kafka->head.input_count, err);
    if (rc == ARRAKIS_OK)
        rc = ark_fast_forward_init(&kafka->policy, kafka->head.input_count, err);
    if (rc == ARRAKIS_OK)
        rc = make_handle(kafka, options, err);
    return rc == ARRAKIS_OK ? make_partitions(kafka, err) : rc;
}

arrakis_status arrakis_kafka_reader_new(arrakis_reader **out, const char *url,
                                        arrakis_channels *channels,
                                        const arrakis_kafka_options *options, arrakis_error *err)
{
    if (!out || !channels)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_kafka_reader_new: %s is NULL",
                        out ? "channels" : "out");
    *out = NULL;
    arrakis_kafka_options all = ARRAKIS_KAFKA_OPTIONS_INIT;
    ARK_TRY(ark_sized_struct_take(&all, sizeof all, options, "kafka_options", err));
    ark_kafka_reader *kafka = calloc(1, sizeof *kafka);
    if (!kafka)
        return ark_no_memory(err, "a reader");
    arrakis_status rc = make_reader(kafka, url, channels, &all, err);
    if (rc < 0) {
        arrakis_reader_close(&kafka->head);
        return rc;
    }
    *out = &kafka->head;
    return ARRAKIS_OK;
}
