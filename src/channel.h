/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: immutable metadata, shared by reference. */
#ifndef ARK_CHANNEL_H
#define ARK_CHANNEL_H

#include <arrakis/arrakis.h>

#include <jansson.h>
#include <stdatomic.h>

/* What the channels of a partition have alike, and hold together: a site has 200,000 channels, 80 a
 * partition. */
typedef struct ark_channel_kind {
    atomic_uint refs;
    arrakis_dtype data_type;
    double sample_rate;
    int64_t stride_ns, max_latency_ns;
    const char *publisher, *partition_id, *replay_id; /* in `text`, or NULL */
    char text[];
} ark_channel_kind;

/* The kind that `info` describes, none of whose texts is empty: one that was lately asked for, or a
 * new one. NULL: out of memory. */
ark_channel_kind *ark_channel_kind_of(const arrakis_channel_info *info);
void ark_channel_kind_free(ark_channel_kind *kind);

struct arrakis_channel {
    ark_channel_kind *kind;
    int64_t time_ns, partition_index;
    atomic_uint refs;
    char name[];
};

/* As arrakis_channel_get(): inlined, it is the look at one field that is used. */
static inline arrakis_channel_info ark_info(const arrakis_channel *channel)
{
    const ark_channel_kind *kind = channel->kind;
    return (arrakis_channel_info){
        .struct_size = sizeof(arrakis_channel_info),
        .name = channel->name,
        .data_type = kind->data_type,
        .sample_rate = kind->sample_rate,
        .time_ns = channel->time_ns,
        .publisher = kind->publisher,
        .partition_id = kind->partition_id,
        .partition_index = channel->partition_index,
        .stride_ns = kind->stride_ns,
        .max_latency_ns = kind->max_latency_ns,
        .replay_id = kind->replay_id,
    };
}

/* From a JSON object that is parsed already; err names the field, found and wanted. */
arrakis_status ark_channel_from_object(arrakis_channel **out, const json_t *object,
                                       arrakis_error *err);

/* The Kafka topic of a channel's partition, of a replay or (NULL) live; to be freed. EINVAL: Kafka has
 * no topics of such a name; ENOMEM. */
arrakis_status ark_channel_topic(char **out, const arrakis_channel_info *info,
                                 const char *replay_id, arrakis_error *err);

/* Order by partition_id, and by index in it; both must have them. */
int ark_channel_by_place(const arrakis_channel *a, const arrakis_channel *b);

/* Samples a channel has in `duration_ns`: rate x duration, or -1 when that is no whole number
 * (to 1e-6 of a sample), negative, or over INT32_MAX. */
int64_t ark_channel_samples(const arrakis_channel *channel, int64_t duration_ns);

#endif
