/* SPDX-License-Identifier: Apache-2.0 */
/* The Kafka reader's insides, shared by the files that make it up: kafka/reader.c takes messages,
 * kafka/start.c finds where reading begins, kafka/end.c judges what there is still to come,
 * kafka/forward.c skips ahead, and kafka/watch.c asks the brokers from a thread of its own. */
#ifndef ARK_KAFKA_READER_H
#define ARK_KAFKA_READER_H

#include <arrakis/reader.h>

#include "kafka/fast_forward.h"
#include "read/ingest.h"
#include "kafka/query.h"
#include "kafka/trouble.h"
#include "base/thread.h"

#include <librdkafka/rdkafka.h>

enum { ARK_KAFKA_BATCH = 1000 };

/* A topic that does not exist, or has no leader, holds nothing when that has been so for so long. */
#define ARK_KAFKA_ABSENT_NS (10 * ARRAKIS_SECOND_NS)
/* So does one whose leader is silent, or that hands out nothing of what it has. */
#define ARK_KAFKA_SILENT_NS (30 * ARRAKIS_SECOND_NS)
/* How long a login that was taken before may be refused while no broker answers. */
#define ARK_KAFKA_REFUSED_NS (10 * ARRAKIS_SECOND_NS)
/* Where data is looked for by time, records stamped so long before their data are found too. */
#define ARK_KAFKA_STAMP_MARGIN_NS (10 * ARRAKIS_SECOND_NS)

/* What the last questions about a partition's end brought. Times are monotonic. */
typedef struct ark_kafka_end {
    rd_kafka_resp_err_t err; /* NO_ERROR: an answer; otherwise as in ark_kafka_ask_each() */
    /* Questions that failed in a row: since when there has been no answer, since when the topic has been
     * known not to exist or to have no leader, and the last of them. INT64_MIN: when the reader was
     * opened already; INT64_MAX: not so */
    int64_t silent_ns, absent_ns, failed_ns;
    int64_t offset;      /* behind the last message; -1: there was no answer yet */
    int64_t position;    /* the partition's, when it was asked */
    int64_t asked_ns;    /* when */
    int64_t begun_ns;    /* when it was assigned */
    bool doubted;        /* since its leader had been away, and not believed again yet */
    int64_t believed_ns; /* answers from before are of a leader that is just taking over */
    bool said;           /* that it is taken to hold nothing */
    /* answers in a row in which the position stood still before the end: where, since when, the last */
    int64_t stuck_position, stuck_ns, stuck_last_ns;
    int64_t lost_position; /* of the reader, when the silence began */
} ark_kafka_end;

typedef struct ark_kafka_partition {
    rd_kafka_topic_t *topic;  /* its opaque is the stream's number */
    atomic_bool assigned;     /* it is being read; set after `position` */
    _Atomic int64_t position; /* offset of the next message to hand out; negative: not known yet */
    int64_t log_end;    /* where librdkafka last came to the partition's end; -1: nowhere yet */
    int64_t budget_ns;  /* how old live data may be; 0: as old as it likes */
    atomic_bool paused; /* by the stream */
    bool gone;          /* librdkafka has reported that the topic does not exist any more */
    bool appeared;      /* it did not exist when the reader was opened */
    ark_kafka_end end;  /* guarded by the watch's monitor */
} ark_kafka_partition;

/* Asks the brokers from a thread of its own: a question can take seconds, and the stream must not
 * wait for it. The thread is there once there is something to ask: the ends of the log for a request
 * with a start that has caught up, topics that are missing, or a place to skip to. */
typedef struct ark_kafka_watch {
    ark_monitor monitor;
    pthread_t thread;
    bool running;
    atomic_bool stop;
    rd_kafka_t *rk;             /* asks for offsets, and fetches nothing; NULL: not needed yet */
    unsigned borrowed;          /* by how many askers in other threads */
    ark_kafka_trouble *trouble; /* of that handle, and of those that take its place */
    /* monotonic: when to look whether the reader's login is still refused, since when that of the
     * handle that asks is; INT64_MAX: neither */
    int64_t login_ns, denied_ns;
    atomic_bool refused; /* for good: `refusal` is why */
    arrakis_error refusal;
    bool ends_wanted;
    bool missing;     /* topics are looked for */
    bool look_wanted; /* the stream waits for one of them */
    bool broken;      /* there is no thread, and will be none */
    int64_t ends_ns;  /* monotonic; when the ends were last asked for; INT64_MIN: never */
    /* before there is a thread: which stream is waited for, where it stands, and since when; monotonic.
     * The first of all waits began at first_wait_ns; INT64_MIN: nothing has been waited for yet */
    size_t awaited;
    int64_t awaited_position, awaited_ns, first_wait_ns;
    int64_t
        failed_ns; /* monotonic; the last failed question of one that has not failed for long */
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
    int64_t opened_ns; /* GPS; when it began to ask where to read; ARRAKIS_UNSET: it has not yet */
    bool fast_forward, prepared;
    rd_kafka_t *rk;
    rd_kafka_conf_t *conf; /* for the watch's handle */
    rd_kafka_queue_t *queue;
    ark_kafka_partition *partitions; /* one a stream */
    ark_intake intake;
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
    ark_episode behind;
    uint64_t forward_count;
} ark_kafka_reader;

const char *ark_kafka_topic_of(const ark_kafka_reader *kafka, size_t stream);
/* Unix time in ms, as librdkafka takes it. */
int64_t ark_kafka_unix_ms(int64_t gps_ns);
/* The partitions for which `wanted` is set (NULL: that are assigned), asked for one offset each; the
 * entry's opaque is the partition. */
rd_kafka_topic_partition_list_t *ark_kafka_list(const ark_kafka_reader *kafka, const bool *wanted,
                                                int64_t offset);

/* ---- kafka/start.c */

/* Where reading begins, for the partitions whose `wanted` is set: at the reader's start, from the
 * beginning where it has no such time, or live at the end; once opened_ns is set, live at what has come
 * since. Returns the list to assign; a partition whose place could not be found out is left out of it. */
arrakis_status ark_kafka_find_start(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                    const bool *wanted, rd_kafka_topic_partition_list_t **out,
                                    arrakis_error *err);

/* ---- kafka/end.c */

int64_t ark_kafka_exhausted(arrakis_reader *reader, size_t stream, int64_t since_ns,
                            int64_t *again_ns);
/* Its leader is there again after having been away. Within the monitor. */
void ark_kafka_end_doubt(ark_kafka_partition *partition, int64_t now_ns);
/* Whether any broker has answered a question. Within the monitor. */
void ark_kafka_end_reached(ark_kafka_watch *watch, bool reached, int64_t now_ns);
/* Ask for the ends of all partitions that are read. Runs in the watch's thread. */
void ark_kafka_ask_ends(ark_kafka_reader *kafka, const ark_kafka_asker *asker);
/* A question about a partition that was begun then has failed, for that reason. Within the monitor. */
void ark_kafka_end_lost(ark_kafka_watch *watch, ark_kafka_partition *partition,
                        rd_kafka_resp_err_t err, int64_t begin_ns);

/* ---- kafka/forward.c */

arrakis_status ark_kafka_fast_forward(arrakis_reader *reader, int64_t to_ns, size_t *moved,
                                      arrakis_error *err);
/* A live stream is late beyond its budget: find out where to skip to, in the watch's thread. */
void ark_kafka_forward_ask(ark_kafka_reader *kafka, size_t stream, int64_t at_ns, int64_t now_ns);
/* Skip there, if that has been found out. Returns whether partitions were moved: then all that was
 * taken is gone. */
bool ark_kafka_forward_go(ark_kafka_reader *kafka);
/* Offsets at to_ns, or the ends where that cannot be found out. Runs in the watch's thread. */
arrakis_status ark_kafka_forward_find(ark_kafka_reader *kafka, const ark_kafka_asker *ask,
                                      int64_t to_ns, rd_kafka_topic_partition_list_t **out,
                                      arrakis_error *err);

/* ---- kafka/watch.c */

void ark_kafka_watch_init(ark_kafka_watch *watch);
/* Begin to ask, or wake the thread to what has been set within the monitor. */
arrakis_status ark_kafka_watch_start(ark_kafka_reader *kafka, arrakis_error *err);
/* The reader's login has been refused: see in a while whether it still is. */
void ark_kafka_watch_login(ark_kafka_reader *kafka);
/* Whether a broker has answered the handle that asks. Runs in the watch's thread. */
void ark_kafka_watch_reached(ark_kafka_reader *kafka, bool reached);
/* An asker whose questions do not wait behind the reader's fetching, to be given back. Any thread; what
 * cancels it is the caller's to set, since the reader's own cancel comes and goes. */
arrakis_status ark_kafka_watch_borrow(ark_kafka_reader *kafka, ark_kafka_asker *out,
                                      arrakis_error *err);
void ark_kafka_watch_give_back(ark_kafka_reader *kafka);
/* Tell the thread to end; wait for that, and free what it used. The second may take seconds. */
void ark_kafka_watch_stop(ark_kafka_reader *kafka);
void ark_kafka_watch_clear(ark_kafka_reader *kafka);

/* ---- kafka/reader.c */

/* When the call that asks this reader's brokers, and perhaps others' before, must be over: twice the
 * request timeout after it began. Monotonic; 0: there is no such call. The reader's own thread. */
int64_t ark_kafka_deadline(const ark_kafka_reader *kafka);
/* A message that is being handed out will be handed out again, from its beginning. */
void ark_kafka_put_back(ark_kafka_reader *kafka);
/* Destroy what was taken and not handed out. */
void ark_kafka_drop_messages(ark_kafka_reader *kafka);

#endif
