/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/conf.h"

#include "base/error.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* ---- the broker list */

/* The protocol that librdkafka takes before a host, with its "://"; 0 when it is none of them. */
static size_t protocol_size(const char *entry, size_t size)
{
    static const char *const names[] = {"plaintext://", "ssl://", "sasl_plaintext://",
                                        "sasl_ssl://"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (length <= size && strncasecmp(names[i], entry, length) == 0)
            return length;
    }
    return 0;
}

static const char *port_fault(const char *text, size_t size)
{
    unsigned port = 0;
    for (size_t i = 0; i < size && port <= 65535; i++) {
        if (text[i] < '0' || text[i] > '9')
            return "its port is not a number";
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port >= 1 && port <= 65535 ? NULL : "its port is not in 1 to 65535";
}

/* librdkafka itself reports what it cannot use only in its log, later. A port that is left out is
 * 9092, as with librdkafka. */
const char *ark_kafka_entry_fault(const char *entry, size_t size)
{
    if (!size)
        return "an entry is empty";
    if (memmem(entry, size, "://", 3)) {
        size_t skip = protocol_size(entry, size);
        if (!skip)
            return "its protocol is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL";
        entry += skip;
        size -= skip;
    }
    size_t host;
    if (size && *entry == '[') {
        host = 1 + strspn(entry + 1, ALNUM ":.%-_");
        if (host < 2 || host >= size || entry[host] != ']')
            return "its brackets do not hold an IPv6 address";
        host++;
    } else {
        if (memchr(entry, ':', size) != memrchr(entry, ':', size))
            return "it has several colons (an IPv6 address stands in brackets)";
        host = size ? strspn(entry, ALNUM ".-_") : 0;
        if (!host || (host < size && entry[host] != ':'))
            return "a host has letters, digits, '.', '-' and '_' only";
    }
    if (host == size)
        return NULL;
    if (entry[host] != ':')
        return "its brackets are not followed by a port";
    return port_fault(entry + host + 1, size - host - 1);
}

/* "kafka://", as brokers are written where there are other URLs: librdkafka does not know it. */
static size_t scheme_size(const char *entry)
{
    static const char scheme[] = "kafka://";
    return strncasecmp(entry, scheme, strlen(scheme)) == 0 ? strlen(scheme) : 0;
}

arrakis_status ark_kafka_check_url(const char *url, arrakis_error *err)
{
    if (!url || !*url)
        return ark_fail(err, ARRAKIS_EINVAL, "no broker given; wanted \"host:port\"");
    for (const char *entry = url;; entry++) {
        entry += scheme_size(entry);
        size_t size = strcspn(entry, ",");
        const char *fault = ark_kafka_entry_fault(entry, size);
        if (fault)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "broker \"%.*s\": %s; wanted \"host:port\", several separated by "
                            "commas without spaces",
                            size < 100 ? (int)size : 100, entry, fault);
        entry += size;
        if (!*entry)
            return ARRAKIS_OK;
    }
}

/* A broker list as librdkafka takes it; to be freed. NULL: out of memory. */
static char *without_scheme(const char *url)
{
    char *list = malloc(strlen(url) + 1), *to = list;
    while (to && *url) {
        url += scheme_size(url);
        size_t size = strcspn(url, ",");
        size += url[size] == ',';
        memcpy(to, url, size);
        to += size;
        url += size;
    }
    if (to)
        *to = '\0';
    return list;
}

/* ---- handles */

/* Runs in librdkafka's threads. Its levels are syslog's. Without an error callback its errors come
 * here too; it holds back repetitions itself. */
void ark_kafka_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    arrakis_log_level ours = level <= 3   ? ARRAKIS_LOG_ERROR
                             : level == 4 ? ARRAKIS_LOG_WARNING
                             : level <= 6 ? ARRAKIS_LOG_INFO
                                          : ARRAKIS_LOG_DEBUG;
    /* A broker older than 0.11, as the mock one claims to be: said of every request. And what has not been
     * answered in time: some questions are given up early, and a connection that is has a line of its own. */
    if (strcmp(facility, "AUTOCREATE") == 0 || strcmp(facility, "REQTMOUT") == 0)
        ours = ARRAKIS_LOG_DEBUG;
    ark_log(ours, "librdkafka: %s: %s", facility, text);
}

/* Our message gives the name alone: a value may be a password. */
static arrakis_status set(rd_kafka_conf_t *conf, const char *name, const char *value,
                          bool optional, arrakis_error *err)
{
    char text[256];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, text, sizeof text);
    if (result == RD_KAFKA_CONF_OK || (result == RD_KAFKA_CONF_UNKNOWN && optional))
        return ARRAKIS_OK;
    if (result == RD_KAFKA_CONF_UNKNOWN)
        return ark_fail(err, ARRAKIS_EINVAL, "librdkafka %s has no property \"%.100s\"",
                        rd_kafka_version_str(), name);
    return ark_fail(err, ARRAKIS_EINVAL, "property \"%.100s\": %s", name, text);
}

/* What every handle is told: with librdkafka's own values a node that hangs, or a connection to it that
 * does not come about, holds up for 30 to 60 s what the other nodes have. */
static const ark_kafka_property of_all[] = {
    {"socket.timeout.ms", "6000", false},
    {"socket.connection.setup.timeout.ms", "6000", false},
    {"reconnect.backoff.max.ms", "1000", false},
    {"socket.nagle.disable", "true", false},
    /* librdkafka 2.5 and later would send brokers figures that nobody has asked for, and closing waits
     * for the last of them: a second, with a broker that takes none */
    {"enable.metrics.push", "false", true},
};

static arrakis_status set_all(rd_kafka_conf_t *conf, const char *url,
                              const ark_kafka_property *ours, size_t our_count,
                              const arrakis_property *properties, size_t property_count,
                              arrakis_error *err)
{
    char *brokers = without_scheme(url);
    arrakis_status rc = brokers ? set(conf, "bootstrap.servers", brokers, false, err)
                                : ark_fail(err, ARRAKIS_ENOMEM, "%s: out of memory", url);
    free(brokers);
    for (size_t i = 0; rc == ARRAKIS_OK && i < sizeof of_all / sizeof *of_all; i++)
        rc = set(conf, of_all[i].name, of_all[i].value, of_all[i].optional, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < our_count; i++)
        rc = set(conf, ours[i].name, ours[i].value, ours[i].optional, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < property_count; i++)
        if (!properties[i].name || !properties[i].value)
            rc = ark_fail(err, ARRAKIS_EINVAL, "property %zu has no %s", i,
                          properties[i].name ? "value" : "name");
        else
            rc = set(conf, properties[i].name, properties[i].value, false, err);
    return rc;
}

arrakis_status ark_kafka_conf_new(rd_kafka_conf_t **out, const char *url,
                                  const ark_kafka_property *ours, size_t our_count,
                                  const arrakis_property *properties, size_t property_count,
                                  arrakis_error *err)
{
    *out = NULL;
    arrakis_status rc = ark_kafka_check_url(url, err);
    if (rc < 0)
        return rc;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (!conf)
        return ark_fail(err, ARRAKIS_ENOMEM, "configuring %s: out of memory", url);
    rd_kafka_conf_set_log_cb(conf, ark_kafka_log);
    /* who needs a token gets it in librdkafka's thread, whether or not the handle is polled */
    rd_kafka_conf_enable_sasl_queue(conf, 1);
    rc = set_all(conf, url, ours, our_count, properties, property_count, err);
    if (rc < 0) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    *out = conf;
    return ARRAKIS_OK;
}

arrakis_status ark_kafka_start(rd_kafka_t **out, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                               arrakis_error *err)
{
    char text[256];
    *out = rd_kafka_new(type, conf, text, sizeof text);
    if (*out) { /* refused where no mechanism has callbacks */
        rd_kafka_error_destroy(rd_kafka_sasl_background_callbacks_enable(*out));
        return ARRAKIS_OK;
    }
    rd_kafka_resp_err_t code = rd_kafka_last_error();
    rd_kafka_conf_destroy(conf); /* librdkafka takes it over on success only */
    return ark_fail(err, code == RD_KAFKA_RESP_ERR__INVALID_ARG ? ARRAKIS_EINVAL : ARRAKIS_ENOMEM,
                    "librdkafka does not start: %s", text);
}

arrakis_status ark_kafka_new(rd_kafka_t **out, rd_kafka_type_t type, const char *url,
                             const ark_kafka_property *ours, size_t our_count,
                             const arrakis_property *properties, size_t property_count,
                             arrakis_error *err)
{
    *out = NULL;
    rd_kafka_conf_t *conf;
    arrakis_status rc =
        ark_kafka_conf_new(&conf, url, ours, our_count, properties, property_count, err);
    return rc < 0 ? rc : ark_kafka_start(out, type, conf, err);
}

/* ---- errors */

arrakis_status ark_kafka_status(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return ARRAKIS_OK;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
        return ARRAKIS_ECONNECT;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        return ARRAKIS_EDEADLINE;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return ARRAKIS_EAUTH;
    default:
        return ARRAKIS_EBROKER;
    }
}
