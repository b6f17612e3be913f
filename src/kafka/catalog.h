/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's or a file's channels, and the conditions of a search. */
#ifndef ARK_KAFKA_CATALOG_H
#define ARK_KAFKA_CATALOG_H

#include "channel/store.h"
#include "kafka/token.h"

#include <stdatomic.h>

/* A compiled arrakis_query. */
typedef struct ark_filter ark_filter;
arrakis_status ark_filter_new(ark_filter **out, const arrakis_query *query, arrakis_error *err);
bool ark_filter_matches(ark_filter *filter, const arrakis_channel_info *info);
/* EINVAL once a name has cost the pattern too many steps, ENOMEM once there was no memory to match it;
 * nothing matches from then on. */
arrakis_status ark_filter_status(const ark_filter *filter, arrakis_error *err);
void ark_filter_free(ark_filter *filter);

/* What somebody asks of very many channels. One is made only once it is wanted. */
typedef enum ark_want { ARK_WANT_NOT, ARK_WANT, ARK_WANT_NO_MORE } ark_want;
typedef struct ark_wish {
    const char *const *names; /* of those alone; each once */
    size_t name_count;        /* 0: of all */
    ark_want (*wants)(const arrakis_channel_info *info, void *opaque);
    arrakis_channel_fn take; /* those that are wanted; false: no more */
    void *opaque;
} ark_wish;
/* Ask for a channel that is there already. False: no more. */
bool ark_wish_offer(const ark_wish *wish, arrakis_channel *channel);

/* A publisher's metadata topic is named so, with its id behind. */
#define ARK_METADATA_PREFIX "arrakis-metadata-"
/* What the channels of one topic may take. */
#define ARK_METADATA_BYTES_MAX ((size_t)256 << 20)

/* One publisher's metadata topic while it is read: records are applied in order. No I/O. */
typedef struct ark_metadata ark_metadata;
/* `topic` begins with the prefix; `now_ns` (GPS) judges the times of records. */
arrakis_status ark_metadata_new(ark_metadata **out, const char *topic, int64_t now_ns,
                                arrakis_error *err);
/* One record; value NULL is a tombstone. A record that does not parse, that names another publisher
 * than the topic or a time more than a minute ahead, is counted, logged with topic and offset, and
 * skipped. The digest record is kept to be checked at the end. EFORMAT: the channels take more than
 * ARK_METADATA_BYTES_MAX; ENOMEM. */
arrakis_status ark_metadata_apply(ark_metadata *metadata, const void *key, size_t key_size,
                                  const void *value, size_t value_size, int64_t offset,
                                  arrakis_error *err);
/* What the channels take that are held now. */
size_t ark_metadata_bytes(const ark_metadata *metadata);
/* Compare the digest, if one was read, to the channels: a mismatch is a warning that gives both.
 * Returns whether they agree (true without a digest). */
bool ark_metadata_check(ark_metadata *metadata);
/* What is asked for of the channels that are left. DONE: no more is wanted; ENOMEM. */
arrakis_status ark_metadata_each(ark_metadata *metadata, const ark_wish *wish, arrakis_error *err);
void ark_metadata_free(ark_metadata *metadata);
/* SHA-256 (hex) over a publisher's channels, as the digest record carries it. */
arrakis_status ark_metadata_digest(char hex[65], const ark_channel_store *store,
                                   arrakis_error *err);

/* EINVAL for a broker list that cannot be one. kafka/metadata_topics.c */
arrakis_status ark_kafka_metadata_check(const char *url, arrakis_error *err);

/* Read the metadata topics of a broker's publishers, those given or with `publisher_count` 0 all of
 * them, and hand on what is asked for. A topic that cannot be read, has several partitions, or holds
 * more than it may, is passed over: a warning names it, and `passed_over` receives its status and why
 * (the first that counts; ARRAKIS_OK: none). When no topic can be read that is the error. `cancel`
 * (may be NULL) is looked at every 100 ms; while a broker that is connected does not answer, after
 * waits that double. kafka/metadata_topics.c */
typedef struct ark_metadata_source {
    const char *url;
    const arrakis_property *properties;
    size_t property_count;
    ark_token_source tokens;
    int64_t timeout_ns; /* for all of it */
    const atomic_bool *cancel;
    const char *const *publishers;
    size_t publisher_count;
} ark_metadata_source;
arrakis_status ark_kafka_metadata_read(const ark_metadata_source *source, const ark_wish *wish,
                                       arrakis_error *passed_over, arrakis_error *err);

#endif
