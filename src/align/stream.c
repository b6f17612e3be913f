/* SPDX-License-Identifier: Apache-2.0 */
/* A reader and a mux, driven together: waits for data or for the next deadline, whichever is
 * first. */
#include "align/follow.h"
#include "align/mux.h"
#include "align/mux_deadline.h"
#include "align/mux_dump.h"
#include "align/mux_push.h"
#include "align/queue.h"
#include "align/stream_state.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "base/sized_struct.h"
#include "base/wait.h"
#include "base/waiter.h"
#include "block/block.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <stdio.h>
#include <stdlib.h>

/* In a request with a start, the others wait this long for an input whose source is lost, or until its data is
 * due if that is later. */
static const int64_t patience_ns = 10 * ARRAKIS_SECOND_NS;

/* ------------------------------------------------------------------ opening */

static arrakis_status check_options(const arrakis_stream_options *o, arrakis_error *err)
{
    const struct {
        const char *name;
        int64_t value, least;
    } limits[] = {{"start", o->start_ns, 0},
                  {"end", o->end_ns, 0},
                  {"duration", o->duration_ns, 1},
                  {"stride", o->stride_ns, 1},
                  {"latency tolerance", o->latency_tolerance_ns, 0},
                  {"retry time", o->retry_time_ns, 0}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].value != ARRAKIS_UNSET &&
            (limits[i].value < limits[i].least || limits[i].value > ARRAKIS_TIME_MAX_NS))
            return ark_fail(err, ARRAKIS_EINVAL, "%s %lld ns: expected %lld or more, below %lld",
                            limits[i].name, (long long)limits[i].value, (long long)limits[i].least,
                            (long long)ARRAKIS_TIME_MAX_NS);
    if (o->end_ns != ARRAKIS_UNSET && o->duration_ns != ARRAKIS_UNSET)
        return ark_fail(err, ARRAKIS_EINVAL, "end and duration exclude each other");
    if (o->end_ns != ARRAKIS_UNSET && o->start_ns != ARRAKIS_UNSET && o->end_ns < o->start_ns)
        return ark_fail(err, ARRAKIS_EINVAL, "end %lld ns lies before start %lld ns",
                        (long long)o->end_ns, (long long)o->start_ns);
    if ((int)o->on_gap < ARRAKIS_GAP_FILL || o->on_gap > ARRAKIS_GAP_RAISE)
        return ark_fail(err, ARRAKIS_EINVAL, "on_gap %d: expected fill, skip or raise",
                        (int)o->on_gap);
    if ((int)o->retry < ARRAKIS_RETRY_DEFAULT || o->retry > ARRAKIS_RETRY_OFF)
        return ark_fail(err, ARRAKIS_EINVAL, "retry %d: expected default, on or off",
                        (int)o->retry);
    if (o->retry_tries != ARRAKIS_UNSET && o->retry_tries < 1)
        return ark_fail(err, ARRAKIS_EINVAL, "%lld tries: expected 1 or more",
                        (long long)o->retry_tries);
    return ARRAKIS_OK;
}

/* A request that must end does so with an error, unless it asks for more patience. */
static ark_retry choose_retry(const arrakis_stream_options *o)
{
    bool endless = o->end_ns == ARRAKIS_UNSET && o->duration_ns == ARRAKIS_UNSET;
    bool on = o->retry == ARRAKIS_RETRY_ON || (o->retry == ARRAKIS_RETRY_DEFAULT && endless);
    return (ark_retry){on, o->retry_time_ns, o->retry_tries};
}

static arrakis_status make_mux(arrakis_stream *stream, arrakis_error *err)
{
    const arrakis_stream_options *o = &stream->options;
    size_t count = stream->reader->input_count;
    ark_mux_input_info *streams = calloc(count + 1, sizeof *streams);
    if (!streams)
        return ark_no_memory(err, "a stream of %zu inputs", count);
    for (size_t i = 0; i < count; i++)
        streams[i] =
            (ark_mux_input_info){stream->reader->inputs[i].id, stream->reader->inputs[i].channels};
    ark_mux_options options = {.start_ns = o->start_ns,
                               .stride_ns = o->stride_ns,
                               .tolerance_ns = o->latency_tolerance_ns,
                               .fetch_wait_ns = ark_reader_lies_ns(stream->reader),
                               .end_ns = stream->end_ns,
                               .on_gap = o->on_gap,
                               .order = stream->reader->channels,
                               .bounded =
                                   o->end_ns != ARRAKIS_UNSET || o->duration_ns != ARRAKIS_UNSET};
    arrakis_status rc =
        ark_mux_new(&stream->mux, streams, count, &options, ark_clock_now_ns(), err);
    free(streams);
    return rc;
}

/* Where a stream begins, in words. */
static const char *print_start(char text[48], int64_t start_ns)
{
    if (start_ns == ARRAKIS_UNSET)
        return "live";
    snprintf(text, 48, "at %lld ns", (long long)start_ns);
    return text;
}

/* The start of the stream is the one that its reader has. */
static arrakis_status adopt_start(arrakis_stream *stream, arrakis_error *err)
{
    char own[48], given[48];
    arrakis_stream_options *o = &stream->options;
    const arrakis_reader *reader = stream->reader;
    if (!reader->has_start)
        return ARRAKIS_OK;
    if (o->start_ns != ARRAKIS_UNSET && o->start_ns != reader->start_ns)
        return ark_fail(
            err, ARRAKIS_EINVAL,
            "the stream begins %s, its reader %s: expected the same, or no start for the "
            "stream",
            print_start(given, o->start_ns), print_start(own, reader->start_ns));
    o->start_ns = reader->start_ns;
    return ARRAKIS_OK;
}

static arrakis_status open_stream(arrakis_stream *stream, arrakis_error *err)
{
    const arrakis_stream_options *o = &stream->options;
    arrakis_status rc;
    ARK_TRY(adopt_start(stream, err));
    ARK_TRY(check_options(o, err));
    stream->live = o->start_ns == ARRAKIS_UNSET;
    stream->end_ns = o->end_ns;
    if (!stream->live && o->duration_ns != ARRAKIS_UNSET)
        stream->end_ns = o->start_ns + o->duration_ns;
    ARK_TRY(make_mux(stream, err));
    ARK_TRY(ark_waiter_open(&stream->waiter, err));
    if (!(stream->paused = calloc(stream->reader->input_count, sizeof *stream->paused)))
        return ark_no_memory(err, "a stream of %zu inputs", stream->reader->input_count);
    if (stream->cancel &&
        (rc = ark_waiter_add(&stream->waiter, arrakis_cancel_fd(stream->cancel), err)) < 0)
        return rc;
    ARK_TRY(ark_cancel_check(stream->cancel, "opening a stream", err));
    stream->reader->bounded = stream->end_ns != ARRAKIS_UNSET;
    stream->reader->retry = choose_retry(o);
    stream->reader->cancel = ark_cancel_flag(stream->cancel);
    if (!stream->reader->opened && (rc = arrakis_reader_open(stream->reader, err)) < 0)
        return rc;
    ark_mux_opened(stream->mux, ark_clock_now_ns());
    return ark_waiter_add(&stream->waiter, stream->reader->fd, err);
}

arrakis_status arrakis_stream_open(arrakis_stream **out, arrakis_reader *reader,
                                   const arrakis_stream_options *options, arrakis_error *err)
{
    if (out)
        *out = NULL;
    arrakis_stream *stream = out && reader ? calloc(1, sizeof *stream) : NULL;
    if (!stream) {
        arrakis_reader_close(reader);
        return out && reader ? ark_no_memory(err, "a stream")
                             : ark_fail(err, ARRAKIS_EINVAL, "arrakis_stream_open: %s is NULL",
                                        out ? "reader" : "out");
    }
    stream->reader = reader;
    stream->beyond_ns = ARRAKIS_UNSET;
    stream->stop_ns = INT64_MAX;
    stream->traced_ns = INT64_MAX;
    stream->waiter = (ark_waiter)ARK_WAITER_NONE;
    stream->options = (arrakis_stream_options)ARRAKIS_STREAM_OPTIONS_INIT;
    stream->before = (arrakis_stats)ARRAKIS_STATS_INIT;
    arrakis_status rc = ark_sized_struct_take(&stream->options, sizeof stream->options, options,
                                              "stream_options", err);
    if (rc == ARRAKIS_OK) {
        stream->cancel = arrakis_cancel_ref(stream->options.cancel);
        rc = open_stream(stream, err);
    }
    if (rc == ARRAKIS_OK)
        rc = ark_cancel_check(stream->cancel, "opening a stream", err);
    if (rc < 0) {
        arrakis_stream_close(stream);
        return rc;
    }
    *out = stream;
    return ARRAKIS_OK;
}

void ark_stream_close_into(arrakis_stream *stream, ark_closing *closing)
{
    if (!stream)
        return;
    ark_reader_close_into(stream->reader, closing);
    ark_follow_close(stream, closing);
    ark_mux_free(stream->mux);
    ark_waiter_close(&stream->waiter);
    arrakis_cancel_unref(stream->cancel);
    free(stream->paused);
    free(stream);
}

void arrakis_stream_close(arrakis_stream *stream)
{
    ark_closing closing = ARK_CLOSING_NONE;
    ark_stream_close_into(stream, &closing);
    ark_closing_wait(&closing);
}

/* ------------------------------------------------------------------ running */

/* Pause an input that is far ahead of others, until they have caught up: in a request with a start
 * nothing is dropped, and memory has a bound. */
static void pause_input(arrakis_stream *stream, size_t ahead)
{
    if (!stream->reader->ops->pause || stream->paused[ahead] || !ark_mux_full(stream->mux, ahead))
        return;
    stream->reader->ops->pause(stream->reader, ahead, true);
    stream->paused[ahead] = true;
    stream->paused_count++;
    ark_log_trace(ARK_LOG_ALIGN, "%s is paused: it is far ahead",
                  stream->reader->inputs[ahead].id);
}

static void resume_inputs(arrakis_stream *stream)
{
    for (size_t i = 0; stream->paused_count && i < stream->reader->input_count; i++)
        if (stream->paused[i] && ark_mux_has_room(stream->mux, i)) {
            stream->reader->ops->pause(stream->reader, i, false);
            stream->paused[i] = false;
            stream->paused_count--;
            ark_log_trace(ARK_LOG_ALIGN, "%s is resumed", stream->reader->inputs[i].id);
        }
}

/* Whether a block that begins at begin_ns is after the end of the request. The first block never
 * is. */
static bool is_past(const arrakis_stream *stream, int64_t begin_ns)
{
    return stream->end_ns != ARRAKIS_UNSET && begin_ns >= stream->end_ns &&
           begin_ns > stream->options.start_ns;
}

/* The next block, if it is ready and belongs to the request. */
static arrakis_status pull_block(arrakis_stream *stream, arrakis_block **out, arrakis_error *err)
{
    if (is_past(stream, ark_mux_cursor_ns(stream->mux)))
        return ARRAKIS_DONE;
    arrakis_status rc = ark_mux_pull(stream->mux, out, err);
    if (stream->paused_count)
        resume_inputs(stream);
    if (rc != ARRAKIS_OK) {
        bool past = is_past(stream, ark_mux_cursor_ns(stream->mux));
        return rc == ARRAKIS_TIMEOUT && past ? ARRAKIS_DONE : rc;
    }
    if (stream->end_ns == ARRAKIS_UNSET && stream->options.duration_ns != ARRAKIS_UNSET)
        stream->end_ns = (*out)->start_ns + stream->options.duration_ns;
    if (stream->end_ns != ARRAKIS_UNSET) {
        if (is_past(stream, (*out)->start_ns)) {
            stream->beyond_ns = (*out)->start_ns;
            arrakis_block_unref(*out);
            *out = NULL;
            return ARRAKIS_DONE;
        }
        stream->over = (*out)->start_ns + (*out)->duration_ns >= stream->end_ns;
    }
    stream->blocks++;
    ark_log_trace(ARK_LOG_ALIGN, "block at %lld ns", (long long)(*out)->start_ns);
    return ARRAKIS_OK;
}

static int64_t least_due_after_ns(const arrakis_stream *stream)
{
    int64_t least_ns = INT64_MAX;
    for (size_t i = 0; i < stream->reader->input_count; i++) {
        int64_t due_ns = ark_mux_due_after_ns(stream->mux, i);
        if (due_ns != ARRAKIS_UNSET && due_ns < least_ns)
            least_ns = due_ns;
    }
    return least_ns;
}

/* No deadline of the next block may pass: it has not been handed out. */
static int64_t first_stop_ns(const arrakis_stream *stream, int64_t due_ns, int64_t now_ns)
{
    int64_t cursor_ns = ark_mux_cursor_ns(stream->mux);
    if (cursor_ns == ARRAKIS_UNSET || due_ns == INT64_MAX || now_ns < cursor_ns + due_ns)
        return now_ns;
    return cursor_ns + due_ns - 1;
}

/* While all sources of a live stream are lost nothing can keep a deadline, and none passes: the servers
 * may still hold what they would hand out by then. When they are back, deadlines pass as their data
 * comes, until that is of the present, or no more comes. Data that is just in time is not of the present
 * yet, unless it stays so: what follows it is on its way, too, and its deadline a moment away. Returns
 * when to look again; ARRAKIS_UNSET: when data has come. */
static int64_t hold_deadlines(arrakis_stream *stream, int64_t now_ns)
{
    bool lost = ark_reader_all_lost(stream->reader);
    if (!lost && stream->stop_ns == INT64_MAX)
        return ARRAKIS_UNSET;
    int64_t due_ns = least_due_after_ns(stream), newest_ns = ark_mux_newest_end_ns(stream->mux);
    if (stream->stop_ns == INT64_MAX)
        stream->stop_ns = first_stop_ns(stream, due_ns, now_ns);
    if (lost || newest_ns > stream->newest_ns)
        stream->news_ns = now_ns;
    stream->newest_ns = newest_ns;
    if (!lost && newest_ns > stream->stop_ns)
        stream->stop_ns = newest_ns;
    int64_t quiet_ns = due_ns > ARRAKIS_SECOND_NS ? due_ns : ARRAKIS_SECOND_NS;
    int64_t age_ns = newest_ns == ARRAKIS_UNSET ? INT64_MAX : now_ns - newest_ns;
    if (lost || age_ns > due_ns)
        stream->behind_ns = now_ns;
    bool present = age_ns <= due_ns / 2 || now_ns - stream->behind_ns >= quiet_ns;
    if (!lost && (present || now_ns - stream->news_ns >= quiet_ns))
        stream->stop_ns = INT64_MAX;
    ark_mux_deadline_stop(stream->mux, stream->stop_ns);
    bool waits = !lost && stream->stop_ns != INT64_MAX;
    return waits ? stream->news_ns + quiet_ns : ARRAKIS_UNSET;
}

/* Take arrivals until a block is ready. OK: one may be; TIMEOUT: nothing has arrived. */
static arrakis_status take_arrivals(arrakis_stream *stream, arrakis_error *err)
{
    enum { AT_ONCE = 64 }; /* arrivals take microseconds: the clock need not be read for each */
    int64_t now_ns = ark_clock_now_ns();
    for (int i = 0; i < AT_ONCE && !ark_mux_ready(stream->mux); i++) {
        ark_arrival arrival;
        arrakis_status rc = stream->reader->ops->next(stream->reader, &arrival, err);
        if (rc != ARRAKIS_OK)
            return rc;
        ark_push how = ark_mux_push(stream->mux, arrival.input, &arrival.rows, now_ns);
        if (how == ARK_PUSH_NOMEM)
            return ark_no_memory(err, "a block of %s was dropped",
                                 stream->reader->inputs[arrival.input].id);
        if (!stream->live)
            pause_input(stream, arrival.input);
    }
    /* Live, deadlines pass also while data of other inputs comes all the time. With a start they
     * do not: the data that is due may follow the arrivals at hand, and inputs far ahead are
     * paused. */
    if (stream->live) {
        hold_deadlines(stream, now_ns);
        ark_mux_deadline_expire(stream->mux, now_ns);
    }
    return ARRAKIS_OK;
}

/* Whether the others go on without an input whose source is lost. A request that must end waits for it, and so
 * does one that has nothing else. *again_ns: if not yet, when. */
static bool leaves_behind(const arrakis_stream *stream, size_t input, int64_t *again_ns)
{
    const arrakis_reader *reader = stream->reader;
    if (stream->end_ns != ARRAKIS_UNSET || ark_reader_all_lost(reader))
        return false;
    int64_t since_ns = ark_reader_lost_since(reader, input);
    if (since_ns == ARRAKIS_UNSET)
        return false;
    int64_t due_ns = ark_mux_due_after_ns(stream->mux, input);
    int64_t left_ns =
        (due_ns > patience_ns ? due_ns : patience_ns) - (ark_monotonic_ns() - since_ns);
    if (left_ns > 0)
        *again_ns = ark_clock_now_ns() + left_ns;
    return left_ns <= 0;
}

/* Requests with a start: overdue data that the source does not hold is missing. Returns whether a
 * block may have become ready; *wake_ns: when to ask again. */
static bool ask_about_overdue(arrakis_stream *stream, int64_t *wake_ns)
{
    int64_t now_ns = ark_clock_now_ns(), again_ns;
    int64_t overdue = ark_mux_deadline_overdue(stream->mux, now_ns, wake_ns);
    if (overdue < 0)
        return false;
    int64_t at_ns =
        stream->reader->ops->exhausted(stream->reader, (size_t)overdue, *wake_ns, &again_ns);
    if (at_ns == ARRAKIS_UNSET && leaves_behind(stream, (size_t)overdue, &again_ns))
        at_ns = now_ns;
    if (at_ns == ARRAKIS_UNSET) {
        *wake_ns = again_ns;
        return false;
    }
    bool endless = stream->end_ns == ARRAKIS_UNSET;
    ark_mux_exhausted(stream->mux, (size_t)overdue, at_ns, endless);
    return true;
}

/* Once per block. */
static void trace_wait(arrakis_stream *stream, int64_t wake_ns)
{
    int64_t cursor_ns = ark_mux_cursor_ns(stream->mux);
    if (!ark_log_traces(ARK_LOG_ALIGN) || stream->traced_ns == cursor_ns)
        return;
    size_t count, first = ark_mux_dump_waited_for(stream->mux, &count);
    stream->traced_ns = cursor_ns;
    if (count)
        ark_log_trace(ARK_LOG_ALIGN, "waiting for %zu of %zu inputs, %s first, until %lld ns",
                      count, stream->reader->input_count, stream->reader->inputs[first].id,
                      (long long)wake_ns);
}

/* Nothing has arrived: let deadlines pass. OK: a block may be ready; TIMEOUT: none is, and the
 * timer is set. */
static arrakis_status let_time_pass(arrakis_stream *stream)
{
    int64_t now_ns = ark_clock_now_ns(), overdue_ns = ARRAKIS_UNSET;
    if (stream->live)
        overdue_ns = hold_deadlines(stream, now_ns);
    ark_mux_deadline_expire(stream->mux, now_ns);
    if (ark_mux_ready(stream->mux))
        return ARRAKIS_OK;
    int64_t wake_ns = ark_mux_deadline_ns(stream->mux);
    if (!stream->live && ask_about_overdue(stream, &overdue_ns))
        return ARRAKIS_OK;
    if (overdue_ns != ARRAKIS_UNSET && (wake_ns == ARRAKIS_UNSET || overdue_ns < wake_ns))
        wake_ns = overdue_ns;
    ark_waiter_arm(&stream->waiter, wake_ns);
    trace_wait(stream, wake_ns);
    return ARRAKIS_TIMEOUT;
}

/* One step: take the data that has arrived, or else let time pass. While data comes all the time
 * and makes no block ready, the source is asked about overdue data now and then: otherwise such
 * data could keep a request from its end. Deadlines do not pass then, since the data that is due
 * may follow the arrivals at hand. */
static arrakis_status take_step(arrakis_stream *stream, arrakis_error *err)
{
    enum { FRUITLESS_IN_A_ROW = 16 }; /* times AT_ONCE arrivals */
    arrakis_status rc = take_arrivals(stream, err);
    if (rc == ARRAKIS_TIMEOUT)
        return let_time_pass(stream);
    stream->fruitless = ark_mux_ready(stream->mux) ? 0 : stream->fruitless + 1;
    if (rc == ARRAKIS_OK && !stream->live && stream->fruitless >= FRUITLESS_IN_A_ROW) {
        int64_t wake_ns;
        stream->fruitless = 0;
        ask_about_overdue(stream, &wake_ns);
    }
    if (rc == ARRAKIS_DONE) {
        if (stream->finished)
            return ARRAKIS_DONE;
        stream->finished = true;
        ark_mux_finish(stream->mux, ARRAKIS_UNSET);
        return ARRAKIS_OK;
    }
    return rc;
}

/* Whether the timeout of a call has passed while data, or only wake-ups, came all the time. Reads
 * the clock at every 64th step. With a timeout of 0 all data that has arrived is taken first. */
static bool is_time_over(int64_t deadline_ns, bool idle, unsigned *steps)
{
    return (idle || deadline_ns > 0) && deadline_ns != INT64_MAX && ++*steps % 64 == 0 &&
           ark_wait_deadline(0) >= deadline_ns;
}

arrakis_status arrakis_stream_next(arrakis_stream *stream, int timeout_ms, arrakis_block **block,
                                   arrakis_error *err)
{
    if (!stream || !block)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_stream_next: %s is NULL",
                        stream ? "block" : "stream");
    *block = NULL;
    int64_t deadline_ns = timeout_ms > 0 ? ark_wait_deadline(timeout_ms)
                          : timeout_ms   ? INT64_MAX
                                         : 0;
    unsigned steps = 0;
    for (;;) {
        if (arrakis_cancel_is_set(stream->cancel))
            return ark_fail(err, ARRAKIS_ECANCELED, "the stream was canceled");
        if (stream->over)
            return ARRAKIS_DONE;
        if (stream->fatal.status < 0)
            return ark_fail(err, stream->fatal.status, "%s", stream->fatal.message);
        arrakis_error why;
        arrakis_status rc = ark_follow_step(stream, &why);
        if (rc == ARRAKIS_OK) {
            int64_t cursor_ns = ark_mux_cursor_ns(stream->mux);
            rc = pull_block(stream, block, err);
            if (ark_follow_stops(stream, cursor_ns, block))
                continue;
            if (rc != ARRAKIS_TIMEOUT) {
                stream->over = stream->over || rc == ARRAKIS_DONE;
                return rc;
            }
            rc = take_step(stream, &why);
            stream->idle = rc == ARRAKIS_TIMEOUT;
            if (rc < 0 && ark_follow_takes_error(stream, &why))
                continue;
        }
        if (rc < 0 && rc != ARRAKIS_ENOMEM) {
            stream->fatal = why;
            continue;
        }
        if (rc == ARRAKIS_TIMEOUT && !ark_wait_fd(stream->waiter.fd, deadline_ns))
            return rc;
        if (rc < 0)
            return ark_fail(err, rc, "%s", why.message);
        if (rc == ARRAKIS_DONE)
            return rc;
        if (is_time_over(deadline_ns, rc == ARRAKIS_TIMEOUT, &steps))
            return ARRAKIS_TIMEOUT;
    }
}

/* ------------------------------------------------------------------ the rest */

int arrakis_stream_fd(const arrakis_stream *stream)
{
    return stream ? stream->waiter.fd : -1;
}

const arrakis_channels *arrakis_stream_channels(const arrakis_stream *stream)
{
    return stream ? ark_mux_channels(stream->mux) : NULL;
}

int64_t arrakis_stream_stride_ns(const arrakis_stream *stream)
{
    return stream ? ark_mux_stride_ns(stream->mux) : 0;
}

int64_t arrakis_stream_position(const arrakis_stream *stream)
{
    if (!stream)
        return ARRAKIS_UNSET;
    return stream->beyond_ns != ARRAKIS_UNSET ? stream->beyond_ns
                                              : ark_mux_position_ns(stream->mux);
}

const arrakis_reader *arrakis_stream_reader(const arrakis_stream *stream)
{
    return stream ? stream->reader : NULL;
}

int64_t arrakis_stream_lag_ns(const arrakis_stream *stream, size_t i)
{
    if (!stream || i >= stream->reader->input_count)
        return ARRAKIS_UNSET;
    int64_t newest_ns = ark_mux_newest_ns(stream->mux, i);
    if (newest_ns == ARRAKIS_UNSET)
        return ARRAKIS_UNSET;
    return arrakis_gps_now_ns() - newest_ns - stream->reader->inputs[i].stride_ns;
}

void arrakis_stream_stats(const arrakis_stream *stream, arrakis_stats *stats)
{
    if (!stream || !stats)
        return;
    arrakis_stats now = stream->before;
    now.blocks += stream->blocks;
    now.changes = stream->changed;
    ark_mux_stats(stream->mux, &now);
    stream->reader->ops->stats(stream->reader, &now);
    ark_sized_struct_give(stats, &now, sizeof now);
}

static json_t *dump_stats(const arrakis_stream *stream)
{
    arrakis_stats s = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &s);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "messages", (json_int_t)s.messages, "undecodable", (json_int_t)s.undecodable,
                     "unwanted", (json_int_t)s.unwanted, "late", (json_int_t)s.late, "duplicate",
                     (json_int_t)s.duplicate, "mismatched", (json_int_t)s.mismatched, "overflow",
                     (json_int_t)s.overflow, "blocks", (json_int_t)s.blocks, "gaps",
                     (json_int_t)s.gaps, "errors", (json_int_t)s.errors, "losses",
                     (json_int_t)s.losses, "recoveries", (json_int_t)s.recoveries, "changes",
                     (json_int_t)s.changes);
}

char *arrakis_stream_dump(const arrakis_stream *stream)
{
    json_t *all = stream ? ark_mux_dump(stream->mux) : NULL;
    if (!all)
        return NULL;
    const char *state = stream->over               ? "over"
                        : stream->fatal.status < 0 ? "failed"
                        : stream->reopening        ? "reopening"
                                                   : "open";
    json_t *more = json_pack("{s:s, s:I, s:I, s:o}", "stream", state, "now_ns",
                             (json_int_t)arrakis_gps_now_ns(), "paused_inputs",
                             (json_int_t)stream->paused_count, "stats", dump_stats(stream));
    bool whole = more && json_object_update(all, more) == 0;
    char *text = whole ? ark_json_text(all, JSON_COMPACT) : NULL;
    json_decref(more);
    json_decref(all);
    return text;
}
