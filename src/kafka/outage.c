/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/outage.h"

#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "kafka/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the place of a broker's number. */
enum { ANY = -1, COORDINATOR = -2 };

/* A broker that shuts down may end connections as if the protocol were wrong: so the protocol is
 * only wrong if no other connection leads to an answer for some time. Where the broker spoke the
 * protocol and ended the connection afterwards, the time is longer: it requires a login, or it shuts
 * down and librdkafka has to find another one. */
static const int64_t suspicion_ns = 2 * ARRAKIS_SECOND_NS;
static const int64_t suspicion_up_ns = 5 * ARRAKIS_SECOND_NS;

ark_kafka_outage *ark_kafka_outage_new(ark_token_source tokens)
{
    ark_kafka_outage *outage = calloc(1, sizeof *outage);
    if (outage) {
        pthread_mutex_init(&outage->lock, NULL);
        ark_token_gate_init(&outage->own_token, tokens);
        outage->token = &outage->own_token;
        outage->broker = ANY;
        outage->wake_fd = -1;
    }
    return outage;
}

ark_kafka_outage *ark_kafka_outage_beside(ark_kafka_outage *other)
{
    ark_kafka_outage *outage = ark_kafka_outage_new((ark_token_source){NULL, NULL});
    if (outage)
        outage->token = other->token;
    return outage;
}

void ark_kafka_outage_free(void *opaque)
{
    ark_kafka_outage *outage = opaque;
    if (!outage)
        return;
    ark_token_gate_clear(&outage->own_token);
    pthread_mutex_destroy(&outage->lock);
    free(outage);
}

void ark_kafka_outage_close(ark_kafka_outage *outage)
{
    ark_kafka_outage_wake(outage, -1);
    ark_token_gate_close(outage->token);
}

void ark_kafka_outage_wake(ark_kafka_outage *outage, int fd)
{
    pthread_mutex_lock(&outage->lock);
    outage->wake_fd = fd;
    pthread_mutex_unlock(&outage->lock);
}

/* The number in "host:port/2: text"; ANY: there is none. */
static int32_t broker_of(const char *what)
{
    const char *colon = strstr(what, ": "), *slash = colon;
    while (slash && slash > what && *slash != '/')
        slash--;
    int number, end = 0;
    if (!slash || *slash != '/' || sscanf(slash, "/%d: %n", &number, &end) != 1 || !end)
        return ANY;
    return number;
}

/* Whether a line of the log is about the connection to the coordinator of a group. */
static bool is_coordinator(const char *text)
{
    return strstr(text, "GroupCoordinator");
}

void ark_kafka_outage_note(ark_kafka_outage *outage, const char *what)
{
    pthread_mutex_lock(&outage->lock);
    uint64_t times = ark_log_limit_note(&outage->limit, arrakis_gps_now_ns());
    outage->broker = is_coordinator(what) ? COORDINATOR : broker_of(what);
    snprintf(outage->last, sizeof outage->last, "%s", what);
    atomic_store(&outage->open, true);
    pthread_mutex_unlock(&outage->lock);
    atomic_fetch_add(&outage->count, 1);
    if (times)
        ark_log(ARRAKIS_LOG_WARNING, "%s (retrying; %llu since the last report)", what,
                (unsigned long long)times);
}

void ark_kafka_outage_end(ark_kafka_outage *outage, const char *url, const char *what)
{
    if (!atomic_load_explicit(&outage->open, memory_order_relaxed))
        return;
    uint64_t unlogged = 0;
    pthread_mutex_lock(&outage->lock);
    ark_log_limit_end(&outage->limit, &unlogged);
    atomic_store(&outage->open, false);
    *outage->refusal = 0;
    pthread_mutex_unlock(&outage->lock);
    ark_log(ARRAKIS_LOG_INFO, "%s: %s (%llu errors not logged)", url, what,
            (unsigned long long)unlogged);
}

/* Data from other brokers than the one that failed does not show that the outage is over. */
void ark_kafka_outage_over(ark_kafka_outage *outage, const rd_kafka_message_t *message,
                           const char *url)
{
    if (!atomic_load_explicit(&outage->open, memory_order_relaxed))
        return;
    pthread_mutex_lock(&outage->lock);
    bool over = outage->broker == ANY || outage->broker == rd_kafka_message_broker_id(message);
    pthread_mutex_unlock(&outage->lock);
    if (over)
        ark_kafka_outage_end(outage, url, "reading again");
}

void ark_kafka_outage_coordinated(ark_kafka_outage *outage, const char *url)
{
    if (!atomic_load_explicit(&outage->open, memory_order_relaxed))
        return;
    pthread_mutex_lock(&outage->lock);
    bool over = outage->broker == COORDINATOR;
    pthread_mutex_unlock(&outage->lock);
    if (over)
        ark_kafka_outage_end(outage, url, "the group's coordinator answers again");
}

arrakis_status ark_kafka_outage_verdict(ark_kafka_outage *outage, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    pthread_mutex_lock(&outage->lock);
    if (*outage->refusal)
        rc = ark_fail(err, ARRAKIS_EAUTH, "%s", outage->refusal);
    else if (outage->suspected_ns && ark_monotonic_ns() > outage->suspected_ns)
        rc = ark_fail(err, ARRAKIS_EAUTH, "the broker does not take this security.protocol: %s",
                      outage->last);
    pthread_mutex_unlock(&outage->lock);
    return rc;
}

arrakis_status ark_kafka_outage_refusal(ark_kafka_outage *outage, arrakis_error *err)
{
    pthread_mutex_lock(&outage->lock);
    arrakis_status rc =
        *outage->refusal ? ark_fail(err, ARRAKIS_EAUTH, "%s", outage->refusal) : ARRAKIS_OK;
    pthread_mutex_unlock(&outage->lock);
    return rc;
}

void ark_kafka_outage_answered(ark_kafka_outage *outage)
{
    pthread_mutex_lock(&outage->lock);
    *outage->refusal = 0;
    pthread_mutex_unlock(&outage->lock);
    ark_kafka_outage_understood(outage);
}

void ark_kafka_outage_understood(ark_kafka_outage *outage)
{
    pthread_mutex_lock(&outage->lock);
    outage->understood = true;
    outage->suspected_ns = 0;
    pthread_mutex_unlock(&outage->lock);
}

void ark_kafka_outage_last(ark_kafka_outage *outage, char text[ARK_KAFKA_OUTAGE_TEXT])
{
    pthread_mutex_lock(&outage->lock);
    memcpy(text, outage->last, sizeof outage->last);
    pthread_mutex_unlock(&outage->lock);
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

bool ark_kafka_outage_is_refusal(const char *text)
{
    static const char *const refusals[] = {
        "authentication error",  "certificate verify failed", "Unsupported SASL mechanism",
        "unsupported mechanism", "Authentication failed",     "mechanism handshake failed"};
    bool refused = is_alert(text);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        refused = refused || strstr(text, refusals[i]);
    return refused && !strstr(text, "failed: Local: ");
}

static void note_refusal(ark_kafka_outage *outage, const char *text)
{
    snprintf(outage->refusal, sizeof outage->refusal, "%s", text);
    atomic_store(&outage->news, true);
    if (outage->wake_fd >= 0)
        ark_event_set(outage->wake_fd);
}

/* Note a broken connection for the verdict. Only the texts of librdkafka distinguish a refused
 * login and a wrong protocol from a broker that is not reachable. */
static void note_failure(ark_kafka_outage *outage, const char *text)
{
    static const char *const suspicions[] = {"security.protocol", "SSL handshake failed",
                                             "connecting to a", "not supported by broker",
                                             "Disconnected"};
    bool suspicious = false, away = strstr(text, "Connect to ");
    for (size_t i = 0; i < sizeof suspicions / sizeof *suspicions; i++)
        suspicious = suspicious || strstr(text, suspicions[i]);
    pthread_mutex_lock(&outage->lock);
    if (ark_kafka_outage_is_refusal(text))
        note_refusal(outage, text);
    if (away)
        outage->suspected_ns = 0;
    else if (suspicious && !outage->understood && !outage->suspected_ns)
        outage->suspected_ns =
            ark_monotonic_ns() + (strstr(text, "in state UP") ? suspicion_up_ns : suspicion_ns);
    pthread_mutex_unlock(&outage->lock);
}

/* librdkafka got no new token, and asks again in ten seconds. Connections that are logged in
 * continue until the last token expires. */
static void take_missing_token(ark_kafka_outage *outage, const char *text)
{
    pthread_mutex_lock(&outage->lock);
    note_refusal(outage, text);
    uint64_t times = ark_log_limit_note(&outage->missing_token, arrakis_gps_now_ns());
    pthread_mutex_unlock(&outage->lock);
    atomic_fetch_add(&outage->count, 1);
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
static const char *take_failure(ark_kafka_outage *outage, const char *facility, const char *text)
{
    const char *matter = without_thread(text);
    /* where no group is used, the idle connection to its coordinator is closed by the broker after
     * some time */
    if (strcmp(facility, "FAIL") != 0 || (!outage->grouped && is_coordinator(text)))
        return NULL;
    note_failure(outage, matter);
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
        ark_kafka_outage_note(rd_kafka_opaque(rk), matter);
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
    ark_kafka_outage *outage = opaque;
    ark_kafka_token_refresh(outage->token, rk);
}

arrakis_status ark_kafka_outage_watch(ark_kafka_outage *outage, rd_kafka_conf_t *conf,
                                      bool quietly, arrakis_error *err)
{
    bool tokens = outage->token->source.fn;
    rd_kafka_conf_set_opaque(conf, outage);
    rd_kafka_conf_set_log_cb(conf, quietly ? take_log_quietly : take_log);
    if (tokens)
        rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, refresh_token);
    return ark_kafka_token_check(conf, tokens, err);
}
