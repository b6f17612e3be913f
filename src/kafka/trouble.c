/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/trouble.h"

#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "kafka/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A broker that shuts down may end connections as if the protocol were wrong. */
static const int64_t suspicion_ns = 2 * ARRAKIS_SECOND_NS;

ark_kafka_trouble *ark_kafka_trouble_new(ark_token_source tokens)
{
    ark_kafka_trouble *trouble = calloc(1, sizeof *trouble);
    if (trouble) {
        pthread_mutex_init(&trouble->lock, NULL);
        ark_kafka_token_init(&trouble->own_token, tokens);
        trouble->token = &trouble->own_token;
        trouble->broker = trouble->wake_fd = -1;
    }
    return trouble;
}

ark_kafka_trouble *ark_kafka_trouble_beside(ark_kafka_trouble *other)
{
    ark_kafka_trouble *trouble = ark_kafka_trouble_new((ark_token_source){NULL, NULL});
    if (trouble)
        trouble->token = other->token;
    return trouble;
}

void ark_kafka_trouble_free(void *opaque)
{
    ark_kafka_trouble *trouble = opaque;
    if (!trouble)
        return;
    ark_kafka_token_clear(&trouble->own_token);
    pthread_mutex_destroy(&trouble->lock);
    free(trouble);
}

void ark_kafka_trouble_close(ark_kafka_trouble *trouble)
{
    ark_kafka_trouble_wake(trouble, -1);
    ark_kafka_token_close(trouble->token);
}

void ark_kafka_trouble_wake(ark_kafka_trouble *trouble, int fd)
{
    pthread_mutex_lock(&trouble->lock);
    trouble->wake_fd = fd;
    pthread_mutex_unlock(&trouble->lock);
}

/* The number in "host:port/2: text"; -1: there is none. */
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
    uint64_t times = ark_log_limit_note(&trouble->limit, arrakis_gps_now_ns());
    trouble->broker = broker_of(what);
    snprintf(trouble->last, sizeof trouble->last, "%s", what);
    atomic_store(&trouble->open, true);
    pthread_mutex_unlock(&trouble->lock);
    atomic_fetch_add(&trouble->count, 1);
    if (times)
        ark_log(ARRAKIS_LOG_WARNING, "%s (retrying; %llu since the last report)", what,
                (unsigned long long)times);
}

void ark_kafka_trouble_end(ark_kafka_trouble *trouble, const char *url, const char *what)
{
    if (!atomic_load_explicit(&trouble->open, memory_order_relaxed))
        return;
    uint64_t unlogged = 0;
    pthread_mutex_lock(&trouble->lock);
    ark_log_limit_end(&trouble->limit, &unlogged);
    atomic_store(&trouble->open, false);
    *trouble->refusal = 0;
    pthread_mutex_unlock(&trouble->lock);
    ark_log(ARRAKIS_LOG_INFO, "%s: %s (%llu errors not logged)", url, what,
            (unsigned long long)unlogged);
}

/* Data from other brokers than the one in trouble does not show that its trouble is over. */
void ark_kafka_trouble_over(ark_kafka_trouble *trouble, const rd_kafka_message_t *message,
                            const char *url)
{
    if (!atomic_load_explicit(&trouble->open, memory_order_relaxed))
        return;
    pthread_mutex_lock(&trouble->lock);
    bool over = trouble->broker < 0 || trouble->broker == rd_kafka_message_broker_id(message);
    pthread_mutex_unlock(&trouble->lock);
    if (over)
        ark_kafka_trouble_end(trouble, url, "reading again");
}

arrakis_status ark_kafka_trouble_verdict(ark_kafka_trouble *trouble, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    pthread_mutex_lock(&trouble->lock);
    if (*trouble->refusal)
        rc = ark_fail(err, ARRAKIS_EAUTH, "%s", trouble->refusal);
    else if (trouble->suspicious_ns && ark_monotonic_ns() - trouble->suspicious_ns > suspicion_ns)
        rc = ark_fail(err, ARRAKIS_EAUTH, "the broker does not take this security.protocol: %s",
                      trouble->last);
    pthread_mutex_unlock(&trouble->lock);
    return rc;
}

arrakis_status ark_kafka_trouble_refusal(ark_kafka_trouble *trouble, arrakis_error *err)
{
    pthread_mutex_lock(&trouble->lock);
    arrakis_status rc =
        *trouble->refusal ? ark_fail(err, ARRAKIS_EAUTH, "%s", trouble->refusal) : ARRAKIS_OK;
    pthread_mutex_unlock(&trouble->lock);
    return rc;
}

void ark_kafka_trouble_answered(ark_kafka_trouble *trouble)
{
    pthread_mutex_lock(&trouble->lock);
    *trouble->refusal = 0;
    trouble->suspicious_ns = 0;
    pthread_mutex_unlock(&trouble->lock);
}

void ark_kafka_trouble_last(ark_kafka_trouble *trouble, char text[ARK_KAFKA_TROUBLE_TEXT])
{
    pthread_mutex_lock(&trouble->lock);
    memcpy(text, trouble->last, sizeof trouble->last);
    pthread_mutex_unlock(&trouble->lock);
}

/* Whether TLS ended with an alert about a certificate: 42 to 49 are about certificates and access,
 * 116 requires one. */
static bool is_alert(const char *text)
{
    static const char words[] = "SSL alert number ";
    const char *at = strstr(text, words);
    long number = at ? strtol(at + strlen(words), NULL, 10) : 0;
    return (number >= 42 && number <= 49) || number == 116;
}

bool ark_kafka_trouble_is_refusal(const char *text)
{
    static const char *const refusals[] = {
        "authentication error",  "certificate verify failed", "Unsupported SASL mechanism",
        "unsupported mechanism", "Authentication failed",     "mechanism handshake failed"};
    bool refused = is_alert(text);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        refused = refused || strstr(text, refusals[i]);
    return refused && !strstr(text, "failed: Local: ");
}

static void note_refusal(ark_kafka_trouble *trouble, const char *text)
{
    snprintf(trouble->refusal, sizeof trouble->refusal, "%s", text);
    atomic_store(&trouble->news, true);
    if (trouble->wake_fd >= 0)
        ark_event_set(trouble->wake_fd);
}

/* Note a broken connection for the verdict. Only the texts of librdkafka distinguish a refused
 * login and a wrong protocol from a broker that is not reachable. */
static void note_failure(ark_kafka_trouble *trouble, const char *text)
{
    static const char *const suspicions[] = {"security.protocol", "SSL handshake failed",
                                             "connecting to a", "not supported by broker",
                                             "Disconnected"};
    bool suspicious = false, away = strstr(text, "Connect to ");
    for (size_t i = 0; i < sizeof suspicions / sizeof *suspicions; i++)
        suspicious = suspicious || strstr(text, suspicions[i]);
    pthread_mutex_lock(&trouble->lock);
    if (ark_kafka_trouble_is_refusal(text))
        note_refusal(trouble, text);
    if (away)
        trouble->suspicious_ns = 0;
    else if (suspicious && !trouble->suspicious_ns)
        trouble->suspicious_ns = ark_monotonic_ns();
    pthread_mutex_unlock(&trouble->lock);
}

/* librdkafka got no new token, and asks again in ten seconds. Connections that are logged in
 * continue until the last token expires. */
static void take_missing_token(ark_kafka_trouble *trouble, const char *text)
{
    pthread_mutex_lock(&trouble->lock);
    note_refusal(trouble, text);
    uint64_t times = ark_log_limit_note(&trouble->missing_token, arrakis_gps_now_ns());
    pthread_mutex_unlock(&trouble->lock);
    atomic_fetch_add(&trouble->count, 1);
    if (times)
        ark_log(ARRAKIS_LOG_WARNING, "%s (retrying; %llu since the last report)", text,
                (unsigned long long)times);
}

/* The text of a line of the log of librdkafka, after the name of its thread. */
static const char *without_thread(const char *text)
{
    const char *end = *text == '[' ? strstr(text, "]: ") : NULL;
    return end ? end + 3 : text;
}

/* The text of a connection that broke or failed; NULL: it need not be logged. */
static const char *take_failure(ark_kafka_trouble *trouble, const char *facility, const char *text)
{
    const char *matter = without_thread(text);
    /* no group is used: the idle connection to its coordinator is closed by the broker after some
     * time */
    if (strcmp(facility, "FAIL") != 0 || strstr(text, "GroupCoordinator"))
        return NULL;
    note_failure(trouble, matter);
    return matter;
}

/* The log callback, which runs in threads of librdkafka. FAIL is about a connection; ERROR repeats
 * it, or is about tokens. */
static void take_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    bool failed = strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0;
    ark_kafka_conf_log(rk, failed ? 7 : level, facility, text);
    if (strcmp(facility, "ERROR") == 0 && strstr(text, "OAUTHBEARER token")) {
        take_missing_token(rd_kafka_opaque(rk), without_thread(text));
        return;
    }
    const char *matter = take_failure(rd_kafka_opaque(rk), facility, text);
    if (matter)
        ark_kafka_trouble_note(rd_kafka_opaque(rk), matter);
}

static void take_log_quietly(const rd_kafka_t *rk, int level, const char *facility,
                             const char *text)
{
    (void)level;
    ark_kafka_conf_log(rk, 7, facility, text);
    take_failure(rd_kafka_opaque(rk), facility, text);
}

static void refresh_token(rd_kafka_t *rk, const char *config, void *opaque)
{
    (void)config;
    ark_kafka_trouble *trouble = opaque;
    ark_kafka_token_refresh(trouble->token, rk);
}

arrakis_status ark_kafka_trouble_watch(ark_kafka_trouble *trouble, rd_kafka_conf_t *conf,
                                       bool quietly, arrakis_error *err)
{
    bool tokens = trouble->token->source.fn;
    rd_kafka_conf_set_opaque(conf, trouble);
    rd_kafka_conf_set_log_cb(conf, quietly ? take_log_quietly : take_log);
    if (tokens)
        rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, refresh_token);
    return ark_kafka_token_check(conf, tokens, err);
}
