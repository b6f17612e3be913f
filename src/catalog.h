/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's or a file's channels, and the conditions of a search. */
#ifndef ARK_CATALOG_H
#define ARK_CATALOG_H

#include <arrakis/arrakis.h>

/* A compiled arrakis_query. */
typedef struct ark_filter ark_filter;
arrakis_status ark_filter_new(ark_filter **out, const arrakis_query *query, arrakis_error *err);
bool ark_filter_matches(ark_filter *filter, const arrakis_channel *channel);
/* EINVAL once a name has cost the pattern too many steps; nothing matches from then on. */
arrakis_status ark_filter_status(const ark_filter *filter, arrakis_error *err);
void ark_filter_free(ark_filter *filter);

/* One publisher's metadata topic while it is read: records are applied in order. No I/O. */
typedef struct ark_metadata ark_metadata;
arrakis_status ark_metadata_new(ark_metadata **out, const char *topic, arrakis_error *err);
/* One record; value NULL is a tombstone. A record that does not parse is counted, logged with
 * topic and offset, and skipped. The digest record is kept to be checked at the end. */
arrakis_status ark_metadata_apply(ark_metadata *metadata, const void *key, size_t key_size,
                                  const void *value, size_t value_size, int64_t offset,
                                  arrakis_error *err);
/* Compare the digest, if one was read, to the channels: a mismatch is a warning that gives both.
 * Returns whether they agree (true without a digest). */
bool ark_metadata_check(ark_metadata *metadata);
/* Every channel that is left; `fn` returns false to stop. */
void ark_metadata_each(ark_metadata *metadata, arrakis_channel_fn fn, void *opaque);
void ark_metadata_free(ark_metadata *metadata);
/* SHA-256 (hex) over a publisher's channels, as the digest record carries it. */
arrakis_status ark_metadata_digest(char hex[65], arrakis_channel *const *channels, size_t count,
                                   arrakis_error *err);

/* EINVAL for a broker list that cannot be one. kafka_metadata.c */
arrakis_status ark_kafka_metadata_check(const char *url, arrakis_error *err);

/* Read the metadata topics `arrakis-metadata-*` of a broker to the end they had at the start and
 * hand each channel to `fn`. `cancel` (may be NULL) is looked at every 100 ms;
 * while a broker that is connected does not answer, after waits that double. kafka_metadata.c */
#include <stdatomic.h>
arrakis_status ark_kafka_metadata_read(const char *url, const arrakis_property *properties,
                                       size_t property_count, int64_t timeout_ns,
                                       const atomic_bool *cancel, arrakis_channel_fn fn,
                                       void *opaque, arrakis_error *err);

#endif
