/* SPDX-License-Identifier: Apache-2.0 */
#include "client/lookout.h"

#include "align/changes.h"
#include "align/follow.h"
#include "align/stream_state.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/monitor.h"
#include "base/monotonic.h"
#include "base/thread.h"
#include "base/time_share.h"
#include "base/wait.h"
#include "channel/latency.h"
#include "client/describe.h"
#include "client/known.h"
#include "client/reopening.h"
#include "kafka/metadata_tail.h"
#include "kafka/token_gate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* arrakis.h states these at arrakis_client_stream(). */
static const int64_t begin_ns = 2 * ARRAKIS_SECOND_NS;     /* before a broker's topics are read */
static const int64_t interval_ns = 10 * ARRAKIS_SECOND_NS; /* between questions to a server */
static const int64_t least_ns = ARRAKIS_SECOND_NS;         /* between descriptions */
static const int64_t quiet_ns = ARRAKIS_SECOND_NS / 5; /* without records, before descriptions */
static const int64_t settle_ns = 5 * ARRAKIS_SECOND_NS;
/* A change can have happened this much before a record was seen; channels without a latency count
 * as 10 s late. */
static const int64_t margin_ns = 5 * ARRAKIS_SECOND_NS;

typedef struct lookout {
    ark_changes head;
    pthread_t thread;
    bool running;
    atomic_bool stop;
    int wake; /* base/event.h: something is to be done in the thread */
    arrakis_cancel *cancel;
    arrakis_client *client;
    ark_token_gate tokens; /* of the client: the thread may end after the stream has been closed */
    char *replay_id;
    bool follow;
    ark_reopening reopening;
    /* for the thread */
    arrakis_channels *channels; /* the stream's */
    ark_known known;
    ark_metadata_tail *tail;
    unsigned failures;          /* to see what the channels are, in a row */
    int64_t tail_ns;            /* monotonic: when it was opened */
    ark_time_share described;   /* the time that descriptions take */
    int64_t check_ns, nudge_ns; /* monotonic: when to look again, and to wake the stream */
    int64_t suspected_ns, last_record_ns; /* monotonic; 0: nothing is suspected */
    int64_t good_ns;                      /* GPS: nothing had changed */
    bool missed;                          /* a channel was missing in the last description */
    char noticed[sizeof((arrakis_error *)0)->message];
    int64_t doubt_ns;                /* what came with it */
    int64_t noticed_ns, deadline_ns; /* of the first change, if any is noticed */
    /* between the threads */
    ark_monitor monitor;
    ark_change change;
    bool has_change;
} lookout;

#define LOOKOUT(changes) ((lookout *)(changes))

/* ------------------------------------------------------------------ what the stream is told */

static void tell(lookout *l)
{
    atomic_store(&l->head.news, true);
    ark_event_set(l->head.fd);
}

/* In the lock. */
static void put_change(lookout *l, const ark_change *change)
{
    free(l->change.changed);
    l->change = change ? *change : (ark_change){0};
    l->has_change = change != NULL;
}

static void publish_change(lookout *l, const ark_change *change)
{
    ark_monitor_enter(&l->monitor);
    put_change(l, change);
    ark_monitor_leave(&l->monitor);
    tell(l);
}

/* ------------------------------------------------------------------ what has changed */

static void notice(lookout *l, ark_change *change)
{
    bool any = change->what.status < 0;
    int64_t latency_ns = ark_latency_of(l->channels);
    if (latency_ns <= 0)
        latency_ns = 2 * margin_ns;
    bool same = strcmp(l->noticed, any ? change->what.message : "") == 0;
    if (same && change->doubt_ns == l->doubt_ns) {
        free(change->changed);
        return;
    }
    l->doubt_ns = change->doubt_ns;
    if (!l->noticed[0]) {
        l->noticed_ns = ark_clock_now_ns();
        l->deadline_ns = ark_monotonic_ns() + ARK_CHANGES_GRACE_NS;
    }
    snprintf(l->noticed, sizeof l->noticed, "%s", any ? change->what.message : "");
    change->noticed_ns = l->noticed_ns;
    change->deadline_ns = l->deadline_ns;
    change->since_ns = l->good_ns - latency_ns;
    if (change->doubt_ns != INT64_MAX &&
        (change->doubt_ns < change->since_ns || change->doubt_ns > ark_clock_now_ns()))
        change->doubt_ns = change->since_ns;
    l->nudge_ns = any ? change->deadline_ns : INT64_MAX;
    if (same)
        ark_log(ARRAKIS_LOG_WARNING,
                "%s; what is read in the old place may be another channel's now",
                change->what.message);
    else if (any)
        ark_log(ARRAKIS_LOG_WARNING, "%s; the stream %s", change->what.message,
                !l->follow     ? "ends"
                : change->gone ? "waits for the channel for 60 s"
                               : "follows");
    else
        ark_log(ARRAKIS_LOG_INFO, "the channels of the stream are as they were");
    publish_change(l, change);
}

/* A server that has just been started may not answer once. */
static unsigned told_failures(const lookout *l)
{
    return ark_client_asks_server(l->client) ? 2 : 1;
}

/* That changes are not noticed is logged once, and once that they are again. */
static void note_failure(lookout *l, const arrakis_error *why)
{
    if (atomic_load(&l->stop))
        return;
    if (++l->failures == told_failures(l))
        ark_log(ARRAKIS_LOG_WARNING,
                "whether the channels of the stream change is not noticed for now: %s",
                why->message);
    else
        ark_log_trace(ARK_LOG_CONNECT, "whether channels have changed is not known: %s",
                      why->message);
}

static void note_success(lookout *l)
{
    if (l->failures >= told_failures(l))
        ark_log(ARRAKIS_LOG_WARNING, "whether the channels of the stream change is noticed again");
    l->failures = 0;
}

/* Describe the channels again. A server that has just been started may not know all channels yet,
 * so there one is missed twice. */
static void describe_again(lookout *l)
{
    arrakis_error why;
    arrakis_channels *now;
    ark_change change;
    int64_t began_ns = ark_monotonic_ns(), gps_ns = ark_clock_now_ns();
    bool server = ark_client_asks_server(l->client);
    arrakis_status rc = ark_describe_present(l->client, &now, l->known.names, l->known.count,
                                             l->replay_id, &l->known.places, &why);
    int64_t ended_ns = ark_monotonic_ns();
    int64_t soonest_ns = ended_ns + (server || rc < 0 ? interval_ns : least_ns);
    l->check_ns = ark_time_share_take(&l->described, began_ns, ended_ns);
    if (l->check_ns < soonest_ns)
        l->check_ns = soonest_ns;
    if (rc < 0) {
        note_failure(l, &why);
        return;
    }
    note_success(l);
    l->suspected_ns = 0;
    bool missing = arrakis_channels_count(now) < l->known.count, believed = !server || l->missed;
    l->missed = missing;
    if (!l->known.channels)
        ark_known_set(&l->known, now);
    if ((!missing || believed) &&
        ark_known_compare(&l->known, now, l->follow, &change) == ARRAKIS_OK) {
        bool same = change.what.status == ARRAKIS_OK;
        notice(l, &change);
        if (same)
            l->good_ns = gps_ns;
    }
    arrakis_channels_unref(now);
}

/* ------------------------------------------------------------------ when to look */

static void take_record(const void *key, size_t key_size, const void *value, size_t value_size,
                        void *opaque)
{
    lookout *l = opaque;
    bool again = l->noticed[0] != '\0';
    if (!ark_known_may_change(&l->known, again, key, key_size, value, value_size))
        return;
    int64_t now_ns = ark_monotonic_ns();
    l->last_record_ns = now_ns;
    if (l->suspected_ns)
        return;
    l->suspected_ns = now_ns;
    bool fresh = now_ns - l->tail_ns > margin_ns; /* earlier ones may have been written before */
    if (fresh && !again)
        l->good_ns = ark_clock_now_ns() - margin_ns;
}

static void open_tail(lookout *l, int64_t now_ns)
{
    arrakis_error why;
    const ark_metadata_source source = ark_client_metadata_source(l->client);
    if (ark_metadata_tail_open(&l->tail, &source, l->wake, &why) == ARRAKIS_OK) {
        if (l->failures)
            l->suspected_ns = l->last_record_ns = now_ns;
        l->tail_ns = now_ns;
        return;
    }
    note_failure(l, &why);
    l->check_ns = ark_monotonic_ns() + interval_ns;
}

/* Returns when to look again, monotonic. */
static int64_t look_at_broker(lookout *l, int64_t now_ns)
{
    if (!l->tail && now_ns >= l->check_ns)
        open_tail(l, now_ns);
    if (!l->tail)
        return l->check_ns;
    if (ark_metadata_tail_each(l->tail, take_record, l))
        ark_event_set(l->wake); /* there may be more */
    if (!l->suspected_ns)
        return INT64_MAX;
    int64_t due_ns = l->last_record_ns + quiet_ns;
    if (due_ns > l->suspected_ns + settle_ns)
        due_ns = l->suspected_ns + settle_ns;
    if (due_ns < l->check_ns)
        due_ns = l->check_ns;
    if (now_ns < due_ns)
        return due_ns;
    describe_again(l);
    return l->suspected_ns ? l->check_ns : INT64_MAX;
}

static int64_t look_at_server(lookout *l, int64_t now_ns)
{
    if (now_ns >= l->check_ns)
        describe_again(l);
    return l->check_ns;
}

/* ------------------------------------------------------------------ opening anew */

/* What was opened has the channels as they are now. */
static void begin_anew(lookout *l, arrakis_stream *anew, bool direct)
{
    l->known.direct = direct;
    ark_known_set(&l->known, arrakis_stream_channels(anew));
    l->noticed[0] = '\0';
    l->doubt_ns = l->nudge_ns = INT64_MAX;
    l->good_ns = ark_clock_now_ns();
    l->suspected_ns = l->last_record_ns = ark_monotonic_ns(); /* it may have changed since */
    ark_monitor_enter(&l->monitor);
    put_change(l, NULL); /* it was of the stream as it was */
    ark_monitor_leave(&l->monitor);
    ark_reopening_hand_over(&l->reopening, anew);
    tell(l);
    ark_log(ARRAKIS_LOG_INFO, "the stream goes on with the channels as they are now");
}

/* Returns when to try again, monotonic. */
static int64_t try_to_open(lookout *l, int64_t now_ns)
{
    arrakis_stream *anew;
    bool direct = l->known.direct, ended;
    int64_t due_ns = ark_reopening_due_ns(&l->reopening);
    if (now_ns < due_ns)
        return due_ns;
    arrakis_status rc = ark_reopening_try(&l->reopening, &anew, &direct, &ended);
    if (atomic_load(&l->stop)) {
        arrakis_stream_close(anew);
        return INT64_MAX;
    }
    if (rc == ARRAKIS_OK)
        begin_anew(l, anew, direct);
    else if (ended)
        tell(l);
    return rc >= 0 ? now_ns : ark_reopening_due_ns(&l->reopening);
}

/* ------------------------------------------------------------------ the thread */

static void *run_lookout(void *opaque)
{
    lookout *l = opaque;
    for (int64_t next_ns = l->check_ns; !atomic_load(&l->stop);) {
        bool opens;
        ark_wait_fd(l->wake, next_ns < l->nudge_ns ? next_ns : l->nudge_ns);
        ark_event_clear(l->wake);
        arrakis_stream_close(ark_reopening_take_retired(&l->reopening, &opens));
        if (atomic_load(&l->stop))
            break;
        int64_t now_ns = ark_monotonic_ns();
        if (now_ns >= l->nudge_ns) {
            l->nudge_ns = INT64_MAX;
            tell(l);
        }
        next_ns = opens                               ? try_to_open(l, now_ns)
                  : ark_client_asks_server(l->client) ? look_at_server(l, now_ns)
                                                      : look_at_broker(l, now_ns);
    }
    return NULL;
}

/* ------------------------------------------------------------------ what the stream does */

static bool take_change(ark_changes *changes, ark_change *out)
{
    lookout *l = LOOKOUT(changes);
    ark_monitor_enter(&l->monitor);
    bool any = l->has_change;
    *out = l->change;
    l->change = (ark_change){0};
    l->has_change = false;
    ark_monitor_leave(&l->monitor);
    return any;
}

static void reopen(ark_changes *changes, int64_t position_ns, int64_t end_ns)
{
    lookout *l = LOOKOUT(changes);
    ark_reopening_begin(&l->reopening, position_ns, end_ns);
    ark_event_set(l->wake);
}

static arrakis_status reopened(ark_changes *changes, arrakis_stream **out, arrakis_error *err)
{
    return ark_reopening_take(&LOOKOUT(changes)->reopening, out, err);
}

static void retire(ark_changes *changes, arrakis_stream *stream)
{
    lookout *l = LOOKOUT(changes);
    ark_reopening_retire(&l->reopening, stream);
    ark_event_set(l->wake);
}

static void free_lookout(void *opaque)
{
    lookout *l = opaque;
    if (l->running)
        pthread_join(l->thread, NULL);
    ark_reopening_clear(&l->reopening);
    ark_metadata_tail_close(l->tail);
    arrakis_client_close(l->client);
    ark_known_clear(&l->known);
    arrakis_channels_unref(l->channels);
    arrakis_cancel_unref(l->cancel);
    free(l->change.changed);
    free(l->replay_id);
    ark_token_gate_clear(&l->tokens);
    ark_monitor_clear(&l->monitor);
    if (l->head.fd >= 0)
        close(l->head.fd);
    if (l->wake >= 0)
        close(l->wake);
    free(l);
}

/* The thread may take longer than closing may, but no function of the user is called any more. */
static void close_lookout(ark_changes *changes, ark_closing *closing)
{
    lookout *l = LOOKOUT(changes);
    bool opens;
    atomic_store(&l->stop, true);
    arrakis_cancel_set(l->cancel);
    ark_event_set(l->wake);
    ark_token_gate_close(&l->tokens);
    ark_stream_close_into(ark_reopening_take_retired(&l->reopening, &opens), closing);
    ark_closing_begin(closing, "", free_lookout, l);
}

static const ark_changes_ops ending = {take_change, NULL, NULL, NULL, close_lookout};
static const ark_changes_ops following = {take_change, reopen, reopened, retire, close_lookout};

/* ------------------------------------------------------------------ beginning */

static arrakis_status set_up(lookout *l, const arrakis_client *client,
                             const arrakis_request *request, arrakis_error *err)
{
    bool server = ark_client_asks_server(client);
    arrakis_request again = *request;
    l->follow = request->follow;
    if (request->replay_id && !(l->replay_id = strdup(request->replay_id)))
        return ark_no_memory(err, "looking out for changes of channels");
    ARK_TRY(arrakis_cancel_new(&l->cancel, err));
    again.replay_id = l->replay_id;
    again.cancel = l->cancel;
    ARK_TRY(ark_client_copy(&l->client, client, l->cancel, err));
    l->client->tokens = ark_token_gate_source(&l->tokens);
    l->reopening.client = l->client;
    l->reopening.request = again;
    l->reopening.names = l->known.names;
    l->reopening.count = l->known.count;
    /* A server has described the channels as of the start. */
    if (!server || request->start_ns == ARRAKIS_UNSET)
        ark_known_set(&l->known, l->channels);
    l->good_ns = ark_clock_now_ns();
    l->check_ns = ark_monotonic_ns() + (!server ? begin_ns : l->known.channels ? interval_ns : 0);
    l->nudge_ns = l->doubt_ns = INT64_MAX;
    l->head.fd = ark_event_open();
    l->wake = ark_event_open();
    return l->head.fd >= 0 && l->wake >= 0
               ? ARRAKIS_OK
               : ark_fail(err, ARRAKIS_EIO, "no descriptor to look out for changes of channels");
}

/* A request for the past has its channels as they were. */
static bool is_wanted(const arrakis_client *client, const arrakis_request *request)
{
    int64_t end_ns = request->end_ns;
    if (end_ns == ARRAKIS_UNSET && request->duration_ns != ARRAKIS_UNSET &&
        request->start_ns != ARRAKIS_UNSET)
        end_ns = request->start_ns + request->duration_ns;
    return !client->metadata_path && request->replay_start_ns == ARRAKIS_UNSET &&
           (end_ns == ARRAKIS_UNSET || end_ns > arrakis_gps_now_ns());
}

arrakis_status ark_lookout_begin(arrakis_stream *stream, const arrakis_client *client,
                                 const arrakis_request *request, bool direct, arrakis_error *err)
{
    if (!is_wanted(client, request))
        return ARRAKIS_OK;
    lookout *l = calloc(1, sizeof *l);
    if (!l)
        return ark_no_memory(err, "looking out for changes of channels");
    l->head.ops = request->follow ? &following : &ending;
    l->head.fd = l->wake = -1;
    l->channels = arrakis_channels_ref(arrakis_stream_channels(stream));
    ark_monitor_init(&l->monitor);
    ark_reopening_init(&l->reopening);
    ark_token_gate_init(&l->tokens, client->tokens);
    arrakis_status rc = ark_known_init(&l->known, l->channels, direct, err);
    if (rc == ARRAKIS_OK)
        rc = set_up(l, client, request, err);
    if (rc < 0) {
        free_lookout(l);
        return rc;
    }
    if (!(l->running = ark_thread_start(&l->thread, run_lookout, l))) {
        free_lookout(l);
        return ark_fail(err, ARRAKIS_EIO, "no thread to look out for changes of channels");
    }
    return ark_follow_begin(stream, &l->head, err);
}
