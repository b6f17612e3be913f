/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a member of a group, shared by the files that it is made of: kafka/group.c has what the
 * program calls, kafka/group_begin.c finds where the partitions that come begin, and kafka/group_login.c
 * looks after logins that are refused. */
#ifndef ARK_KAFKA_GROUP_STATE_H
#define ARK_KAFKA_GROUP_STATE_H

#include "base/log_limit.h"
#include "base/waiter.h"
#include "kafka/outage.h"
#include "read/ingest.h"
#include "read/reader.h"
#include "read/sequence.h"

#include <librdkafka/rdkafka.h>

typedef struct ark_group_partition {
    rd_kafka_topic_t *topic; /* its opaque is the number of the partition */
    bool ours;               /* the group has given it to this member; */
    bool told;               /* the program has been told so; */
    bool lost;               /* it was taken away since, which the program has not been told */
    int64_t block_ns;        /* duration of its blocks; 0: its stride */
    int64_t begin_ns;        /* what is earlier is passed over */
    bool unknown;            /* the brokers have not answered yet when that is */
    int64_t since_ns;        /* that, until the first block; ARRAKIS_UNSET: no time is known */
    int64_t joined_offset;   /* its end when this member joined; -1: not known */
    ark_sequence sequence;
    arrakis_group_position done; /* to be committed: */
    bool dirty;                  /* it is not under way yet; */
    bool committing;             /* it is, or one before it */
} ark_group_partition;

typedef struct ark_group_name {
    const char *topic;
    size_t partition;
} ark_group_name;

typedef struct arrakis_group {
    arrakis_reader head; /* the partitions as inputs; it has no operations */
    char *url, *name;
    int64_t start_ns, timeout_ns, joined_ns;
    int64_t joined_steady_ns; /* the same on the steady clock */
    arrakis_cancel *cancel;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    ark_kafka_outage *outage;
    int64_t login_ns; /* monotonic: when to look after a login that was refused; 0: none was */
    ark_waiter waiter;
    bool joined;
    ark_group_partition *partitions;
    ark_group_name *names; /* sorted by topic */
    ark_ingest ingest;
    bool changed; /* partitions came or went, of which the program has not been told */
    bool polled;  /* since it was told of the last one */
    /* the message that is being taken; the rows of it that are next, and not later than latest_ns */
    rd_kafka_message_t *message;
    bool begun; /* it is being decoded */
    bool has_rows;
    ark_arrival arrival;
    int64_t latest_ns;
    size_t dirty;             /* partitions */
    size_t commits_under_way; /* one at a time, and those of where partitions begin */
    int64_t commit_ns;        /* on the steady clock: not before this time */
    bool has_others;          /* a topic has more than one partition, which was logged */
    ark_log_limit commit_failed, missing, ahead;
    uint64_t late, mismatched, blocks;
} ark_group;

#endif
