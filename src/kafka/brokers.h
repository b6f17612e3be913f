/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of brokers, "host:port,...". No I/O. */
#ifndef ARK_KAFKA_BROKERS_H
#define ARK_KAFKA_BROKERS_H

#include <arrakis/arrakis.h>

/* Check a broker list "host:port,...": EINVAL names what is wrong with it. */
arrakis_status ark_kafka_brokers_check(const char *url, arrakis_error *err);

/* What is wrong with one entry of such a list, or NULL. */
const char *ark_kafka_brokers_fault(const char *entry, size_t size);

/* The list as librdkafka takes it, without "kafka://"; to be freed. NULL: out of memory. */
char *ark_kafka_brokers_list(const char *url);

#endif
