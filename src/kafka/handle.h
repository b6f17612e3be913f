/* SPDX-License-Identifier: Apache-2.0 */
/* Makes librdkafka handles. */
#ifndef ARK_KAFKA_HANDLE_H
#define ARK_KAFKA_HANDLE_H

#include "kafka/conf.h"
#include "kafka/outage.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* Make a handle, configured with ark_kafka_conf_new(). EINVAL names a property or value that is
 * refused. */
arrakis_status ark_kafka_handle_new(rd_kafka_t **out, rd_kafka_type_t type, const char *url,
                                    const ark_kafka_property *ours, size_t our_count,
                                    const arrakis_property *properties, size_t property_count,
                                    arrakis_error *err);

/* Make a handle from a configuration, for callers that set callbacks after ark_kafka_conf_new().
 * Owns the configuration, on failure too. */
arrakis_status ark_kafka_handle_start(rd_kafka_t **out, rd_kafka_type_t type,
                                      rd_kafka_conf_t *conf, arrakis_error *err);

/* Make the configuration of a handle whose failures the outage notes, and which logs in with its
 * tokens: as ark_kafka_conf_new(), then ark_kafka_outage_watch(). */
arrakis_status ark_kafka_handle_conf(rd_kafka_conf_t **out, ark_kafka_outage *outage,
                                     const char *url, const ark_kafka_property *ours,
                                     size_t our_count, const arrakis_property *properties,
                                     size_t property_count, arrakis_error *err);

#endif
