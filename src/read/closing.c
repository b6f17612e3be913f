/* SPDX-License-Identifier: Apache-2.0 */
#include "read/closing.h"

#include "base/log.h"
#include "base/monitor.h"
#include "base/monotonic.h"
#include "base/thread.h"

#include <stdlib.h>
#include <unistd.h>

/* ------------------------------------------------------------------ at the end of the process */

/* What goes on closing by itself would do so in libraries that exit() has taken down, such as
 * OpenSSL, and crash. Their handlers are older than this one, so they run after it. */
static ark_monitor leftovers;
static size_t left_count;
static int64_t left_until_ns;
static pid_t left_in;

static void wait_for_leftovers(void)
{
    if (getpid() != left_in)
        return; /* a child has none of the threads */
    ark_monitor_enter(&leftovers);
    while (left_count && ark_monitor_wait(&leftovers, left_until_ns))
        ;
    ark_monitor_leave(&leftovers);
}

static void prepare_leftovers(void)
{
    ark_monitor_init(&leftovers);
    left_in = getpid();
    atexit(wait_for_leftovers);
}

static void add_leftover(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_leftovers);
    ark_monitor_enter(&leftovers);
    left_count++;
    left_until_ns = ark_monotonic_ns() + ARK_CLOSING_EXIT_NS;
    ark_monitor_leave(&leftovers);
}

static void remove_leftover(void)
{
    ark_monitor_enter(&leftovers);
    left_count--;
    ark_monitor_notify(&leftovers);
    ark_monitor_leave(&leftovers);
}

/* ------------------------------------------------------------------ side by side */

/* Shared by the thread that closes and the one that waits for it: the last one frees it. */
typedef struct ark_teardown {
    struct ark_teardown *next;
    pthread_t thread;
    ark_monitor monitor;
    const char *version;
    void (*close)(void *opaque);
    void *opaque;
    bool closed, left;
    bool late;  /* known to take long: ark_closing_leave() */
    bool plain; /* exit() does not wait for it */
} teardown;

static void free_teardown(teardown *t)
{
    ark_monitor_clear(&t->monitor);
    free(t);
}

static void push_teardown(ark_closing *closing, teardown *t)
{
    t->next = closing->first;
    closing->first = t;
}

static teardown *pop_teardown(ark_closing *closing)
{
    teardown *t = closing->first;
    if (t)
        closing->first = t->next;
    return t;
}

static void *run_teardown(void *opaque)
{
    teardown *t = opaque;
    t->close(t->opaque);
    ark_monitor_enter(&t->monitor);
    t->closed = true;
    const bool last = t->left;
    ark_monitor_notify(&t->monitor);
    ark_monitor_leave(&t->monitor);
    if (last) {
        const bool plain = t->plain;
        free_teardown(t);
        if (!plain)
            remove_leftover();
    }
    return NULL;
}

void ark_closing_begin(ark_closing *closing, const char *version, void (*close)(void *opaque),
                       void *opaque)
{
    teardown *t = calloc(1, sizeof *t);
    if (t) {
        ark_monitor_init(&t->monitor);
        t->version = version;
        t->close = close;
        t->opaque = opaque;
    }
    if (!t || !ark_thread_start(&t->thread, run_teardown, t)) {
        if (t)
            free_teardown(t);
        close(opaque);
        return;
    }
    push_teardown(closing, t);
}

void ark_closing_leave(ark_closing *closing, bool plain)
{
    teardown *t = closing->first;
    if (t) { /* NULL: it was closed without a thread */
        t->late = true;
        t->plain = plain;
    }
}

static bool has_closed(teardown *t)
{
    ark_monitor_enter(&t->monitor);
    bool closed = t->closed;
    ark_monitor_leave(&t->monitor);
    return closed;
}

/* Wait until a teardown has ended or the deadline. Returns whether it has ended; it must not be
 * used afterwards. */
static bool finish_teardown(teardown *t, int64_t deadline_ns)
{
    pthread_t thread = t->thread;
    ark_monitor_enter(&t->monitor);
    while (!t->closed && ark_monitor_wait(&t->monitor, deadline_ns))
        ;
    bool closed = t->closed;
    t->left = !closed;
    if (!closed && !t->plain)
        add_leftover();
    ark_monitor_leave(&t->monitor);
    if (closed) {
        pthread_join(thread, NULL);
        free_teardown(t);
    } else
        pthread_detach(thread);
    return closed;
}

void ark_closing_wait(ark_closing *closing)
{
    const int64_t now_ns = ark_monotonic_ns();
    size_t left = 0;
    const char *version = "";
    for (teardown *t; (t = pop_teardown(closing));) {
        const bool late = t->late;
        version = t->version;
        left +=
            !finish_teardown(t, now_ns + (late ? ARK_CLOSING_LEFT_NS : ARK_CLOSING_NS)) && !late;
    }
    if (left)
        ark_log(ARRAKIS_LOG_WARNING,
                "librdkafka %s has not closed its connections to %zu broker list(s) within %lld "
                "s: left "
                "to do so by itself",
                version, left, (long long)(ARK_CLOSING_NS / ARRAKIS_SECOND_NS));
}

void ark_closing_move(ark_closing *to, ark_closing *from)
{
    for (teardown *t; (t = pop_teardown(from));)
        push_teardown(to, t);
}

void ark_closing_join(ark_closing *closing)
{
    for (teardown *t; (t = pop_teardown(closing));)
        finish_teardown(t, INT64_MAX);
}

bool ark_closing_pending(ark_closing *closing)
{
    ark_closing all = *closing;
    closing->first = NULL;
    for (teardown *t; (t = pop_teardown(&all));)
        if (has_closed(t))
            finish_teardown(t, INT64_MAX);
        else
            push_teardown(closing, t);
    return closing->first;
}
