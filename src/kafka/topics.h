/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARK_KAFKA_TOPICS_H
#define ARK_KAFKA_TOPICS_H

#include "kafka/query.h"

/* The state of each topic: states[i] receives NO_ERROR, UNKNOWN_TOPIC_OR_PART (it does not exist)
 * or LEADER_NOT_AVAILABLE (no node serves it at present). The handle of the asker must have all of
 * them and no others. The first time, a warning names topics of several partitions, and EAUTH a
 * topic that the user may not see; later that is its state, TOPIC_AUTHORIZATION_FAILED. */
arrakis_status ark_kafka_topics_find(const ark_kafka_asker *asker, rd_kafka_topic_t *const *topics,
                                     size_t count, bool first, rd_kafka_resp_err_t *states,
                                     arrakis_error *err);

#endif
