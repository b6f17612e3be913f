/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/topics.h"

#include "base/error.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

typedef struct named {
    const char *name;
    size_t number;
} named;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static arrakis_status note_states(const rd_kafka_metadata_t *metadata, const named *sorted,
                                  size_t count, bool first, rd_kafka_resp_err_t *states,
                                  arrakis_error *err)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const rd_kafka_metadata_topic_t *topic = &metadata->topics[i];
        named key = {topic->topic, 0};
        const named *found = bsearch(&key, sorted, count, sizeof key, by_name);
        int32_t leader;
        if (!found)
            continue;
        states[found->number] = ark_kafka_query_topic_state(topic, &leader);
        if (first && states[found->number] == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            return ark_fail(err, ARRAKIS_EAUTH, "topic %s: %s", topic->topic,
                            rd_kafka_err2str(topic->err));
        if (first && topic->partition_cnt > 1)
            ark_log(ARRAKIS_LOG_WARNING,
                    "topic %s has %d partitions: only what is in the first one is read",
                    topic->topic, topic->partition_cnt);
    }
    return ARRAKIS_OK;
}

arrakis_status ark_kafka_topics_find(const ark_kafka_asker *asker, rd_kafka_topic_t *const *topics,
                                     size_t count, bool first, rd_kafka_resp_err_t *states,
                                     arrakis_error *err)
{
    named *sorted = malloc((count + 1) * sizeof *sorted);
    if (!sorted)
        return ark_no_memory(err, "%zu topics", count);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (named){rd_kafka_topic_name(topics[i]), i};
        states[i] = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    }
    qsort(sorted, count, sizeof *sorted, by_name);
    const struct rd_kafka_metadata *metadata;
    arrakis_status rc = ark_kafka_query_topics(asker, false, &metadata, err);
    if (rc == ARRAKIS_OK) {
        rc = note_states(metadata, sorted, count, first, states, err);
        rd_kafka_metadata_destroy(metadata);
    }
    free(sorted);
    return rc;
}
