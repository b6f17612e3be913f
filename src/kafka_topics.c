/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_topics.h"

#include "error.h"

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

arrakis_status ark_kafka_topics_find(const ark_kafka_asker *asker, rd_kafka_topic_t *const *topics,
                                     size_t count, bool *exists, arrakis_error *err)
{
    named *sorted = malloc((count + 1) * sizeof *sorted);
    if (!sorted)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (named){rd_kafka_topic_name(topics[i]), i};
        exists[i] = false;
    }
    qsort(sorted, count, sizeof *sorted, by_name);
    const struct rd_kafka_metadata *metadata;
    arrakis_status rc = ark_kafka_ask_topics(asker, false, &metadata, err);
    if (rc == ARRAKIS_OK) {
        mark_existing(metadata, sorted, count, exists);
        rd_kafka_metadata_destroy(metadata);
    }
    free(sorted);
    return rc;
}
