/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/handle.h"

#include "base/error.h"
#include "base/log.h"

arrakis_status ark_kafka_handle_start(rd_kafka_t **out, rd_kafka_type_t type,
                                      rd_kafka_conf_t *conf, arrakis_error *err)
{
    char text[256];
    *out = rd_kafka_new(type, conf, text, sizeof text);
    if (*out) { /* fails where the SASL mechanism has no callbacks */
        rd_kafka_error_destroy(rd_kafka_sasl_background_callbacks_enable(*out));
        ark_log_trace(ARK_LOG_CONNECT, "%s is started", rd_kafka_name(*out));
        return ARRAKIS_OK;
    }
    rd_kafka_resp_err_t code = rd_kafka_last_error();
    rd_kafka_conf_destroy(conf); /* librdkafka owns it only on success */
    return ark_fail(err, code == RD_KAFKA_RESP_ERR__INVALID_ARG ? ARRAKIS_EINVAL : ARRAKIS_ENOMEM,
                    "librdkafka does not start: %s", text);
}

arrakis_status ark_kafka_handle_new(rd_kafka_t **out, rd_kafka_type_t type, const char *url,
                                    const ark_kafka_property *ours, size_t our_count,
                                    const arrakis_property *properties, size_t property_count,
                                    arrakis_error *err)
{
    *out = NULL;
    rd_kafka_conf_t *conf;
    arrakis_status rc =
        ark_kafka_conf_new(&conf, url, ours, our_count, properties, property_count, err);
    if (rc == ARRAKIS_OK)
        rc = ark_kafka_handle_start(out, type, conf, err);
    if (rc == ARRAKIS_OK)
        ark_log_trace(ARK_LOG_CONNECT, "%s asks %s, with %zu properties of the user's or server's",
                      rd_kafka_name(*out), url, property_count);
    return rc;
}

arrakis_status ark_kafka_handle_conf(rd_kafka_conf_t **out, ark_kafka_outage *outage,
                                     const char *url, const ark_kafka_property *ours,
                                     size_t our_count, const arrakis_property *properties,
                                     size_t property_count, arrakis_error *err)
{
    rd_kafka_conf_t *conf;
    *out = NULL;
    ARK_TRY(ark_kafka_conf_new(&conf, url, ours, our_count, properties, property_count, err));
    arrakis_status rc = ark_kafka_outage_watch(outage, conf, false, err);
    if (rc < 0)
        rd_kafka_conf_destroy(conf);
    else
        *out = conf;
    return rc;
}
