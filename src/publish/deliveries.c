/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/deliveries.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Publishing that is so far behind is logged. */
#define BEHIND_NS (10 * ARRAKIS_SECOND_NS)

arrakis_status ark_deliveries_init(ark_deliveries *d, const arrakis_publisher_options *options,
                                   arrakis_error *err)
{
    d->publisher_id = strdup(options->publisher_id);
    if (!d->publisher_id)
        return ark_no_memory(err, "opening publisher %s", options->publisher_id);
    pthread_mutex_init(&d->lock, NULL);
    d->max_failures = options->max_failures;
    d->dropped_ns = ARRAKIS_UNSET;
    d->stats = (arrakis_publisher_stats)ARRAKIS_PUBLISHER_STATS_INIT;
    return ARRAKIS_OK;
}

void ark_deliveries_clear(ark_deliveries *d)
{
    if (d->publisher_id)
        pthread_mutex_destroy(&d->lock);
    free(d->publisher_id);
    memset(d, 0, sizeof *d);
}

arrakis_status ark_deliveries_check(const ark_deliveries *d, arrakis_error *err)
{
    if (d->gave_up.status == ARRAKIS_OK)
        return ARRAKIS_OK;
    return ark_fail(err, d->gave_up.status, "%s", d->gave_up.message);
}

/* ---- how far publishing is behind */

/* The age of blocks does not grow where each is published before the next one comes. When the
 * system's clock has been set, the ages before and after cannot be compared, and the block is taken
 * to be as far behind as the one before it. */
static int64_t note_age(ark_deliveries *d, int64_t age_ns, int64_t offset_ns)
{
    const int64_t leap_ns = offset_ns - d->offset_ns;
    if (d->begun && (leap_ns > ARK_CLOCK_LEAP_NS || leap_ns < -ARK_CLOCK_LEAP_NS))
        d->least_age_ns = age_ns - d->stats.behind_ns;
    else if (!d->begun || age_ns < d->least_age_ns)
        d->least_age_ns = age_ns;
    d->begun = true;
    d->offset_ns = offset_ns;
    return age_ns - d->least_age_ns;
}

void ark_deliveries_begin(ark_deliveries *d, int64_t end_ns, int64_t system_ns, int64_t steady_ns)
{
    const int64_t behind_ns = note_age(d, system_ns - end_ns, system_ns - steady_ns);
    pthread_mutex_lock(&d->lock);
    d->stats.behind_ns = behind_ns;
    pthread_mutex_unlock(&d->lock);
    if (behind_ns >= BEHIND_NS && ark_log_limit_note(&d->behind, steady_ns))
        ark_log(ARRAKIS_LOG_WARNING, "publisher %s: publishing is %.1f s behind what comes in",
                d->publisher_id, (double)behind_ns / 1e9);
}

/* ---- what has become of a block */

/* A failure of the kind that may pass: then dropping the block and going on is of use. */
static bool may_pass(arrakis_status rc)
{
    return rc == ARRAKIS_EBROKER || rc == ARRAKIS_EDEADLINE;
}

static void count_block(ark_deliveries *d, int64_t start_ns, arrakis_status rc)
{
    const bool again = start_ns == d->dropped_ns, dropped = rc != ARRAKIS_OK;
    d->dropped_ns = dropped ? start_ns : ARRAKIS_UNSET;
    pthread_mutex_lock(&d->lock);
    if (again) { /* it counts once */
        d->stats.blocks--;
        d->stats.dropped--;
    }
    d->stats.blocks++;
    d->stats.dropped += dropped;
    d->stats.failures = dropped ? d->stats.failures + 1 : 0;
    pthread_mutex_unlock(&d->lock);
}

static bool has_failed_too_often(const ark_deliveries *d)
{
    return d->max_failures != ARRAKIS_UNSET && d->stats.failures >= (uint64_t)d->max_failures;
}

arrakis_status ark_deliveries_end(ark_deliveries *d, int64_t start_ns, arrakis_status rc,
                                  const arrakis_error *why, arrakis_error *err)
{
    if (rc == ARRAKIS_OK || may_pass(rc))
        count_block(d, start_ns, rc);
    if (rc == ARRAKIS_OK)
        return rc;
    if (!may_pass(rc) || !has_failed_too_often(d))
        return ark_fail(err, rc, "%s", why->message);
    ark_fail(&d->gave_up, ARRAKIS_EIO,
             "%.430s; the publisher gives up (failures in a row: %" PRIu64 ")", why->message,
             d->stats.failures);
    return ark_deliveries_check(d, err);
}

arrakis_publisher_stats ark_deliveries_stats(ark_deliveries *d)
{
    pthread_mutex_lock(&d->lock);
    arrakis_publisher_stats stats = d->stats;
    pthread_mutex_unlock(&d->lock);
    return stats;
}
