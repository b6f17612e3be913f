/* SPDX-License-Identifier: Apache-2.0 */
/* Making librdkafka handles: properties, log, and errors in our words. */
#ifndef ARK_KAFKA_CONF_H
#define ARK_KAFKA_CONF_H

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

typedef struct ark_kafka_property {
    const char *name, *value;
    bool optional; /* skipped when this librdkafka does not know it */
} ark_kafka_property;

/* Check a broker list "host:port,...": EINVAL names what is wrong with it. */
arrakis_status ark_kafka_check_url(const char *url, arrakis_error *err);

/* What is wrong with one entry of such a list, or NULL. */
const char *ark_kafka_entry_fault(const char *entry, size_t size);

/* A new handle: `ours` first, then the user's `properties` (which win). librdkafka's log lines and
 * errors go to ark_log. EINVAL names a property or value that is refused. */
arrakis_status ark_kafka_new(rd_kafka_t **out, rd_kafka_type_t type, const char *url,
                             const ark_kafka_property *ours, size_t our_count,
                             const arrakis_property *properties, size_t property_count,
                             arrakis_error *err);

/* The same in two steps, for who has callbacks to set in between. The second takes the
 * configuration over, on failure too. */
arrakis_status ark_kafka_conf_new(rd_kafka_conf_t **out, const char *url,
                                  const ark_kafka_property *ours, size_t our_count,
                                  const arrakis_property *properties, size_t property_count,
                                  arrakis_error *err);
arrakis_status ark_kafka_start(rd_kafka_t **out, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                               arrakis_error *err);

/* A line of librdkafka's log in ours: what such a handle's log goes to. */
void ark_kafka_log(const rd_kafka_t *rk, int level, const char *facility, const char *text);

/* Our status for one of librdkafka's: ECONNECT for transport and resolution, EDEADLINE for time
 * outs, EAUTH for authentication, EBROKER for the rest. */
arrakis_status ark_kafka_status(rd_kafka_resp_err_t code);

#endif
