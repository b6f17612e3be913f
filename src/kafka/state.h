/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a Kafka reader, shared by the files that it is made of: kafka/reader.c takes
 * messages, kafka/start.c finds where reading begins, kafka/end.c decides whether more data is to
 * come, kafka/forward.c skips ahead, kafka/watch.c has the connection for questions, and
 * kafka/watch_thread.c asks them. */
#ifndef ARK_KAFKA_STATE_H
#define ARK_KAFKA_STATE_H

#include "base/log_limit.h"
#include "base/monitor.h"
#include "kafka/fast_forward.h"
#include "kafka/outage.h"
#include "read/closing.h"
#include "read/ingest.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ARK_KAFKA_BATCH = 1000 };

/* A topic that has not existed, or has had no leader, for this long is treated as empty. */
#define ARK_KAFKA_ABSENT_NS (10 * ARRAKIS_SECOND_NS)
/* So is, after this long, a topic whose leader does not answer, or that delivers none of its
 * messages. */
#define ARK_KAFKA_SILENT_NS (30 * ARRAKIS_SECOND_NS)
/* How long a login that was accepted before may be refused while no broker answers. */
#define ARK_KAFKA_REFUSED_NS (10 * ARRAKIS_SECOND_NS)
/* The time limit of a question, which is then asked again. */
#define ARK_KAFKA_QUESTION_NS (2 * ARRAKIS_SECOND_NS)
/* A search by time begins this much earlier, so that records with earlier timestamps than their
 * data are found. */
#define ARK_KAFKA_STAMP_MARGIN_NS (10 * ARRAKIS_SECOND_NS)

/* What the last questions about the end of a partition have shown. */
typedef enum ark_kafka_answer {
    ARK_KAFKA_UNASKED,  /* no question has come back since reading began */
    ARK_KAFKA_ANSWERED, /* the last one was answered */
    ARK_KAFKA_SILENT,   /* they fail, since silent_since_ns */
    ARK_KAFKA_ABSENT, /* so they do, and since absent_since_ns the topic is known not to exist, or
                            * to have no leader */
    ARK_KAFKA_NEVER_THERE, /* the topic has not existed since the reader was opened */
} ark_kafka_answer;

/* The answers to the last questions about the end of a partition. Times are of
 * ark_clock_steady_ns(): an answer from before the machine slept is old. */
typedef struct ark_kafka_end {
    ark_kafka_answer answer;
    rd_kafka_resp_err_t err; /* of the last question, as in ark_kafka_query_offsets() */
    /* consecutive questions that failed: since when, by `answer`; and the last failure */
    int64_t silent_since_ns, absent_since_ns, failed_ns;
    /* since when all questions have failed, even if messages were handed out meanwhile */
    int64_t failing_since_ns;
    int64_t offset;   /* the end of the log; -1: no answer yet */
    int64_t position; /* of the partition, when the question was asked */
    int64_t asked_ns; /* when the question was asked */
    int64_t begun_ns; /* when the partition was assigned */
    bool doubted;     /* the leader was not reachable, and no answer has been trusted since */
    int64_t trusted_from_ns; /* earlier answers are from a leader that may just have taken over */
    bool loss_logged;        /* it was logged that the topic is treated as empty */
    /* consecutive answers with the position unchanged before the end: the position, the first, the
     * last */
    int64_t stuck_position, stuck_since_ns, stuck_last_ns;
    int64_t lost_position; /* of the reader, when the silence began */
} ark_kafka_end;

typedef struct ark_kafka_partition {
    rd_kafka_topic_t *topic;  /* its opaque is the number of the input */
    atomic_bool assigned;     /* it is being read; set after `position` */
    _Atomic int64_t position; /* offset of the next message to hand out; negative: not known yet */
    int64_t log_end;          /* where librdkafka last came to the end; -1: it has not yet */
    int64_t budget_ns;        /* how old live data may be; 0: any age */
    atomic_bool paused;       /* by the caller of the reader */
    bool gone;                /* librdkafka has reported that the topic does not exist any more */
    bool appeared;            /* it did not exist when the reader was opened */
    ark_kafka_end end;        /* guarded by the monitor of the watch */
} ark_kafka_partition;

/* Asks the brokers in a thread of its own: an answer may take seconds, and the stream must not
 * wait for it. The thread is started with the first question: for the ends of the log, when a
 * request with a start has caught up; for missing topics; or for offsets to skip to. */
typedef struct ark_kafka_watch {
    ark_monitor monitor;
    pthread_t thread;
    void *(*run)(void *kafka);
    bool running;
    atomic_bool stop;
    rd_kafka_t *rk;           /* the handle that asks, and does not fetch; NULL: not needed yet */
    unsigned borrowed;        /* how many askers in other threads use it */
    ark_kafka_outage *outage; /* of that handle and its replacements */
    ark_closing closing;      /* destroys the handle before it; only for the thread */
    int64_t login_ns; /* monotonic: when to check whether the login of the reader is still refused;
                       * INT64_MAX: it is not */
    bool denied;      /* the login of the handle that asks is refused, since denied_since_ns; */
    int64_t denied_since_ns; /* monotonic */
    atomic_bool refused;     /* permanently; `refusal` has the reason */
    arrakis_error refusal;
    bool ends_wanted;
    bool missing;     /* topics are missing, and are looked for */
    bool look_wanted; /* the stream waits for a missing topic */
    bool broken;      /* the thread could not be started, and is not tried again */
    int64_t ends_ns;  /* monotonic; when the ends were last asked for; INT64_MIN: never */
    /* before there is a thread, if the stream has waited for an input: which, its position, and
     * since when; when the first wait began. Steady */
    bool has_waited;
    size_t awaited;
    int64_t awaited_position, awaited_ns, first_wait_ns;
    /* steady: the last failed question about a topic whose questions have not failed for
     * long */
    int64_t failed_ns;
    bool unanswered; /* no broker has answered, from unanswered_since_ns to the last question; */
    int64_t unanswered_since_ns, unanswered_last_ns; /* steady */
    /* skipping: requested by the reader, offsets found by the thread */
    bool forward_wanted;
    atomic_bool forward_found;
    int64_t forward_to_ns;
    /* NULL: the question failed, for forward_why */
    rd_kafka_topic_partition_list_t *forward_targets;
    arrakis_error forward_why;
} ark_kafka_watch;

typedef struct ark_kafka_reader {
    arrakis_reader head;
    char *url;
    int64_t start_ns, timeout_ns;
    int64_t opened_ns; /* steady: when it first asked where to begin; ARRAKIS_UNSET: not yet */
    bool fast_forward, prepared;
    rd_kafka_t *rk;
    rd_kafka_conf_t *conf; /* for the handle of the watch */
    rd_kafka_queue_t *queue;
    ark_kafka_partition *partitions; /* one per input */
    ark_ingest ingest;
    ark_fast_forward policy;
    ark_kafka_watch watch;
    /* taken from librdkafka, and not handed out yet */
    rd_kafka_message_t *messages[ARK_KAFKA_BATCH];
    size_t message_count, message_at;
    int64_t taken_ns;      /* GPS: when they were taken */
    bool holding;          /* messages[message_at] is being decoded */
    arrakis_error failure; /* the error that next() returns */
    ark_kafka_outage *outage;
    arrakis_cancel *cancel;
    /* skipping: the input that was late, by how much and when */
    size_t late_input;
    int64_t late_ns, late_at_ns;
    ark_log_limit behind;
    uint64_t forward_count;
} ark_kafka_reader;

const char *ark_kafka_state_topic(const ark_kafka_reader *kafka, size_t input);
/* Unix time in ms, for librdkafka. */
int64_t ark_kafka_state_unix_ms(int64_t gps_ns);
/* A list of the partitions for which `wanted` is set (NULL: that are assigned), each with this
 * offset. The opaque of an entry is its partition. */
rd_kafka_topic_partition_list_t *ark_kafka_state_list(const ark_kafka_reader *kafka,
                                                      const bool *wanted, int64_t offset);

/* The deadline of the call under way, which may have asked brokers of other readers before: twice
 * the request timeout after it began. Monotonic; 0: there is none. Only for the thread of the
 * caller. */
int64_t ark_kafka_state_deadline(const ark_kafka_reader *kafka);
/* Hand out the message that is being handed out again, from its begin. */
void ark_kafka_state_put_back(ark_kafka_reader *kafka);
/* Destroy the messages that were taken and not handed out. */
void ark_kafka_state_drop_messages(ark_kafka_reader *kafka);

/* The input of a message; inlined, as it is called once per message. */
static inline size_t ark_kafka_state_input_of(const rd_kafka_message_t *message)
{
    return (size_t)(uintptr_t)rd_kafka_topic_opaque(message->rkt);
}

static inline void ark_kafka_state_release(ark_kafka_reader *kafka)
{
    rd_kafka_message_destroy(kafka->messages[kafka->message_at++]);
    if (kafka->holding)
        ark_ingest_drop(&kafka->ingest);
    kafka->holding = false;
}

#endif
