/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_trouble.h"

#include "kafka_conf.h"
#include "log.h"

#include <string.h>

void ark_kafka_trouble_init(ark_kafka_trouble *trouble)
{
    *trouble = (ark_kafka_trouble){.episode = {0}};
    pthread_mutex_init(&trouble->lock, NULL);
}

void ark_kafka_trouble_clear(ark_kafka_trouble *trouble)
{
    pthread_mutex_destroy(&trouble->lock);
}

void ark_kafka_trouble_note(ark_kafka_trouble *trouble, const char *what)
{
    pthread_mutex_lock(&trouble->lock);
    uint64_t times = ark_episode_note(&trouble->episode, arrakis_gps_now_ns());
    atomic_store(&trouble->open, true);
    pthread_mutex_unlock(&trouble->lock);
    atomic_fetch_add(&trouble->count, 1);
    if (times)
        ark_log(ARRAKIS_LOG_WARNING, "%s (will go on trying; %llu since last said)", what,
                (unsigned long long)times);
}

void ark_kafka_trouble_over(ark_kafka_trouble *trouble, const char *url)
{
    if (!atomic_load_explicit(&trouble->open, memory_order_relaxed))
        return;
    uint64_t unsaid;
    pthread_mutex_lock(&trouble->lock);
    ark_episode_end(&trouble->episode, &unsaid);
    atomic_store(&trouble->open, false);
    pthread_mutex_unlock(&trouble->lock);
    ark_log(ARRAKIS_LOG_INFO, "%s: reading again (%llu errors not said)", url,
            (unsigned long long)unsaid);
}

/* Runs in librdkafka's threads. FAIL is a connection that broke or could not be made; ERROR says
 * the same again. */
static void take_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    bool failed = strcmp(facility, "FAIL") == 0;
    if (!failed && strcmp(facility, "ERROR") != 0) {
        ark_kafka_log(rk, level, facility, text);
        return;
    }
    ark_kafka_log(rk, 7, facility, text);
    if (failed)
        ark_kafka_trouble_note(rd_kafka_opaque(rk), text);
}

void ark_kafka_trouble_watch(ark_kafka_trouble *trouble, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_opaque(conf, trouble);
    rd_kafka_conf_set_log_cb(conf, take_log);
}
