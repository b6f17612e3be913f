/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the channels of the publishers of a broker from their metadata topics. */
#ifndef ARK_KAFKA_METADATA_TOPICS_H
#define ARK_KAFKA_METADATA_TOPICS_H

#include "channel/selection.h"
#include "kafka/token_source.h"

#include <arrakis/arrakis.h>

#include <stdatomic.h>

/* Read the metadata topics of the given publishers, or with `publisher_count` 0 of all, and hand
 * over the selected channels. A topic that cannot be read, has several partitions, or more
 * channels than allowed, is ignored: a warning names it, and `passed_over` receives its error (one
 * that may be temporary is preferred; ARRAKIS_OK: none). So are those that are more than are read,
 * together (EBROKER). If no topic can be read, that is the error. `cancel` (may be NULL) is checked
 * every 100 ms; while a connected broker does not answer, after waits that double. */
typedef struct ark_metadata_source {
    const char *url;
    const arrakis_property *properties;
    size_t property_count;
    ark_token_source tokens;
    int64_t timeout_ns; /* for the whole call */
    const atomic_bool *cancel;
    const char *const *publishers;
    size_t publisher_count;
    size_t topics_max; /* 0: as kafka/metadata_choice.h has it */
} ark_metadata_source;
arrakis_status ark_metadata_topics_read(const ark_metadata_source *source,
                                        const ark_selection *selection, arrakis_error *passed_over,
                                        arrakis_error *err);

#endif
