/* SPDX-License-Identifier: Apache-2.0 */
/* The Kafka reader's insides, shared by the files that make it up: kafka_reader.c takes messages,
 * kafka_position.c knows where in its topics it stands, kafka_missing.c waits for topics. */
#ifndef ARK_KAFKA_READER_H
#define ARK_KAFKA_READER_H

#include "fast_forward.h"
#include "intake.h"
#include "kafka_trouble.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

enum { ARK_KAFKA_BATCH = 1000 };

typedef struct ark_kafka_partition {
    rd_kafka_topic_t *topic;  /* its opaque is the stream's number */
    atomic_bool assigned;     /* the topic exists; set after `position` */
    _Atomic int64_t position; /* offset of the next message to hand out */
    int64_t low, high;        /* as last asked for: what the log held was [low, high) */
    int64_t budget_ns;        /* how old live data may be; 0: as old as it likes */
} ark_kafka_partition;

/* Looks for missing topics from a thread of its own: the question can take a second, and the
 * stream must not wait for it. There is a thread only while topics are missing. */
typedef struct ark_kafka_watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running, stop;
} ark_kafka_watch;

typedef struct ark_kafka_reader {
    arrakis_reader head;
    char *url;
    int64_t start_ns, timeout_ns;
    bool fast_forward, prepared;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    ark_kafka_partition *partitions; /* one a stream */
    ark_intake intake;
    ark_fast_forward policy;
    ark_kafka_watch watch;
    rd_kafka_message_t *messages[ARK_KAFKA_BATCH]; /* taken from librdkafka, not handed out yet */
    size_t message_count, message_at;
    int64_t taken_ns;  /* GPS; when they were */
    int64_t heard_ns;  /* GPS; when there last were any */
    int64_t stamp_ms;  /* Unix; when the last of them was published, or -1 */
    int64_t wanted_ns; /* GPS; since when an answer is wanted that has not been asked for */
    bool holding;      /* messages[message_at] is being decoded */
    int64_t asked_ns;  /* GPS; when low and high were last asked for */
    int64_t answer_ns; /* GPS; as of when they say the truth; ARRAKIS_UNSET: they do not */
    ark_kafka_trouble trouble;
    ark_episode behind;
    uint64_t forward_count;
} ark_kafka_reader;

/* ---- kafka_position.c */

/* Where reading begins, for the partitions whose `wanted` is set: at the reader's start, from the
 * beginning where it has no such time, or live at the end. Returns the list to assign. */
arrakis_status ark_kafka_find_start(ark_kafka_reader *kafka, const bool *wanted, bool late,
                                    rd_kafka_topic_partition_list_t **out, arrakis_error *err);
int64_t ark_kafka_exhausted(arrakis_reader *reader, size_t stream, int64_t since_ns,
                            int64_t *again_ns);
arrakis_status ark_kafka_fast_forward(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                      arrakis_error *err);
void ark_kafka_pause(arrakis_reader *reader, size_t stream, bool paused);

/* ---- kafka_missing.c */

arrakis_status ark_kafka_watch_start(ark_kafka_reader *kafka, arrakis_error *err);
void ark_kafka_watch_stop(ark_kafka_reader *kafka);

/* ---- kafka_reader.c */

/* Destroy what was taken and not handed out. */
void ark_kafka_drop_messages(ark_kafka_reader *kafka);

#endif
