/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: immutable metadata, shared by reference. */
#ifndef ARK_CHANNEL_CHANNEL_H
#define ARK_CHANNEL_CHANNEL_H

#include "channel/fields.h"

#include <jansson.h>
#include <stdatomic.h>

/* No place in a table of channels. */
#define ARK_NOWHERE SIZE_MAX

/* What the channels of a partition have alike, and hold together: a site has 311,000 channels, 80 a
 * partition. */
typedef struct ark_channel_kind {
    atomic_uint refs;
    arrakis_dtype dtype;
    double sample_rate;
    int64_t stride_ns, max_latency_ns;
    const char *publisher, *partition_id, *replay_id; /* in `text`, or NULL */
    char text[];
} ark_channel_kind;

/* The kind that `info` describes, none of whose texts is empty: one that was lately asked for, or a
 * new one. NULL: out of memory. */
ark_channel_kind *ark_channel_kind_of(const arrakis_channel_info *info);
/* Whether it is that kind. */
bool ark_channel_kind_fits(const ark_channel_kind *kind, const arrakis_channel_info *info);
ark_channel_kind *ark_channel_kind_ref(ark_channel_kind *kind);
void ark_channel_kind_free(ark_channel_kind *kind);

struct arrakis_channel {
    ark_channel_kind *kind;
    int64_t time_ns, partition_index;
    atomic_uint refs;
    char name[];
};

static inline arrakis_channel_info ark_kind_info(const ark_channel_kind *kind, const char *name,
                                                 int64_t time_ns, int64_t partition_index)
{
    return (arrakis_channel_info){
        .struct_size = sizeof(arrakis_channel_info),
        .name = name,
        .dtype = kind->dtype,
        .sample_rate = kind->sample_rate,
        .time_ns = time_ns,
        .publisher = kind->publisher,
        .partition_id = kind->partition_id,
        .partition_index = partition_index,
        .stride_ns = kind->stride_ns,
        .max_latency_ns = kind->max_latency_ns,
        .replay_id = kind->replay_id,
    };
}

/* As arrakis_channel_get(): inlined, it is the look at one field that is used. */
static inline arrakis_channel_info ark_info(const arrakis_channel *channel)
{
    return ark_kind_info(channel->kind, channel->name, channel->time_ns, channel->partition_index);
}

/* What arrakis_channel_new() requires; texts that are empty become NULL. */
arrakis_status ark_channel_check(arrakis_channel_info *info, arrakis_error *err);
/* A channel that needs no check. Takes over the reference to its kind; NULL: out of memory. */
arrakis_channel *ark_channel_of_kind(ark_channel_kind *kind, const char *name, int64_t time_ns,
                                     int64_t partition_index);

/* What a channel's JSON says, checked. */
typedef struct ark_channel_text {
    arrakis_channel_info info; /* its texts are in one of these two */
    json_t *object;            /* NULL: the text has the plain shape */
    char plain[ARK_PLAIN_SIZE_MAX + 1];
} ark_channel_text;
/* As arrakis_channel_from_json(), and nothing is allocated for a text in plain shape. To be cleared
 * unless it fails. */
arrakis_status ark_channel_text_read(ark_channel_text *out, const char *text, size_t size,
                                     arrakis_error *err);
void ark_channel_text_clear(ark_channel_text *text);

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
