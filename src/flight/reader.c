/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/reader.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "base/waiter.h"
#include "block/rows.h"
#include "flight/batch_rows.h"
#include "flight/batches.h"
#include "flight/budget.h"
#include "flight/info.h"
#include "flight/loss.h"
#include "flight/connections.h"
#include "flight/state.h"
#include "flight/inputs.h"
#include "flight/ticket.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* Past data may have to be fetched from an archive. */
static const int64_t default_stall_ns = 300 * ARRAKIS_SECOND_NS;
static const int64_t default_grace_ns = 30 * ARRAKIS_SECOND_NS;
/* If silence is noticed later than this, this process has caused it: it was stopped, or its thread
 * busy. */
static const int64_t lateness_ns = ARRAKIS_SECOND_NS;
/* Clocks differ: rows no further ahead of the clock than this have a right time. */
static const int64_t clock_margin_ns = ARRAKIS_SECOND_NS;
/* A source that is taken up again has this long to come to the present before it skips ahead. */
static const int64_t behind_ns = 10 * ARRAKIS_SECOND_NS;
/* Earlier than any row; differences with it do not overflow. */
static const int64_t earliest_ns = INT64_MIN / 2;

/* ------------------------------------------------------------------ running sources */

static bool is_paused(const ark_flight_reader *flight, const ark_flight_source *s)
{
    for (size_t i = 0; i < s->input_count; i++)
        if (flight->paused[s->inputs[i].number])
            return true;
    return false;
}

static bool is_running(const ark_flight_source *s)
{
    return s->phase == ARK_FLIGHT_READING || s->phase == ARK_FLIGHT_IN_BATCH;
}

/* Add the descriptor of a source to the waiter, or remove it: that of a paused source would stay
 * readable. */
static arrakis_status watch_source(ark_flight_reader *flight, ark_flight_source *s, bool wanted,
                                   arrakis_error *err)
{
    if (s->watched == wanted || !is_running(s))
        return ARRAKIS_OK;
    int fd = s->batches.call.session->transport->fd(s->batches.call.call);
    s->watched = wanted;
    if (wanted)
        return ark_waiter_add(&flight->waiter, fd, err);
    epoll_ctl(flight->waiter.fd, EPOLL_CTL_DEL, fd, NULL);
    return ARRAKIS_OK;
}

static void stop_source(ark_flight_reader *flight, ark_flight_source *s)
{
    watch_source(flight, s, false, NULL);
    flight->messages += s->batches.messages;
    flight->bytes += s->batches.bytes;
    ark_batches_close(&s->batches);
    s->phase = ARK_FLIGHT_WAITING;
    s->schema_id = 0;
}

static void note_news(ark_flight_source *s)
{
    s->news_ns = ark_monotonic_ns();
    s->excused = false;
}

static void trace_source(const ark_flight_source *s, const char *what)
{
    ark_log_trace(ARK_LOG_FLIGHT, "%s: the stream of channel '%.150s'%s %s",
                  s->batches.call.session->url, s->ticket.names[0], ark_ticket_others(&s->ticket),
                  what);
}

/* Note that a location is asked for the data from the begin on. */
static void begin_source(ark_flight_source *s)
{
    trace_source(s, "is asked for");
    s->phase = ARK_FLIGHT_READING;
    s->come = s->filled = (ark_flight_mark){s->begin_ns, s->begin_ns};
    note_news(s);
}

/* Start reading at the location of the source, or at the next one that can be connected to. */
static arrakis_status start_source(ark_flight_reader *flight, ark_flight_source *s,
                                   arrakis_error *err)
{
    if (s->input_count == 0) {
        s->phase = ARK_FLIGHT_OVER;
        return ARRAKIS_OK;
    }
    ark_endpoint asked;
    char *ticket;
    s->phase = ARK_FLIGHT_WAITING;
    ARK_TRY(ark_flight_loss_endpoint(s, &asked, &ticket, err));
    arrakis_status rc = ark_connections_read(&flight->connections, &s->batches, &asked,
                                             &s->location, s->loss.lost, err);
    free(ticket);
    if (rc < 0)
        return rc;
    begin_source(s);
    return watch_source(flight, s, !is_paused(flight, s), err);
}

/* Start all sources of the slice of time that begins with source flight->end. */
static arrakis_status start_slice(ark_flight_reader *flight, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    flight->first = flight->turn = flight->end;
    int64_t start_ns = flight->first < flight->count
                           ? flight->sources[flight->first].ticket.start_ns
                           : ARRAKIS_UNSET;
    while (rc == ARRAKIS_OK && flight->end < flight->count &&
           flight->sources[flight->end].ticket.start_ns == start_ns)
        rc = start_source(flight, &flight->sources[flight->end++], err);
    return rc;
}

/* A source has failed, for the reason in `err`. OK: another location of its endpoint is read;
 * TIMEOUT: it is taken up again later. */
static arrakis_status replace_source(ark_flight_reader *flight, ark_flight_source *s,
                                     arrakis_status why, arrakis_error *err)
{
    flight->errors++;
    bool replaced = ark_connections_fail_over(&s->endpoint, &s->location, err);
    stop_source(flight, s);
    if (replaced)
        why = start_source(flight, s, err);
    return why < 0 ? ark_flight_loss_note(flight, s, why, err) : why;
}

/* Try those lost sources again whose pause is over. */
static arrakis_status take_up_lost(ark_flight_reader *flight, arrakis_error *err)
{
    int64_t now_ns = ark_monotonic_ns();
    if (now_ns < flight->again_ns)
        return ARRAKIS_OK;
    flight->again_ns = INT64_MAX;
    for (size_t i = flight->first; i < flight->end; i++) {
        ark_flight_source *s = &flight->sources[i];
        if (s->phase != ARK_FLIGHT_LOST)
            continue;
        if (now_ns < s->loss.again_ns) {
            if (s->loss.again_ns < flight->again_ns)
                flight->again_ns = s->loss.again_ns;
            continue;
        }
        arrakis_status rc = start_source(flight, s, err);
        if (rc < 0 && (rc = replace_source(flight, s, rc, err)) < 0)
            return rc;
    }
    return ARRAKIS_OK;
}

static int64_t silence_limit(const ark_flight_reader *flight, const ark_flight_source *s)
{
    return s->batches.call.awaiting_first ? flight->timeout_ns : s->silence_ns;
}

static arrakis_status check_silence(const ark_flight_reader *flight, ark_flight_source *s,
                                    arrakis_error *err)
{
    int64_t now_ns = ark_monotonic_ns(), limit_ns = silence_limit(flight, s);
    int64_t silent_ns = now_ns - s->news_ns;
    if (silent_ns < limit_ns)
        return ARRAKIS_OK;
    if (silent_ns - limit_ns > lateness_ns && !s->excused) {
        /* next() was not called for long: data may have arrived meanwhile */
        s->excused = true;
        s->news_ns = now_ns - limit_ns + lateness_ns;
        return ARRAKIS_OK;
    }
    return ark_fail(
        err, ARRAKIS_EDEADLINE,
        "%.100s: no new data for channel '%.150s'%s in %.1f s; giving up on this endpoint",
        s->batches.call.session->url, s->ticket.names[0], ark_ticket_others(&s->ticket),
        (double)silent_ns * 1e-9);
}

/* Set the timer to when the first source will have been silent for too long. */
static void arm_waiter(ark_flight_reader *flight)
{
    int64_t wake_ns = INT64_MAX, now_ns = ark_monotonic_ns();
    for (size_t i = flight->first; i < flight->end; i++) {
        const ark_flight_source *s = &flight->sources[i];
        int64_t end_ns;
        if (is_running(s) && s->watched &&
            !__builtin_add_overflow(s->news_ns, silence_limit(flight, s), &end_ns) &&
            end_ns < wake_ns)
            wake_ns = end_ns;
    }
    if (flight->lost_count && flight->again_ns < wake_ns)
        wake_ns = flight->again_ns;
    if (flight->armed_ns <= wake_ns && flight->armed_ns > now_ns)
        return; /* the timer fires early at most, and is then set again */
    flight->armed_ns = wake_ns;
    ark_waiter_arm(&flight->waiter,
                   wake_ns == INT64_MAX ? ARRAKIS_UNSET : ark_clock_now_ns() + wake_ns - now_ns);
}

static bool has_end(const ark_flight_source *s)
{
    return s->end_ns != ARRAKIS_UNSET;
}

static void note_end(ark_flight_source *s, const ark_rows *rows)
{
    int64_t end_ns;
    if (__builtin_add_overflow(rows->time_ns, rows->duration_ns, &end_ns))
        return;
    if (end_ns > s->reached_ns)
        s->reached_ns = end_ns;
    if (end_ns > s->batch_ns)
        s->batch_ns = end_ns;
    if (has_end(s) && rows->time_ns >= s->end_ns)
        return;
    /* A row may leap ahead, after a gap or with a wrong time: the data before it may still
     * come. */
    bool behind = end_ns <= s->come.at_ns;
    bool leaps = rows->time_ns > s->come.at_ns;
    bool filled = s->filled.at_ns == s->come.at_ns;
    if ((behind || (filled && !leaps)) && end_ns > s->filled.at_ns)
        s->filled.at_ns = end_ns;
    if (!behind)
        s->come.at_ns = end_ns;
}

/* Whether a mark has moved by step_ns since data last counted as new; then note it. */
static bool goes_on(ark_flight_mark *mark, int64_t step_ns)
{
    if (mark->at_ns - mark->news_ns < step_ns)
        return false;
    mark->news_ns = mark->at_ns;
    return true;
}

/* Note how far the data of a batch goes. A wrong time, far ahead, must not be where a source is taken up
 * again. */
static void note_come(ark_flight_reader *flight, ark_flight_source *s)
{
    int64_t ahead_ns = s->step_ns > clock_margin_ns ? s->step_ns : clock_margin_ns;
    int64_t end_ns = s->batch_ns;
    s->batch_ns = ARRAKIS_UNSET;
    /* both UNSET is earlier than all times */
    if (end_ns <= s->come_ns || end_ns - ahead_ns > ark_clock_now_ns())
        return;
    s->come_ns = end_ns;
    if (s->loss.lost)
        ark_flight_loss_end(flight, s);
}

/* Note a batch. A server may send rows for ever: the same rows again, rows before the start or
 * after the end, or each a nanosecond after the last. Only data that moves the input forward by a
 * stride counts as new. DONE: all data of the span has arrived, whatever else is sent. */
static arrakis_status note_batch(ark_flight_reader *flight, ark_flight_source *s)
{
    note_come(flight, s);
    bool comes = goes_on(&s->come, s->step_ns), fills = goes_on(&s->filled, s->step_ns);
    if (comes || fills)
        note_news(s);
    return has_end(s) && s->filled.at_ns >= s->end_ns ? ARRAKIS_DONE : ARRAKIS_TIMEOUT;
}

/* A server ends its answer where it has no more data, so an early end is not an error. But it is
 * logged, because a message that was cut off ends the same way: gRPC drops it, and reports the OK
 * of the server. */
static void check_end(ark_flight_reader *flight, const ark_flight_source *s)
{
    const char *url = s->batches.call.session->url, *name = s->ticket.names[0];
    const char *others = ark_ticket_others(&s->ticket);
    int64_t end_ns = s->end_ns;
    int64_t reached_ns = s->reached_ns > s->begin_ns ? s->reached_ns : s->begin_ns;
    if (end_ns == ARRAKIS_UNSET) {
        ark_log(ARRAKIS_LOG_WARNING, "%.100s has ended the %s stream of channel '%.150s'%s", url,
                s->ticket.start_ns == ARRAKIS_UNSET ? "live" : "endless", name, others);
    } else if (reached_ns < end_ns &&
               end_ns - reached_ns >= flight->head.inputs[s->inputs[0].number].stride_ns) {
        flight->errors++;
        ark_log(ARRAKIS_LOG_WARNING,
                "%.100s has ended the stream of channel '%.150s'%s at %.3f s, and was asked for "
                "it up to %.3f s",
                url, name, others, (double)reached_ns * 1e-9, (double)end_ns * 1e-9);
    }
}

/* The next batch of a source. */
static arrakis_status next_batch(ark_flight_reader *flight, ark_flight_source *s,
                                 arrakis_error *err)
{
    bool awaiting_first = s->batches.call.awaiting_first;
    arrakis_status rc = ark_batches_next(&s->batches, err);
    if (awaiting_first != s->batches.call.awaiting_first) { /* the first message has arrived */
        note_news(s);
        flight->begun = true;
    }
    if (rc == ARRAKIS_OK && s->schema_id != s->batches.schema_id) {
        rc = ark_batch_rows_bind(s->inputs, s->input_count, &flight->head, &s->batches,
                                 &s->time_column, err);
        s->schema_id = rc < 0 ? 0 : s->batches.schema_id;
    }
    s->phase = rc == ARRAKIS_OK ? ARK_FLIGHT_IN_BATCH : ARK_FLIGHT_READING;
    s->cursor = (ark_flight_cursor){0};
    return rc;
}

/* The next rows of a source. TIMEOUT: none has arrived, or a batch has ended; DONE: no more. */
static arrakis_status read_source(ark_flight_reader *flight, ark_flight_source *s,
                                  ark_arrival *arrival, arrakis_error *err)
{
    arrakis_status rc = s->phase == ARK_FLIGHT_IN_BATCH ? ARRAKIS_OK : next_batch(flight, s, err);
    if (rc != ARRAKIS_OK)
        return rc;
    rc = ark_batch_rows_next(arrival, &s->cursor, s->inputs, s->input_count, &flight->head,
                             &s->batches, s->time_column, &flight->scratch, err);
    s->phase = rc == ARRAKIS_OK ? ARK_FLIGHT_IN_BATCH : ARK_FLIGHT_READING;
    if (rc == ARRAKIS_OK)
        note_end(s, &arrival->rows);
    return rc == ARRAKIS_DONE ? note_batch(flight, s) : rc;
}

/* What a source that was taken up again repeats is passed over. */
static bool is_repeated(ark_flight_source *s, const ark_rows *rows)
{
    int64_t end_ns;
    if (s->loss.from_ns == ARRAKIS_UNSET ||
        __builtin_add_overflow(rows->time_ns, rows->duration_ns, &end_ns) ||
        end_ns > s->loss.from_ns)
        return false;
    s->loss.repeats = s->loss.repeats || end_ns <= s->loss.asked_ns;
    return true;
}

/* The same, without what has been handed out. */
static arrakis_status read_new(ark_flight_reader *flight, ark_flight_source *s,
                               ark_arrival *arrival, arrakis_error *err)
{
    arrakis_status rc;
    while ((rc = read_source(flight, s, arrival, err)) == ARRAKIS_OK &&
           is_repeated(s, &arrival->rows))
        ;
    return rc;
}

static bool slice_is_over(const ark_flight_reader *flight)
{
    for (size_t i = flight->first; i < flight->end; i++)
        if (flight->sources[i].phase != ARK_FLIGHT_OVER)
            return false;
    return true;
}

static const ark_reader_ops flight_ops;

/* ------------------------------------------------------------------ the interface */

static arrakis_status flight_open(arrakis_reader *reader, arrakis_error *err)
{
    return start_slice(ARK_READER_AS(ark_flight_reader, reader, flight_ops), err);
}

/* What has no end does not end: the server goes away. */
static arrakis_status check_endless(const ark_flight_reader *flight, const ark_flight_source *s,
                                    arrakis_error *err)
{
    if (has_end(s) || !flight->head.retry.on)
        return ARRAKIS_DONE;
    return ark_fail(err, ARRAKIS_ESERVER, "%.100s has ended it", s->batches.call.session->url);
}

/* Whether a source has come to the present since it was taken up again, or must skip to it. */
static bool stays_behind(const ark_flight_reader *flight, ark_flight_source *s)
{
    if (!s->loss.ended_ns || !flight->fast_forward)
        return false;
    int64_t budget_ns = s->due_after_ns == ARRAKIS_UNSET ? 0 : s->due_after_ns;
    int64_t allowed_ns = budget_ns > behind_ns ? budget_ns : behind_ns;
    if (s->due_after_ns == ARRAKIS_UNSET ||
        ark_clock_now_ns() - s->come_ns <= budget_ns + behind_ns)
        s->loss.ended_ns = 0;
    return s->loss.ended_ns && ark_monotonic_ns() - s->loss.ended_ns > allowed_ns;
}

/* Ask a source for the present. */
static arrakis_status skip_ahead(ark_flight_reader *flight, ark_flight_source *s,
                                 arrakis_error *err)
{
    flight->fast_forwards++;
    ark_log(ARRAKIS_LOG_WARNING,
            "%.100s: the stream of channel '%.150s'%s has stayed behind since it was taken up "
            "again, by %.1f s, and skips to the present",
            s->batches.call.session->url, s->ticket.names[0], ark_ticket_others(&s->ticket),
            (double)(ark_clock_now_ns() - s->come_ns) * 1e-9);
    stop_source(flight, s);
    s->loss.ended_ns = 0;
    arrakis_status rc = start_source(flight, s, err);
    return rc < 0 ? replace_source(flight, s, rc, err) : rc;
}

/* Read from one source. DONE: it has ended. */
static arrakis_status take_turn(ark_flight_reader *flight, ark_flight_source *s,
                                ark_arrival *arrival, arrakis_error *err)
{
    arrakis_status rc = read_new(flight, s, arrival, err);
    if (rc == ARRAKIS_TIMEOUT)
        rc = check_silence(flight, s, err) < 0 ? ARRAKIS_EDEADLINE : rc;
    if (rc == ARRAKIS_TIMEOUT && stays_behind(flight, s)) {
        rc = skip_ahead(flight, s, err);
        return rc < 0 ? rc : ARRAKIS_TIMEOUT;
    }
    if (rc == ARRAKIS_DONE)
        rc = check_endless(flight, s, err);
    if (rc < 0) {
        rc = replace_source(flight, s, rc, err);
        return rc < 0 ? rc : ARRAKIS_TIMEOUT;
    }
    if (rc == ARRAKIS_DONE) {
        trace_source(s, "has ended");
        check_end(flight, s);
        stop_source(flight, s);
        s->phase = ARK_FLIGHT_OVER;
    }
    return rc;
}

/* Read from the sources of the slice in turn, one batch of each, so that no source keeps the
 * others waiting. TIMEOUT: none has data. */
static arrakis_status take_turns(ark_flight_reader *flight, ark_arrival *arrival,
                                 arrakis_error *err)
{
    for (size_t idle = 0; idle < flight->end - flight->first;) {
        ark_flight_source *s = &flight->sources[flight->turn];
        bool in_batch = s->phase == ARK_FLIGHT_IN_BATCH;
        arrakis_status rc = ARRAKIS_TIMEOUT;
        if (is_running(s) && !is_paused(flight, s))
            rc = take_turn(flight, s, arrival, err);
        if (rc == ARRAKIS_OK || rc < 0)
            return rc;
        bool may_have_more = in_batch && s->phase == ARK_FLIGHT_READING;
        idle = may_have_more ? 0 : idle + 1;
        if (++flight->turn == flight->end)
            flight->turn = flight->first;
    }
    return ARRAKIS_TIMEOUT;
}

static arrakis_status next_arrival(ark_flight_reader *flight, ark_arrival *arrival,
                                   arrakis_error *err)
{
    for (;;) {
        if (flight->lost_count)
            ARK_TRY(take_up_lost(flight, err));
        arrakis_status rc = take_turns(flight, arrival, err);
        if (rc != ARRAKIS_TIMEOUT)
            return rc;
        if (!slice_is_over(flight)) {
            arm_waiter(flight);
            return ARRAKIS_TIMEOUT;
        }
        if (flight->end == flight->count)
            return ARRAKIS_DONE;
        ARK_TRY(start_slice(flight, err));
    }
}

/* An error ends the reader: otherwise the channels of the source that failed would be gaps for
 * ever. */
static arrakis_status flight_next(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *err)
{
    ark_flight_reader *flight = ARK_READER_AS(ark_flight_reader, reader, flight_ops);
    if (flight->failure.status == ARRAKIS_OK) {
        arrakis_status rc = next_arrival(flight, arrival, &flight->failure);
        if (rc >= 0) {
            flight->failure.status =
                ARRAKIS_OK; /* the error is that of a source that was replaced */
            return rc;
        }
    }
    return ark_fail(err, flight->failure.status, "%s", flight->failure.message);
}

static bool flight_done(const arrakis_reader *reader)
{
    const ark_flight_reader *flight = ARK_READER_AS(const ark_flight_reader, reader, flight_ops);
    return flight->end == flight->count && slice_is_over(flight);
}

/* A server has more data until it ends its answer. */
static int64_t flight_exhausted(arrakis_reader *reader, size_t input, int64_t since_ns,
                                int64_t *again_ns)
{
    const ark_flight_reader *flight = ARK_READER_AS(const ark_flight_reader, reader, flight_ops);
    (void)since_ns;
    *again_ns = ARRAKIS_UNSET;
    for (size_t i = 0; i < flight->count; i++)
        if (flight->sources[i].phase != ARK_FLIGHT_OVER &&
            ark_flight_inputs_has(&flight->sources[i], input))
            return ARRAKIS_UNSET;
    return ark_clock_now_ns();
}

static bool flight_all_lost(const arrakis_reader *reader)
{
    return ark_flight_loss_of_all(ARK_READER_AS(const ark_flight_reader, reader, flight_ops));
}

static int64_t flight_lost_since(const arrakis_reader *reader, size_t input)
{
    const ark_flight_reader *flight = ARK_READER_AS(const ark_flight_reader, reader, flight_ops);
    for (size_t i = flight->first; flight->lost_count && i < flight->end; i++)
        if (flight->sources[i].loss.lost && ark_flight_inputs_has(&flight->sources[i], input))
            return flight->sources[i].loss.since_ns;
    return ARRAKIS_UNSET;
}

static void flight_pause(arrakis_reader *reader, size_t input, bool paused)
{
    ark_flight_reader *flight = ARK_READER_AS(ark_flight_reader, reader, flight_ops);
    flight->paused[input] = paused;
    for (size_t i = flight->first; i < flight->end; i++) {
        ark_flight_source *s = &flight->sources[i];
        if (!is_running(s) || !ark_flight_inputs_has(s, input))
            continue;
        watch_source(flight, s, !is_paused(flight, s), NULL);
        note_news(s); /* silence while the input was paused does not count */
    }
}

static void flight_stats(const arrakis_reader *reader, arrakis_stats *stats)
{
    const ark_flight_reader *flight = ARK_READER_AS(const ark_flight_reader, reader, flight_ops);
    stats->messages += flight->messages;
    stats->bytes += flight->bytes;
    stats->errors += flight->errors;
    stats->losses += flight->losses;
    stats->recoveries += flight->recoveries;
    stats->fast_forwards += flight->fast_forwards;
    for (size_t i = flight->first; i < flight->end; i++) {
        stats->messages += flight->sources[i].batches.messages;
        stats->bytes += flight->sources[i].batches.bytes;
    }
}

static void flight_close(arrakis_reader *reader)
{
    ark_flight_reader *flight = ARK_READER_AS(ark_flight_reader, reader, flight_ops);
    for (size_t i = 0; flight->sources && i < flight->count; i++) {
        ark_flight_source *s = &flight->sources[i];
        if (is_running(s))
            stop_source(flight, s);
        for (size_t k = 0; k < s->input_count; k++)
            free(s->inputs[k].columns);
        free(s->inputs);
        ark_ticket_clear(&s->ticket);
        ark_flight_info_clear_endpoint(&s->endpoint);
    }
    free(flight->sources);
    free(flight->paused);
    ark_batch_rows_clear(&flight->scratch);
    ark_waiter_close(&flight->waiter);
    ark_reader_clear(reader);
    ark_connections_clear(&flight->connections);
    ark_session_unref(flight->origin);
    ark_connect_options_unref(flight->connect);
    free(flight);
}

static const ark_reader_ops flight_ops = {
    .open = flight_open,
    .next = flight_next,
    .done = flight_done,
    .exhausted = flight_exhausted,
    .all_lost = flight_all_lost,
    .lost_since = flight_lost_since,
    .pause = flight_pause,
    .stats = flight_stats,
    .close = flight_close,
};

/* ------------------------------------------------------------------ making one */

static int by_slice(const void *a, const void *b)
{
    int64_t x = ((const ark_flight_source *)a)->ticket.start_ns,
            y = ((const ark_flight_source *)b)->ticket.start_ns;
    /* endpoints without a start, which are live, come last */
    uint64_t i = x == ARRAKIS_UNSET ? UINT64_MAX : (uint64_t)x;
    uint64_t k = y == ARRAKIS_UNSET ? UINT64_MAX : (uint64_t)y;
    return (i > k) - (i < k);
}

/* The span to read is that of the request and of the ticket: the ticket may begin earlier or have
 * no end, and the server then sends more than was requested. */
static void set_span(const ark_flight_reader *flight, ark_flight_source *s)
{
    int64_t start_ns = s->ticket.start_ns, end_ns = s->ticket.end_ns;
    /* ARRAKIS_UNSET is earlier than all times */
    int64_t begin_ns = start_ns > flight->begin_ns ? start_ns : flight->begin_ns;
    s->begin_ns = begin_ns > earliest_ns ? begin_ns : earliest_ns;
    bool ends_later =
        end_ns == ARRAKIS_UNSET || (flight->end_ns != ARRAKIS_UNSET && flight->end_ns < end_ns);
    s->end_ns = ends_later ? flight->end_ns : end_ns;
    s->come_ns = s->batch_ns = s->loss.from_ns = ARRAKIS_UNSET;
}

static arrakis_status read_tickets(ark_flight_reader *flight, arrakis_error *err)
{
    for (size_t i = 0; i < flight->count; i++) {
        ark_flight_source *s = &flight->sources[i];
        arrakis_status rc =
            ark_ticket_read(&s->ticket, s->endpoint.ticket, s->endpoint.ticket_size, err);
        if (rc < 0)
            return ark_fail_within(err, rc, "%.100s", flight->origin->url);
        set_span(flight, s);
    }
    qsort(flight->sources, flight->count, sizeof *flight->sources, by_slice);
    return ARRAKIS_OK;
}

static arrakis_status set_up(ark_flight_reader *flight, arrakis_channels *channels,
                             arrakis_error *err)
{
    size_t total = arrakis_channels_count(channels);
    flight->paused = calloc(total + 1, sizeof *flight->paused);
    arrakis_status rc = flight->paused ? ark_batch_rows_init(&flight->scratch, total, err)
                                       : ark_no_memory(err, "%zu channels", total);
    if (rc == ARRAKIS_OK)
        rc = read_tickets(flight, err);
    if (rc == ARRAKIS_OK)
        rc = ark_flight_inputs_plan(flight, channels, err);
    if (rc == ARRAKIS_OK)
        rc = ark_waiter_open(&flight->waiter, err);
    flight->head.fd = flight->waiter.fd;
    return rc;
}

arrakis_status ark_flight_reader_new(arrakis_reader **out, ark_endpoint *endpoints, size_t count,
                                     arrakis_channels *channels, const ark_flight_options *options,
                                     arrakis_error *err)
{
    assert(count && arrakis_channels_count(channels));
    *out = NULL;
    ark_flight_reader *flight = calloc(1, sizeof *flight);
    ark_flight_source *sources = flight ? calloc(count + 1, sizeof *sources) : NULL;
    if (!sources) {
        for (size_t i = 0; i < count; i++)
            ark_flight_info_clear_endpoint(&endpoints[i]);
        free(flight);
        return ark_no_memory(err, "%zu endpoints", count);
    }
    for (size_t i = 0; i < count; i++) {
        sources[i].endpoint = endpoints[i];
        endpoints[i] = (ark_endpoint){0};
    }
    flight->head.ops = &flight_ops;
    flight->head.fd = -1;
    flight->waiter = (ark_waiter)ARK_WAITER_NONE;
    flight->armed_ns = flight->again_ns = INT64_MAX;
    flight->fast_forward = options->fast_forward;
    flight->sources = sources;
    flight->count = count;
    flight->origin = ark_session_ref(options->origin);
    flight->connect = ark_connect_options_ref(options->connect);
    flight->budget = ark_budget_stream(flight->origin->url, options->origin->max_message);
    flight->connections = (ark_connections){
        .origin = flight->origin, .connect = flight->connect, .budget = &flight->budget};
    flight->timeout_ns = options->timeout_ns;
    flight->begin_ns = options->begin_ns;
    flight->end_ns = options->end_ns;
    bool unset = options->stall_ns == ARRAKIS_UNSET;
    flight->stall_ns = unset ? default_stall_ns : options->stall_ns;
    flight->grace_ns = unset ? default_grace_ns : options->stall_ns;
    flight->head.channels = arrakis_channels_ref(channels);
    arrakis_status rc = set_up(flight, channels, err);
    if (rc < 0) {
        flight_close(&flight->head);
        return rc;
    }
    *out = &flight->head;
    return ARRAKIS_OK;
}
