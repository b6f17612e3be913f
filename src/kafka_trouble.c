/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_trouble.h"

#include "error.h"
#include "kafka_conf.h"
#include "log.h"
#include "wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A broker that is just going down may end a connection in a way that looks like a wrong protocol. */
static const int64_t suspicion_ns = 2 * ARRAKIS_SECOND_NS;

ark_kafka_trouble *ark_kafka_trouble_new(void)
{
    ark_kafka_trouble *trouble = calloc(1, sizeof *trouble);
    if (trouble) {
        pthread_mutex_init(&trouble->lock, NULL);
        trouble->broker = -1;
    }
    return trouble;
}

void ark_kafka_trouble_free(void *opaque)
{
    ark_kafka_trouble *trouble = opaque;
    if (!trouble)
        return;
    pthread_mutex_destroy(&trouble->lock);
    free(trouble);
}

/* The number in "host:port/2: text", or -1: the broker has not told it, or there is none. */
static int32_t broker_of(const char *what)
{
    const char *colon = strstr(what, ": "), *slash = colon;
    while (slash && slash > what && *slash != '/')
        slash--;
    int number, end = 0;
    if (!slash || *slash != '/' || sscanf(slash, "/%d: %n", &number, &end) != 1 || !end)
        return -1;
    return number;
}

void ark_kafka_trouble_note(ark_kafka_trouble *trouble, const char *what)
{
    pthread_mutex_lock(&trouble->lock);
    uint64_t times = ark_episode_note(&trouble->episode, arrakis_gps_now_ns());
    trouble->broker = broker_of(what);
    snprintf(trouble->last, sizeof trouble->last, "%s", what);
    atomic_store(&trouble->open, true);
    pthread_mutex_unlock(&trouble->lock);
    atomic_fetch_add(&trouble->count, 1);
    if (times)
        ark_log(ARRAKIS_LOG_WARNING, "%s (will go on trying; %llu since last said)", what,
                (unsigned long long)times);
}

/* What comes from other brokers than the one in trouble is no sign that its trouble is over. */
void ark_kafka_trouble_over(ark_kafka_trouble *trouble, const rd_kafka_message_t *message,
                            const char *url)
{
    if (!atomic_load_explicit(&trouble->open, memory_order_relaxed))
        return;
    uint64_t unsaid = 0;
    pthread_mutex_lock(&trouble->lock);
    bool over = trouble->broker < 0 || trouble->broker == rd_kafka_message_broker_id(message);
    if (over) {
        ark_episode_end(&trouble->episode, &unsaid);
        atomic_store(&trouble->open, false);
    }
    pthread_mutex_unlock(&trouble->lock);
    if (over)
        ark_log(ARRAKIS_LOG_INFO, "%s: reading again (%llu errors not said)", url,
                (unsigned long long)unsaid);
}

arrakis_status ark_kafka_trouble_verdict(ark_kafka_trouble *trouble, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    pthread_mutex_lock(&trouble->lock);
    if (trouble->refused)
        rc = ark_fail(err, ARRAKIS_EAUTH, "%s", trouble->last);
    else if (trouble->suspicious_ns && ark_monotonic_ns() - trouble->suspicious_ns > suspicion_ns)
        rc = ark_fail(err, ARRAKIS_EAUTH, "the broker does not take this security.protocol: %s",
                      trouble->last);
    pthread_mutex_unlock(&trouble->lock);
    return rc;
}

void ark_kafka_trouble_last(ark_kafka_trouble *trouble, char text[ARK_KAFKA_TROUBLE_TEXT])
{
    pthread_mutex_lock(&trouble->lock);
    memcpy(text, trouble->last, sizeof trouble->last);
    pthread_mutex_unlock(&trouble->lock);
}

/* Connections that break are noted for the verdict: librdkafka's texts are the one place where it
 * tells a refused login and a wrong protocol from a broker that is away. */
static void weigh(ark_kafka_trouble *trouble, const char *text)
{
    static const char *const refusals[] = {
        "authentication error",  "certificate verify failed", "Unsupported SASL mechanism",
        "unsupported mechanism", "Authentication failed",     "mechanism handshake failed"};
    static const char *const suspicions[] = {"security.protocol", "SSL handshake failed",
                                             "connecting to a", "not supported by broker",
                                             "Disconnected"};
    bool refused = false, suspicious = false, away = strstr(text, "Connect to ");
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        refused = refused || strstr(text, refusals[i]);
    for (size_t i = 0; i < sizeof suspicions / sizeof *suspicions; i++)
        suspicious = suspicious || strstr(text, suspicions[i]);
    pthread_mutex_lock(&trouble->lock);
    trouble->refused = trouble->refused || refused;
    if (away)
        trouble->suspicious_ns = 0;
    else if (suspicious && !trouble->suspicious_ns)
        trouble->suspicious_ns = ark_monotonic_ns();
    pthread_mutex_unlock(&trouble->lock);
}

/* Runs in librdkafka's threads. FAIL is a connection that broke or could not be made; ERROR repeats
 * it. */
static void take_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    bool failed = strcmp(facility, "FAIL") == 0;
    if (!failed && strcmp(facility, "ERROR") != 0) {
        ark_kafka_log(rk, level, facility, text);
        return;
    }
    ark_kafka_log(rk, 7, facility, text);
    /* no group is used: its coordinator's connection is idle, and closed by the broker in the end */
    if (!failed || strstr(text, "GroupCoordinator"))
        return;
    const char *end = *text == '[' ? strstr(text, "]: ") : NULL; /* its thread's name */
    weigh(rd_kafka_opaque(rk), text);
    ark_kafka_trouble_note(rd_kafka_opaque(rk), end ? end + 3 : text);
}

void ark_kafka_trouble_watch(ark_kafka_trouble *trouble, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_opaque(conf, trouble);
    rd_kafka_conf_set_log_cb(conf, take_log);
}
