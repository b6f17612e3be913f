/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses for errors of librdkafka. */
#ifndef ARK_KAFKA_STATUS_H
#define ARK_KAFKA_STATUS_H

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* The status for an error of librdkafka: ECONNECT for transport and resolution, EDEADLINE for time
 * outs, EAUTH for authentication, EBROKER for the rest. */
arrakis_status ark_kafka_status(rd_kafka_resp_err_t code);

#endif
