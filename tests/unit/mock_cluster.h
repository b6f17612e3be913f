/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's mock cluster, for tests that need it without the library's own mock broker. */
#ifndef ARK_TEST_MOCK_CLUSTER_H
#define ARK_TEST_MOCK_CLUSTER_H

#include "base/mutable.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <string.h>

/* A producer that has a cluster of so many brokers,
 * which rd_kafka_handle_mock_cluster() returns. NULL: it failed. */
static inline rd_kafka_t *mock_cluster_new(const char *brokers)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "test.mock.num.brokers", brokers, NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "0", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "3", NULL, 0);
    return rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
}

/* Send a record, and wait until the cluster has it. */
static inline void mock_cluster_put(rd_kafka_t *producer, const char *topic, const char *key,
                                    const char *text)
{
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_KEY(ark_mutable(key), strlen(key)),
                                       RD_KAFKA_V_VALUE(ark_mutable(text), strlen(text)),
                                       RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
}

#endif
