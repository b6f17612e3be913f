/* SPDX-License-Identifier: Apache-2.0 */
/* What a Kafka reader knows, shared by the files that it is made of: kafka/reader.c takes messages,
 * kafka/start.c finds where reading begins, kafka/end.c judges what there is still to come,
 * kafka/forward.c skips ahead, kafka/watch.c has the connection for questions, and kafka/watch_thread.c asks
 * them. */
#ifndef ARK_KAFKA_STATE_H
#define ARK_KAFKA_STATE_H

#include "base/log_limit.h"
#include "base/monitor.h"
#include "kafka/fast_forward.h"
#include "kafka/trouble.h"
#include "read/closing.h"
#include "read/ingest.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ARK_KAFKA_BATCH = 1000 };

/* A topic that has not existed, or has had no leader, for this long is taken to hold nothing. */
#define ARK_KAFKA_ABSENT_NS (10 * ARRAKIS_SECOND_NS)
/* The same holds after this long for a topic whose leader does not answer, or that delivers nothing of
 * what it holds. */
#define ARK_KAFKA_SILENT_NS (30 * ARRAKIS_SECOND_NS)
/* How long a login that was taken before may be refused while no broker answers. */
#define ARK_KAFKA_REFUSED_NS (10 * ARRAKIS_SECOND_NS)
/* Time limit of a question: one without an answer by then is asked again. */
#define ARK_KAFKA_QUESTION_NS (2 * ARRAKIS_SECOND_NS)
/* A look-up by time goes back this far, so that records stamped before their data's time are found. */
#define ARK_KAFKA_STAMP_MARGIN_NS (10 * ARRAKIS_SECOND_NS)

/* What the last questions about a partition's end brought. Times are monotonic. */
typedef struct ark_kafka_end {
    rd_kafka_resp_err_t err; /* NO_ERROR: an answer; otherwise as in ark_kafka_query_offsets() */
    /* Questions that failed in a row: since when there has been no answer, since when the topic has been
     * known not to exist or to have no leader, and the last of them. INT64_MIN: when the reader was
     * opened already; INT64_MAX: not so */
    int64_t silent_ns, absent_ns, failed_ns;
    /* the same, whether or not anything was handed out meanwhile; in a row only */
    int64_t failing_ns;
    int64_t offset;      /* after the last message; -1: no answer yet */
    int64_t position;    /* of the partition, when the question was asked */
    int64_t asked_ns;    /* when the question was asked */
    int64_t begun_ns;    /* when it was assigned */
    bool doubted;        /* its leader had been away, and no answer has been trusted again yet */
    int64_t believed_ns; /* answers before this time are from a leader that is just taking over */
    bool said;           /* it was logged that the topic is taken to hold nothing */
    /* answers in a row in which the position stood still before the end: where, since when, the last */
    int64_t stuck_position, stuck_ns, stuck_last_ns;
    int64_t lost_position; /* of the reader, when the silence began */
} ark_kafka_end;

typedef struct ark_kafka_partition {
    rd_kafka_topic_t *topic;  /* its opaque is the stream's number */
    atomic_bool assigned;     /* it is being read; set after `position` */
    _Atomic int64_t position; /* offset of the next message to hand out; negative: not known yet */
    int64_t log_end;    /* where librdkafka last came to the partition's end; -1: nowhere yet */
    int64_t budget_ns;  /* how old live data may be; 0: any age */
    atomic_bool paused; /* by the stream */
    bool gone;          /* librdkafka has reported that the topic does not exist any more */
    bool appeared;      /* it did not exist when the reader was opened */
    ark_kafka_end end;  /* guarded by the watch's monitor */
} ark_kafka_partition;

/* Asks the brokers from a thread of its own: a question can take seconds, and the stream must not
 * wait for the answer. The thread is started once there is something to ask: the ends of the log for a request
 * with a start that has caught up, topics that are missing, or a place to skip to. */
typedef struct ark_kafka_watch {
    ark_monitor monitor;
    pthread_t thread;
    void *(*run)(void *kafka);
    bool running;
    atomic_bool stop;
    rd_kafka_t *rk;             /* asks for offsets, and fetches nothing; NULL: not needed yet */
    unsigned borrowed;          /* by how many askers in other threads */
    ark_kafka_trouble *trouble; /* of that handle, and of those that take its place */
    ark_closing closing;        /* the handle before it, which is being destroyed; of the thread */
    /* monotonic: when to look whether the reader's login is still refused, since when that of the
     * handle that asks is; INT64_MAX: neither */
    int64_t login_ns, denied_ns;
    atomic_bool refused; /* for good: `refusal` is why */
    arrakis_error refusal;
    bool ends_wanted;
    bool missing;     /* topics are looked for */
    bool look_wanted; /* the stream waits for one of them */
    bool broken;      /* the thread could not be started and never will be */
    int64_t ends_ns;  /* monotonic; when the ends were last asked for; INT64_MIN: never */
    /* before there is a thread: which stream is waited for, where it stands, and since when; monotonic.
     * The first of all waits began at first_wait_ns; INT64_MIN: nothing has been waited for yet */
    size_t awaited;
    int64_t awaited_position, awaited_ns, first_wait_ns;
    /* monotonic; the last failed question about a topic whose questions have not failed for long */
    int64_t failed_ns;
    /* monotonic; since when no broker has answered anything, INT64_MAX: one has; the last question */
    int64_t unanswered_ns, unanswered_last_ns;
    /* skipping ahead: wanted by the stream, found by the thread */
    bool forward_wanted;
    atomic_bool forward_found;
    int64_t forward_to_ns;
    rd_kafka_topic_partition_list_t *forward_targets; /* NULL: the question failed, forward_why */
    arrakis_error forward_why;
} ark_kafka_watch;

typedef struct ark_kafka_reader {
    arrakis_reader head;
    char *url;
    int64_t start_ns, timeout_ns;
    int64_t opened_ns; /* steady: when it first asked where to read; ARRAKIS_UNSET: not yet */
    bool fast_forward, prepared;
    rd_kafka_t *rk;
    rd_kafka_conf_t *conf; /* for the watch's handle */
    rd_kafka_queue_t *queue;
    ark_kafka_partition *partitions; /* one per input */
    ark_ingest ingest;
    ark_fast_forward policy;
    ark_kafka_watch watch;
    rd_kafka_message_t *messages[ARK_KAFKA_BATCH]; /* taken from librdkafka, not handed out yet */
    size_t message_count, message_at;
    int64_t taken_ns;      /* GPS; when they were */
    bool holding;          /* messages[message_at] is being decoded */
    arrakis_error failure; /* what next() is to end with */
    ark_kafka_trouble *trouble;
    /* skipping ahead: which stream was late, and how */
    size_t late_stream;
    int64_t late_ns, late_at_ns;
    ark_log_limit behind;
    uint64_t forward_count;
} ark_kafka_reader;

const char *ark_kafka_state_topic(const ark_kafka_reader *kafka, size_t stream);
/* Unix time in ms, as librdkafka takes it. */
int64_t ark_kafka_state_unix_ms(int64_t gps_ns);
/* The partitions for which `wanted` is set (NULL: that are assigned), asked for one offset each; the
 * entry's opaque is the partition. */
rd_kafka_topic_partition_list_t *ark_kafka_state_list(const ark_kafka_reader *kafka,
                                                      const bool *wanted, int64_t offset);

/* When the call that asks this reader's brokers, and perhaps others' before, must be over: twice the
 * request timeout after it began. Monotonic; 0: there is no such call. The reader's own thread. */
int64_t ark_kafka_state_deadline(const ark_kafka_reader *kafka);
/* A message that is being handed out will be handed out again, from its beginning. */
void ark_kafka_state_put_back(ark_kafka_reader *kafka);
/* Destroy what was taken and not handed out. */
void ark_kafka_state_drop_messages(ark_kafka_reader *kafka);

/* Inlined: once per message. */
static inline size_t ark_kafka_state_stream_of(const rd_kafka_message_t *message)
{
    return (size_t)(uintptr_t)rd_kafka_topic_opaque(message->rkt);
}

static inline void ark_kafka_state_release(ark_kafka_reader *kafka)
{
    rd_kafka_message_destroy(kafka->messages[kafka->message_at++]);
    kafka->holding = false;
}

#endif
