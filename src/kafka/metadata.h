/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata topic of a publisher: its records are applied in order. No I/O. */
#ifndef ARK_KAFKA_METADATA_H
#define ARK_KAFKA_METADATA_H

#include "channel/selection.h"

#include <arrakis/arrakis.h>

/* The names of metadata topics: this, and the id of the publisher. */
#define ARK_METADATA_PREFIX "arrakis-metadata-"
/* The most memory of the channels of one topic. */
#define ARK_METADATA_BYTES_MAX ((size_t)256 << 20)

typedef struct ark_metadata ark_metadata;
/* `topic` begins with the prefix; `now_ns`: the present, to check the times of records. */
arrakis_status ark_metadata_new(ark_metadata **out, const char *topic, int64_t now_ns,
                                arrakis_error *err);
/* Apply a record; value NULL is a tombstone. A record that is invalid, names another publisher
 * than the topic, or a time more than a minute ahead, is counted, logged with topic and offset,
 * and skipped. The digest is kept for ark_metadata_check(). EFORMAT: the channels take more than
 * ARK_METADATA_BYTES_MAX; ENOMEM. */
arrakis_status ark_metadata_apply(ark_metadata *metadata, const void *key, size_t key_size,
                                  const void *value, size_t value_size, int64_t offset,
                                  arrakis_error *err);
/* The memory of the present channels. */
size_t ark_metadata_bytes(const ark_metadata *metadata);
/* Compare the digest, if there is one, with the channels; a warning has both if they differ.
 * Returns whether they agree (true without a digest). */
bool ark_metadata_check(ark_metadata *metadata);
/* Hand over the channels that `selection` selects. DONE: it needs no more; ENOMEM. */
arrakis_status ark_metadata_each(ark_metadata *metadata, const ark_selection *selection,
                                 arrakis_error *err);
void ark_metadata_free(ark_metadata *metadata);

#endif
