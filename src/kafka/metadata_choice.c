/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/metadata_choice.h"

#include "base/error.h"
#include "kafka/metadata.h"

#include <stdlib.h>
#include <string.h>

/* Whether a topic is of a requested publisher, or of any, if none are requested. */
static bool is_wanted(const char *name, const char *const *publishers, size_t count)
{
    if (strncmp(name, ARK_METADATA_PREFIX, strlen(ARK_METADATA_PREFIX)) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(name + strlen(ARK_METADATA_PREFIX), publishers[i]) == 0)
            return true;
    return count == 0;
}

static bool is_readable(const rd_kafka_metadata_topic_t *topic)
{
    return topic->err == RD_KAFKA_RESP_ERR_NO_ERROR && topic->partition_cnt == 1;
}

static int compare_topics(const void *a, const void *b)
{
    const rd_kafka_metadata_topic_t *x = *(const rd_kafka_metadata_topic_t *const *)a,
                                    *y = *(const rd_kafka_metadata_topic_t *const *)b;
    return is_readable(x) != is_readable(y) ? is_readable(y) - is_readable(x)
                                            : strcmp(x->topic, y->topic);
}

arrakis_status ark_metadata_choice_make(ark_metadata_choice *out,
                                        const struct rd_kafka_metadata *list,
                                        const char *const *publishers, size_t publisher_count,
                                        size_t most, arrakis_error *err)
{
    size_t count = list->topic_cnt > 0 ? (size_t)list->topic_cnt : 0;
    if (!most)
        most = ARK_METADATA_TOPICS_MAX;
    *out = (ark_metadata_choice){.wanted = calloc(count + 1, sizeof *out->wanted)};
    if (!out->wanted)
        return ark_no_memory(err, "%zu topics", count);
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(list->topics[i].topic, publishers, publisher_count))
            continue;
        out->wanted[out->count++] = &list->topics[i];
        out->readable += is_readable(&list->topics[i]);
    }
    out->chosen = out->readable < most ? out->readable : most;
    qsort(out->wanted, out->count, sizeof *out->wanted, compare_topics);
    return ARRAKIS_OK;
}

void ark_metadata_choice_clear(ark_metadata_choice *choice)
{
    free(choice->wanted);
    *choice = (ark_metadata_choice){0};
}
