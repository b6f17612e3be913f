/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's errors in our words. */
#ifndef ARK_KAFKA_STATUS_H
#define ARK_KAFKA_STATUS_H

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* Our status for one of librdkafka's: ECONNECT for transport and resolution, EDEADLINE for time
 * outs, EAUTH for authentication, EBROKER for the rest. */
arrakis_status ark_kafka_status(rd_kafka_resp_err_t code);

#endif
