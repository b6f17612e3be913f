/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/start.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/monitor.h"
#include "channel/stride.h"
#include "kafka/end.h"
#include "kafka/status.h"

/* Whether librdkafka found no message at or after a time: it then returns END. */
static bool none_so_late(const rd_kafka_topic_partition_t *entry)
{
    return !entry->err && entry->offset < 0;
}

/* No message at or after the start: perhaps the topic is new, and its data has not arrived.
 * Reading from the beginning loses nothing, as the mux drops data that is too old. */
static arrakis_status resolve_to_beginning(const ark_kafka_asker *ask,
                                           rd_kafka_topic_partition_list_t *list,
                                           arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *rest = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++)
        if (none_so_late(&list->elems[i]))
            rd_kafka_topic_partition_list_add(rest, list->elems[i].topic, 0)->offset =
                RD_KAFKA_OFFSET_BEGINNING;
    arrakis_status rc = ark_kafka_query_offsets(ask, rest, err);
    for (int i = 0, k = 0; rc == ARRAKIS_OK && i < list->cnt; i++)
        if (none_so_late(&list->elems[i])) {
            list->elems[i].err = rest->elems[k].err;
            list->elems[i].offset = rest->elems[k++].offset;
        }
    rd_kafka_topic_partition_list_destroy(rest);
    return rc;
}

/* The time from which a request needs data: its first block may begin before its start, and
 * timestamps may be earlier than their data. The mux drops data that is too old. */
static int64_t look_up_time(const ark_kafka_reader *kafka)
{
    int64_t stride_ns = 1;
    for (size_t i = 0; i < kafka->head.input_count && stride_ns > 0; i++)
        stride_ns = ark_stride_lcm(stride_ns, kafka->head.inputs[i].stride_ns);
    int64_t begin_ns =
        stride_ns > 0 ? ark_stride_floor(kafka->start_ns, stride_ns) : kafka->start_ns;
    return ark_stride_floor(begin_ns - ARK_KAFKA_STAMP_MARGIN_NS, ARRAKIS_SECOND_NS);
}

static bool is_live(const ark_kafka_reader *kafka)
{
    return kafka->start_ns == ARRAKIS_UNSET || kafka->start_ns > arrakis_gps_now_ns();
}

/* Of how long a live reader that is open reads what it could not ask about when it was opened:
 * since then, but for what it would skip as too old. */
static int64_t live_for(const ark_kafka_reader *kafka, const ark_kafka_partition *partition)
{
    int64_t for_ns = ark_clock_steady_ns() - kafka->opened_ns, most_ns = ARK_KAFKA_START_BACK_NS;
    if (kafka->fast_forward && partition->budget_ns && partition->budget_ns < most_ns)
        most_ns = partition->budget_ns;
    return for_ns < most_ns ? for_ns : most_ns;
}

int64_t ark_kafka_start_bounded(int64_t found, int64_t end, int64_t for_ns, int64_t stride_ns)
{
    int64_t most = ARK_KAFKA_START_MORE + ARK_KAFKA_START_PER_STRIDE * (for_ns / stride_ns);
    int64_t first = end - most;
    return found > first ? found : first;
}

/* Go back from the ends in the list to the first messages since the reader was opened. The ends
 * were asked for first, so that no message is missed between the two questions. */
static arrakis_status go_back_to_opening(const ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                         rd_kafka_topic_partition_list_t *list, arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *since = rd_kafka_topic_partition_list_new(list->cnt);
    int64_t now_ns = ark_clock_now_ns();
    for (int i = 0; i < list->cnt; i++)
        if (!list->elems[i].err)
            rd_kafka_topic_partition_list_add(since, list->elems[i].topic, 0)->offset =
                ark_kafka_state_unix_ms(now_ns - live_for(kafka, list->elems[i].opaque));
    arrakis_status rc = ark_kafka_query_offsets(ask, since, err);
    for (int i = 0, k = 0; rc == ARRAKIS_OK && i < list->cnt; i++) {
        rd_kafka_topic_partition_t *entry = &list->elems[i];
        if (entry->err)
            continue;
        const rd_kafka_topic_partition_t *found = &since->elems[k++];
        const ark_kafka_partition *partition = entry->opaque;
        entry->err = found->err;
        if (!found->err && !none_so_late(found))
            entry->offset = ark_kafka_start_bounded(
                found->offset, entry->offset, live_for(kafka, partition),
                kafka->head.inputs[partition - kafka->partitions].stride_ns);
    }
    rd_kafka_topic_partition_list_destroy(since);
    return rc;
}

/* Remove the entries without an offset from the list: the watch looks for them. */
static void keep_found(ark_kafka_reader *kafka, rd_kafka_topic_partition_list_t *list)
{
    int kept = 0;
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *entry = &list->elems[i];
        ark_kafka_partition *partition = entry->opaque;
        if (entry->err) {
            ark_monitor_enter(&kafka->watch.monitor);
            ark_kafka_end_lost(&kafka->watch, partition, entry->err, ark_clock_steady_ns());
            ark_monitor_leave(&kafka->watch.monitor);
        }
        if (entry->err && !partition->gone)
            ark_log(ARRAKIS_LOG_WARNING, "topic %s: %s: a gap until it can be read", entry->topic,
                    rd_kafka_err2str(entry->err));
        partition->gone = entry->err;
        if (entry->err)
            continue;
        atomic_store(&partition->position, entry->offset);
        ark_log_trace(ARK_LOG_KAFKA, "topic %s: reading from offset %lld", entry->topic,
                      (long long)entry->offset);
        if (kept != i) { /* swapped, as librdkafka frees the texts of all entries */
            rd_kafka_topic_partition_t other = list->elems[kept];
            list->elems[kept] = *entry;
            *entry = other;
        }
        kept++;
    }
    while (list->cnt > kept)
        rd_kafka_topic_partition_list_del_by_idx(list, list->cnt - 1);
}

arrakis_status ark_kafka_start_find(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                    const bool *wanted, rd_kafka_topic_partition_list_t **out,
                                    arrakis_error *err)
{
    bool live = is_live(kafka);
    rd_kafka_topic_partition_list_t *list = ark_kafka_state_list(
        kafka, wanted, live ? RD_KAFKA_OFFSET_END : ark_kafka_state_unix_ms(look_up_time(kafka)));
    for (int i = 0; i < list->cnt;
         i++) { /* a topic that was made after the start is read from its beginning */
        const ark_kafka_partition *partition = list->elems[i].opaque;
        if (partition->appeared && kafka->start_ns != ARRAKIS_UNSET)
            list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    arrakis_status rc = ark_kafka_query_offsets(ask, list, err);
    if (rc == ARRAKIS_OK && !live)
        rc = resolve_to_beginning(ask, list, err);
    if (rc == ARRAKIS_OK && kafka->start_ns == ARRAKIS_UNSET && kafka->opened_ns != ARRAKIS_UNSET)
        rc = go_back_to_opening(kafka, ask, list, err);
    for (int i = 0; rc == ARRAKIS_OK && i < list->cnt; i++)
        if (ark_kafka_status(list->elems[i].err) == ARRAKIS_EAUTH)
            rc = ark_fail(err, ARRAKIS_EAUTH, "topic %s: %s", list->elems[i].topic,
                          rd_kafka_err2str(list->elems[i].err));
    if (rc < 0) {
        rd_kafka_topic_partition_list_destroy(list);
        return rc;
    }
    keep_found(kafka, list);
    *out = list;
    return ARRAKIS_OK;
}
