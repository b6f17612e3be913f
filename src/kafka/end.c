/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of the partitions of a request with a start: whether all messages that a partition had
 * at some moment have been handed out, and when a partition is not waited for any longer.
 *
 * The messages show how far a partition has been handed out, and librdkafka reports when it has
 * come to the end: the last offsets may be markers of transactions, which are not messages.
 * Brokers are asked for the end of the log. A partition for which no broker answers is waited for
 * within bounds, so that a request with an end always ends. */
#include "kafka/end.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/monitor.h"
#include "kafka/watch.h"

#include <arrakis/reader.h>

#include <assert.h>
#include <stdlib.h>

/* Brokers are asked at most this often. */
static const int64_t ask_interval_ns = ARRAKIS_SECOND_NS;
/* The first question needs a thread and a connection: a request without a pause of this length in
 * its data needs no question. */
static const int64_t pause_ns = 100 * (ARRAKIS_SECOND_NS / 1000);
/* After this long, retention may have deleted the end of the log that an answer named. */
static const int64_t answer_age_ns = 5 * ARRAKIS_SECOND_NS;
/* Failures further apart than this are not consecutive: one of minutes ago shows nothing about the
 * present. */
static const int64_t in_a_row_ns = 25 * ARRAKIS_SECOND_NS;
/* A leader that has just taken over may answer before its followers and the producers have caught
 * up. So when there was no answer for this long, answers are trusted only this long, and the
 * latency of the channels, after the first one. */
static const int64_t settling_ns = 3 * ARRAKIS_SECOND_NS;
/* Leaders may also change unnoticed: data that was due less than this ago may be delayed by that,
 * and is waited for settling_ns from when it was due. Older data would have arrived. */
static const int64_t young_ns = 30 * ARRAKIS_SECOND_NS;

/* ------------------------------------------------------------------ answers */

static bool is_absence(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

/* The leader of a partition is reachable again: do not trust its first answers. */
static void doubt_leader(ark_kafka_partition *partition, int64_t now_ns)
{
    ark_kafka_end *end = &partition->end;
    if (now_ns < end->trusted_from_ns)
        return;
    int64_t latency_ns = partition->budget_ns < young_ns ? partition->budget_ns : young_ns;
    end->trusted_from_ns = now_ns + settling_ns + latency_ns;
    end->doubted = true;
}

/* Note a failed question: a node may just have failed, which leads other topics, too. Old failures
 * do not count. */
static void note_failure(ark_kafka_watch *watch, const ark_kafka_end *end, int64_t now_ns)
{
    if (now_ns - end->failing_since_ns < young_ns)
        watch->failed_ns = now_ns;
}

static bool is_failing(const ark_kafka_end *end)
{
    return end->answer >= ARK_KAFKA_SILENT;
}

/* Go on to the state that a failed question leads to. A partition whose messages are handed out is
 * not silent, even if questions fail. */
static void note_no_answer(ark_kafka_end *end, bool absent, bool in_a_row, bool moved,
                           int64_t begin_ns)
{
    if (end->answer == ARK_KAFKA_NEVER_THERE && absent)
        return;
    if (!in_a_row || moved || end->answer == ARK_KAFKA_NEVER_THERE) /* it has appeared since */
        end->silent_since_ns = begin_ns;
    if (absent && (!in_a_row || end->answer != ARK_KAFKA_ABSENT))
        end->absent_since_ns = begin_ns;
    end->answer = absent ? ARK_KAFKA_ABSENT : ARK_KAFKA_SILENT;
}

void ark_kafka_end_lost(ark_kafka_watch *watch, ark_kafka_partition *partition,
                        rd_kafka_resp_err_t err, int64_t begin_ns)
{
    int64_t now_ns = ark_clock_steady_ns(), position = atomic_load(&partition->position);
    ark_kafka_end *end = &partition->end;
    bool in_a_row = is_failing(end) && now_ns - end->failed_ns <= in_a_row_ns;
    if (!in_a_row)
        end->failing_since_ns = begin_ns;
    note_no_answer(end, is_absence(err), in_a_row, position != end->lost_position, begin_ns);
    end->lost_position = position;
    end->failed_ns = now_ns;
    end->err = err;
    if (err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && end->answer != ARK_KAFKA_NEVER_THERE)
        note_failure(watch, end, now_ns);
}

void ark_kafka_end_found(ark_kafka_watch *watch, ark_kafka_partition *partition, int64_t now_ns)
{
    note_failure(watch, &partition->end, now_ns);
    doubt_leader(partition, now_ns);
}

void ark_kafka_end_reached(ark_kafka_watch *watch, bool reached, int64_t now_ns)
{
    if (!watch->unanswered || now_ns - watch->unanswered_last_ns > in_a_row_ns)
        watch->unanswered_since_ns = now_ns;
    watch->unanswered = !reached;
    watch->unanswered_last_ns = now_ns;
}

/* Note whether the position stands still before the end. */
static void note_progress(ark_kafka_partition *partition)
{
    ark_kafka_end *end = &partition->end;
    if (end->position == end->stuck_position && end->position != end->offset &&
        !atomic_load(&partition->paused) && end->asked_ns - end->stuck_last_ns <= in_a_row_ns) {
        end->stuck_last_ns = end->asked_ns;
        return;
    }
    end->stuck_position = end->position;
    end->stuck_since_ns = end->stuck_last_ns = end->asked_ns;
}

static void take_answer(ark_kafka_partition *partition, int64_t offset, int64_t asked_ns)
{
    ark_kafka_end *end = &partition->end;
    bool away = end->answer >= ARK_KAFKA_ABSENT ||
                (is_failing(end) && asked_ns - end->silent_since_ns >= settling_ns);
    /* after a doubt one answer is trusted: otherwise a leader that comes and goes never would
     * be */
    if (away && !end->doubted)
        doubt_leader(partition, asked_ns);
    else if (asked_ns >= end->trusted_from_ns)
        end->doubted = false;
    end->answer = ARK_KAFKA_ANSWERED;
    end->offset = offset;
    end->asked_ns = asked_ns;
    note_progress(partition);
    if (end->loss_logged && end->stuck_last_ns == end->stuck_since_ns) {
        ark_log(ARRAKIS_LOG_INFO, "topic %s is there again",
                rd_kafka_topic_name(partition->topic));
        end->loss_logged = false;
    }
}

static void take_answers(ark_kafka_watch *watch, const rd_kafka_topic_partition_list_t *list,
                         const int64_t *when_ns, int64_t begin_ns)
{
    for (int i = 0; i < list->cnt; i++) {
        ark_kafka_partition *partition = list->elems[i].opaque;
        if (list->elems[i].err)
            ark_kafka_end_lost(watch, partition, list->elems[i].err, begin_ns);
        else
            take_answer(partition, list->elems[i].offset, when_ns[i]);
        ark_log_trace(ARK_LOG_KAFKA, "topic %s: its end is %lld, reading at %lld: %s",
                      list->elems[i].topic, (long long)list->elems[i].offset,
                      (long long)partition->end.position, rd_kafka_err2str(list->elems[i].err));
    }
}

void ark_kafka_end_ask(ark_kafka_reader *kafka, const ark_kafka_asker *asker)
{
    arrakis_error why;
    ark_kafka_heard heard = {false};
    ark_kafka_asker ask = *asker;
    rd_kafka_topic_partition_list_t *list = ark_kafka_state_list(kafka, NULL, RD_KAFKA_OFFSET_END);
    ask.heard = &heard;
    ask.when_ns = calloc((size_t)list->cnt + 1, sizeof *ask.when_ns);
    bool *doubtful = calloc((size_t)list->cnt + 1, sizeof *doubtful);
    ask.doubtful = doubtful;
    if (!ask.when_ns || !doubtful) {
        free(ask.when_ns);
        free(doubtful);
        rd_kafka_topic_partition_list_destroy(list);
        return; /* asked again when the stream next waits */
    }
    int64_t begin_ns = ark_clock_steady_ns();
    ark_monitor_enter(&kafka->watch.monitor);
    for (int i = 0; i < list->cnt; i++) {
        ark_kafka_partition *partition = list->elems[i].opaque;
        partition->end.position = atomic_load(&partition->position);
        doubtful[i] = is_failing(&partition->end);
    }
    ark_monitor_leave(&kafka->watch.monitor);
    arrakis_status rc = ark_kafka_query_offsets(&ask, list, &why);
    ark_monitor_enter(&kafka->watch.monitor);
    take_answers(&kafka->watch, list, ask.when_ns, begin_ns);
    ark_kafka_end_reached(&kafka->watch, heard.broker, ark_clock_steady_ns());
    ark_monitor_leave(&kafka->watch.monitor);
    ark_kafka_watch_heard(kafka, &heard);
    asker->heard->leader |= heard.leader;
    asker->heard->silent |= heard.silent;
    if (rc < 0)
        ark_log(ARRAKIS_LOG_DEBUG, "%s: %s", kafka->url, why.message);
    free(ask.when_ns);
    free(doubtful);
    rd_kafka_topic_partition_list_destroy(list);
}

/* ------------------------------------------------------------------ judging them */

/* Log, once, that a partition is not waited for any longer. */
static void give_up(ark_kafka_partition *partition, const char *why, int64_t for_ns)
{
    if (!partition->end.loss_logged)
        ark_log(ARRAKIS_LOG_WARNING, "topic %s %s, for %lld s: its missing data is a gap",
                rd_kafka_topic_name(partition->topic), why,
                (long long)(for_ns / ARRAKIS_SECOND_NS));
    partition->end.loss_logged = true;
}

/* How long questions have failed without an answer between them, up to the last one; 0: that was
 * too long ago. */
static int64_t failed_for(int64_t begin_ns, int64_t last_ns, int64_t now_ns)
{
    return now_ns - last_ns > in_a_row_ns ? 0 : last_ns - begin_ns;
}

/* Whether to treat a partition without an answer as empty. */
static bool is_lost(ark_kafka_reader *kafka, ark_kafka_partition *partition, int64_t now_ns)
{
    const ark_kafka_end *end = &partition->end;
    const ark_kafka_watch *watch = &kafka->watch;
    if (end->answer == ARK_KAFKA_NEVER_THERE) /* logged when the reader was opened */
        return true;
    int64_t absent_for_ns = end->answer == ARK_KAFKA_ABSENT
                                ? failed_for(end->absent_since_ns, end->failed_ns, now_ns)
                                : 0;
    if (absent_for_ns >= ARK_KAFKA_ABSENT_NS) {
        give_up(partition,
                end->err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ? "has no leader"
                                                                   : "does not exist",
                absent_for_ns);
        return true;
    }
    int64_t silent_for_ns = failed_for(end->silent_since_ns, end->failed_ns, now_ns);
    if (silent_for_ns < ARK_KAFKA_SILENT_NS ||
        atomic_load(&partition->position) != end->lost_position)
        return false;
    /* No broker answers at all: a gap cannot be distinguished from a failure. */
    if (watch->unanswered) {
        if (kafka->head.bounded && kafka->failure.status == ARRAKIS_OK &&
            failed_for(watch->unanswered_since_ns, watch->unanswered_last_ns, now_ns) >=
                ARK_KAFKA_SILENT_NS)
            ark_fail(&kafka->failure, ARRAKIS_ECONNECT, "%s: no broker has answered for %lld s",
                     kafka->url, (long long)(ARK_KAFKA_SILENT_NS / ARRAKIS_SECOND_NS));
        return false;
    }
    give_up(partition, "has a leader that does not answer", silent_for_ns);
    return true;
}

/* Whether a partition has not handed out any of its messages for too long. */
static bool is_stuck(ark_kafka_partition *partition, int64_t position, int64_t now_ns)
{
    const ark_kafka_end *end = &partition->end;
    if (position != end->stuck_position || now_ns - end->stuck_last_ns > in_a_row_ns ||
        end->stuck_last_ns - end->stuck_since_ns < ARK_KAFKA_SILENT_NS)
        return false;
    give_up(partition, "hands out nothing of what is there",
            end->stuck_last_ns - end->stuck_since_ns);
    return true;
}

/* Whether data that was due `due_for_ns` before the answer has had time to arrive despite the
 * failure of a node: also one that began before reading, or when any question failed, since topics
 * of other leaders stand still, too, until they have removed the replica on the failed node. */
static bool is_settled(const ark_kafka_watch *watch, const ark_kafka_end *end, int64_t due_for_ns)
{
    return due_for_ns >= young_ns ||
           (due_for_ns >= settling_ns && end->asked_ns - end->begun_ns >= settling_ns &&
            end->asked_ns - watch->failed_ns >= settling_ns);
}

/* A time at which the partition had no more messages, or ARRAKIS_UNSET; *ask: a new answer is
 * needed. */
static int64_t judge_partition(ark_kafka_reader *kafka, ark_kafka_partition *partition,
                               int64_t since_ns, bool *ask)
{
    const ark_kafka_end *end = &partition->end;
    int64_t now_ns = ark_clock_now_ns(), steady_ns = ark_clock_steady_ns();
    *ask = true;
    if (end->answer == ARK_KAFKA_UNASKED)
        return ARRAKIS_UNSET;
    if (is_failing(end))
        return is_lost(kafka, partition, steady_ns) ? now_ns : ARRAKIS_UNSET;
    /* The position may have passed the end since. If it was beyond it when asked, this is a new
     * log, which librdkafka will read from its beginning. */
    int64_t position = atomic_load(&partition->position);
    bool all_read = position >= end->offset && end->position <= end->offset;
    int64_t asked_ns = now_ns - (steady_ns - end->asked_ns);
    bool fresh = asked_ns >= since_ns && end->asked_ns >= end->trusted_from_ns &&
                 steady_ns - end->asked_ns <= answer_age_ns;
    if (all_read) {
        bool believed = fresh && is_settled(&kafka->watch, end, asked_ns - since_ns);
        *ask = !believed;
        return believed ? asked_ns : ARRAKIS_UNSET;
    }
    return is_stuck(partition, position, steady_ns) ? now_ns : ARRAKIS_UNSET;
}

/* Whether to ask now; otherwise *in_ns receives in how long. Before the first question the data
 * may be about to arrive: unless librdkafka has come to the end of the partition, it is waited for
 * a moment. Data that does not advance the request delays the question by at most a second. */
static bool is_time_to_ask(ark_kafka_watch *watch, const ark_kafka_partition *partition,
                           size_t input, int64_t *in_ns)
{
    int64_t now_ns = ark_clock_steady_ns(), position = atomic_load(&partition->position);
    *in_ns = ask_interval_ns;
    if (watch->running || position == partition->log_end || !atomic_load(&partition->assigned))
        return true;
    if (!watch->has_waited)
        watch->first_wait_ns = now_ns;
    if (!watch->has_waited || watch->awaited != input || watch->awaited_position != position) {
        watch->has_waited = true;
        watch->awaited = input;
        watch->awaited_position = position;
        watch->awaited_ns = now_ns;
    }
    int64_t left_ns = watch->awaited_ns + pause_ns - now_ns;
    if (left_ns <= 0 || now_ns - watch->first_wait_ns >= ask_interval_ns)
        return true;
    *in_ns = left_ns;
    return false;
}

/* Note that an answer is needed, for a partition that is read or one that is missing. In the
 * monitor. Returns whether the thread must be started or woken. */
static bool want_answer(ark_kafka_watch *watch, const ark_kafka_partition *partition)
{
    bool *wanted = atomic_load(&partition->assigned) ? &watch->ends_wanted : &watch->look_wanted;
    bool news = !*wanted || !watch->running;
    *wanted = true;
    return news;
}

int64_t ark_kafka_end_exhausted(ark_kafka_reader *kafka, size_t input, int64_t since_ns,
                                int64_t *again_ns)
{
    assert(input < kafka->head.input_count);
    ark_kafka_partition *partition = &kafka->partitions[input];
    arrakis_error why;
    bool ask;
    int64_t again_in_ns;
    ark_monitor_enter(&kafka->watch.monitor);
    int64_t at_ns = judge_partition(kafka, partition, since_ns, &ask);
    if (kafka->watch.broken && kafka->failure.status == ARRAKIS_OK)
        ark_fail(&kafka->failure, ARRAKIS_ENOMEM, "%s: no handle is left to ask brokers with",
                 kafka->url);
    ask = is_time_to_ask(&kafka->watch, partition, input, &again_in_ns) && ask &&
          want_answer(&kafka->watch, partition);
    ark_monitor_leave(&kafka->watch.monitor);
    if (ask && ark_kafka_watch_start(kafka, &why) < 0)
        ark_log(ARRAKIS_LOG_WARNING, "%s: %s", kafka->url, why.message);
    /* an answer makes the descriptor readable; the bounds pass without one */
    *again_ns = ark_clock_now_ns() + again_in_ns;
    return at_ns;
}
