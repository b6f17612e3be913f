/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/watch.h"

#include "base/error.h"
#include "base/log.h"
#include "base/monitor.h"
#include "base/monotonic.h"
#include "base/thread.h"
#include "kafka/handle.h"
#include "kafka/token.h"
#include "kafka/outage.h"
#include "read/closing.h"

/* ------------------------------------------------------------------ a connection for questions */

/* Its outages are not logged: the connections of the reader have the same. */
static arrakis_status make_asking_handle(ark_kafka_reader *kafka, rd_kafka_t **out,
                                         arrakis_error *err)
{
    char text[256];
    if (!kafka->watch.outage && !(kafka->watch.outage = ark_kafka_outage_beside(kafka->outage)))
        return ark_no_memory(err, "a handle to ask brokers with");
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(kafka->conf);
    /* without a group no coordinator is looked for */
    rd_kafka_conf_set(conf, "group.id", "", text, sizeof text);
    arrakis_status rc = ark_kafka_outage_watch(kafka->watch.outage, conf, true, err);
    if (rc == ARRAKIS_OK)
        return ark_kafka_handle_start(out, RD_KAFKA_CONSUMER, conf, err);
    rd_kafka_conf_destroy(conf);
    return rc;
}

/* Waits for the connections of the handle: one that looks up a name takes as long as the
 * resolver. */
static void end_asking_handle(void *rk)
{
    if (rk)
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

arrakis_status ark_kafka_watch_borrow(ark_kafka_reader *kafka, ark_kafka_asker *out,
                                      arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    ark_monitor_enter(&kafka->watch.monitor);
    if (!kafka->watch.rk)
        rc = make_asking_handle(kafka, &kafka->watch.rk, err);
    *out = (ark_kafka_asker){.rk = kafka->watch.rk,
                             .topics = kafka->rk,
                             .lies_ns = kafka->head.fetch_wait_ns,
                             .timeout_ns = kafka->timeout_ns};
    kafka->watch.borrowed += rc == ARRAKIS_OK;
    ark_monitor_leave(&kafka->watch.monitor);
    return rc;
}

void ark_kafka_watch_give_back(ark_kafka_reader *kafka)
{
    ark_monitor_enter(&kafka->watch.monitor);
    kafka->watch.borrowed--;
    ark_monitor_leave(&kafka->watch.monitor);
}

/* Swap the handle that asks with *fresh. Only when the thread is its only borrower; otherwise it
 * is tried again after the next silence. */
static bool exchange_handle(ark_kafka_watch *watch, ark_kafka_asker *ask, rd_kafka_t **fresh)
{
    ark_monitor_enter(&watch->monitor);
    bool alone = watch->borrowed == 1;
    if (alone) {
        ask->rk = *fresh;
        *fresh = watch->rk;
        watch->rk = ask->rk;
    }
    ark_monitor_leave(&watch->monitor);
    return alone;
}

/* librdkafka looks up leaders once: a handle that does not fetch keeps asking the first leader,
 * even when another has taken over. A new handle learns the present one. */
bool ark_kafka_watch_replace(ark_kafka_reader *kafka, ark_kafka_asker *ask)
{
    arrakis_error why;
    rd_kafka_t *handle;
    if (ark_closing_pending(&kafka->watch.closing))
        return false;
    if (make_asking_handle(kafka, &handle, &why) < 0) {
        ark_log(ARRAKIS_LOG_DEBUG, "%s: %s", kafka->url, why.message);
        return false;
    }
    bool renewed = exchange_handle(&kafka->watch, ask, &handle);
    ark_closing_begin(&kafka->watch.closing, rd_kafka_version_str(), end_asking_handle, handle);
    if (renewed)
        ark_log_trace(ARK_LOG_KAFKA, "%s: questions go by a new handle", kafka->url);
    return renewed;
}

/* ------------------------------------------------------------------ logins */

void ark_kafka_watch_login(ark_kafka_reader *kafka)
{
    arrakis_error why;
    ark_monitor_enter(&kafka->watch.monitor);
    bool news = kafka->watch.login_ns == INT64_MAX;
    if (news)
        kafka->watch.login_ns = ark_monotonic_ns() + ARK_KAFKA_REFUSED_NS;
    ark_monitor_leave(&kafka->watch.monitor);
    if (news && ark_kafka_watch_start(kafka, &why) < 0)
        ark_log(ARRAKIS_LOG_WARNING, "%s: %s", kafka->url, why.message);
}

/* Only after some time: a broker that has just started may not have all logins yet. */
void ark_kafka_watch_refuse(ark_kafka_reader *kafka, const arrakis_error *why)
{
    if (atomic_load(&kafka->watch.refused))
        return;
    ark_fail(&kafka->watch.refusal, why->status, "%s: %s", kafka->url, why->message);
    atomic_store(&kafka->watch.refused, true);
}

void ark_kafka_watch_check_login(ark_kafka_reader *kafka)
{
    arrakis_error why;
    const struct rd_kafka_metadata *answer;
    const ark_kafka_asker ask = {.rk = kafka->rk,
                                 .topics = kafka->rk, /* it fetches */
                                 .lies_ns = kafka->head.fetch_wait_ns,
                                 .timeout_ns =
                                     2 * ARK_KAFKA_QUESTION_NS + kafka->head.fetch_wait_ns,
                                 .cancel = &kafka->watch.stop};
    if (ark_kafka_outage_refusal(kafka->outage, &why) == ARRAKIS_OK)
        return;
    ark_kafka_token_refresh(kafka->outage->token, kafka->rk); /* librdkafka asks seldom */
    if (ark_kafka_query_topics(&ask, false, &answer, &why) == ARRAKIS_OK) {
        rd_kafka_metadata_destroy(answer);
        ark_kafka_outage_answered(kafka->outage);
    } else if (!atomic_load(&kafka->watch.stop) &&
               ark_kafka_outage_refusal(kafka->outage, &why) < 0)
        ark_kafka_watch_refuse(kafka, &why);
}

/* The handle that asks logs in later than the reader, whose connections may go on. If its login is
 * refused, the ends of topics cannot be found: a request with an end must fail, one without an end
 * goes on. */
void ark_kafka_watch_heard(ark_kafka_reader *kafka, const ark_kafka_heard *heard)
{
    arrakis_error why;
    ark_kafka_watch *watch = &kafka->watch;
    int64_t now_ns = ark_monotonic_ns();
    if (heard->leader)
        ark_kafka_outage_answered(watch->outage);
    if (heard->leader || ark_kafka_outage_refusal(watch->outage, &why) == ARRAKIS_OK)
        watch->denied = false;
    else if (!watch->denied) {
        watch->denied = true;
        watch->denied_since_ns = now_ns;
    } else if (now_ns - watch->denied_since_ns >= ARK_KAFKA_REFUSED_NS &&
               (kafka->head.bounded || !heard->broker))
        ark_kafka_watch_refuse(kafka, &why);
}

/* ------------------------------------------------------------------ the thread */

void ark_kafka_watch_init(ark_kafka_watch *watch, void *(*run)(void *kafka))
{
    watch->run = run;
    ark_monitor_init(&watch->monitor);
    watch->ends_ns = INT64_MIN;
    watch->login_ns = INT64_MAX;
}

arrakis_status ark_kafka_watch_start(ark_kafka_reader *kafka, arrakis_error *err)
{
    ark_kafka_watch *watch = &kafka->watch;
    ark_monitor_enter(&watch->monitor);
    bool was_running = watch->running;
    watch->running = was_running || ark_thread_start(&watch->thread, watch->run, kafka);
    ark_monitor_notify(&watch->monitor);
    ark_monitor_leave(&watch->monitor);
    return watch->running ? ARRAKIS_OK
                          : ark_fail(err, ARRAKIS_ENOMEM, "no thread to ask the brokers from");
}

void ark_kafka_watch_stop(ark_kafka_reader *kafka)
{
    ark_monitor_enter(&kafka->watch.monitor);
    atomic_store(&kafka->watch.stop, true);
    ark_monitor_notify(&kafka->watch.monitor);
    ark_monitor_leave(&kafka->watch.monitor);
}

void ark_kafka_watch_clear(ark_kafka_reader *kafka)
{
    ark_kafka_watch *watch = &kafka->watch;
    if (watch->running)
        pthread_join(watch->thread, NULL);
    end_asking_handle(watch->rk);
    ark_closing_join(&watch->closing);
    ark_kafka_outage_free(watch->outage);
    if (watch->forward_targets)
        rd_kafka_topic_partition_list_destroy(watch->forward_targets);
    ark_monitor_clear(&watch->monitor);
}
