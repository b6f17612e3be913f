/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/conf.h"

#include "base/error.h"
#include "base/log.h"
#include "kafka/brokers.h"
#include "kafka/properties.h"

#include <stdlib.h>
#include <string.h>

/* Runs in librdkafka's threads. Its levels are syslog's. Without an error callback its errors come
 * here too; it holds back repetitions itself. */
void ark_kafka_conf_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
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
    char *brokers = ark_kafka_brokers_list(url);
    arrakis_status rc = brokers ? set(conf, "bootstrap.servers", brokers, false, err)
                                : ark_no_memory(err, "%s", url);
    free(brokers);
    for (size_t i = 0; rc == ARRAKIS_OK && i < sizeof of_all / sizeof *of_all; i++)
        rc = set(conf, of_all[i].name, of_all[i].value, of_all[i].optional, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < our_count; i++)
        rc = set(conf, ours[i].name, ours[i].value, ours[i].optional, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < property_count; i++)
        rc = set(conf, properties[i].name, properties[i].value, false, err);
    return rc;
}

arrakis_status ark_kafka_conf_new(rd_kafka_conf_t **out, const char *url,
                                  const ark_kafka_property *ours, size_t our_count,
                                  const arrakis_property *properties, size_t property_count,
                                  arrakis_error *err)
{
    *out = NULL;
    const ark_properties users = {properties, property_count};
    ARK_TRY(ark_kafka_brokers_check(url, err));
    ARK_TRY(ark_kafka_properties_check(&users, err));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (!conf)
        return ark_no_memory(err, "configuring %s", url);
    rd_kafka_conf_set_log_cb(conf, ark_kafka_conf_log);
    /* who needs a token gets it in librdkafka's thread, whether or not the handle is polled */
    rd_kafka_conf_enable_sasl_queue(conf, 1);
    arrakis_status rc = set_all(conf, url, ours, our_count, properties, property_count, err);
    if (rc < 0) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    *out = conf;
    return ARRAKIS_OK;
}
