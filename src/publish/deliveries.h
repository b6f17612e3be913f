/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a publisher's blocks: how many are delivered and dropped, after how many failures
 * in a row the publisher gives up, and how far publishing is behind what comes in. Reads no
 * clock. */
#ifndef ARK_PUBLISH_DELIVERIES_H
#define ARK_PUBLISH_DELIVERIES_H

#include "base/log_limit.h"

#include <pthread.h>

/* Can be cleared when all bytes are 0. */
typedef struct ark_deliveries {
    char *publisher_id;
    int64_t max_failures;  /* ARRAKIS_UNSET: no limit */
    arrakis_error gave_up; /* OK: it has not given up */
    int64_t dropped_ns;    /* the begin of the last block, if it was dropped; or ARRAKIS_UNSET */
    bool begun;            /* the next two are set */
    int64_t least_age_ns;  /* of a block when it was to be published */
    int64_t offset_ns;     /* the system's clock minus the steady one, at the last block */
    ark_log_limit behind;
    pthread_mutex_t lock; /* of the stats, which any thread may ask for */
    arrakis_publisher_stats stats;
} ark_deliveries;

arrakis_status ark_deliveries_init(ark_deliveries *deliveries,
                                   const arrakis_publisher_options *options, arrakis_error *err);
void ark_deliveries_clear(ark_deliveries *deliveries);

/* Fails as the last block did, once the publisher has given up. */
arrakis_status ark_deliveries_check(const ark_deliveries *deliveries, arrakis_error *err);
/* A block that ends at end_ns is to be published now, by the system's clock (GPS time) and by the
 * steady one (base/clock.h). Publishing that is far behind is logged. */
void ark_deliveries_begin(ark_deliveries *deliveries, int64_t end_ns, int64_t system_ns,
                          int64_t steady_ns);
/* Publishing the block that begins at start_ns has returned `rc`, with the error `why` if that is
 * one. Returns what the publisher is to return: the same, or EIO when it gives up now. */
arrakis_status ark_deliveries_end(ark_deliveries *deliveries, int64_t start_ns, arrakis_status rc,
                                  const arrakis_error *why, arrakis_error *err);

/* In any thread. */
arrakis_publisher_stats ark_deliveries_stats(ark_deliveries *deliveries);

#endif
