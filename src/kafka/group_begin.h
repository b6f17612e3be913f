/* SPDX-License-Identifier: Apache-2.0 */
/* Where the partitions begin that a group gives to this member: where another one has committed, or where
 * a group begins. A position is committed as an offset, with the time as text beside it. */
#ifndef ARK_KAFKA_GROUP_BEGIN_H
#define ARK_KAFKA_GROUP_BEGIN_H

#include "kafka/group_state.h"
#include "kafka/query.h"

/* Sort the names, after which partitions are found by them. */
void ark_group_begin_sort(ark_group *group);
/* The partition that an entry is about; NULL: it is none of the group. Of a topic with several partitions,
 * the group has the first. */
ark_group_partition *ark_group_begin_partition(const ark_group *group,
                                               const rd_kafka_topic_partition_t *entry);

/* A question to the brokers of a group, with its limits. */
ark_kafka_asker ark_group_begin_asker(const ark_group *group);
/* Note where the partitions end as this member joins, for those that no member has had. ECANCELED,
 * ENOMEM; what has no answer for another reason is looked for by timestamps later. */
arrakis_status ark_group_begin_note_ends(ark_group *group, arrakis_error *err);

/* Set the offsets of partitions that come, and when their data begins. The other partitions of their topics
 * are set to their ends. The brokers are asked for up to 30 s. If they do not answer what was committed,
 * librdkafka asks on for the offsets, and the times are to be asked for again. A partition that no member
 * has had begins where it ended when this member joined; where no broker answered that, at the first
 * record stamped since shortly before, within the bounds of kafka/start.h, or else at its end. With a start
 * it begins at the first record stamped since shortly before that, or else at its beginning. */
void ark_group_begin_find(ark_group *group, rd_kafka_topic_partition_list_t *list);
/* Before the first rows of a partition whose begin is `unknown`: ask for those of all such partitions.
 * Where nothing was committed, data counts from when this member joined, or from the start. ECONNECT: no
 * answer for 30 s; ECANCELED. */
arrakis_status ark_group_begin_ask_again(ark_group *group, arrakis_error *err);

/* Add a position to a list that is to be committed. */
void ark_group_begin_entry(rd_kafka_topic_partition_list_t *list, const char *topic,
                           const arrakis_group_position *position);
/* The time beside a committed offset; 0: none, which every time is after. */
int64_t ark_group_begin_time(const void *metadata, size_t size);

#endif
