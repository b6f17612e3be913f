/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "kafka_ask.h"
#include "kafka_conf.h"
#include "kafka_reader.h"
#include "log.h"
#include "stride.h"

#include <stdlib.h>

/* A broker is asked for watermarks at most this often. */
static const int64_t ask_interval_ns = ARRAKIS_SECOND_NS;
/* And while it sends a backlog, only when it has been silent for so long: the answer would come behind
 * all that is on its way, and nothing of that would be taken meanwhile. */
static const int64_t silence_ns = 200 * (ARRAKIS_SECOND_NS / 1000);
static const int64_t silence_per_partition_ns = ARRAKIS_SECOND_NS / 2000;
/* Or when the answer has been wanted for so long: one that is wrong about the time sends live data
 * that looks like a backlog, and is never silent. */
static const int64_t patience_ns = 10 * ARRAKIS_SECOND_NS;
/* After this long an answer may be outdated by retention: the log's end can vanish unread. */
static const int64_t answer_age_ns = 5 * ARRAKIS_SECOND_NS;

static const char *topic_of(const ark_kafka_reader *kafka, size_t stream)
{
    return rd_kafka_topic_name(kafka->partitions[stream].topic);
}

static ark_kafka_asker asker(const ark_kafka_reader *kafka, int64_t timeout_ns)
{
    return (ark_kafka_asker){kafka->rk, timeout_ns, kafka->head.cancel};
}

static int64_t unix_ms(int64_t gps_ns)
{
    return arrakis_gps_to_unix_ns(gps_ns) / 1000000;
}

/* The partitions for which `wanted` is set (NULL: that are assigned), asked for one offset each. */
static rd_kafka_topic_partition_list_t *list_of(const ark_kafka_reader *kafka, const bool *wanted,
                                                int64_t offset)
{
    size_t count = kafka->head.stream_count;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        if (wanted ? wanted[i] : atomic_load(&kafka->partitions[i].assigned)) {
            rd_kafka_topic_partition_t *entry =
                rd_kafka_topic_partition_list_add(list, topic_of(kafka, i), 0);
            entry->offset = offset;
            entry->opaque = &kafka->partitions[i];
        }
    return list;
}

/* Whether an entry is without an offset: librdkafka answers END where no message is that late. */
static bool unresolved(const rd_kafka_topic_partition_t *entry)
{
    return entry->offset < 0;
}

/* No message at or after the start: perhaps the topic is new and its data on the way. Reading from
 * the beginning loses nothing, the mux drops what is too old. */
static arrakis_status resolve_to_beginning(ark_kafka_reader *kafka,
                                           rd_kafka_topic_partition_list_t *list,
                                           arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *rest = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++)
        if (unresolved(&list->elems[i]))
            rd_kafka_topic_partition_list_add(rest, list->elems[i].topic, 0)->offset =
                RD_KAFKA_OFFSET_BEGINNING;
    ark_kafka_asker ask = asker(kafka, kafka->timeout_ns);
    arrakis_status rc = ark_kafka_ask_offsets(&ask, rest, err);
    for (int i = 0, k = 0; rc == ARRAKIS_OK && i < list->cnt; i++)
        if (unresolved(&list->elems[i]))
            list->elems[i].offset = rest->elems[k++].offset;
    rd_kafka_topic_partition_list_destroy(rest);
    return rc;
}

/* The time from which a request needs data: its first block may begin before its start. */
static int64_t look_up_time(const ark_kafka_reader *kafka)
{
    int64_t stride_ns = 1;
    for (size_t i = 0; i < kafka->head.stream_count && stride_ns > 0; i++)
        stride_ns = ark_stride_lcm(stride_ns, kafka->head.streams[i].stride_ns);
    int64_t begin_ns = stride_ns > 0 ? ark_floor(kafka->start_ns, stride_ns) : kafka->start_ns;
    return ark_floor(begin_ns, ARRAKIS_SECOND_NS);
}

arrakis_status ark_kafka_find_start(ark_kafka_reader *kafka, const bool *wanted, bool late,
                                    rd_kafka_topic_partition_list_t **out, arrakis_error *err)
{
    bool live = kafka->start_ns == ARRAKIS_UNSET || kafka->start_ns > arrakis_gps_now_ns();
    int64_t where = RD_KAFKA_OFFSET_END;
    if (late && kafka->start_ns != ARRAKIS_UNSET)
        where = RD_KAFKA_OFFSET_BEGINNING; /* a topic made after the start: all of it */
    else if (!live)
        where = unix_ms(look_up_time(kafka));
    rd_kafka_topic_partition_list_t *list = list_of(kafka, wanted, where);
    ark_kafka_asker ask = asker(kafka, kafka->timeout_ns);
    arrakis_status rc = ark_kafka_ask_offsets(&ask, list, err);
    if (rc == ARRAKIS_OK && !live)
        rc = resolve_to_beginning(kafka, list, err);
    if (rc < 0) {
        rd_kafka_topic_partition_list_destroy(list);
        return rc;
    }
    for (int i = 0; i < list->cnt; i++) {
        ark_kafka_partition *partition = list->elems[i].opaque;
        atomic_store(&partition->position, list->elems[i].offset);
    }
    *out = list;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ the end of what there is */

static bool ask_watermarks(ark_kafka_reader *kafka)
{
    arrakis_error why;
    int64_t asked_ns = arrakis_gps_now_ns();
    rd_kafka_topic_partition_list_t *low = list_of(kafka, NULL, RD_KAFKA_OFFSET_BEGINNING);
    rd_kafka_topic_partition_list_t *high = list_of(kafka, NULL, RD_KAFKA_OFFSET_END);
    ark_kafka_asker ask = asker(kafka, ask_interval_ns);
    bool ok = low->cnt == high->cnt && /* a topic may have appeared in between */
              ark_kafka_ask_offsets(&ask, high, &why) == ARRAKIS_OK &&
              ark_kafka_ask_offsets(&ask, low, &why) == ARRAKIS_OK;
    for (int i = 0; ok && i < high->cnt; i++) {
        ark_kafka_partition *partition = high->elems[i].opaque;
        partition->high = high->elems[i].offset;
        partition->low = low->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(low);
    rd_kafka_topic_partition_list_destroy(high);
    kafka->asked_ns = asked_ns;
    kafka->wanted_ns = ARRAKIS_UNSET;
    kafka->answer_ns = ok ? asked_ns : ARRAKIS_UNSET;
    return ok;
}

/* When the broker may be asked: at once, unless it is sending what is old. */
static int64_t when_to_ask(const ark_kafka_reader *kafka, int64_t now_ns)
{
    if (kafka->stamp_ms >= unix_ms(now_ns - ask_interval_ns))
        return now_ns;
    int64_t silent_ns = kafka->heard_ns + silence_ns +
                        (int64_t)kafka->head.stream_count * silence_per_partition_ns;
    int64_t latest_ns = kafka->wanted_ns + patience_ns;
    return silent_ns < latest_ns ? silent_ns : latest_ns;
}

int64_t ark_kafka_exhausted(arrakis_reader *reader, size_t stream, int64_t since_ns,
                            int64_t *again_ns)
{
    ark_kafka_reader *kafka = (ark_kafka_reader *)reader;
    ark_kafka_partition *partition = &kafka->partitions[stream];
    int64_t now_ns = arrakis_gps_now_ns();
    *again_ns = ARRAKIS_UNSET;
    if (!atomic_load(&partition->assigned))
        return now_ns; /* what an absent topic holds is nothing */
    if (kafka->answer_ns == ARRAKIS_UNSET || kafka->answer_ns < since_ns ||
        now_ns - kafka->answer_ns > answer_age_ns) {
        if (kafka->wanted_ns == ARRAKIS_UNSET)
            kafka->wanted_ns = now_ns;
        int64_t ask_ns = when_to_ask(kafka, now_ns);
        if (now_ns < ask_ns) {
            *again_ns = ask_ns;
            return ARRAKIS_UNSET;
        }
        *again_ns = now_ns + ask_interval_ns;
        if (kafka->asked_ns != ARRAKIS_UNSET && now_ns - kafka->asked_ns < ask_interval_ns) {
            *again_ns = kafka->asked_ns + ask_interval_ns;
            return ARRAKIS_UNSET;
        }
        if (!ask_watermarks(kafka))
            return ARRAKIS_UNSET;
    }
    *again_ns = kafka->answer_ns + answer_age_ns + 1;
    bool all_read =
        partition->low >= partition->high || atomic_load(&partition->position) >= partition->high;
    return all_read && kafka->answer_ns >= since_ns ? kafka->answer_ns : ARRAKIS_UNSET;
}

/* ------------------------------------------------------------------ moving */

/* Whether all is read that the broker reported with its last fetches: then there is no backlog, the
 * source itself is behind. Costs no question. */
static bool at_head(const ark_kafka_reader *kafka)
{
    for (size_t i = 0; i < kafka->head.stream_count; i++) {
        const ark_kafka_partition *partition = &kafka->partitions[i];
        int64_t low, high;
        if (!atomic_load(&partition->assigned))
            continue;
        if (rd_kafka_get_watermark_offsets(kafka->rk, topic_of(kafka, i), 0, &low, &high) ||
            high < 0 || atomic_load(&partition->position) < high)
            return false;
    }
    return true;
}

/* Offsets at to_ns; the ends where that cannot be found out. */
static arrakis_status find_targets(ark_kafka_reader *kafka, int64_t to_ns,
                                   rd_kafka_topic_partition_list_t **out, arrakis_error *err)
{
    arrakis_error why;
    *out = NULL;
    rd_kafka_topic_partition_list_t *ends = list_of(kafka, NULL, RD_KAFKA_OFFSET_END);
    ark_kafka_asker ask = asker(kafka, kafka->timeout_ns);
    arrakis_status rc = ark_kafka_ask_offsets(&ask, ends, err);
    if (rc == ARRAKIS_OK && to_ns != ARRAKIS_UNSET) {
        rd_kafka_topic_partition_list_t *times = rd_kafka_topic_partition_list_copy(ends);
        for (int i = 0; i < times->cnt; i++)
            times->elems[i].offset = unix_ms(to_ns);
        if (ark_kafka_ask_offsets(&ask, times, &why) < 0)
            ark_log(ARRAKIS_LOG_WARNING, "skipping to the end: %s", why.message);
        else
            for (int i = 0; i < times->cnt; i++)
                if (!unresolved(&times->elems[i]))
                    ends->elems[i].offset = times->elems[i].offset;
        rd_kafka_topic_partition_list_destroy(times);
    }
    if (rc < 0)
        rd_kafka_topic_partition_list_destroy(ends);
    else
        *out = ends;
    return rc;
}

/* Assigning anew also drops what librdkafka has fetched already. */
static rd_kafka_resp_err_t move_to(ark_kafka_reader *kafka,
                                   const rd_kafka_topic_partition_list_t *targets)
{
    for (int i = 0; i < targets->cnt; i++) {
        ark_kafka_partition *partition = targets->elems[i].opaque;
        atomic_store(&partition->position, targets->elems[i].offset);
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(kafka->rk, targets);
    ark_kafka_drop_messages(kafka);
    kafka->asked_ns = kafka->answer_ns = ARRAKIS_UNSET;
    kafka->forward_count++;
    return code;
}

arrakis_status ark_kafka_fast_forward(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                      arrakis_error *err)
{
    ark_kafka_reader *kafka = (ark_kafka_reader *)reader;
    rd_kafka_topic_partition_list_t *targets;
    *moved = 0;
    if (at_head(kafka))
        return ARRAKIS_OK;
    arrakis_status rc = find_targets(kafka, to_ns, &targets, err);
    if (rc < 0)
        return rc;
    for (int i = 0; i < targets->cnt; i++) {
        ark_kafka_partition *partition = targets->elems[i].opaque;
        int64_t position = atomic_load(&partition->position);
        if (targets->elems[i].offset <= position)
            targets->elems[i].offset = position; /* never back */
        else
            ++*moved;
    }
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (*moved)
        code = move_to(kafka, targets);
    rd_kafka_topic_partition_list_destroy(targets);
    if (code)
        return ark_fail(err, ark_kafka_status(code), "skipping ahead: %s", rd_kafka_err2str(code));
    return ARRAKIS_OK;
}

void ark_kafka_pause(arrakis_reader *reader, size_t stream, bool paused)
{
    ark_kafka_reader *kafka = (ark_kafka_reader *)reader;
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(one, topic_of(kafka, stream), 0);
    rd_kafka_resp_err_t code = paused ? rd_kafka_pause_partitions(kafka->rk, one)
                                      : rd_kafka_resume_partitions(kafka->rk, one);
    if (code)
        ark_log(ARRAKIS_LOG_DEBUG, "%s topic %s: %s", paused ? "pausing" : "resuming",
                topic_of(kafka, stream), rd_kafka_err2str(code));
    rd_kafka_topic_partition_list_destroy(one);
}
