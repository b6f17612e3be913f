/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/query.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "base/thread.h"
#include "base/wait.h"
#include "kafka/call.h"
#include "kafka/status.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The attempts of one question. */
typedef struct tries {
    int64_t begin_ns, deadline_ns;
    int slice_ms; /* how long one attempt may take */
} tries;

/* An attempt that is given up drops the connection (librdkafka 2.8 and later). After a Fetch, an
 * attempt gets more time than the Fetch may take. */
enum { FIRST_SLICE_MS = 500, BEHIND_FETCH_MS = 2000, LAST_SLICE_MS = 8000, PAUSE_MS = 100 };

/* How many leaders are asked at a time. If there are more, they share the time of an attempt, but
 * each gets at least LEAST_MS. */
enum { SIDE_BY_SIDE = 16, LEAST_MS = 300 };

/* How long partitions without an answer are waited for when others have one. */
static const int64_t patience_ns = 2 * ARRAKIS_SECOND_NS;

static tries begin_tries(const ark_kafka_asker *asker)
{
    int64_t ms = asker->timeout_ns / 1000000;
    ms = ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : ms;
    int64_t now_ns = ark_monotonic_ns(), deadline_ns = now_ns + ms * 1000000;
    if (asker->deadline_ns && asker->deadline_ns < deadline_ns)
        deadline_ns = asker->deadline_ns;
    int slice_ms =
        asker->topics ? BEHIND_FETCH_MS + (int)(asker->lies_ns / 1000000) : FIRST_SLICE_MS;
    return (tries){now_ns, deadline_ns, slice_ms};
}

/* The time that the question had, for errors. */
static double seconds_allowed(const tries *t)
{
    return t->deadline_ns > t->begin_ns ? (double)(t->deadline_ns - t->begin_ns) * 1e-9 : 0;
}

/* The time of the next attempt; 0: none is left. */
static int next_try(const tries *t)
{
    int64_t left_ms = (t->deadline_ns - ark_wait_deadline(0) + 999999) / 1000000;
    return left_ms <= 0 ? 0 : left_ms < t->slice_ms ? (int)left_ms : t->slice_ms;
}

/* wait_ms, or the time until the deadline of the asker, if that is less. */
static int within_deadline(const ark_kafka_asker *asker, int wait_ms)
{
    int64_t left_ms = asker->deadline_ns
                          ? (asker->deadline_ns - ark_monotonic_ns() + 999999) / 1000000
                          : wait_ms;
    return left_ms <= 0 ? 0 : left_ms < wait_ms ? (int)left_ms : wait_ms;
}

static rd_kafka_t *topics_handle(const ark_kafka_asker *asker)
{
    return asker->topics ? asker->topics : asker->rk;
}

/* What a call need not outlast; NULL: it is waited for, whatever the cancel. */
static const atomic_bool *cancel_of_calls(const ark_kafka_asker *asker)
{
    return asker->leaves_calls ? asker->cancel : NULL;
}

static bool is_canceled(const ark_kafka_asker *asker)
{
    return asker->cancel && atomic_load(asker->cancel);
}

/* After an attempt failed: a slow broker gets twice the time; one that answered with an error may
 * just be making the topic, so wait a moment. */
static void prepare_next(tries *t, rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        t->slice_ms = t->slice_ms < LAST_SLICE_MS ? 2 * t->slice_ms : t->slice_ms;
    else
        ark_wait_fd(-1, ark_wait_deadline(PAUSE_MS));
}

/* Whether to end a question: it is canceled, or the login is refused. */
static arrakis_status check_asker(const ark_kafka_asker *asker, const char *what,
                                  arrakis_error *err)
{
    if (is_canceled(asker))
        return ark_fail(err, ARRAKIS_ECANCELED, "asking for %s: canceled", what);
    return asker->outage ? ark_kafka_outage_verdict(asker->outage, err) : ARRAKIS_OK;
}

/* Some broker has answered; `leader`: the one that was asked for offsets. */
static void note_answer(const ark_kafka_asker *asker, bool leader)
{
    if (asker->outage)
        ark_kafka_outage_understood(asker->outage);
    if (asker->heard) {
        asker->heard->broker = true;
        asker->heard->leader = asker->heard->leader || leader;
    }
}

/* ------------------------------------------------------------------ topics */

static arrakis_status no_answer(const ark_kafka_asker *asker, const tries *t, arrakis_error *err)
{
    char last[ARK_KAFKA_OUTAGE_TEXT] = "";
    if (asker->outage)
        ark_kafka_outage_last(asker->outage, last);
    return ark_fail(err, ARRAKIS_ECONNECT, "no broker answers within %g s%s%s", seconds_allowed(t),
                    *last ? "; the last failure was: " : "", last);
}

arrakis_status ark_kafka_query_topics(const ark_kafka_asker *asker, bool all,
                                      const struct rd_kafka_metadata **out, arrakis_error *err)
{
    tries t = begin_tries(asker);
    for (int wait_ms; (wait_ms = next_try(&t)) > 0;) {
        rd_kafka_resp_err_t code =
            ark_kafka_call_topics(topics_handle(asker), all, out, wait_ms, cancel_of_calls(asker));
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            note_answer(asker, false);
            return ARRAKIS_OK;
        }
        ARK_TRY(check_asker(asker, "topics", err));
        if (code != RD_KAFKA_RESP_ERR__TIMED_OUT && ark_kafka_status(code) != ARRAKIS_ECONNECT)
            return ark_fail(err, ark_kafka_status(code), "asking for topics: %s",
                            rd_kafka_err2str(code));
        prepare_next(&t, code);
    }
    return no_answer(asker, &t, err);
}

rd_kafka_resp_err_t ark_kafka_query_topic_state(const rd_kafka_metadata_topic_t *topic,
                                                int32_t *leader)
{
    *leader = -1;
    switch (topic->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
        return topic->err;
    default:
        return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    }
    for (int i = 0; i < topic->partition_cnt; i++)
        if (topic->partitions[i].id == 0) {
            *leader = topic->partitions[i].leader;
            return *leader < 0 ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
                               : RD_KAFKA_RESP_ERR_NO_ERROR;
        }
    return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/* ------------------------------------------------------------------ offsets */

/* A question and its answers so far. Several threads ask at a time; a thread holds the lock except
 * while it waits for an answer. */
typedef struct question {
    const ark_kafka_asker *asker;
    rd_kafka_topic_partition_list_t *list;
    pthread_mutex_t lock;
    int32_t *leaders;         /* of the entries, where `err` is _TIMED_OUT; -1: not to be asked */
    int each_ms;              /* the time for each leader */
    rd_kafka_resp_err_t last; /* why the last attempt failed */
    bool known;               /* some partition has an answer */
} question;

/* Whether an entry has no offset yet. */
static bool open_entry(const rd_kafka_topic_partition_t *entry)
{
    return entry->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool is_doubtful(const ark_kafka_asker *asker, int entry)
{
    return asker->all_doubtful || (asker->doubtful && asker->doubtful[entry]);
}

static void ask_for_entry(rd_kafka_topic_partition_list_t *asked,
                          rd_kafka_topic_partition_t *entry)
{
    rd_kafka_topic_partition_t *copy =
        rd_kafka_topic_partition_list_add(asked, entry->topic, entry->partition);
    copy->offset = entry->offset;
    copy->opaque = entry;
}

/* Ask once for these entries, with the lock held. Owns the list. */
static void ask_once(question *q, rd_kafka_topic_partition_list_t *asked, int wait_ms)
{
    int64_t begin_ns = ark_clock_steady_ns();
    pthread_mutex_unlock(&q->lock);
    rd_kafka_resp_err_t code =
        ark_kafka_call_offsets(q->asker->rk, &asked, wait_ms, cancel_of_calls(q->asker));
    pthread_mutex_lock(&q->lock);
    if (code)
        q->last = code;
    else
        note_answer(q->asker, true);
    for (int i = 0; !code && i < asked->cnt; i++) {
        rd_kafka_topic_partition_t *entry = asked->elems[i].opaque;
        entry->err = asked->elems[i].err;
        if (entry->err)
            q->last = entry->err;
        else
            entry->offset = asked->elems[i].offset;
        if (q->asker->when_ns)
            q->asker->when_ns[entry - q->list->elems] = begin_ns;
        q->known = q->known || !entry->err;
    }
    if (asked)
        rd_kafka_topic_partition_list_destroy(asked);
}

/* Ask all leaders in one request, without the doubtful entries. */
static void ask_together(question *q, int wait_ms)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_new(q->list->cnt);
    for (int i = 0; i < q->list->cnt; i++)
        if (open_entry(&q->list->elems[i]) && !is_doubtful(q->asker, i))
            ask_for_entry(asked, &q->list->elems[i]);
    if (!asked->cnt) {
        rd_kafka_topic_partition_list_destroy(asked);
        return;
    }
    pthread_mutex_lock(&q->lock);
    ask_once(q, asked, wait_ms);
    pthread_mutex_unlock(&q->lock);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const rd_kafka_metadata_topic_t *const *)a)->topic,
                  (*(const rd_kafka_metadata_topic_t *const *)b)->topic);
}

/* Note for each entry without an offset why it has none; or that its leader is silent, and which
 * one it is. */
static void note_states(question *q, const struct rd_kafka_metadata *metadata,
                        const rd_kafka_metadata_topic_t **sorted)
{
    size_t count = (size_t)metadata->topic_cnt;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &metadata->topics[i];
    qsort(sorted, count, sizeof *sorted, by_name);
    for (int i = 0; i < q->list->cnt; i++) {
        rd_kafka_topic_partition_t *entry = &q->list->elems[i];
        if (!open_entry(entry))
            continue;
        rd_kafka_metadata_topic_t wanted = {.topic = entry->topic};
        const rd_kafka_metadata_topic_t *key = &wanted;
        const rd_kafka_metadata_topic_t *const *found =
            bsearch(&key, sorted, count, sizeof *sorted, by_name);
        q->leaders[i] = -1;
        rd_kafka_resp_err_t state = found ? ark_kafka_query_topic_state(*found, &q->leaders[i])
                                          : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        entry->err = state ? state : RD_KAFKA_RESP_ERR__TIMED_OUT;
        q->known = q->known || state;
    }
}

static void classify_answer(question *q, int wait_ms)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = ark_kafka_call_topics(topics_handle(q->asker), false, &metadata,
                                                     wait_ms, cancel_of_calls(q->asker));
    if (code) {
        q->last = code;
        return;
    }
    note_answer(q->asker, false);
    const rd_kafka_metadata_topic_t **sorted =
        malloc(((size_t)metadata->topic_cnt + 1) * sizeof(const rd_kafka_metadata_topic_t *));
    if (sorted)
        note_states(q, metadata, sorted);
    free(sorted);
    rd_kafka_metadata_destroy(metadata);
}

static int leader_count(const question *q)
{
    int count = 0;
    for (int i = 0; i < q->list->cnt; i++) {
        bool first = q->leaders[i] >= 0;
        for (int k = 0; first && k < i; k++)
            first = q->leaders[k] != q->leaders[i];
        count += first;
    }
    return count;
}

/* The entries of the next leader, which is not asked again; NULL: there is none. With the lock
 * held. */
static rd_kafka_topic_partition_list_t *next_leader(const question *q)
{
    int32_t leader = -1;
    rd_kafka_topic_partition_list_t *asked = NULL;
    for (int i = 0; i < q->list->cnt; i++) {
        if (q->leaders[i] < 0 || (asked && q->leaders[i] != leader))
            continue;
        leader = q->leaders[i];
        q->leaders[i] = -1;
        asked = asked ? asked : rd_kafka_topic_partition_list_new(q->list->cnt);
        ask_for_entry(asked, &q->list->elems[i]);
    }
    return asked;
}

/* Ask the leaders that are left, one after the other. */
static void *ask_in_turn(void *opaque)
{
    question *q = opaque;
    rd_kafka_topic_partition_list_t *asked;
    int left_ms;
    pthread_mutex_lock(&q->lock);
    while (!is_canceled(q->asker) && (left_ms = within_deadline(q->asker, q->each_ms)) &&
           (asked = next_leader(q)))
        ask_once(q, asked, left_ms);
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

/* Ask each leader by itself, so that a silent one does not prevent the answers of others; and in
 * parallel, so that each has time to log in, and no answer is old when the last one arrives. */
static void ask_leaders(question *q, int wait_ms)
{
    for (int i = 0; i < q->list->cnt; i++)
        q->leaders[i] = -1;
    classify_answer(q, within_deadline(q->asker, wait_ms));
    int leaders = leader_count(q), rounds = (leaders + SIDE_BY_SIDE - 1) / SIDE_BY_SIDE;
    q->each_ms = rounds > 1 ? wait_ms / rounds : wait_ms;
    if (q->each_ms < LEAST_MS)
        q->each_ms = LEAST_MS;
    pthread_t threads[SIDE_BY_SIDE];
    int started = 0, wanted = leaders < SIDE_BY_SIDE ? leaders : SIDE_BY_SIDE;
    while (started < wanted - 1 && ark_thread_start(&threads[started], ask_in_turn, q))
        started++;
    ask_in_turn(q); /* this thread is one of them */
    while (started)
        pthread_join(threads[--started], NULL);
}

static size_t open_count(const question *q)
{
    size_t count = 0;
    for (int i = 0; i < q->list->cnt; i++)
        count += open_entry(&q->list->elems[i]);
    return count;
}

static void note_silent(const question *q)
{
    for (int i = 0; q->asker->heard && i < q->list->cnt; i++)
        if (q->list->elems[i].err == RD_KAFKA_RESP_ERR__TIMED_OUT)
            q->asker->heard->silent = true;
}

static arrakis_status ask_all(question *q, arrakis_error *err)
{
    const ark_kafka_asker *asker = q->asker;
    tries t = begin_tries(asker);
    for (int wait_ms; open_count(q) && (wait_ms = next_try(&t)) > 0;) {
        q->last = RD_KAFKA_RESP_ERR_NO_ERROR;
        ask_together(q, wait_ms);
        if (!open_count(q))
            break;
        if (!is_canceled(asker))
            ask_leaders(q, wait_ms);
        if (!open_count(q))
            break;
        ARK_TRY(check_asker(asker, "offsets", err));
        ark_log(ARRAKIS_LOG_DEBUG, "asking for offsets: %s", rd_kafka_err2str(q->last));
        if (q->known && ark_monotonic_ns() - t.begin_ns >= patience_ns)
            break;
        prepare_next(&t, q->last);
    }
    if (!open_count(q) || q->known)
        return ARRAKIS_OK;
    for (int i = 0; i < q->list->cnt; i++)
        if (ark_kafka_status(q->list->elems[i].err) == ARRAKIS_EAUTH)
            return ark_fail(err, ARRAKIS_EAUTH, "topic %s: %s", q->list->elems[i].topic,
                            rd_kafka_err2str(q->list->elems[i].err));
    if (!q->last) /* nobody could be asked in time */
        q->last = RD_KAFKA_RESP_ERR__TIMED_OUT;
    return ark_fail(
        err,
        q->last == RD_KAFKA_RESP_ERR__TIMED_OUT ? ARRAKIS_EDEADLINE : ark_kafka_status(q->last),
        "asking for offsets, for %g s: %s", seconds_allowed(&t), rd_kafka_err2str(q->last));
}

arrakis_status ark_kafka_query_offsets(const ark_kafka_asker *asker,
                                       rd_kafka_topic_partition_list_t *list, arrakis_error *err)
{
    if (!list->cnt)
        return ARRAKIS_OK;
    question q = {.asker = asker,
                  .list = list,
                  .lock = PTHREAD_MUTEX_INITIALIZER,
                  .last = RD_KAFKA_RESP_ERR__TIMED_OUT};
    if (!(q.leaders = malloc((size_t)list->cnt * sizeof *q.leaders)))
        return ark_no_memory(err, "%d partitions", list->cnt);
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].err = RD_KAFKA_RESP_ERR__TIMED_OUT;
        q.leaders[i] = -1;
    }
    arrakis_status rc = ask_all(&q, err);
    note_silent(&q);
    free(q.leaders);
    pthread_mutex_destroy(&q.lock);
    return rc;
}
