/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_ask.h"

#include "error.h"
#include "kafka_conf.h"
#include "log.h"
#include "wait.h"

/* One question's tries. */
typedef struct tries {
    int64_t deadline_ns;
    int slice_ms; /* how long one try may take */
} tries;

enum { FIRST_SLICE_MS = 100, PAUSE_MS = 100 };

static tries begin(const ark_kafka_asker *asker)
{
    int64_t ms = asker->timeout_ns / 1000000;
    return (tries){ark_wait_deadline(ms < 1           ? 1
                                     : ms > INT32_MAX ? INT32_MAX
                                                      : (int)ms),
                   FIRST_SLICE_MS};
}

/* The time for the next try; 0 when there is none left. */
static int next_try(const tries *t)
{
    int64_t left_ms = (t->deadline_ns - ark_wait_deadline(0) + 999999) / 1000000;
    return left_ms <= 0 ? 0 : left_ms < t->slice_ms ? (int)left_ms : t->slice_ms;
}

static bool canceled(const ark_kafka_asker *asker)
{
    return asker->cancel && atomic_load(asker->cancel);
}

/* A try has failed: a broker that is slow gets twice the time; one that answered with an error gets
 * a moment, as it may just be making the topic. */
static void prepare_next(tries *t, rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        t->slice_ms = t->slice_ms < INT32_MAX / 2 ? 2 * t->slice_ms : t->slice_ms;
    else
        ark_wait_fd(-1, ark_wait_deadline(PAUSE_MS));
}

arrakis_status ark_kafka_ask_topics(const ark_kafka_asker *asker, bool all,
                                    const struct rd_kafka_metadata **out, arrakis_error *err)
{
    tries t = begin(asker);
    for (int wait_ms; (wait_ms = next_try(&t)) > 0;) {
        rd_kafka_resp_err_t code = rd_kafka_metadata(asker->rk, all, NULL, out, wait_ms);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return ARRAKIS_OK;
        if (canceled(asker))
            return ark_fail(err, ARRAKIS_ECANCELED, "asking for topics: canceled");
        if (code != RD_KAFKA_RESP_ERR__TIMED_OUT && ark_kafka_status(code) != ARRAKIS_ECONNECT)
            return ark_fail(err, ark_kafka_status(code), "asking for topics: %s",
                            rd_kafka_err2str(code));
        prepare_next(&t, code);
    }
    return ark_fail(err, ARRAKIS_ECONNECT, "no broker answers within %g s",
                    (double)asker->timeout_ns * 1e-9);
}

static rd_kafka_resp_err_t ask_once(const ark_kafka_asker *asker,
                                    rd_kafka_topic_partition_list_t *list, int wait_ms)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(asker->rk, asked, wait_ms);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < asked->cnt; i++)
        code = asked->elems[i].err;
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < asked->cnt; i++)
        list->elems[i].offset = asked->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(asked);
    return code;
}

arrakis_status ark_kafka_ask_offsets(const ark_kafka_asker *asker,
                                     rd_kafka_topic_partition_list_t *list, arrakis_error *err)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    tries t = begin(asker);
    for (int wait_ms; list->cnt && (wait_ms = next_try(&t)) > 0;) {
        code = ask_once(asker, list, wait_ms);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return ARRAKIS_OK;
        if (canceled(asker))
            return ark_fail(err, ARRAKIS_ECANCELED, "asking for offsets: canceled");
        ark_log(ARRAKIS_LOG_DEBUG, "asking for offsets: %s", rd_kafka_err2str(code));
        prepare_next(&t, code);
    }
    if (!list->cnt)
        return ARRAKIS_OK;
    return ark_fail(
        err, code == RD_KAFKA_RESP_ERR__TIMED_OUT ? ARRAKIS_EDEADLINE : ark_kafka_status(code),
        "asking for offsets, for %g s: %s", (double)asker->timeout_ns * 1e-9,
        rd_kafka_err2str(code));
}
