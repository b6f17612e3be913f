/* SPDX-License-Identifier: Apache-2.0 */
#include "align/follow.h"

#include "align/stream_state.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/monotonic.h"
#include "block/block.h"

#include <stdlib.h>
#include <string.h>

arrakis_status ark_follow_begin(arrakis_stream *stream, ark_changes *changes, arrakis_error *err)
{
    stream->changes = changes;
    return ark_waiter_add(&stream->waiter, changes->fd, err);
}

void ark_follow_close(arrakis_stream *stream, ark_closing *closing)
{
    if (stream->changes)
        stream->changes->ops->close(stream->changes, closing);
    free(stream->change.changed);
}

/* ------------------------------------------------------------------ until the change is met */

/* What comes while the stream is being opened anew is about the stream as it was. */
static void take_news(arrakis_stream *stream)
{
    ark_changes *changes = stream->changes;
    ark_change change;
    atomic_store(&changes->news, false);
    ark_event_clear(changes->fd);
    if (!changes->ops->take(changes, &change))
        return;
    bool late = stream->stopping || stream->reopening;
    free(late ? change.changed : stream->change.changed);
    if (!late)
        stream->change = change;
}

static bool grace_is_over(const arrakis_stream *stream)
{
    int64_t position_ns = arrakis_stream_position(stream);
    bool past = position_ns != ARRAKIS_UNSET &&
                position_ns >= stream->change.noticed_ns + ARK_CHANGES_GRACE_NS;
    return past || (stream->idle && ark_monotonic_ns() >= stream->change.deadline_ns);
}

static bool lacks_data(const arrakis_block *block, const bool *changed)
{
    size_t count = arrakis_channels_count(arrakis_block_channels(block));
    for (size_t i = 0; i < count; i++)
        if (changed[i] && arrakis_series_missing(arrakis_block_series(block, i)))
            return true;
    return false;
}

static bool any_changed(const arrakis_stream *stream)
{
    size_t count = arrakis_channels_count(ark_mux_channels(stream->mux));
    for (size_t i = 0; i < count; i++)
        if (stream->change.changed[i])
            return true;
    return false;
}

static bool differs(const ark_change *change, const arrakis_block *block)
{
    return block->start_ns >= change->since_ns &&
           (block->start_ns >= change->doubt_ns || lacks_data(block, change->changed));
}

/* Time that was left out lacks data of all channels. */
bool ark_follow_stops(arrakis_stream *stream, int64_t cursor_ns, arrakis_block **block)
{
    const ark_change *change = &stream->change;
    if (change->what.status == ARRAKIS_OK || !change->changed)
        return false;
    int64_t next_ns = *block ? (*block)->start_ns : ark_mux_cursor_ns(stream->mux);
    bool left_out = cursor_ns != ARRAKIS_UNSET && next_ns > cursor_ns &&
                    next_ns > change->since_ns && any_changed(stream);
    if (!left_out && (!*block || !differs(change, *block)))
        return false;
    stream->stopping = true;
    stream->beyond_ns = left_out ? cursor_ns : next_ns;
    stream->over = false;
    stream->blocks -= *block != NULL;
    arrakis_block_unref(*block);
    *block = NULL;
    return true;
}

/* Before the first block of an opening, opening the stream anew would not end. */
bool ark_follow_takes_error(arrakis_stream *stream, const arrakis_error *why)
{
    if (!stream->changes || !stream->blocks || why->status != ARRAKIS_EMISMATCH)
        return false;
    free(stream->change.changed);
    stream->change = (ark_change){.what = *why};
    stream->change.what.status = ARRAKIS_ECHANGED;
    stream->stopping = true;
    return true;
}

/* ------------------------------------------------------------------ opening anew */

static void begin_again(arrakis_stream *stream)
{
    stream->reopening = true;
    ark_waiter_remove(&stream->waiter, stream->reader->fd);
    ark_waiter_arm(&stream->waiter, ARRAKIS_UNSET);
    stream->changes->ops->reopen(stream->changes, arrakis_stream_position(stream), stream->end_ns);
}

/* Take what `anew` reads and aligns, and leave it what this stream has used so far. */
static arrakis_status adopt(arrakis_stream *stream, arrakis_stream *anew, arrakis_error *err)
{
    const arrakis_stream used = *stream;
    arrakis_stats counts = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &counts);
    *stream = *anew;
    stream->waiter = used.waiter;
    stream->cancel = used.cancel;
    stream->reader->cancel = ark_cancel_flag(stream->cancel);
    stream->changes = used.changes;
    stream->changed = used.changed + 1;
    stream->before = counts;
    anew->reader = used.reader;
    anew->mux = used.mux;
    anew->paused = used.paused;
    stream->changes->ops->retire(stream->changes, anew);
    free(used.change.changed);
    return ark_waiter_add(&stream->waiter, stream->reader->fd, err);
}

static arrakis_status go_on(arrakis_stream *stream, arrakis_error *err)
{
    arrakis_stream *anew;
    arrakis_status rc = stream->changes->ops->reopened(stream->changes, &anew, err);
    if (rc == ARRAKIS_OK)
        return adopt(stream, anew, err);
    stream->over = rc == ARRAKIS_DONE;
    const ark_change *change = &stream->change;
    if (rc == ARRAKIS_ENOTFOUND && change->gone)
        return ark_fail(err, change->what.status, "%s", change->what.message);
    return rc;
}

arrakis_status ark_follow_step(arrakis_stream *stream, arrakis_error *err)
{
    if (!stream->changes)
        return ARRAKIS_OK;
    if (atomic_load_explicit(&stream->changes->news, memory_order_relaxed))
        take_news(stream);
    if (stream->reopening)
        return go_on(stream, err);
    const ark_change *change = &stream->change;
    if (change->what.status == ARRAKIS_OK || (!stream->stopping && !grace_is_over(stream)))
        return ARRAKIS_OK;
    bool removed = change->gone && !stream->stopping; /* and has had its time */
    if (!stream->changes->ops->reopen || removed)
        return ark_fail(err, change->what.status, "%s", change->what.message);
    begin_again(stream);
    return ARRAKIS_TIMEOUT;
}
