/* SPDX-License-Identifier: Apache-2.0 */
/* The channels of a broker's publishers, out of their metadata topics. */
#ifndef ARK_KAFKA_METADATA_TOPICS_H
#define ARK_KAFKA_METADATA_TOPICS_H

#include "channel/wish.h"
#include "kafka/token_source.h"

#include <arrakis/arrakis.h>

#include <stdatomic.h>

/* Read the metadata topics of a broker's publishers, those given or with `publisher_count` 0 all of
 * them, and hand on what is asked for. A topic that cannot be read, has several partitions, or holds
 * more than it may, is passed over: a warning names it, and `passed_over` receives its status and why
 * (the first that counts; ARRAKIS_OK: none). When no topic can be read that is the error. `cancel`
 * (may be NULL) is looked at every 100 ms; while a broker that is connected does not answer, after
 * waits that double. */
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
arrakis_status ark_metadata_topics_read(const ark_metadata_source *source, const ark_wish *wish,
                                        arrakis_error *passed_over, arrakis_error *err);

#endif
