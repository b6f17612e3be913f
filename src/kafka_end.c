/* SPDX-License-Identifier: Apache-2.0 */
/* What there is still to come of a request with a start: whether everything that a partition held at
 * some moment has been handed out, and when it is not waited for any longer.
 *
 * What has been handed out is known from the messages, and from librdkafka's word that it has come to
 * the end of a partition: the last offsets may be markers of transactions, which are no messages. What
 * there is, the brokers are asked. A partition about which nobody answers is waited for, within bounds:
 * so a request with an end always ends. */
#include "clock.h"
#include "error.h"
#include "kafka_reader.h"
#include "log.h"
#include "wait.h"

/* Brokers are asked at most this often. */
static const int64_t ask_interval_ns = ARRAKIS_SECOND_NS;
/* After this long an answer may be outdated by retention: the log's end can vanish unread. */
static const int64_t answer_age_ns = 5 * ARRAKIS_SECOND_NS;
/* A leader that has just taken over may answer before its followers and the producers have caught up:
 * its first answers are believed so long after it, and the latency of the channels. */
static const int64_t settling_ns = 3 * ARRAKIS_SECOND_NS;

/* ------------------------------------------------------------------ answers */

static bool is_absence(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

void ark_kafka_end_lost(ark_kafka_partition *partition, rd_kafka_resp_err_t err, int64_t now_ns)
{
    ark_kafka_end *end = &partition->end;
    if (end->silent_ns == INT64_MAX)
        end->silent_ns = now_ns;
    if (!is_absence(err))
        end->absent_ns = INT64_MAX;
    else if (end->absent_ns == INT64_MAX)
        end->absent_ns = now_ns;
    end->err = err;
}

static void take_answer(ark_kafka_partition *partition, int64_t offset, int64_t asked_ns)
{
    ark_kafka_end *end = &partition->end;
    if (end->silent_ns != INT64_MAX) /* it has been away */
        end->believed_ns = asked_ns + settling_ns + partition->budget_ns;
    if (end->said)
        ark_log(ARRAKIS_LOG_INFO, "topic %s is there again",
                rd_kafka_topic_name(partition->topic));
    end->err = RD_KAFKA_RESP_ERR_NO_ERROR;
    end->silent_ns = end->absent_ns = INT64_MAX;
    end->said = false;
    end->offset = offset;
    end->asked_ns = asked_ns;
}

void ark_kafka_ask_ends(ark_kafka_reader *kafka, const ark_kafka_asker *asker)
{
    arrakis_error why;
    ark_kafka_asker ask = *asker;
    int64_t asked_ns = ark_clock_now_ns();
    rd_kafka_topic_partition_list_t *list = ark_kafka_list(kafka, NULL, RD_KAFKA_OFFSET_END);
    ark_monitor_enter(&kafka->watch.monitor);
    for (int i = 0; i < list->cnt; i++) {
        ark_kafka_partition *partition = list->elems[i].opaque;
        partition->end.position = atomic_load(&partition->position);
        ask.each = ask.each || partition->end.silent_ns != INT64_MAX;
    }
    ark_monitor_leave(&kafka->watch.monitor);
    arrakis_status rc = ark_kafka_ask_each(&ask, list, &why);
    int64_t now_ns = ark_monotonic_ns();
    ark_monitor_enter(&kafka->watch.monitor);
    for (int i = 0; i < list->cnt; i++) {
        ark_kafka_partition *partition = list->elems[i].opaque;
        rd_kafka_resp_err_t code = list->elems[i].err;
        if (rc < 0 || code)
            ark_kafka_end_lost(partition, code ? code : RD_KAFKA_RESP_ERR__TIMED_OUT, now_ns);
        else
            take_answer(partition, list->elems[i].offset, asked_ns);
    }
    if (rc == ARRAKIS_OK)
        kafka->watch.answered_ns = now_ns;
    ark_monitor_leave(&kafka->watch.monitor);
    if (rc < 0)
        ark_log(ARRAKIS_LOG_DEBUG, "%s: %s", kafka->url, why.message);
    rd_kafka_topic_partition_list_destroy(list);
}

/* ------------------------------------------------------------------ judging them */

/* A partition is not waited for any longer: that is mentioned once. */
static void give_up(ark_kafka_partition *partition, const char *why, int64_t for_ns)
{
    if (!partition->end.said)
        ark_log(ARRAKIS_LOG_WARNING, "topic %s %s, for %lld s: what it lacks is a gap",
                rd_kafka_topic_name(partition->topic), why,
                (long long)(for_ns / ARRAKIS_SECOND_NS));
    partition->end.said = true;
}

static int64_t since(int64_t begin_ns, int64_t now_ns)
{
    return begin_ns == INT64_MIN ? INT64_MAX : begin_ns == INT64_MAX ? 0 : now_ns - begin_ns;
}

/* Whether a partition that has no answer is taken to hold nothing. */
static bool is_lost(ark_kafka_reader *kafka, ark_kafka_partition *partition, int64_t now_ns)
{
    const ark_kafka_end *end = &partition->end;
    int64_t absent_ns = since(end->absent_ns, now_ns), silent_ns = since(end->silent_ns, now_ns);
    if (absent_ns >= ARK_KAFKA_ABSENT_NS) {
        if (end->absent_ns != INT64_MIN) /* when the reader was opened, that was logged already */
            give_up(partition,
                    end->err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ? "has no leader"
                                                                       : "does not exist",
                    absent_ns);
        return true;
    }
    if (silent_ns < ARK_KAFKA_SILENT_NS)
        return false;
    /* Nobody answers at all: no gap can be told from a failure. */
    if (now_ns - kafka->watch.answered_ns >= ARK_KAFKA_SILENT_NS) {
        if (kafka->head.bounded && kafka->failure.status == ARRAKIS_OK)
            ark_fail(&kafka->failure, ARRAKIS_ECONNECT, "%s: no broker has answered for %lld s",
                     kafka->url, (long long)(ARK_KAFKA_SILENT_NS / ARRAKIS_SECOND_NS));
        return false;
    }
    give_up(partition, "has a leader that does not answer", silent_ns);
    return true;
}

/* Whether a partition has handed out nothing of what is there, for too long. */
static bool is_stuck(ark_kafka_partition *partition, int64_t position, int64_t now_ns)
{
    ark_kafka_end *end = &partition->end;
    if (position != end->stuck_position || partition->paused ||
        now_ns - end->looked_ns > answer_age_ns) {
        end->stuck_position = position;
        end->stuck_ns = now_ns;
    }
    end->looked_ns = now_ns;
    if (now_ns - end->stuck_ns < ARK_KAFKA_SILENT_NS)
        return false;
    give_up(partition, "hands out nothing of what is there", now_ns - end->stuck_ns);
    return true;
}

/* When it was that the partition held nothing more, or ARRAKIS_UNSET; *ask: an answer is wanted. */
static int64_t judge(ark_kafka_reader *kafka, ark_kafka_partition *partition, int64_t since_ns,
                     bool *ask)
{
    const ark_kafka_end *end = &partition->end;
    int64_t now_ns = ark_clock_now_ns(), steady_ns = ark_monotonic_ns();
    *ask = atomic_load(&partition->assigned);
    if (end->err && end->silent_ns == INT64_MAX)
        return ARRAKIS_UNSET; /* not asked yet */
    if (end->err)
        return is_lost(kafka, partition, steady_ns) ? now_ns : ARRAKIS_UNSET;
    /* The position may have gone past the end since. If it was beyond it, this is another log, and
     * librdkafka will begin at its beginning. */
    int64_t position = atomic_load(&partition->position);
    bool all_read = position >= end->offset && end->position <= end->offset;
    bool fresh = end->asked_ns >= since_ns && end->asked_ns >= end->believed_ns &&
                 now_ns - end->asked_ns <= answer_age_ns;
    *ask = *ask && !fresh;
    if (all_read)
        return fresh ? end->asked_ns : ARRAKIS_UNSET;
    *ask = true;
    return is_stuck(partition, position, steady_ns) ? now_ns : ARRAKIS_UNSET;
}

int64_t ark_kafka_exhausted(arrakis_reader *reader, size_t stream, int64_t since_ns,
                            int64_t *again_ns)
{
    ark_kafka_reader *kafka = (ark_kafka_reader *)reader;
    arrakis_error why;
    bool ask;
    ark_monitor_enter(&kafka->watch.monitor);
    int64_t at_ns = judge(kafka, &kafka->partitions[stream], since_ns, &ask);
    ask = ask && !kafka->watch.ends_wanted;
    kafka->watch.ends_wanted = kafka->watch.ends_wanted || ask;
    ark_monitor_leave(&kafka->watch.monitor);
    if (ask && ark_kafka_watch_start(kafka, &why) < 0)
        ark_log(ARRAKIS_LOG_WARNING, "%s: %s", kafka->url, why.message);
    /* an answer makes the descriptor readable; and a bound may pass without one */
    *again_ns = ark_clock_now_ns() + ask_interval_ns;
    return at_ns;
}
