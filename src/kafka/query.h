/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to brokers that librdkafka answers in one call: asked again until there is an answer, the
 * time is up or the asker has been canceled. The calls block: none of them is made in next().
 *
 * A broker answers a connection's requests in order, so a question behind a long-polling Fetch waits
 * for it. Once a handle fetches, offsets are asked for by a handle that does not. */
#ifndef ARK_KAFKA_QUERY_H
#define ARK_KAFKA_QUERY_H

#include "kafka/trouble.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

/* What was heard of questions. Nothing of it is ever taken back. */
typedef struct ark_kafka_heard {
    bool broker; /* some broker has answered, to whichever handle */
    bool leader; /* a leader has answered the handle that asks for offsets: its login is taken */
    bool silent; /* a leader has not answered */
} ark_kafka_heard;

typedef struct ark_kafka_asker {
    rd_kafka_t *rk;
    rd_kafka_t *topics; /* the handle that has the topics, and fetches; NULL: rk, which does not */
    int64_t timeout_ns; /* for each question */
    int64_t deadline_ns;       /* monotonic, for all of them; 0: none */
    const atomic_bool *cancel; /* NULL: none. Looked at after 500 ms, then at doubling intervals */
    ark_kafka_trouble *trouble; /* rk's: a login that fails ends the question; NULL: none */
    ark_kafka_heard *heard;     /* receives what is heard of offsets; NULL: not needed */
    int64_t *when_ns; /* receives for each entry the monotonic time at which it was asked for
                                 * that was answered; NULL: not asked for */
    /* for each entry: it had no answer lately, and is not asked for together with the others; NULL: none */
    const bool *doubtful;
    bool all_doubtful; /* that holds for each entry */
} ark_kafka_asker;

/* The broker's topics: all, or those that the handle has. Asking also tells librdkafka where they
 * are, without which reading them begins half a second late. Destroy with rd_kafka_metadata_destroy.
 * ECONNECT: no answer, with the last trouble; ECANCELED; EAUTH, EBROKER. */
arrakis_status ark_kafka_query_topics(const ark_kafka_asker *asker, bool all,
                                      const struct rd_kafka_metadata **out, arrakis_error *err);

/* Offsets, in one request to each broker where all answer: each entry's `offset` holds the Unix time in
 * ms, or RD_KAFKA_OFFSET_BEGINNING or _END, and receives the offset (RD_KAFKA_OFFSET_END: none that
 * late). An entry whose `err` is set afterwards has no answer, and its `offset` is as before. Waits two
 * seconds at most for the rest once some are known; the errors are then UNKNOWN_TOPIC_OR_PART,
 * LEADER_NOT_AVAILABLE, TOPIC_AUTHORIZATION_FAILED, or _TIMED_OUT where a leader is silent. EDEADLINE,
 * ECONNECT: there is no answer for any of them; ECANCELED; EAUTH. */
arrakis_status ark_kafka_query_offsets(const ark_kafka_asker *asker,
                                       rd_kafka_topic_partition_list_t *list, arrakis_error *err);

/* The state of a topic's partition 0: NO_ERROR, or one of the errors above. *leader receives the
 * broker's number where there is none. */
rd_kafka_resp_err_t ark_kafka_query_topic_state(const rd_kafka_metadata_topic_t *topic,
                                                int32_t *leader);

#endif
