/* SPDX-License-Identifier: Apache-2.0 */
/* One publisher's metadata topic while it is read: records are applied in order. No I/O. */
#ifndef ARK_KAFKA_METADATA_H
#define ARK_KAFKA_METADATA_H

#include "channel/wish.h"

#include <arrakis/arrakis.h>

/* A publisher's metadata topic is named so, with its id behind. */
#define ARK_METADATA_PREFIX "arrakis-metadata-"
/* What the channels of one topic may take. */
#define ARK_METADATA_BYTES_MAX ((size_t)256 << 20)

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

#endif
