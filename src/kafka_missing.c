/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"
#include "kafka_reader.h"
#include "kafka_topics.h"
#include "log.h"

#include <stdlib.h>
#include <time.h>

enum { INTERVAL_S = 10 };

static const int64_t question_ns = ARRAKIS_SECOND_NS;

/* Wait for the next look, or for the order to stop (false). */
static bool wait_for_turn(ark_kafka_watch *watch)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += INTERVAL_S;
    pthread_mutex_lock(&watch->lock);
    while (!watch->stop && pthread_cond_timedwait(&watch->wake, &watch->lock, &until) == 0)
        ;
    bool go_on = !watch->stop;
    pthread_mutex_unlock(&watch->lock);
    return go_on;
}

/* Read the topics that have appeared, from their beginning (with a start) or end (live). */
static arrakis_status take_up(ark_kafka_reader *kafka, const bool *appeared, arrakis_error *err)
{
    rd_kafka_topic_partition_list_t *list;
    arrakis_status rc = ark_kafka_find_start(kafka, appeared, true, &list, err);
    if (rc < 0)
        return rc;
    rd_kafka_error_t *refused = rd_kafka_incremental_assign(kafka->rk, list);
    if (refused) {
        rc = ark_fail(err, ARRAKIS_EBROKER, "%s", rd_kafka_error_string(refused));
        rd_kafka_error_destroy(refused);
    }
    for (int i = 0; rc == ARRAKIS_OK && i < list->cnt; i++) {
        ark_kafka_partition *partition = list->elems[i].opaque;
        atomic_store(&partition->assigned, true);
        ark_log(ARRAKIS_LOG_INFO, "topic %s has appeared: reading it", list->elems[i].topic);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

/* Returns how many topics are still missing. */
static size_t look_again(ark_kafka_reader *kafka, rd_kafka_topic_t **topics, bool *exists)
{
    arrakis_error why;
    size_t count = kafka->head.stream_count, missing = 0, found = 0;
    ark_kafka_asker ask = {kafka->rk, question_ns, NULL};
    arrakis_status rc = ark_kafka_topics_find(&ask, topics, count, exists, &why);
    for (size_t i = 0; i < count; i++) {
        bool assigned = atomic_load(&kafka->partitions[i].assigned);
        exists[i] = rc == ARRAKIS_OK && exists[i] && !assigned;
        found += exists[i];
        missing += !assigned && !exists[i];
    }
    if (rc == ARRAKIS_OK && found && (rc = take_up(kafka, exists, &why)) < 0)
        missing += found;
    if (rc < 0)
        ark_log(ARRAKIS_LOG_DEBUG, "looking for missing topics: %s", why.message);
    return missing;
}

static void *watch_topics(void *opaque)
{
    ark_kafka_reader *kafka = opaque;
    size_t count = kafka->head.stream_count, missing = 1;
    rd_kafka_topic_t **topics = calloc(count, sizeof *topics);
    bool *exists = calloc(count, sizeof *exists);
    for (size_t i = 0; topics && i < count; i++)
        topics[i] = kafka->partitions[i].topic;
    while (topics && exists && missing && wait_for_turn(&kafka->watch))
        missing = look_again(kafka, topics, exists);
    free(topics);
    free(exists);
    return NULL;
}

arrakis_status ark_kafka_watch_start(ark_kafka_reader *kafka, arrakis_error *err)
{
    ark_kafka_watch *watch = &kafka->watch;
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->wake, &steady);
    pthread_condattr_destroy(&steady);
    watch->running = pthread_create(&watch->thread, NULL, watch_topics, kafka) == 0;
    if (watch->running)
        return ARRAKIS_OK;
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    return ark_fail(err, ARRAKIS_ENOMEM, "no thread to look for missing topics");
}

void ark_kafka_watch_stop(ark_kafka_reader *kafka)
{
    ark_kafka_watch *watch = &kafka->watch;
    if (!watch->running)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stop = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    watch->running = false;
}
