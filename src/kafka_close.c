/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_close.h"

#include "log.h"
#include "thread.h"
#include "wait.h"

#include <stdlib.h>

/* Belongs to the closing thread and to whoever waits for it: the last one frees it. */
typedef struct closing {
    ark_monitor monitor;
    void (*close)(void *opaque);
    void *opaque;
    bool closed, left;
} closing;

static void free_closing(closing *c)
{
    ark_monitor_clear(&c->monitor);
    free(c);
}

static void *run(void *opaque)
{
    closing *c = opaque;
    c->close(c->opaque);
    ark_monitor_enter(&c->monitor);
    c->closed = true;
    bool last = c->left;
    ark_monitor_notify(&c->monitor);
    ark_monitor_leave(&c->monitor);
    if (last)
        free_closing(c);
    return NULL;
}

void ark_kafka_close_by(void (*close)(void *opaque), void *opaque)
{
    pthread_t thread;
    closing *c = calloc(1, sizeof *c);
    if (c) {
        ark_monitor_init(&c->monitor);
        c->close = close;
        c->opaque = opaque;
    }
    if (!c || !ark_thread_start(&thread, run, c)) {
        if (c)
            free_closing(c);
        close(opaque);
        return;
    }
    int64_t deadline_ns = ark_monotonic_ns() + ARK_KAFKA_CLOSE_NS;
    ark_monitor_enter(&c->monitor);
    while (!c->closed && ark_monitor_wait(&c->monitor, deadline_ns))
        ;
    bool closed = c->closed;
    c->left = !closed;
    ark_monitor_leave(&c->monitor);
    if (closed) {
        pthread_join(thread, NULL);
        free_closing(c);
        return;
    }
    pthread_detach(thread);
    ark_log(ARRAKIS_LOG_WARNING,
            "librdkafka %s has not closed its connections within %lld s: left to do so by itself",
            rd_kafka_version_str(), (long long)(ARK_KAFKA_CLOSE_NS / ARRAKIS_SECOND_NS));
}

/* ------------------------------------------------------------------ one handle */

typedef struct one {
    rd_kafka_t *rk;
    void (*after)(void *opaque);
    void *opaque;
} one;

static void close_one(void *opaque)
{
    one *o = opaque;
    /* no group was joined: there is none to leave */
    rd_kafka_destroy_flags(o->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (o->after)
        o->after(o->opaque);
    free(o);
}

void ark_kafka_close(rd_kafka_t *rk, void (*after)(void *opaque), void *opaque)
{
    one *o = rk ? malloc(sizeof *o) : NULL;
    if (o) {
        *o = (one){rk, after, opaque};
        ark_kafka_close_by(close_one, o);
        return;
    }
    if (rk)
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (after)
        after(opaque);
}
