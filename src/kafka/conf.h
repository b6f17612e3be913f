/* SPDX-License-Identifier: Apache-2.0 */
/* How librdkafka handles are configured: properties, and where their log goes. */
#ifndef ARK_KAFKA_CONF_H
#define ARK_KAFKA_CONF_H

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

typedef struct ark_kafka_property {
    const char *name, *value;
    bool optional; /* skipped when this librdkafka does not know it */
} ark_kafka_property;

/* For a handle: `ours` first, then the user's `properties` (which win). librdkafka's log lines and
 * errors go to ark_log. EINVAL names a property or value that is refused. */
arrakis_status ark_kafka_conf_new(rd_kafka_conf_t **out, const char *url,
                                  const ark_kafka_property *ours, size_t our_count,
                                  const arrakis_property *properties, size_t property_count,
                                  arrakis_error *err);

/* A line of librdkafka's log in ours: what such a handle's log goes to. */
void ark_kafka_conf_log(const rd_kafka_t *rk, int level, const char *facility, const char *text);

#endif
