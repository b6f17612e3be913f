/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/conf.h"

#include "base/error.h"
#include "base/log.h"
#include "kafka/brokers.h"
#include "kafka/properties.h"

#include <stdlib.h>
#include <string.h>

/* Runs in threads of librdkafka, whose levels are those of syslog. Without an error callback its
 * errors are logged, too; it limits repetitions itself. */
void ark_kafka_conf_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    arrakis_log_level ours = level <= 3   ? ARRAKIS_LOG_ERROR
                             : level == 4 ? ARRAKIS_LOG_WARNING
                             : level <= 6 ? ARRAKIS_LOG_INFO
                                          : ARRAKIS_LOG_DEBUG;
    /* AUTOCREATE is logged for each request to a broker older than 0.11, such as the mock broker
     * claims to be. REQTMOUT is logged for requests without an answer: some questions are given up
     * early, and a lost connection has its own line. */
    if (strcmp(facility, "AUTOCREATE") == 0 || strcmp(facility, "REQTMOUT") == 0)
        ours = ARRAKIS_LOG_DEBUG;
    ark_log(ours, "librdkafka: %s: %s", facility, text);
}

/* The error has only the name: the value may be a password. */
static arrakis_status set_property(rd_kafka_conf_t *conf, const char *name, const char *value,
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

/* Properties of all handles. With the defaults of librdkafka, a node that hangs or cannot be
 * connected to delays the data of other nodes by 30 to 60 s. */
static const ark_kafka_property of_all[] = {
    {"socket.timeout.ms", "6000", false},
    {"socket.connection.setup.timeout.ms", "6000", false},
    {"reconnect.backoff.max.ms", "1000", false},
    {"socket.nagle.disable", "true", false},
    /* librdkafka 2.5 and later would send metrics to brokers, and closing would wait for the last
     * of them: one second, with a broker that does not accept them */
    {"enable.metrics.push", "false", true},
};

static arrakis_status set_all(rd_kafka_conf_t *conf, const char *url,
                              const ark_kafka_property *ours, size_t our_count,
                              const arrakis_property *properties, size_t property_count,
                              arrakis_error *err)
{
    char *brokers = ark_kafka_brokers_list(url);
    arrakis_status rc = brokers ? set_property(conf, "bootstrap.servers", brokers, false, err)
                                : ark_no_memory(err, "%s", url);
    free(brokers);
    for (size_t i = 0; rc == ARRAKIS_OK && i < sizeof of_all / sizeof *of_all; i++)
        rc = set_property(conf, of_all[i].name, of_all[i].value, of_all[i].optional, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < our_count; i++)
        rc = set_property(conf, ours[i].name, ours[i].value, ours[i].optional, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < property_count; i++)
        rc = set_property(conf, properties[i].name, properties[i].value, false, err);
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
    /* tokens are refreshed in a thread of librdkafka, whether or not the handle is polled */
    rd_kafka_conf_enable_sasl_queue(conf, 1);
    arrakis_status rc = set_all(conf, url, ours, our_count, properties, property_count, err);
    if (rc < 0) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    *out = conf;
    return ARRAKIS_OK;
}
