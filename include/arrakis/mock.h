/* SPDX-License-Identifier: Apache-2.0 */
/** A broker in this process, for demonstrations and tests. */
#ifndef ARRAKIS_MOCK_H
#define ARRAKIS_MOCK_H

#include <arrakis/arrakis.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * librdkafka's mock cluster in this process; any Kafka client can reach it on loopback. The mock
 * broker keeps 5 MiB per partition and cannot look offsets up by time. It is meant for
 * demonstrations and tests.
 */
typedef struct arrakis_mock_broker arrakis_mock_broker;
ARRAKIS_API arrakis_status arrakis_mock_broker_open(arrakis_mock_broker **out, arrakis_error *err);
/** Returns "127.0.0.1:port", borrowed from the broker. */
ARRAKIS_API const char *arrakis_mock_broker_url(const arrakis_mock_broker *broker);
/**
 * Publishes the metadata topics of `channels`, so that any client can find the channels. Each
 * channel needs its publisher.
 */
ARRAKIS_API arrakis_status arrakis_mock_broker_announce(arrakis_mock_broker *broker,
                                                        const arrakis_channels *channels,
                                                        arrakis_error *err);
ARRAKIS_API void arrakis_mock_broker_close(arrakis_mock_broker *broker);

#ifdef __cplusplus
}
#endif

#endif
