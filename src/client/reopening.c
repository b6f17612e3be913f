/* SPDX-License-Identifier: Apache-2.0 */
#include "client/reopening.h"

#include "align/changes.h"
#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "channel/stride.h"
#include "client/reader.h"

#include <assert.h>

/* arrakis.h states these at arrakis_client_stream(). */
static const int64_t interval_ns = 10 * ARRAKIS_SECOND_NS;   /* between openings */
static const int64_t pause_most_ns = 10 * ARRAKIS_SECOND_NS; /* between tries */

void ark_reopening_init(ark_reopening *r)
{
    ark_monitor_init(&r->monitor);
}

void ark_reopening_clear(ark_reopening *r)
{
    arrakis_stream_close(r->opened);
    arrakis_stream_close(r->retired);
    ark_monitor_clear(&r->monitor);
}

/* ------------------------------------------------------------------ the thread of the stream */

void ark_reopening_begin(ark_reopening *r, int64_t position_ns, int64_t end_ns)
{
    ark_monitor_enter(&r->monitor);
    r->wanted = true;
    r->position_ns = position_ns;
    r->end_ns = end_ns;
    r->since_ns = r->again_ns = r->pause_ns = 0;
    ark_monitor_leave(&r->monitor);
}

arrakis_status ark_reopening_take(ark_reopening *r, arrakis_stream **out, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_TIMEOUT;
    ark_monitor_enter(&r->monitor);
    *out = r->opened;
    r->opened = NULL;
    if (*out)
        rc = ARRAKIS_OK;
    else if (r->done)
        rc = ARRAKIS_DONE;
    else if (r->failure.status < 0)
        rc = ark_fail(err, r->failure.status, "opening the stream anew: %s", r->failure.message);
    ark_monitor_leave(&r->monitor);
    return rc;
}

void ark_reopening_retire(ark_reopening *r, arrakis_stream *stream)
{
    ark_monitor_enter(&r->monitor);
    assert(!r->retired); /* the thread has closed it before it opened another one */
    r->retired = stream;
    ark_monitor_leave(&r->monitor);
}

/* ------------------------------------------------------------------ the thread that opens */

arrakis_stream *ark_reopening_take_retired(ark_reopening *r, bool *wanted)
{
    ark_monitor_enter(&r->monitor);
    arrakis_stream *retired = r->retired;
    r->retired = NULL;
    *wanted = r->wanted;
    ark_monitor_leave(&r->monitor);
    return retired;
}

int64_t ark_reopening_due_ns(ark_reopening *r)
{
    ark_monitor_enter(&r->monitor);
    int64_t again_ns = r->again_ns;
    ark_monitor_leave(&r->monitor);
    return r->reopened_ns && again_ns < r->reopened_ns + interval_ns ? r->reopened_ns + interval_ns
                                                                     : again_ns;
}

/* Later by less than a stride, where that has become longer. */
static arrakis_status align_position(const ark_reopening *r, const arrakis_channels *channels,
                                     int64_t *position_ns, arrakis_error *err)
{
    int64_t stride_ns = r->request.stride_ns;
    if (*position_ns == ARRAKIS_UNSET)
        return ARRAKIS_OK;
    if (stride_ns == ARRAKIS_UNSET)
        ARK_TRY(ark_stride_of(&stride_ns, channels, err));
    if (stride_ns > 0)
        *position_ns = ark_stride_floor(*position_ns + stride_ns - 1, stride_ns);
    return ARRAKIS_OK;
}

/* DONE: no block is left before the end. */
static arrakis_status open_anew(const ark_reopening *r, int64_t position_ns, int64_t end_ns,
                                arrakis_stream **out, bool *direct, arrakis_error *err)
{
    arrakis_channels *now;
    arrakis_request request = r->request;
    ARK_TRY(arrakis_client_describe(r->client, &now, r->names, r->count, ARRAKIS_UNSET,
                                    request.replay_id, err));
    arrakis_status rc = align_position(r, now, &position_ns, err);
    request.start_ns = position_ns;
    if (end_ns != ARRAKIS_UNSET) {
        request.end_ns = end_ns;
        request.duration_ns = ARRAKIS_UNSET;
    }
    if (rc == ARRAKIS_OK && end_ns != ARRAKIS_UNSET && position_ns >= end_ns)
        rc = ARRAKIS_DONE;
    if (rc == ARRAKIS_OK)
        rc = ark_client_reader_stream(r->client, out, now, &request, direct, err);
    arrakis_channels_unref(now);
    return rc;
}

static bool may_pass(arrakis_status why)
{
    return arrakis_status_retriable(why) || why == ARRAKIS_ENOTFOUND || why == ARRAKIS_EMISMATCH ||
           why == ARRAKIS_ESERVER;
}

/* In the lock, after a failure: again later, or not at all. */
static void try_later(ark_reopening *r, const arrakis_error *why)
{
    int64_t now_ns = ark_monotonic_ns();
    if (!r->since_ns) {
        r->since_ns = now_ns;
        r->pause_ns = ARRAKIS_SECOND_NS;
        ark_log(ARRAKIS_LOG_WARNING, "the stream cannot be opened anew yet: %s", why->message);
    }
    r->again_ns = now_ns + r->pause_ns;
    r->pause_ns = 2 * r->pause_ns < pause_most_ns ? 2 * r->pause_ns : pause_most_ns;
    if (may_pass(why->status) && now_ns - r->since_ns < ARK_CHANGES_GRACE_NS)
        return;
    r->wanted = false;
    r->failure = *why;
}

arrakis_status ark_reopening_try(ark_reopening *r, arrakis_stream **out, bool *direct, bool *ended)
{
    arrakis_error why;
    *out = NULL;
    ark_monitor_enter(&r->monitor);
    int64_t position_ns = r->position_ns, end_ns = r->end_ns;
    ark_monitor_leave(&r->monitor);
    arrakis_status rc = open_anew(r, position_ns, end_ns, out, direct, &why);
    ark_monitor_enter(&r->monitor);
    if (rc < 0) {
        try_later(r, &why);
    } else {
        r->wanted = false;
        r->done = rc == ARRAKIS_DONE;
    }
    *ended = rc != ARRAKIS_OK && !r->wanted;
    ark_monitor_leave(&r->monitor);
    return rc;
}

void ark_reopening_hand_over(ark_reopening *r, arrakis_stream *opened)
{
    r->reopened_ns = ark_monotonic_ns();
    ark_monitor_enter(&r->monitor);
    r->opened = opened;
    ark_monitor_leave(&r->monitor);
}
