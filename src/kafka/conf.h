/* SPDX-License-Identifier: Apache-2.0 */
/* Configures librdkafka handles: their properties and their log. */
#ifndef ARK_KAFKA_CONF_H
#define ARK_KAFKA_CONF_H

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

typedef struct ark_kafka_property {
    const char *name, *value;
    bool optional; /* ignored when this librdkafka does not have it */
} ark_kafka_property;

/* Make the configuration of a handle: set `ours`, then `properties` of the user, which override
 * them. Log lines and errors of librdkafka go to ark_log(). EINVAL names a property or value that
 * is refused. */
arrakis_status ark_kafka_conf_new(rd_kafka_conf_t **out, const char *url,
                                  const ark_kafka_property *ours, size_t our_count,
                                  const arrakis_property *properties, size_t property_count,
                                  arrakis_error *err);

/* Log a line of the log of librdkafka: the log callback of such handles. */
void ark_kafka_conf_log(const rd_kafka_t *rk, int level, const char *facility, const char *text);

#endif
