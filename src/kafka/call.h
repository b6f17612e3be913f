/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of librdkafka that return when a broker has answered, or after a time. A cancel does not
 * wait for them: they are made in a thread that then goes on by itself until they return. Their
 * handle must not be closed before that, see ark_kafka_call_wait(). */
#ifndef ARK_KAFKA_CALL_H
#define ARK_KAFKA_CALL_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>

/* rd_kafka_metadata() of all topics, or of those of the handle. `cancel` NULL: in this thread.
 * __INTR: canceled. */
rd_kafka_resp_err_t ark_kafka_call_topics(rd_kafka_t *rk, bool all,
                                          const struct rd_kafka_metadata **out, int wait_ms,
                                          const atomic_bool *cancel);
/* rd_kafka_offsets_for_times(); as above, and *list is NULL once it is canceled. */
rd_kafka_resp_err_t ark_kafka_call_offsets(rd_kafka_t *rk, rd_kafka_topic_partition_list_t **list,
                                           int wait_ms, const atomic_bool *cancel);

/* rd_kafka_committed(); as above. */
rd_kafka_resp_err_t ark_kafka_call_committed(rd_kafka_t *rk,
                                             rd_kafka_topic_partition_list_t **list, int wait_ms,
                                             const atomic_bool *cancel);

/* Whether calls of the handle that were canceled have not returned. */
bool ark_kafka_call_pending(const rd_kafka_t *rk);
/* Wait until all of them have. */
void ark_kafka_call_wait(const rd_kafka_t *rk);

#endif
