/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/forward.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/monitor.h"
#include "kafka/fast_forward.h"
#include "kafka/status.h"
#include "kafka/watch.h"

#include <arrakis/reader.h>

/* Whether all messages have been read up to the ends that the broker sent with its last fetches:
 * then there is no backlog, but the publisher is late. Needs no question. */
static bool at_head(const ark_kafka_reader *kafka)
{
    for (size_t i = 0; i < kafka->head.input_count; i++) {
        const ark_kafka_partition *partition = &kafka->partitions[i];
        int64_t low, high;
        if (!atomic_load(&partition->assigned))
            continue;
        if (rd_kafka_get_watermark_offsets(kafka->rk, ark_kafka_state_topic(kafka, i), 0, &low,
                                           &high) ||
            high < 0 || atomic_load(&partition->position) < high)
            return false;
    }
    return true;
}

arrakis_status ark_kafka_forward_find(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                      int64_t to_ns, rd_kafka_topic_partition_list_t **out,
                                      arrakis_error *err)
{
    arrakis_error why;
    *out = NULL;
    rd_kafka_topic_partition_list_t *ends = ark_kafka_state_list(kafka, NULL, RD_KAFKA_OFFSET_END);
    arrakis_status rc = ark_kafka_query_offsets(ask, ends, err);
    if (rc == ARRAKIS_OK && to_ns != ARRAKIS_UNSET) {
        rd_kafka_topic_partition_list_t *times = rd_kafka_topic_partition_list_copy(ends);
        for (int i = 0; i < times->cnt; i++)
            times->elems[i].offset = ark_kafka_state_unix_ms(to_ns);
        if (ark_kafka_query_offsets(ask, times, &why) < 0)
            ark_log(ARRAKIS_LOG_WARNING, "skipping to the end: %s", why.message);
        else
            for (int i = 0; i < times->cnt; i++)
                if (!times->elems[i].err && times->elems[i].offset >= 0)
                    ends->elems[i].offset = times->elems[i].offset;
        rd_kafka_topic_partition_list_destroy(times);
    }
    if (rc < 0)
        rd_kafka_topic_partition_list_destroy(ends);
    else
        *out = ends;
    return rc;
}

/* The offset to move a partition to: never back, and not at all where no broker has answered. */
static int64_t target_of(const rd_kafka_topic_partition_t *entry, int64_t position)
{
    return entry->err || entry->offset <= position ? position : entry->offset;
}

/* Assign all assigned partitions again, which also drops what librdkafka has fetched: a topic may
 * have appeared since the targets were found. */
static rd_kafka_resp_err_t assign_anew(ark_kafka_reader *kafka)
{
    ark_monitor_enter(&kafka->watch.monitor);
    rd_kafka_topic_partition_list_t *all = ark_kafka_state_list(kafka, NULL, 0);
    for (int i = 0; i < all->cnt; i++) {
        const ark_kafka_partition *partition = all->elems[i].opaque;
        int64_t position = atomic_load(&partition->position);
        all->elems[i].offset = position < 0 ? RD_KAFKA_OFFSET_END : position;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(kafka->rk, all);
    ark_monitor_leave(&kafka->watch.monitor);
    rd_kafka_topic_partition_list_destroy(all);
    return code;
}

static arrakis_status move_to(ark_kafka_reader *kafka,
                              const rd_kafka_topic_partition_list_t *targets, size_t *moved,
                              arrakis_error *err)
{
    for (int i = 0; i < targets->cnt; i++) {
        ark_kafka_partition *partition = targets->elems[i].opaque;
        int64_t position = atomic_load(&partition->position);
        int64_t target = target_of(&targets->elems[i], position);
        *moved += target != position;
        ark_log_trace(ARK_LOG_KAFKA, "topic %s: from offset %lld to %lld", targets->elems[i].topic,
                      (long long)position, (long long)target);
        atomic_store(&partition->position, target);
    }
    if (!*moved)
        return ARRAKIS_OK;
    rd_kafka_resp_err_t code = assign_anew(kafka);
    ark_kafka_state_drop_messages(kafka);
    kafka->forward_count++;
    if (code)
        return ark_fail(err, ark_kafka_status(code), "skipping ahead: %s", rd_kafka_err2str(code));
    return ARRAKIS_OK;
}

arrakis_status ark_kafka_forward_to(ark_kafka_reader *kafka, int64_t to_ns, size_t *moved,
                                    arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *targets;
    ark_kafka_asker ask;
    *moved = 0;
    if (at_head(kafka))
        return ARRAKIS_OK;
    ark_kafka_state_put_back(kafka);
    ARK_TRY(ark_kafka_watch_borrow(kafka, &ask, err));
    ask.deadline_ns = ark_kafka_state_deadline(kafka);
    ask.cancel = kafka->head.cancel;
    arrakis_status rc = ark_kafka_forward_find(kafka, &ask, to_ns, &targets, err);
    ark_kafka_watch_give_back(kafka);
    if (rc < 0)
        return rc;
    rc = move_to(kafka, targets, moved, err);
    rd_kafka_topic_partition_list_destroy(targets);
    return rc;
}

/* ------------------------------------------------------------------ by itself, when live */

static void say_behind(ark_kafka_reader *kafka, const char *why)
{
    size_t input = kafka->late_input;
    int64_t now_ns = ark_clock_now_ns();
    if (ark_log_limit_note(&kafka->behind, now_ns))
        ark_log(ARRAKIS_LOG_WARNING, "%s is %.1f s old, with a latency budget of %.1f s: %s",
                kafka->head.inputs[input].id, (double)(kafka->late_ns - kafka->late_at_ns) * 1e-9,
                (double)kafka->partitions[input].budget_ns * 1e-9, why);
    ark_fast_forward_again(&kafka->policy, input, now_ns);
}

void ark_kafka_forward_ask(ark_kafka_reader *kafka, size_t input, int64_t at_ns, int64_t now_ns)
{
    arrakis_error why;
    ark_kafka_watch *watch = &kafka->watch;
    kafka->late_input = input;
    kafka->late_at_ns = at_ns;
    kafka->late_ns = now_ns;
    if (at_head(kafka)) {
        say_behind(kafka, "its topic holds nothing newer to skip to");
        return;
    }
    ark_monitor_enter(&watch->monitor);
    bool asked = watch->forward_wanted || atomic_load(&watch->forward_found);
    watch->forward_wanted = !atomic_load(&watch->forward_found);
    watch->forward_to_ns = now_ns - kafka->partitions[input].budget_ns;
    ark_monitor_leave(&watch->monitor);
    if ((!asked || !watch->running) && ark_kafka_watch_start(kafka, &why) < 0)
        say_behind(kafka, why.message);
}

bool ark_kafka_forward_go(ark_kafka_reader *kafka)
{
    ark_kafka_watch *watch = &kafka->watch;
    size_t moved = 0, input = kafka->late_input;
    arrakis_error why = watch->forward_why;
    int64_t budget_ns = kafka->partitions[input].budget_ns;
    if (watch->forward_targets)
        why.status = move_to(kafka, watch->forward_targets, &moved, &why);
    if (watch->forward_targets)
        rd_kafka_topic_partition_list_destroy(watch->forward_targets);
    watch->forward_targets = NULL;
    atomic_store(&watch->forward_found, false);
    if (!moved) {
        say_behind(kafka,
                   why.status < 0 ? why.message : "its topic holds nothing newer to skip to");
        return false;
    }
    ark_log(ARRAKIS_LOG_WARNING,
            "%s was %.1f s old for over %.1f s, with a latency budget of %.1f s: skipped %zu "
            "partition(s) to GPS %lld, dropping %.1f s",
            kafka->head.inputs[input].id, (double)(kafka->late_ns - kafka->late_at_ns) * 1e-9,
            (double)ark_fast_forward_grace_ns(budget_ns) * 1e-9, (double)budget_ns * 1e-9, moved,
            (long long)(watch->forward_to_ns / ARRAKIS_SECOND_NS),
            (double)(watch->forward_to_ns - kafka->late_at_ns) * 1e-9);
    ark_fast_forward_done(&kafka->policy);
    return true;
}
