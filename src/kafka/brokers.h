/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of brokers, "host:port,...". No I/O. */
#ifndef ARK_KAFKA_BROKERS_H
#define ARK_KAFKA_BROKERS_H

#include <arrakis/arrakis.h>

/* Check a broker list "host:port,...": EINVAL names what is wrong with it. */
arrakis_status ark_kafka_brokers_check(const char *url, arrakis_error *err);

/* What is wrong with one entry of a broker list; NULL: nothing. */
const char *ark_kafka_brokers_fault(const char *entry, size_t size);

/* The list for librdkafka, without "kafka://"; free() it. NULL: out of memory. */
char *ark_kafka_brokers_list(const char *url);

#endif
