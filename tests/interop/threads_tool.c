/* SPDX-License-Identifier: Apache-2.0 */
/* usage: threads_tool URL START END BLOCKS NAME...
 *
 * Four threads, each with clients of its own, on one Flight server. Each of them, again and again: reads
 * the channels' blocks from START to END (GPS ns), which must be BLOCKS; closes a stream in the middle of
 * that; and is canceled by another thread while it opens a live stream, waits for one or closes it. Prints
 * how many blocks were read in all; the status is 1 when anything was not as it should be. */
#include <arrakis/arrakis.h>

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 6, WAIT_MS = 30000 };

typedef struct task {
    const char *url;
    arrakis_request request;
    unsigned long blocks; /* that it must give */
    const char *const *names;
    size_t count;
} task;

static task the_task;
static atomic_ulong read_in_all;
static atomic_bool failed;

static void fail(const char *what, const arrakis_error *err)
{
    atomic_store(&failed, true);
    fprintf(stderr, "%s: %s: %s\n", what, arrakis_status_name(err->status), err->message);
}

static void count_line(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    (void)message;
    ++*(unsigned long *)opaque; /* one thread at a time */
}

static arrakis_client *open_client(arrakis_cancel *cancel)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_client *client;
    arrakis_error err;
    to.url = the_task.url;
    to.cancel = cancel;
    if (arrakis_client_open(&client, &to, NULL, &err) < 0)
        fail("opening a client", &err);
    return client;
}

/* All of the request's blocks, or so many of them. */
static void read_blocks(unsigned long most)
{
    arrakis_error err = {ARRAKIS_OK, ""};
    arrakis_client *client = open_client(NULL);
    arrakis_stream *stream;
    unsigned long taken = 0;
    arrakis_status rc = arrakis_client_stream(client, &stream, the_task.names, the_task.count,
                                              &the_task.request, &err);
    while (rc == ARRAKIS_OK && taken < most) {
        arrakis_block *block;
        arrakis_stats stats = ARRAKIS_STATS_INIT;
        rc = arrakis_stream_next(stream, WAIT_MS, &block, &err);
        taken += rc == ARRAKIS_OK;
        arrakis_stream_stats(stream, &stats);
        arrakis_block_unref(block);
        if (stats.blocks != taken)
            fail("the statistics have another number of blocks", &err);
    }
    if (rc < 0)
        fail("reading", &err);
    else if (rc == ARRAKIS_TIMEOUT || (rc == ARRAKIS_DONE && taken != the_task.blocks))
        fail("not all blocks came", &err);
    arrakis_client_close(client);
    arrakis_stream_close(stream);
    atomic_fetch_add(&read_in_all, taken);
}

static void *set(void *cancel)
{
    arrakis_cancel_set(cancel);
    return NULL;
}

static arrakis_cancel *new_cancel(void)
{
    arrakis_cancel *cancel;
    arrakis_error err;
    if (arrakis_cancel_new(&cancel, &err) < 0)
        fail("making a cancel", &err);
    return cancel;
}

/* Canceled at any moment between its beginning and its end. */
static void fetch_and_be_canceled(void)
{
    arrakis_request live = ARRAKIS_REQUEST_INIT;
    arrakis_error err = {ARRAKIS_OK, ""};
    arrakis_cancel *cancel = new_cancel();
    arrakis_client *client = open_client(cancel);
    arrakis_block *block;
    pthread_t thread;
    live.duration_ns = 60 * ARRAKIS_SECOND_NS;
    if (pthread_create(&thread, NULL, set, cancel) != 0)
        abort();
    arrakis_status rc =
        arrakis_client_fetch(client, &block, the_task.names, the_task.count, &live, &err);
    if (rc != ARRAKIS_ECANCELED)
        fail("fetching until it is canceled", &err);
    arrakis_block_unref(block);
    pthread_join(thread, NULL);
    arrakis_client_close(client);
    arrakis_cancel_unref(cancel);
}

static void stream_and_be_canceled(void)
{
    arrakis_error err = {ARRAKIS_OK, ""};
    arrakis_cancel *cancel = new_cancel();
    arrakis_client *client = open_client(NULL);
    arrakis_request live = ARRAKIS_REQUEST_INIT;
    arrakis_stream *stream;
    pthread_t thread;
    live.cancel = cancel;
    arrakis_status rc =
        arrakis_client_stream(client, &stream, the_task.names, the_task.count, &live, &err);
    if (rc == ARRAKIS_OK && pthread_create(&thread, NULL, set, cancel) != 0)
        abort();
    for (bool begun = rc == ARRAKIS_OK; rc == ARRAKIS_OK;) {
        arrakis_block *block;
        rc = arrakis_stream_next(stream, WAIT_MS, &block, &err);
        arrakis_block_unref(block);
        if (begun && rc != ARRAKIS_OK)
            pthread_join(thread, NULL);
    }
    if (rc != ARRAKIS_ECANCELED)
        fail("streaming until it is canceled", &err);
    arrakis_stream_close(stream);
    arrakis_client_close(client);
    arrakis_cancel_unref(cancel);
}

static void *run(void *opaque)
{
    (void)opaque;
    for (int round = 0; round < ROUNDS; round++) {
        read_blocks(ULONG_MAX);
        read_blocks((unsigned long)round);
        fetch_and_be_canceled();
        stream_and_be_canceled();
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    unsigned long lines = 0;
    if (argc < 6)
        return 2;
    the_task = (task){.url = argv[1],
                      .request = ARRAKIS_REQUEST_INIT,
                      .blocks = strtoul(argv[4], NULL, 10),
                      .names = (const char *const *)argv + 5,
                      .count = (size_t)argc - 5};
    the_task.request.start_ns = strtoll(argv[2], NULL, 10);
    the_task.request.end_ns = strtoll(argv[3], NULL, 10);
    arrakis_log_set(ARRAKIS_LOG_DEBUG, count_line, &lines);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, NULL) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    arrakis_log_set(ARRAKIS_LOG_DEBUG, NULL, NULL);
    printf("%lu\n", atomic_load(&read_in_all));
    return atomic_load(&failed);
}
