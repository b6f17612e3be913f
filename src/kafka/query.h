/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to brokers that one call of librdkafka answers. They are asked again until there is an
 * answer, the time has passed or the asker is canceled. The calls block: next() makes none of
 * them.
 *
 * A broker answers the requests of a connection in order, so a question waits for a long-polling
 * Fetch before it. Once a handle fetches, another one asks for offsets. */
#ifndef ARK_KAFKA_QUERY_H
#define ARK_KAFKA_QUERY_H

#include "kafka/outage.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

/* What the answers to questions have shown. Members are only set, never cleared. */
typedef struct ark_kafka_heard {
    bool broker; /* some broker has answered, to any handle */
    /* a leader has answered the handle that asks for offsets: its login is accepted */
    bool leader;
    bool silent; /* a leader has not answered */
} ark_kafka_heard;

typedef struct ark_kafka_asker {
    rd_kafka_t *rk;
    /* the handle that has the topics, and fetches; NULL: rk, which does not fetch */
    rd_kafka_t *topics;
    int64_t
        lies_ns; /* how long messages lie at the brokers (fetch_wait_ns), if `topics` fetches */
    int64_t timeout_ns;        /* for each question */
    int64_t deadline_ns;       /* monotonic, for all of them; 0: none */
    const atomic_bool *cancel; /* NULL: none. Checked after 500 ms, then at doubling intervals */
    /* the cancel is noticed at once: calls of librdkafka are left to themselves then, and the
     * handles wait for them before they are closed (kafka/call.h) */
    bool leaves_calls;
    ark_kafka_outage *outage; /* of rk: a refused login ends the question; NULL: none */
    ark_kafka_heard *heard;   /* receives what the answers show; NULL: not needed */
    int64_t *when_ns;         /* receives for each entry the steady time at which it was asked for
                                 * that was answered; NULL: not asked for */
    /* for each entry: it had no answer lately, and is not asked for together with the others;
     * NULL: none */
    const bool *doubtful;
    bool all_doubtful; /* all entries are doubtful */
} ark_kafka_asker;

/* The broker's topics: all, or those that the handle has. Asking also tells librdkafka where they
 * are, without which reading them begins half a second late. Destroy with
 * rd_kafka_metadata_destroy. ECONNECT: no answer, with the last failure; ECANCELED; EAUTH,
 * EBROKER. */
arrakis_status ark_kafka_query_topics(const ark_kafka_asker *asker, bool all,
                                      const struct rd_kafka_metadata **out, arrakis_error *err);

/* Offsets, in one request to each broker where all answer: each entry's `offset` holds the Unix
 * time in ms, or RD_KAFKA_OFFSET_BEGINNING or _END, and receives the offset (RD_KAFKA_OFFSET_END:
 * none that late). An entry whose `err` is set afterwards has no answer, and its `offset` is as
 * before. Waits two seconds at most for the rest once some are known; the errors are then
 * UNKNOWN_TOPIC_OR_PART, LEADER_NOT_AVAILABLE, TOPIC_AUTHORIZATION_FAILED, or _TIMED_OUT where a
 * leader is silent. EDEADLINE, ECONNECT: there is no answer for any of them; ECANCELED; EAUTH. */
arrakis_status ark_kafka_query_offsets(const ark_kafka_asker *asker,
                                       rd_kafka_topic_partition_list_t *list, arrakis_error *err);

/* The state of a topic's partition 0: NO_ERROR, or one of the errors above. *leader receives the
 * broker's number where there is none. */
rd_kafka_resp_err_t ark_kafka_query_topic_state(const rd_kafka_metadata_topic_t *topic,
                                                int32_t *leader);

#endif
