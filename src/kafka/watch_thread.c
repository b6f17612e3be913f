/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/watch_thread.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/monitor.h"
#include "base/monotonic.h"
#include "kafka/end.h"
#include "kafka/forward.h"
#include "kafka/patience.h"
#include "kafka/query.h"
#include "kafka/start.h"
#include "kafka/state.h"
#include "kafka/topics.h"
#include "kafka/watch.h"

#include <stdlib.h>

/* Missing topics are looked for after a second, then at doubling intervals up to this one. Topics
 * without a leader, or with a silent one, are mostly back within seconds, and live data is soon
 * late. */
static const int64_t longest_look_ns = 10 * ARRAKIS_SECOND_NS;
static const int64_t longest_away_ns = ARRAKIS_SECOND_NS;
/* The ends of the log are asked for at most this often. */
static const int64_t ends_interval_ns = ARRAKIS_SECOND_NS;

/* ------------------------------------------------------------------ missing topics */

/* Begin to read the topics that have appeared. */
static arrakis_status take_up(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                              const bool *appeared, arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *list;
    ark_kafka_asker each = *ask;
    each.all_doubtful = true; /* a silent leader takes all the time of a question */
    arrakis_status rc = ark_kafka_start_find(kafka, &each, appeared, &list, err);
    if (rc < 0)
        return rc;
    ark_monitor_enter(&kafka->watch.monitor);
    rd_kafka_error_t *refused = list->cnt ? rd_kafka_incremental_assign(kafka->rk, list) : NULL;
    for (int i = 0; !refused && i < list->cnt; i++) {
        ark_kafka_partition *partition = list->elems[i].opaque;
        if (!partition->appeared)
            ark_kafka_end_found(&kafka->watch, partition, ark_clock_steady_ns());
        partition->end.answer = ARK_KAFKA_UNASKED;
        partition->end.begun_ns = ark_clock_steady_ns();
        atomic_store(&partition->assigned, true);
    }
    ark_monitor_leave(&kafka->watch.monitor);
    if (refused) {
        rc = ark_fail(err, ARRAKIS_EBROKER, "%s", rd_kafka_error_string(refused));
        rd_kafka_error_destroy(refused);
    }
    for (int i = 0; rc == ARRAKIS_OK && i < list->cnt; i++)
        ark_log(ARRAKIS_LOG_INFO, "topic %s has appeared: reading it", list->elems[i].topic);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

/* The topics that are missing, and those of them that have appeared. */
typedef struct search {
    rd_kafka_topic_t **topics;
    rd_kafka_resp_err_t *states;
    bool *appeared;
} search;

static size_t missing_count(const ark_kafka_reader *kafka)
{
    size_t missing = 0;
    for (size_t i = 0; i < kafka->head.input_count; i++)
        missing += !atomic_load(&kafka->partitions[i].assigned);
    return missing;
}

/* Note that questions about these partitions, which exist, have failed. */
static void note_silence(ark_kafka_reader *kafka, const bool *which, int64_t begin_ns)
{
    ark_monitor_enter(&kafka->watch.monitor);
    for (size_t i = 0; i < kafka->head.input_count; i++)
        if (which[i] && !atomic_load(&kafka->partitions[i].assigned))
            ark_kafka_end_lost(&kafka->watch, &kafka->partitions[i], RD_KAFKA_RESP_ERR__TIMED_OUT,
                               begin_ns);
    ark_monitor_leave(&kafka->watch.monitor);
}

/* A topic that was missing has appeared, but the user may not read it. */
static void refuse_topic(ark_kafka_reader *kafka, size_t input)
{
    arrakis_error why;
    ark_fail(&why, ARRAKIS_EAUTH, "topic %s: %s", ark_kafka_state_topic(kafka, input),
             rd_kafka_err2str(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED));
    ark_kafka_watch_refuse(kafka, &why);
}

/* Look for missing topics. Returns the next interval; the last one was interval_ns. */
static int64_t look_again(ark_kafka_reader *kafka, const ark_kafka_asker *ask, search *s,
                          int64_t interval_ns)
{
    bool away = false;
    arrakis_error why;
    size_t count = kafka->head.input_count, found = 0;
    int64_t now_ns = ark_clock_steady_ns();
    arrakis_status rc = ark_kafka_topics_find(ask, s->topics, count, false, s->states, &why);
    ark_monitor_enter(&kafka->watch.monitor);
    ark_kafka_end_reached(&kafka->watch, rc != ARRAKIS_ECONNECT, ark_clock_steady_ns());
    for (size_t i = 0; i < count; i++) {
        ark_kafka_partition *partition = &kafka->partitions[i];
        bool missing = !atomic_load(&partition->assigned);
        rd_kafka_resp_err_t state = rc < 0 ? RD_KAFKA_RESP_ERR__TIMED_OUT : s->states[i];
        s->appeared[i] = missing && !state;
        found += s->appeared[i];
        away = away || (missing && state != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
        if (missing && state == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            refuse_topic(kafka, i);
        if (missing && state && partition->end.answer != ARK_KAFKA_NEVER_THERE)
            ark_kafka_end_lost(&kafka->watch, partition, state, now_ns);
    }
    ark_monitor_leave(&kafka->watch.monitor);
    if (rc == ARRAKIS_OK && found && (rc = take_up(kafka, ask, s->appeared, &why)) < 0)
        note_silence(kafka, s->appeared, now_ns);
    if (rc < 0)
        ark_log(ARRAKIS_LOG_DEBUG, "looking for missing topics: %s", why.message);
    int64_t longest_ns = away ? longest_away_ns : longest_look_ns;
    return 2 * interval_ns < longest_ns ? 2 * interval_ns : longest_ns;
}

/* ------------------------------------------------------------------ the thread */

static void find_forward(ark_kafka_reader *kafka, const ark_kafka_asker *ask, int64_t to_ns)
{
    ark_kafka_watch *watch = &kafka->watch;
    rd_kafka_topic_partition_list_t *targets;
    watch->forward_why.status = ARRAKIS_OK;
    ark_kafka_forward_find(kafka, ask, to_ns, &targets, &watch->forward_why);
    ark_monitor_enter(&watch->monitor);
    watch->forward_targets = targets;
    watch->forward_wanted = false;
    atomic_store(&watch->forward_found, true);
    ark_monitor_leave(&watch->monitor);
}

/* What the thread does next. */
typedef struct turn {
    bool stop, ends, look, forward, login;
    int64_t forward_to_ns;
} turn;

/* Wait for something to do. */
static turn wait_for_turn(ark_kafka_watch *watch, int64_t looked_ns, int64_t interval_ns)
{
    turn next = {.stop = false};
    ark_monitor_enter(&watch->monitor);
    for (;;) {
        int64_t now_ns = ark_monotonic_ns();
        int64_t ends_ns = !watch->ends_wanted           ? INT64_MAX
                          : watch->ends_ns == INT64_MIN ? now_ns
                                                        : watch->ends_ns + ends_interval_ns;
        int64_t look_ns = !watch->missing      ? INT64_MAX
                          : watch->look_wanted ? looked_ns + ends_interval_ns
                                               : looked_ns + interval_ns;
        next.stop = atomic_load(&watch->stop);
        next.ends = now_ns >= ends_ns;
        next.look = now_ns >= look_ns;
        next.forward = watch->forward_wanted;
        next.forward_to_ns = watch->forward_to_ns;
        next.login = now_ns >= watch->login_ns;
        if (next.stop || next.ends || next.look || next.forward || next.login)
            break;
        int64_t until_ns = ends_ns < look_ns ? ends_ns : look_ns;
        ark_monitor_wait(&watch->monitor, until_ns < watch->login_ns ? until_ns : watch->login_ns);
    }
    if (next.login)
        watch->login_ns = INT64_MAX;
    if (next.ends) {
        watch->ends_wanted = false;
        watch->ends_ns = ark_monotonic_ns();
    }
    if (next.look)
        watch->look_wanted = false;
    ark_monitor_leave(&watch->monitor);
    return next;
}

static void watch_brokers(ark_kafka_reader *kafka, ark_kafka_asker *ask, search *s)
{
    ark_kafka_watch *watch = &kafka->watch;
    int64_t interval_ns = ARRAKIS_SECOND_NS, looked_ns = ark_monotonic_ns();
    ark_kafka_patience patience = ark_kafka_patience_begin(looked_ns);
    ark_kafka_heard heard;
    ask->heard = &heard;
    for (;;) {
        heard = (ark_kafka_heard){false};
        turn next = wait_for_turn(watch, looked_ns, interval_ns);
        if (next.stop)
            return;
        if (next.forward)
            find_forward(kafka, ask, next.forward_to_ns);
        if (next.login)
            ark_kafka_watch_check_login(kafka);
        if (next.ends)
            ark_kafka_end_ask(kafka, ask);
        if (next.look) {
            interval_ns = look_again(kafka, ask, s, interval_ns);
            looked_ns = ark_monotonic_ns();
            ark_monitor_enter(&watch->monitor);
            watch->missing = missing_count(kafka) > 0;
            ark_monitor_leave(&watch->monitor);
        }
        ark_event_set(kafka->head.fd);
        if (ark_kafka_patience_is_over(&patience, &heard, ark_monotonic_ns()) &&
            !atomic_load(&watch->stop) && ark_kafka_watch_replace(kafka, ask)) {
            ark_kafka_patience_renewed(&patience, ark_monotonic_ns());
            looked_ns = patience.renewed_ns -
                        interval_ns; /* at once: a new handle may learn the next leader */
        }
    }
}

void *ark_kafka_watch_thread(void *opaque)
{
    ark_kafka_reader *kafka = opaque;
    arrakis_error why;
    size_t count = kafka->head.input_count;
    search s = {calloc(count, sizeof(rd_kafka_topic_t *)), calloc(count, sizeof *s.states),
                calloc(count, sizeof *s.appeared)};
    ark_kafka_asker ask;
    arrakis_status rc = ark_kafka_watch_borrow(kafka, &ask, &why);
    int64_t question_ns = ARK_KAFKA_QUESTION_NS + kafka->head.fetch_wait_ns;
    ask.timeout_ns = question_ns < kafka->timeout_ns ? question_ns : kafka->timeout_ns;
    ask.cancel = &kafka->watch.stop;
    for (size_t i = 0; s.topics && i < count; i++)
        s.topics[i] = kafka->partitions[i].topic;
    if (rc == ARRAKIS_OK && s.topics && s.states && s.appeared)
        watch_brokers(kafka, &ask, &s);
    else {
        ark_log(ARRAKIS_LOG_ERROR, "%s: its brokers cannot be asked: %s", kafka->url,
                rc < 0 ? why.message : "out of memory");
        ark_monitor_enter(&kafka->watch.monitor);
        kafka->watch.broken = true;
        ark_monitor_leave(&kafka->watch.monitor);
        ark_event_set(kafka->head.fd);
    }
    free(s.topics);
    free(s.states);
    free(s.appeared);
    return NULL;
}
