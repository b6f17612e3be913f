/* SPDX-License-Identifier: Apache-2.0 */
/* A member of a consumer group. librdkafka joins, and tells in a callback which partitions come and go;
 * those are noted there, and told to the program before anything else. */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/sized_struct.h"
#include "base/wait.h"
#include "base/waiter.h"
#include "channel/channel.h"
#include "channel/stride.h"
#include "kafka/brokers.h"
#include "kafka/call.h"
#include "kafka/close.h"
#include "kafka/fetch_size.h"
#include "kafka/group_begin.h"
#include "kafka/group_login.h"
#include "kafka/group_state.h"
#include "kafka/handle.h"
#include "kafka/properties.h"
#include "kafka/status.h"

#include <arrakis/reader.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GROUP_MAX = 200, SLICE_MS = 1000, STEPS_PER_LOOK = 64 };
/* How long a commit may hold up that partitions are given away, and how often a cancel is looked for. */
enum { GIVE_MS = 2000, GIVE_LOOK_MS = 100 };
static const int64_t default_session_ns = 30 * ARRAKIS_SECOND_NS;
/* librdkafka's own, which a longer session raises, and a short one lowers. */
static const int64_t least_poll_ms = 300000, most_heartbeat_ms = 3000;
static const int64_t default_timeout_ns = 10 * ARRAKIS_SECOND_NS;
/* No clock of a site is this wrong. */
static const int64_t most_ahead_ns = 60 * ARRAKIS_SECOND_NS;
/* After a commit that failed. */
static const int64_t commit_pause_ns = ARRAKIS_SECOND_NS;

/* ------------------------------------------------------------------ partitions that come and go */

static void note_taken(ark_group *g, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        ark_group_partition *p = ark_group_begin_partition(g, &list->elems[i]);
        if (p)
            p->ours = true;
    }
    g->changed = true;
}

static void note_lost(ark_group *g, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        ark_group_partition *p = ark_group_begin_partition(g, &list->elems[i]);
        if (!p)
            continue;
        p->ours = p->committing = false;
        p->lost = p->told;
        g->dirty -= p->dirty;
        p->dirty = false;
        ark_sequence_clear(&p->sequence);
        p->block_ns = 0;
    }
    g->changed = true;
}

/* Tell the program that a partition came or went; false: it has been told. */
static bool tell_partition(ark_group *g, size_t i, arrakis_group_event *event)
{
    ark_group_partition *p = &g->partitions[i];
    if (!p->lost && p->ours == p->told)
        return false;
    event->partition = i;
    event->kind = p->lost ? ARRAKIS_GROUP_LOST : ARRAKIS_GROUP_TAKEN;
    p->told = !p->lost;
    p->lost = false;
    g->polled = false;
    return true;
}

static bool tell_any(ark_group *g, arrakis_group_event *event)
{
    for (size_t i = 0; i < g->head.input_count; i++)
        if (tell_partition(g, i, event))
            return true;
    g->changed = false;
    return false;
}

static size_t partition_of(const rd_kafka_message_t *message)
{
    return (size_t)(uintptr_t)rd_kafka_topic_opaque(message->rkt);
}

/* Tell the program of the partition of a message that is about to be taken, else of one other for
 * each poll: what the program does for it may take long, such as opening a file, and a member that
 * does not poll is thrown out. */
static bool tell_change(ark_group *g, arrakis_group_event *event)
{
    if (!g->changed || g->begun)
        return false;
    if (g->message && !g->message->err && tell_partition(g, partition_of(g->message), event))
        return true;
    return g->polled && tell_any(g, event);
}

/* ------------------------------------------------------------------ what is committed */

static bool is_fenced(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                      rd_kafka_topic_partition_list_t *list, void *opaque)
{
    (void)rk;
    ark_group *g = ((ark_kafka_outage *)opaque)->owner;
    rd_kafka_resp_err_t all = code;
    for (int i = 0; g && list && i < list->cnt; i++) {
        ark_group_partition *p = ark_group_begin_partition(g, &list->elems[i]);
        rd_kafka_resp_err_t why = all ? all : list->elems[i].err;
        if (p && why && p->ours && p->committing &&
            !p->dirty) { /* once more, unless there is news */
            p->dirty = true;
            g->dirty++;
        }
        if (p)
            p->committing = false;
        code = why ? why : code;
    }
    if (!g)
        return;
    g->commits_under_way -= g->commits_under_way > 0;
    g->commit_ns = code ? ark_clock_steady_ns() + commit_pause_ns : 0;
    if (!code)
        ark_kafka_outage_coordinated(g->outage, g->url);
    if (is_fenced(code)) /* the group is being shared out anew, or has been */
        return;
    uint64_t times = code ? ark_log_limit_note(&g->commit_failed, ark_clock_now_ns()) : 0;
    if (times)
        ark_log(ARRAKIS_LOG_WARNING, "group %s: what is done is not committed, %llu time(s): %s",
                g->name, (unsigned long long)times, rd_kafka_err2str(code));
}

static void take_dirty(ark_group *g, ark_group_partition *p, rd_kafka_topic_partition_list_t *list)
{
    ark_group_begin_entry(list, rd_kafka_topic_name(p->topic), &p->done);
    p->dirty = false;
    p->committing = true;
    g->dirty--;
}

static rd_kafka_topic_partition_list_t *take_all_dirty(ark_group *g)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)g->dirty);
    for (size_t i = 0; i < g->head.input_count; i++)
        if (g->partitions[i].dirty)
            take_dirty(g, &g->partitions[i], list);
    return list;
}

/* Owns the list. */
static void commit_list(ark_group *g, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code =
        list->cnt ? rd_kafka_commit(g->rk, list, 1) : RD_KAFKA_RESP_ERR_NO_ERROR;
    g->commits_under_way += list->cnt > 0;
    if (code)
        on_commit(g->rk, code, list, g->outage);
    rd_kafka_topic_partition_list_destroy(list);
}

static void send_commits(ark_group *g)
{
    if (g->dirty && !g->commits_under_way &&
        (!g->commit_ns || ark_clock_steady_ns() >= g->commit_ns))
        commit_list(g, take_all_dirty(g));
}

/* ------------------------------------------------------------------ the group is shared out anew */

/* Where partitions begin that no member has had: at once, while they are certain to be this
 * member's. If they were given away before that is committed, what is published until the next
 * member has asked where they end would be recorded by nobody. */
static void commit_begins(ark_group *g, const rd_kafka_topic_partition_list_t *taken)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(taken->cnt);
    for (int i = 0; i < taken->cnt; i++) {
        ark_group_partition *p = ark_group_begin_partition(g, &taken->elems[i]);
        if (p && p->dirty)
            take_dirty(g, p, list);
    }
    commit_list(g, list);
}

/* What of these partitions is declared done and may not be committed: what is under way may yet fail. */
static rd_kafka_topic_partition_list_t *
take_unsettled(ark_group *g, const rd_kafka_topic_partition_list_t *given)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(given->cnt);
    for (int i = 0; i < given->cnt; i++) {
        ark_group_partition *p = ark_group_begin_partition(g, &given->elems[i]);
        if (p && p->dirty)
            take_dirty(g, p, list);
        else if (p && p->committing)
            ark_group_begin_entry(list, rd_kafka_topic_name(p->topic), &p->done);
    }
    return list;
}

/* Partitions that are given away in order are this member's until it has agreed: so the next one begins
 * after what is done here. */
static void commit_given(ark_group *g, const rd_kafka_topic_partition_list_t *given)
{
    rd_kafka_topic_partition_list_t *list = take_unsettled(g, given);
    rd_kafka_queue_t *answers = list->cnt ? rd_kafka_queue_new(g->rk) : NULL;
    if (answers) {
        int64_t end_ns = ark_wait_deadline(GIVE_MS);
        int answered = 0;
        g->commits_under_way++;
        rd_kafka_resp_err_t code =
            rd_kafka_commit_queue(g->rk, list, answers, on_commit, g->outage);
        while (!code && !answered && ark_wait_deadline(0) < end_ns &&
               !arrakis_cancel_is_set(g->cancel))
            answered = rd_kafka_queue_poll_callback(answers, GIVE_LOOK_MS);
        if (!answered)
            on_commit(g->rk, code ? code : RD_KAFKA_RESP_ERR__TIMED_OUT, list, g->outage);
        rd_kafka_queue_destroy(answers);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* Runs within rd_kafka_consumer_poll(), or where the group is left. */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    ark_group *g = ((ark_kafka_outage *)opaque)->owner;
    bool taken = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && g;
    if (taken) {
        ark_group_begin_find(g, list);
        ark_kafka_outage_coordinated(g->outage, g->url);
    } else if (g) {
        if (!rd_kafka_assignment_lost(rk))
            commit_given(g, list);
        note_lost(g, list);
    }
    ark_log_trace(ARK_LOG_KAFKA, "%d partitions are %s", list->cnt,
                  taken                          ? "taken"
                  : rd_kafka_assignment_lost(rk) ? "lost: this member was thrown out"
                                                 : "given away");
    rd_kafka_error_t *refused =
        taken ? rd_kafka_incremental_assign(rk, list) : rd_kafka_incremental_unassign(rk, list);
    if (refused)
        ark_log(ARRAKIS_LOG_WARNING, "the partitions of a group: %s",
                rd_kafka_error_string(refused));
    if (taken && !refused) {
        note_taken(g, list);
        commit_begins(g, list);
    }
    rd_kafka_error_destroy(refused);
}

/* ------------------------------------------------------------------ what the program has done */

arrakis_status arrakis_group_commit(arrakis_group *g, size_t partition,
                                    const arrakis_group_position *position, arrakis_error *err)
{
    if (!g || !position || partition >= g->head.input_count || position->offset < 0)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_group_commit: %s",
                        !g || !position                    ? "an argument is NULL"
                        : partition >= g->head.input_count ? "no such partition"
                                                           : "no such position");
    ark_group_partition *p = &g->partitions[partition];
    if (!p->ours || p->lost || !p->told)
        return ARRAKIS_OK;
    p->done = *position;
    g->dirty += !p->dirty;
    p->dirty = true;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ messages */

static arrakis_status take_error(ark_group *g, const rd_kafka_message_t *message,
                                 arrakis_error *err)
{
    char text[ARK_KAFKA_OUTAGE_TEXT];
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__FATAL:
        rd_kafka_fatal_error(g->rk, text, sizeof text);
        return ark_fail(err, ARRAKIS_EBROKER, "%s: %s", g->url, text);
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return ark_fail(err, ARRAKIS_EAUTH, "group %s: %s", g->name,
                        rd_kafka_message_errstr(message));
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        if (ark_log_limit_note(&g->missing, ark_clock_now_ns()))
            ark_log(ARRAKIS_LOG_WARNING, "group %s: a topic does not exist yet: %s", g->name,
                    rd_kafka_message_errstr(message));
        return ARRAKIS_OK;
    default:
        ark_kafka_outage_note(g->outage, rd_kafka_message_errstr(message));
        return ARRAKIS_OK;
    }
}

/* Rows that are later than this have a wrong time. The timestamp is part of the log, and the same for
 * whoever reads it; the clock counts only where the timestamp is wrong, too. */
static int64_t latest_of(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t now_ns = ark_clock_now_ns(), ms = rd_kafka_message_timestamp(message, &type);
    if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && ms > 0 && ms < INT64_MAX / 1000000) {
        int64_t stamp_ns = arrakis_unix_to_gps_ns(ms * 1000000);
        now_ns = stamp_ns < now_ns ? stamp_ns : now_ns;
    }
    return now_ns + most_ahead_ns;
}

static void drop_message(ark_group *g)
{
    ark_ingest_drop(&g->ingest);
    g->begun = g->has_rows = false;
    if (g->message)
        rd_kafka_message_destroy(g->message);
    g->message = NULL;
}

/* Of a message that came together with changes not before the program knows of these: one call of
 * librdkafka may both give a partition to this member and return the first message of it. */
static arrakis_status begin_message(ark_group *g, arrakis_error *err)
{
    const rd_kafka_message_t *message = g->message;
    if (message->err) {
        arrakis_status rc = take_error(g, message, err);
        drop_message(g);
        return rc;
    }
    ark_kafka_outage_over(g->outage, message, g->url);
    size_t i = partition_of(message);
    const ark_group_partition *p = &g->partitions[i];
    bool wanted = message->partition == 0 && p->ours && p->told;
    arrakis_status rc = wanted && p->unknown ? ark_group_begin_ask_again(g, err) : ARRAKIS_OK;
    if (!wanted || rc < 0) {
        drop_message(g);
        return rc;
    }
    g->latest_ns = latest_of(message);
    ark_ingest_begin(&g->ingest, i, rd_kafka_topic_name(message->rkt), message->offset,
                     message->payload, message->len);
    g->begun = true;
    return ARRAKIS_OK;
}

/* Rows that are dropped because of their time may be right, where this machine's clock is not. */
static void note_ahead(ark_group *g)
{
    int64_t time_ns = g->arrival.rows.time_ns;
    if (time_ns <= g->latest_ns)
        return;
    uint64_t times = ark_log_limit_note(&g->ahead, ark_clock_now_ns());
    if (times)
        ark_log(ARRAKIS_LOG_WARNING,
                "group %s: topic %s, offset %" PRId64 ": data of GPS %.9f dropped, %" PRIu64
                " time(s): it is later than a minute after its record's timestamp, or after this "
                "machine's clock, which is at %.9f",
                g->name, rd_kafka_topic_name(g->message->rkt), g->message->offset,
                (double)time_ns / 1e9, times, (double)ark_clock_now_ns() / 1e9);
}

/* What was deleted before it was read is told here, or it would be told by nobody. */
static void warn_of_nothing(const ark_group *g, size_t i, int64_t from_ns, int64_t to_ns)
{
    if (from_ns != ARRAKIS_UNSET && from_ns < to_ns)
        ark_log(
            ARRAKIS_LOG_WARNING,
            "group %s: partition %s: nothing of GPS %.14g to %.14g (%.10g s): deleted or never "
            "published",
            g->name, g->head.inputs[i].id, (double)from_ns / 1e9, (double)to_ns / 1e9,
            (double)(to_ns - from_ns) / 1e9);
}

static void tell_block(ark_group *g, size_t i, const ark_sequence_block *out,
                       arrakis_group_event *event)
{
    ark_group_partition *p = &g->partitions[i];
    warn_of_nothing(g, i, p->since_ns, arrakis_block_start_ns(out->block));
    event->since_ns = p->since_ns;
    p->since_ns = ARRAKIS_UNSET;
    g->blocks++;
    event->kind = ARRAKIS_GROUP_BLOCK;
    event->partition = i;
    event->block = out->block;
    event->at = out->at;
    event->next = out->next;
}

/* Put the rows that came into their partition. OK: a block came out; DONE: the rows were taken. */
static arrakis_status put_rows(ark_group *g, arrakis_group_event *event, arrakis_error *err)
{
    const ark_reader_input *input = &g->head.inputs[g->arrival.input];
    ark_group_partition *p = &g->partitions[g->arrival.input];
    ark_sequence_block out;
    if (!p->sequence.layout)
        ARK_TRY(ark_sequence_init(&p->sequence, input->channels, input->stride_ns,
                                  p->block_ns ? p->block_ns : input->stride_ns, p->begin_ns, err));
    ark_sequence_counts before = p->sequence.counts;
    arrakis_status rc = ark_sequence_put(&p->sequence, &g->arrival.rows, g->message->offset,
                                         g->latest_ns, &out, err);
    g->late += p->sequence.counts.late - before.late;
    g->mismatched += p->sequence.counts.mismatched - before.mismatched;
    note_ahead(g);
    if (rc == ARRAKIS_OK)
        tell_block(g, g->arrival.input, &out, event);
    return rc;
}

/* There is no more of the message. OK: a block is complete with it; DONE: none is. */
static arrakis_status end_message(ark_group *g, arrakis_group_event *event, arrakis_error *err)
{
    ark_sequence_block out;
    size_t i = partition_of(g->message);
    arrakis_status rc =
        ark_sequence_end_message(&g->partitions[i].sequence, g->message->offset, &out, err);
    drop_message(g);
    if (rc == ARRAKIS_OK)
        tell_block(g, i, &out, event);
    return rc;
}

/* What there is without asking librdkafka. OK: an event; DONE: nothing. */
static arrakis_status next_of_message(ark_group *g, arrakis_group_event *event, arrakis_error *err)
{
    while (g->message) {
        arrakis_status rc;
        if (!g->begun) {
            ARK_TRY(begin_message(g, err));
            continue;
        }
        if (g->has_rows) {
            rc = put_rows(g, event, err);
            if (rc != ARRAKIS_DONE)
                return rc;
            g->has_rows = false;
        }
        rc = ark_ingest_next(&g->ingest, &g->arrival, err);
        if (rc < 0)
            return rc;
        g->has_rows = rc == ARRAKIS_OK;
        if (rc == ARRAKIS_DONE && (rc = end_message(g, event, err)) != ARRAKIS_DONE)
            return rc;
    }
    return ARRAKIS_DONE;
}

/* The next message; NULL: there is none. The descriptor is set when the queue stops being empty,
 * so it is cleared before the last look. */
static rd_kafka_message_t *poll_message(ark_group *g)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(g->rk, 0);
    if (message || g->changed)
        return message;
    ark_event_clear(g->head.fd);
    return rd_kafka_consumer_poll(g->rk, 0);
}

static arrakis_status wait_more(ark_group *g, int64_t deadline_ns, arrakis_error *err)
{
    ARK_TRY(ark_group_login_check(g, err));
    int64_t slice_ns = ark_wait_deadline(SLICE_MS);
    bool last = deadline_ns <= slice_ns;
    bool woken = ark_wait_fd(g->waiter.fd, last ? deadline_ns : slice_ns);
    return last && !woken ? ARRAKIS_TIMEOUT : ARRAKIS_OK;
}

/* Many messages may come of which none is an event. The clock is looked at now and then. */
static bool is_time_over(int64_t deadline_ns, unsigned *steps)
{
    return deadline_ns != INT64_MAX && ++*steps % STEPS_PER_LOOK == 0 &&
           ark_wait_deadline(0) >= deadline_ns;
}

static arrakis_status next_event(ark_group *g, int64_t deadline_ns, arrakis_group_event *event,
                                 arrakis_error *err)
{
    for (unsigned steps = 0;;) {
        ARK_TRY(ark_cancel_check(g->cancel, g->url, err));
        if (tell_change(g, event))
            return ARRAKIS_OK;
        arrakis_status rc = next_of_message(g, event, err);
        if (rc != ARRAKIS_DONE)
            return rc;
        if (is_time_over(deadline_ns, &steps))
            return ARRAKIS_TIMEOUT;
        send_commits(g);
        g->message = poll_message(g);
        g->polled = true;
        rc = g->message || g->changed ? ARRAKIS_OK : wait_more(g, deadline_ns, err);
        if (rc < 0 || rc == ARRAKIS_TIMEOUT)
            return rc;
    }
}

arrakis_status arrakis_group_next(arrakis_group *g, int timeout_ms, arrakis_group_event *event,
                                  arrakis_error *err)
{
    if (!g || !event)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_group_next: %s is NULL",
                        g ? "event" : "group");
    arrakis_group_event found = ARRAKIS_GROUP_EVENT_INIT;
    arrakis_status rc = next_event(g, ark_wait_deadline(timeout_ms), &found, err);
    ark_sized_struct_give(event, &found, sizeof found);
    return rc;
}

/* ------------------------------------------------------------------ questions about it */

size_t arrakis_group_partition_count(const arrakis_group *g)
{
    return g ? g->head.input_count : 0;
}

const char *arrakis_group_partition_id(const arrakis_group *g, size_t i)
{
    return g && i < g->head.input_count ? g->head.inputs[i].id : NULL;
}

arrakis_channels *arrakis_group_partition_channels(const arrakis_group *g, size_t i)
{
    return g && i < g->head.input_count ? g->head.inputs[i].channels : NULL;
}

arrakis_status arrakis_group_set_stride(arrakis_group *g, size_t i, int64_t stride_ns,
                                        arrakis_error *err)
{
    if (!g || i >= g->head.input_count)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_group_set_stride: no such partition");
    if (stride_ns <= 0 || stride_ns > 86400 * ARRAKIS_SECOND_NS ||
        stride_ns % g->head.inputs[i].stride_ns)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "blocks of %" PRId64 " ns, expected a multiple of %" PRId64
                        " ns, the stride of the channels, up to a day",
                        stride_ns, g->head.inputs[i].stride_ns);
    if (g->partitions[i].sequence.layout)
        return ark_fail(err, ARRAKIS_EINVAL, "a block of partition %s has begun",
                        g->head.inputs[i].id);
    g->partitions[i].block_ns = stride_ns;
    return ARRAKIS_OK;
}

void arrakis_group_stats(const arrakis_group *g, arrakis_stats *stats)
{
    if (!g || !stats)
        return;
    arrakis_stats all = ARRAKIS_STATS_INIT;
    ark_ingest_stats(&g->ingest, &all);
    all.errors = atomic_load(&g->outage->count);
    all.late = g->late;
    all.mismatched = g->mismatched;
    all.blocks = g->blocks;
    ark_sized_struct_give(stats, &all, sizeof all);
}

/* ------------------------------------------------------------------ joining and leaving */

static arrakis_status check_properties(const arrakis_group_options *o, arrakis_error *err)
{
    static const char *const fixed[] = {"group.id", "group.protocol",
                                        "partition.assignment.strategy", "enable.auto.commit",
                                        "enable.auto.offset.store"};
    const ark_properties users = {o->properties, o->property_count};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (ark_kafka_properties_has(&users, fixed[i]))
            return ark_fail(err, ARRAKIS_EINVAL,
                            "the property %s cannot be set: it is that of the group", fixed[i]);
    return ARRAKIS_OK;
}

static arrakis_status check_options(const arrakis_group_options *o, arrakis_error *err)
{
    size_t size = o->group ? strlen(o->group) : 0;
    if (!size || size > GROUP_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "a group's name of %zu bytes, expected 1 to %d", size,
                        GROUP_MAX);
    if (o->start_ns != ARRAKIS_UNSET && (o->start_ns < 0 || o->start_ns > ARRAKIS_TIME_MAX_NS))
        return ark_fail(err, ARRAKIS_EINVAL, "start %" PRId64 " ns, expected a GPS time",
                        o->start_ns);
    if (o->session_timeout_ns != ARRAKIS_UNSET &&
        (o->session_timeout_ns < ARRAKIS_SECOND_NS ||
         o->session_timeout_ns > 3600 * ARRAKIS_SECOND_NS))
        return ark_fail(err, ARRAKIS_EINVAL, "a session time-out of %g s, expected 1 to 3600 s",
                        (double)o->session_timeout_ns / 1e9);
    if (o->request_timeout_ns != ARRAKIS_UNSET && o->request_timeout_ns <= 0)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "request timeout of %" PRId64 " ns: expected more "
                        "than 0",
                        o->request_timeout_ns);
    return check_properties(o, err);
}

/* The session time-out, and what librdkafka wants to fit it, in ms. */
typedef struct session_texts {
    char session[24], poll[24], heartbeat[24];
} session_texts;

static session_texts texts_of_session(int64_t session_ns)
{
    session_texts out;
    const int64_t session_ms = session_ns / 1000000, third_ms = session_ms / 3;
    snprintf(out.session, sizeof out.session, "%" PRId64, session_ms);
    snprintf(out.poll, sizeof out.poll, "%" PRId64,
             session_ms > least_poll_ms ? session_ms : least_poll_ms);
    snprintf(out.heartbeat, sizeof out.heartbeat, "%" PRId64,
             third_ms < most_heartbeat_ms ? third_ms : most_heartbeat_ms);
    return out;
}

static arrakis_status make_conf(ark_group *g, rd_kafka_conf_t **conf,
                                const arrakis_group_options *o, arrakis_error *err)
{
    ark_kafka_fetch_texts text;
    ark_kafka_fetch_size limits = {0};
    const ark_properties users = {o->properties, o->property_count};
    const ark_kafka_fetch_wants wants = {.prefetch = ARRAKIS_UNSET, .wait_ns = o->fetch_wait_ns};
    ARK_TRY(
        ark_kafka_fetch_size_choose(&limits, g->head.inputs, g->head.input_count, &wants, err));
    g->head.fetch_wait_ns = limits.lies_ns;
    const session_texts session = texts_of_session(
        o->session_timeout_ns == ARRAKIS_UNSET ? default_session_ns : o->session_timeout_ns);
    ark_kafka_fetch_size_print(&text, &limits);
    const ark_kafka_property ours[] = {
        {"group.id", g->name, false},
        {"partition.assignment.strategy", "cooperative-sticky", false},
        {"session.timeout.ms", session.session, false},
        {"max.poll.interval.ms", session.poll, false},
        {"heartbeat.interval.ms", session.heartbeat, false},
        {"enable.auto.commit", "false", false},
        {"enable.auto.offset.store", "false", false},
        {"allow.auto.create.topics", "false", false},
        /* where what was not done has been deleted: with what is left */
        {"auto.offset.reset", "earliest", false},
        {"topic.metadata.refresh.interval.ms", "30000", false},
        {"message.max.bytes", "10000000", false},
        {"fetch.message.max.bytes", text.fetch, false},
        {"fetch.min.bytes", text.least, false},
        {"fetch.wait.max.ms", text.wait_ms, false},
        {"queued.min.messages", "10000000", false},
        {"queued.max.messages.kbytes", text.queue_kib, false},
        {"fetch.queue.backoff.ms", "10", true},
        {"fetch.error.backoff.ms", "100", false},
        {ARK_KAFKA_FETCH_ANSWER, text.answer, false}, /* the last: not always */
    };
    size_t count = sizeof ours / sizeof *ours - !ark_kafka_fetch_size_bounds(&limits, &users);
    return ark_kafka_handle_conf(conf, g->outage, g->url, ours, count, o->properties,
                                 o->property_count, err);
}

static arrakis_status make_handle(ark_group *g, const arrakis_group_options *o, arrakis_error *err)
{
    rd_kafka_conf_t *conf;
    ARK_TRY(make_conf(g, &conf, o, err));
    g->outage->owner = g;
    g->outage->grouped = true;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
    ARK_TRY(ark_kafka_handle_start(&g->rk, RD_KAFKA_CONSUMER, conf, err));
    rd_kafka_poll_set_consumer(g->rk);
    g->queue = rd_kafka_queue_get_consumer(g->rk);
    g->head.fd = ark_event_open();
    if (g->head.fd < 0)
        return ark_fail(err, ARRAKIS_EIO, "no descriptor for events");
    ARK_TRY(ark_waiter_open(&g->waiter, err));
    ARK_TRY(ark_waiter_add(&g->waiter, g->head.fd, err));
    if (g->cancel)
        ARK_TRY(ark_waiter_add(&g->waiter, arrakis_cancel_fd(g->cancel), err));
    const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(g->queue, g->head.fd, &one, sizeof one);
    ark_kafka_outage_wake(g->outage, g->head.fd);
    return ARRAKIS_OK;
}

static arrakis_status make_topic(ark_group *g, size_t i, arrakis_error *err)
{
    const arrakis_channel_info first =
        ark_info(arrakis_channels_get(g->head.inputs[i].channels, 0));
    char *name;
    ARK_TRY(ark_channel_topic(&name, &first, first.replay_id, err));
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(g->rk);
    if (conf)
        rd_kafka_topic_conf_set_opaque(conf, (void *)(uintptr_t)i);
    rd_kafka_topic_t *topic = conf ? rd_kafka_topic_new(g->rk, name, conf) : NULL;
    g->partitions[i].topic = topic;
    g->names[i] = (ark_group_name){topic ? rd_kafka_topic_name(topic) : NULL, i};
    arrakis_status rc = ARRAKIS_OK;
    if (!topic)
        rc = conf ? ark_fail(err, ARRAKIS_EINVAL, "topic \"%s\": %s", name,
                             rd_kafka_err2str(rd_kafka_last_error()))
                  : ark_no_memory(err, "a topic's configuration");
    if (!topic && conf)
        rd_kafka_topic_conf_destroy(conf);
    free(name);
    return rc;
}

static arrakis_status make_partitions(ark_group *g, arrakis_error *err)
{
    size_t count = g->head.input_count;
    g->partitions = calloc(count, sizeof *g->partitions);
    g->names = calloc(count, sizeof *g->names);
    if (!g->partitions || !g->names)
        return ark_no_memory(err, "%zu partitions", count);
    for (size_t i = 0; i < count; i++)
        ARK_TRY(make_topic(g, i, err));
    ark_group_begin_sort(g);
    return ARRAKIS_OK;
}

/* Whether the brokers answer, so that a wrong address is an error and not silence. */
static arrakis_status ask_brokers(ark_group *g, arrakis_error *err)
{
    const struct rd_kafka_metadata *metadata;
    const ark_kafka_asker ask = ark_group_begin_asker(g);
    ARK_TRY(ark_kafka_query_topics(&ask, false, &metadata, err));
    rd_kafka_metadata_destroy(metadata);
    return ARRAKIS_OK;
}

static arrakis_status subscribe(ark_group *g, arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)g->head.input_count);
    for (size_t i = 0; i < g->head.input_count; i++)
        rd_kafka_topic_partition_list_add(list, rd_kafka_topic_name(g->partitions[i].topic),
                                          RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(g->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? ark_fail(err, ark_kafka_status(code), "joining the group %s: %s", g->name,
                           rd_kafka_err2str(code))
                : ARRAKIS_OK;
}

static arrakis_status set_up(ark_group *g, const char *url, arrakis_channels *channels,
                             const arrakis_group_options *o, arrakis_error *err)
{
    const ark_token_source tokens = {o->kafka_token_fn, o->kafka_token_opaque};
    if (!(g->outage = ark_kafka_outage_new(tokens)))
        return ark_no_memory(err, "a group");
    ARK_TRY(check_options(o, err));
    ARK_TRY(ark_kafka_brokers_check(url, err));
    g->start_ns = o->start_ns;
    g->timeout_ns =
        o->request_timeout_ns == ARRAKIS_UNSET ? default_timeout_ns : o->request_timeout_ns;
    g->joined_ns = ark_clock_now_ns();
    g->joined_steady_ns = ark_clock_steady_ns();
    g->cancel = arrakis_cancel_ref(o->cancel);
    if (!(g->url = strdup(url)) || !(g->name = strdup(o->group)))
        return ark_no_memory(err, "a group");
    ARK_TRY(ark_reader_group(&g->head, channels, "", err));
    ARK_TRY(ark_ingest_init(&g->ingest, g->head.inputs, g->head.input_count, err));
    ARK_TRY(make_handle(g, o, err));
    ARK_TRY(make_partitions(g, err));
    arrakis_status rc = ask_brokers(g, err);
    if (rc >= 0 && g->start_ns == ARRAKIS_UNSET)
        rc = ark_group_begin_note_ends(g, err);
    if (rc >= 0)
        rc = subscribe(g, err);
    g->joined = rc >= 0;
    return rc < 0 ? ark_fail_within(err, rc, "%s", g->url) : rc;
}

arrakis_status arrakis_group_join(arrakis_group **out, const char *url, arrakis_channels *channels,
                                  const arrakis_group_options *options, arrakis_error *err)
{
    if (!out || !channels)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_group_join: %s is NULL",
                        out ? "channels" : "out");
    *out = NULL;
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    ARK_TRY(ark_sized_struct_take(&o, sizeof o, options, "group_options", err));
    ark_group *g = calloc(1, sizeof *g);
    if (!g)
        return ark_no_memory(err, "a group");
    g->head.fd = -1;
    g->waiter = (ark_waiter)ARK_WAITER_NONE;
    arrakis_status rc = set_up(g, url, channels, &o, err);
    if (rc < 0)
        arrakis_group_leave(g);
    else
        *out = g;
    return rc;
}

static void free_group(ark_group *g)
{
    for (size_t i = 0; g->partitions && i < g->head.input_count; i++) {
        if (g->partitions[i].topic)
            rd_kafka_topic_destroy(g->partitions[i].topic);
        ark_sequence_clear(&g->partitions[i].sequence);
    }
    free(g->partitions);
    free(g->names);
    ark_ingest_clear(&g->ingest);
    free(g->url);
    free(g->name);
    ark_waiter_close(&g->waiter);
    if (g->head.fd >= 0)
        close(g->head.fd);
    arrakis_cancel_unref(g->cancel);
    ark_reader_clear(&g->head);
    free(g);
}

/* Runs in a thread of its own: brokers may not answer, and librdkafka 2.0 may not return. */
static void tear_down(void *opaque)
{
    ark_group *g = opaque;
    ark_kafka_outage *outage = g->outage;
    rd_kafka_t *rk = g->rk;
    if (g->joined && g->dirty) {
        rd_kafka_topic_partition_list_t *list = take_all_dirty(g);
        rd_kafka_commit(rk, list, 0);
        rd_kafka_topic_partition_list_destroy(list);
    }
    outage->owner = NULL; /* the callbacks have nothing to note any more */
    if (g->joined)
        rd_kafka_consumer_close(rk);
    ark_kafka_call_wait(rk); /* not before: the others of the group wait for what is sent above */
    if (g->queue) {
        rd_kafka_queue_io_event_enable(g->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(g->queue);
    }
    free_group(g);
    if (rk)
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    ark_kafka_outage_free(outage);
}

void arrakis_group_leave(arrakis_group *g)
{
    if (!g)
        return;
    drop_message(g);
    if (g->outage)
        ark_kafka_outage_close(g->outage);
    if (!g->rk) {
        ark_kafka_outage *outage = g->outage;
        free_group(g);
        if (outage)
            ark_kafka_outage_free(outage);
        return;
    }
    ark_closing closing = ARK_CLOSING_NONE;
    if (g->joined) /* leaving has its time, whatever else is under way */
        ark_closing_begin(&closing, rd_kafka_version_str(), tear_down, g);
    else
        ark_kafka_close_begin(&closing, g->rk, tear_down, g);
    ark_closing_wait(&closing);
}
