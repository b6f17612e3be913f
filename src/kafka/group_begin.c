/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/group_begin.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "base/wait.h"
#include "kafka/call.h"
#include "kafka/start.h"
#include "kafka/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRY_MS = 2000, PAUSE_MS = 200 };
#define FORM "gps_ns="

/* ------------------------------------------------------------------ partitions by their topics */

static int by_topic(const void *a, const void *b)
{
    return strcmp(((const ark_group_name *)a)->topic, ((const ark_group_name *)b)->topic);
}

void ark_group_begin_sort(ark_group *g)
{
    qsort(g->names, g->head.input_count, sizeof *g->names, by_topic);
}

ark_group_partition *ark_group_begin_partition(const ark_group *g,
                                               const rd_kafka_topic_partition_t *entry)
{
    const ark_group_name key = {entry->topic, 0};
    if (entry->partition != 0)
        return NULL;
    const ark_group_name *found =
        bsearch(&key, g->names, g->head.input_count, sizeof key, by_topic);
    return found ? &g->partitions[found->partition] : NULL;
}

/* ------------------------------------------------------------------ positions as they are committed */

void ark_group_begin_entry(rd_kafka_topic_partition_list_t *list, const char *topic,
                           const arrakis_group_position *position)
{
    char text[40];
    rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, topic, 0);
    int size = snprintf(text, sizeof text, FORM "%" PRId64, position->time_ns);
    entry->offset = position->offset;
    entry->metadata = strdup(text);
    entry->metadata_size = entry->metadata ? (size_t)size : 0;
}

int64_t ark_group_begin_time(const void *metadata, size_t size)
{
    char text[40], *end;
    if (!metadata || size < sizeof FORM || size >= sizeof text ||
        memcmp(metadata, FORM, sizeof FORM - 1) != 0)
        return 0;
    memcpy(text, metadata, size);
    text[size] = '\0';
    long long time_ns = strtoll(text + sizeof FORM - 1, &end, 10);
    return *end || time_ns < 0 || time_ns > ARRAKIS_TIME_MAX_NS ? 0 : time_ns;
}

/* ------------------------------------------------------------------ where partitions begin */

/* A topic of channels has one partition. Where somebody has added others, nothing is read of them; they are
 * taken all the same, or the members would disagree on who has what. */
static void pass_over_others(ark_group *g, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *entry = &list->elems[i];
        if (entry->partition == 0)
            continue;
        entry->offset = RD_KAFKA_OFFSET_END;
        if (!g->has_others)
            ark_log(ARRAKIS_LOG_WARNING,
                    "group %s: topic %s has partition %" PRId32
                    ", expected only partition 0: others are not read",
                    g->name, entry->topic, entry->partition);
        g->has_others = true;
    }
}

static rd_kafka_topic_partition_list_t *list_of(const rd_kafka_topic_partition_list_t *list,
                                                int64_t offset, bool fresh_only)
{
    rd_kafka_topic_partition_list_t *out = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].partition != 0 || (fresh_only && list->elems[i].offset >= 0))
            continue;
        rd_kafka_topic_partition_t *entry =
            rd_kafka_topic_partition_list_add(out, list->elems[i].topic, list->elems[i].partition);
        entry->offset = offset;
    }
    return out;
}

/* What was committed. False: there is no answer, and *committed is NULL where it is canceled. */
static bool ask_committed(ark_group *g, rd_kafka_topic_partition_list_t **committed)
{
    int64_t end_ns = ark_monotonic_ns() + ARK_KAFKA_SILENT_NS;
    if (!(*committed)->cnt)
        return true;
    while (!arrakis_cancel_is_set(g->cancel)) {
        rd_kafka_resp_err_t code =
            ark_kafka_call_committed(g->rk, committed, TRY_MS, ark_cancel_flag(g->cancel));
        for (int i = 0; !code && i < (*committed)->cnt; i++)
            code = (*committed)->elems[i].err;
        if (!code)
            return true;
        if (ark_monotonic_ns() >= end_ns) {
            ark_log(ARRAKIS_LOG_WARNING, "group %s: asking for what is done: %s", g->name,
                    rd_kafka_err2str(code));
            return false;
        }
        ark_wait_fd(-1, ark_wait_deadline(PAUSE_MS));
    }
    return false;
}

static void use_time(const ark_group *g, ark_group_partition *p,
                     const rd_kafka_topic_partition_t *found)
{
    int64_t time_ns = ark_group_begin_time(found->metadata, found->metadata_size);
    p->begin_ns = time_ns > g->start_ns || g->start_ns == ARRAKIS_UNSET ? time_ns : g->start_ns;
    p->since_ns = p->begin_ns > 0 ? p->begin_ns : ARRAKIS_UNSET;
    p->unknown = false;
}

static void use_committed(ark_group *g, rd_kafka_topic_partition_list_t *list,
                          const rd_kafka_topic_partition_list_t *committed)
{
    for (int i = 0, k = 0; i < list->cnt; i++) {
        if (list->elems[i].partition != 0)
            continue;
        const rd_kafka_topic_partition_t *found = &committed->elems[k++];
        ark_group_partition *p = ark_group_begin_partition(g, &list->elems[i]);
        list->elems[i].offset = found->offset >= 0 ? found->offset : RD_KAFKA_OFFSET_INVALID;
        if (p)
            use_time(g, p, found);
    }
}

static void note_unknown(ark_group *g, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        ark_group_partition *p = ark_group_begin_partition(g, &list->elems[i]);
        if (p)
            p->unknown = true;
    }
}

arrakis_status ark_group_begin_ask_again(ark_group *g, arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *asked =
        rd_kafka_topic_partition_list_new((int)g->head.input_count);
    for (size_t i = 0; i < g->head.input_count; i++)
        if (g->partitions[i].ours && g->partitions[i].unknown)
            rd_kafka_topic_partition_list_add(asked, rd_kafka_topic_name(g->partitions[i].topic),
                                              0);
    bool answered = ask_committed(g, &asked);
    for (int i = 0; answered && i < asked->cnt; i++) {
        ark_group_partition *p = ark_group_begin_partition(g, &asked->elems[i]);
        use_time(g, p, &asked->elems[i]);
        if (asked->elems[i].offset < 0 && g->start_ns == ARRAKIS_UNSET)
            p->begin_ns = g->joined_ns;
    }
    if (asked)
        rd_kafka_topic_partition_list_destroy(asked);
    if (answered)
        return ARRAKIS_OK;
    ARK_TRY(ark_cancel_check(g->cancel, g->url, err));
    return ark_fail(err, ARRAKIS_ECONNECT,
                    "group %s: no broker answers what of its partitions is done", g->name);
}

ark_kafka_asker ark_group_begin_asker(const ark_group *g)
{
    return (ark_kafka_asker){.rk = g->rk,
                             .lies_ns = g->head.fetch_wait_ns,
                             .timeout_ns = g->timeout_ns,
                             .cancel = ark_cancel_flag(g->cancel),
                             .leaves_calls = true,
                             .outage = g->outage};
}

arrakis_status ark_group_begin_note_ends(ark_group *g, arrakis_error *err)
{
    arrakis_error why;
    const ark_kafka_asker ask = ark_group_begin_asker(g);
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)g->head.input_count);
    for (size_t i = 0; i < g->head.input_count; i++)
        rd_kafka_topic_partition_list_add(list, rd_kafka_topic_name(g->partitions[i].topic), 0)
            ->offset = RD_KAFKA_OFFSET_END;
    arrakis_status rc = ark_kafka_query_offsets(&ask, list, &why);
    for (size_t i = 0; i < g->head.input_count; i++) {
        const rd_kafka_topic_partition_t *end = &list->elems[i];
        bool absent = end->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        g->partitions[i].joined_offset = absent ? 0 : rc < 0 || end->err ? -1 : end->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (rc == ARRAKIS_ECANCELED || rc == ARRAKIS_ENOMEM)
        return ark_fail(err, rc, "%s", why.message);
    if (rc < 0)
        ark_log(
            ARRAKIS_LOG_WARNING,
            "group %s: where its partitions end is not known, and is looked for by the records' "
            "timestamps: %s",
            g->name, why.message);
    return ARRAKIS_OK;
}

/* The offset of the first message that a member needs, of a partition that none has had: stamped not
 * long before the start. Without one it is the beginning. */
static int64_t begin_at_start(const rd_kafka_topic_partition_t *beginning,
                              const rd_kafka_topic_partition_t *stamped)
{
    if (!stamped->err && stamped->offset >= 0)
        return stamped->offset;
    return beginning->err ? RD_KAFKA_OFFSET_BEGINNING : beginning->offset;
}

/* How far a live group goes back where only timestamps tell what has come since this member joined. */
static int64_t live_for(const ark_group *g)
{
    int64_t for_ns = ark_clock_steady_ns() - g->joined_steady_ns + ARK_KAFKA_STAMP_MARGIN_NS;
    return for_ns < ARK_KAFKA_START_BACK_NS ? for_ns : ARK_KAFKA_START_BACK_NS;
}

/* The same without a start: where the log ended when this member joined, which no clock changes. A log
 * that ends earlier now was cut back. A topic that does not exist has no end yet. */
static int64_t begin_live(const ark_group *g, const ark_group_partition *p,
                          const rd_kafka_topic_partition_t *end,
                          const rd_kafka_topic_partition_t *stamped)
{
    if (end->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return RD_KAFKA_OFFSET_BEGINNING;
    if (p->joined_offset >= 0)
        return end->err || p->joined_offset < end->offset ? p->joined_offset : end->offset;
    if (end->err)
        return RD_KAFKA_OFFSET_END;
    if (stamped->err || stamped->offset < 0)
        return end->offset;
    return ark_kafka_start_bounded(stamped->offset, end->offset, live_for(g),
                                   g->head.inputs[p - g->partitions].stride_ns);
}

static bool needs_stamps(const ark_group *g, const rd_kafka_topic_partition_list_t *fresh)
{
    bool needs = g->start_ns != ARRAKIS_UNSET;
    for (int i = 0; i < fresh->cnt && !needs; i++) {
        const ark_group_partition *p = ark_group_begin_partition(g, &fresh->elems[i]);
        needs = p && p->joined_offset < 0;
    }
    return needs;
}

/* Ask for both edges of what is new. What has no answer has an `err` afterwards. */
static void ask_edges(const ark_group *g, rd_kafka_topic_partition_list_t *edge,
                      rd_kafka_topic_partition_list_t *stamped)
{
    ark_kafka_asker ask = ark_group_begin_asker(g);
    ask.topics = g->rk; /* it fetches what the member has already */
    arrakis_error err;
    for (int i = 0; i < edge->cnt; i++)
        edge->elems[i].err = stamped->elems[i].err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    /* the end first: what comes between the questions is behind it */
    arrakis_status rc = ark_kafka_query_offsets(&ask, edge, &err);
    if (rc >= 0 && needs_stamps(g, edge))
        rc = ark_kafka_query_offsets(&ask, stamped, &err);
    if (rc < 0)
        ark_log(ARRAKIS_LOG_WARNING, "group %s: where to begin is not known: %s", g->name,
                err.message);
}

/* Partitions that no member has had. Where they begin is committed at once: who takes one over before
 * anything of it is done begins there, too. */
static void begin_fresh(ark_group *g, rd_kafka_topic_partition_list_t *list)
{
    const bool live = g->start_ns == ARRAKIS_UNSET;
    int64_t since_ns =
        live ? ark_clock_now_ns() - live_for(g) : g->start_ns - ARK_KAFKA_STAMP_MARGIN_NS;
    rd_kafka_topic_partition_list_t *edge =
        list_of(list, live ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING, true);
    rd_kafka_topic_partition_list_t *stamped =
        list_of(list, ark_kafka_state_unix_ms(since_ns), true);
    ask_edges(g, edge, stamped);
    for (int i = 0, k = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *entry = &list->elems[i];
        ark_group_partition *p = ark_group_begin_partition(g, entry);
        if (entry->partition != 0 || entry->offset >= 0)
            continue;
        entry->offset = p && live ? begin_live(g, p, &edge->elems[k], &stamped->elems[k])
                                  : begin_at_start(&edge->elems[k], &stamped->elems[k]);
        k++;
        if (!p || entry->offset < 0)
            continue;
        p->done = (arrakis_group_position){entry->offset, p->begin_ns};
        g->dirty += !p->dirty;
        p->dirty = true;
    }
    rd_kafka_topic_partition_list_destroy(edge);
    rd_kafka_topic_partition_list_destroy(stamped);
}

void ark_group_begin_find(ark_group *g, rd_kafka_topic_partition_list_t *list)
{
    pass_over_others(g, list);
    rd_kafka_topic_partition_list_t *committed = list_of(list, RD_KAFKA_OFFSET_INVALID, false);
    if (ask_committed(g, &committed)) {
        use_committed(g, list, committed);
        begin_fresh(g, list);
    } else {
        note_unknown(g, list);
    }
    if (committed)
        rd_kafka_topic_partition_list_destroy(committed);
}
