/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/call.h"

#include "base/monitor.h"
#include "base/monotonic.h"
#include "base/thread.h"

#include <arrakis/arrakis.h>

#include <stdlib.h>

/* How often the cancel is looked at: it may be a flag that wakes nobody. */
static const int64_t look_ns = ARRAKIS_SECOND_NS / 20;

/* Shared by the thread that makes the call and the one that waits for it: the last one frees it. */
typedef struct call {
    struct call *next; /* of those that were left */
    rd_kafka_t *rk;
    rd_kafka_resp_err_t (*make)(struct call *c);
    int wait_ms;
    bool all;
    const struct rd_kafka_metadata *topics;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;
    bool returned, left;
} call;

/* One for all handles: calls are few, and long. */
static ark_monitor monitor;
static call *left_calls;

static void init_monitor(void)
{
    ark_monitor_init(&monitor);
}

static void enter_calls(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_monitor);
    ark_monitor_enter(&monitor);
}

static void leave_calls(void)
{
    ark_monitor_leave(&monitor);
}

/* The result first: it may have parts of the handle, which is closed once no call is left. */
static void free_left(call *c)
{
    if (c->topics)
        rd_kafka_metadata_destroy(c->topics);
    if (c->list)
        rd_kafka_topic_partition_list_destroy(c->list);
    enter_calls();
    call **at = &left_calls;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    ark_monitor_notify(&monitor);
    leave_calls();
    free(c);
}

static void *run_call(void *opaque)
{
    call *c = opaque;
    c->code = c->make(c);
    enter_calls();
    c->returned = true;
    bool left = c->left;
    ark_monitor_notify(&monitor);
    leave_calls();
    if (left)
        free_left(c);
    return NULL;
}

/* Wait until the call has returned (true), or it is canceled, and left to its thread. */
static bool await(call *c, const atomic_bool *cancel)
{
    enter_calls();
    while (!c->returned && !atomic_load(cancel))
        ark_monitor_wait(&monitor, ark_monotonic_ns() + look_ns);
    bool returned = c->returned;
    if (!returned) {
        c->left = true;
        c->next = left_calls;
        left_calls = c;
    }
    leave_calls();
    return returned;
}

/* *c receives what the call has returned. */
static void make_call(call *c, const atomic_bool *cancel)
{
    pthread_t thread;
    call *other = cancel ? malloc(sizeof *other) : NULL;
    if (other)
        *other = *c;
    if (!other || !ark_thread_start(&thread, run_call, other)) {
        free(other);
        c->code = c->make(c);
    } else if (await(other, cancel)) {
        pthread_join(thread, NULL);
        *c = *other;
        free(other);
    } else {
        pthread_detach(thread);
        c->list = NULL;
        c->code = RD_KAFKA_RESP_ERR__INTR;
    }
}

static rd_kafka_resp_err_t ask_topics(call *c)
{
    return rd_kafka_metadata(c->rk, c->all, NULL, &c->topics, c->wait_ms);
}

rd_kafka_resp_err_t ark_kafka_call_topics(rd_kafka_t *rk, bool all,
                                          const struct rd_kafka_metadata **out, int wait_ms,
                                          const atomic_bool *cancel)
{
    call c = {.rk = rk, .make = ask_topics, .all = all, .wait_ms = wait_ms};
    make_call(&c, cancel);
    *out = c.topics;
    return c.code;
}

static rd_kafka_resp_err_t ask_offsets(call *c)
{
    return rd_kafka_offsets_for_times(c->rk, c->list, c->wait_ms);
}

rd_kafka_resp_err_t ark_kafka_call_offsets(rd_kafka_t *rk, rd_kafka_topic_partition_list_t **list,
                                           int wait_ms, const atomic_bool *cancel)
{
    call c = {.rk = rk, .make = ask_offsets, .list = *list, .wait_ms = wait_ms};
    make_call(&c, cancel);
    *list = c.list;
    return c.code;
}

static rd_kafka_resp_err_t ask_committed(call *c)
{
    return rd_kafka_committed(c->rk, c->list, c->wait_ms);
}

rd_kafka_resp_err_t ark_kafka_call_committed(rd_kafka_t *rk,
                                             rd_kafka_topic_partition_list_t **list, int wait_ms,
                                             const atomic_bool *cancel)
{
    call c = {.rk = rk, .make = ask_committed, .list = *list, .wait_ms = wait_ms};
    make_call(&c, cancel);
    *list = c.list;
    return c.code;
}

static bool is_pending(const rd_kafka_t *rk)
{
    const call *c = left_calls;
    while (c && c->rk != rk)
        c = c->next;
    return c;
}

bool ark_kafka_call_pending(const rd_kafka_t *rk)
{
    enter_calls();
    bool pending = is_pending(rk);
    leave_calls();
    return pending;
}

void ark_kafka_call_wait(const rd_kafka_t *rk)
{
    enter_calls();
    while (is_pending(rk))
        ark_monitor_wait(&monitor, INT64_MAX);
    leave_calls();
}
