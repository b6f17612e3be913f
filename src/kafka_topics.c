/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_topics.h"

#include "error.h"
#include "kafka_conf.h"
#include "log.h"
#include "wait.h"

#include <stdlib.h>
#include <string.h>

static int milliseconds(int64_t ns)
{
    return ns < 1000000 ? 1 : (int)(ns / 1000000);
}

typedef struct named {
    const char *name;
    size_t number;
} named;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static void mark_existing(const rd_kafka_metadata_t *metadata, const named *sorted, size_t count,
                          bool *exists)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const rd_kafka_metadata_topic_t *topic = &metadata->topics[i];
        named key = {topic->topic, 0};
        const named *found = bsearch(&key, sorted, count, sizeof key, by_name);
        if (found && topic->err == RD_KAFKA_RESP_ERR_NO_ERROR && topic->partition_cnt > 0)
            exists[found->number] = true;
    }
}

arrakis_status ark_kafka_topics_find(rd_kafka_t *rk, rd_kafka_topic_t *const *topics, size_t count,
                                     bool *exists, int64_t timeout_ns, arrakis_error *err)
{
    named *sorted = malloc((count + 1) * sizeof *sorted);
    if (!sorted)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (named){rd_kafka_topic_name(topics[i]), i};
        exists[i] = false;
    }
    qsort(sorted, count, sizeof *sorted, by_name);
    const struct rd_kafka_metadata *metadata = NULL;
    /* 0: the topics that this handle knows, which are these */
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, NULL, &metadata, milliseconds(timeout_ns));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        mark_existing(metadata, sorted, count, exists);
        rd_kafka_metadata_destroy(metadata);
    }
    free(sorted);
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return ark_fail(err, ARRAKIS_ECONNECT, "no broker answered within %.1f s",
                        (double)timeout_ns * 1e-9);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ark_fail(err, ark_kafka_status(code), "asking for topics: %s",
                        rd_kafka_err2str(code));
    return ARRAKIS_OK;
}

static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err)
            return list->elems[i].err;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

arrakis_status ark_kafka_topics_offsets(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                        int64_t timeout_ns, arrakis_error *err)
{
    enum { PAUSE_MS = 100 }; /* between tries: a broker that just made a topic needs a moment */
    if (!list->cnt)
        return ARRAKIS_OK;
    int64_t deadline_ns = ark_wait_deadline(milliseconds(timeout_ns));
    for (;;) {
        rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
        rd_kafka_resp_err_t code =
            rd_kafka_offsets_for_times(rk, asked, milliseconds(timeout_ns));
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            code = first_error(asked);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            for (int i = 0; i < list->cnt; i++)
                list->elems[i].offset = asked->elems[i].offset;
        rd_kafka_topic_partition_list_destroy(asked);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return ARRAKIS_OK;
        if (ark_wait_deadline(0) >= deadline_ns)
            return ark_fail(err, ark_kafka_status(code), "looking up offsets: %s",
                            rd_kafka_err2str(code));
        ark_log(ARRAKIS_LOG_DEBUG, "looking up offsets again: %s", rd_kafka_err2str(code));
        ark_wait_fd(-1, ark_wait_deadline(PAUSE_MS));
    }
}
