/* SPDX-License-Identifier: Apache-2.0 */
/* The records that are written to a broker's metadata topics from now on. */
#ifndef ARK_KAFKA_METADATA_TAIL_H
#define ARK_KAFKA_METADATA_TAIL_H

#include "kafka/metadata_topics.h"

/* So many of the last records of each topic come first. */
#define ARK_METADATA_TAIL_RECORDS 1000

typedef struct ark_metadata_tail ark_metadata_tail;
/* Begin with the metadata topics of a broker that are read (kafka/metadata_choice.h). `wake_fd`
 * (base/event.h) becomes readable when records may have come; it must be open until the tail is
 * closed. The cancel and the texts of the source are borrowed until the return. */
arrakis_status ark_metadata_tail_open(ark_metadata_tail **out, const ark_metadata_source *source,
                                      int wake_fd, arrakis_error *err);
/* Hand up to 256 records that have come to `take`: value NULL is a tombstone. False: there were
 * none. A topic that was read and is not any more, because its rights are taken away or it is
 * deleted, is logged, and so is the first record that comes of it afterwards. */
bool ark_metadata_tail_each(ark_metadata_tail *tail,
                            void (*take)(const void *key, size_t key_size, const void *value,
                                         size_t value_size, void *opaque),
                            void *opaque);
/* Takes up to 2 s. */
void ark_metadata_tail_close(ark_metadata_tail *tail);

#endif
