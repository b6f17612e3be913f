/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls in several threads at once, as the header allows it: each thread has handles of its
 * own, blocks are read in all of them, a cancel comes from elsewhere, and the log changes meanwhile.
 * `make tsan` looks for what is not in order; here it is seen that nothing is lost, mixed up or hangs. */
#include "support.h"

#include <arrakis/reader.h>
#include <arrakis/mock.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define STRIDE (SECOND / 100)
enum { PUBLISHERS = 2, READERS = 2, BLOCKS = 40, SAMPLES = 4, WAIT_S = 60 };

static const char *const publishers[PUBLISHERS] = {"one", "two"};
static const char *const names[2 * PUBLISHERS] = {"X:ONE-A", "X:ONE-B", "X:TWO-A", "X:TWO-B"};

static arrakis_mock_broker *broker;
static _Atomic int unfinished; /* readers that have not seen enough */

static void start(pthread_t *thread, void *(*run)(void *opaque), void *opaque)
{
    assert_int_equal(pthread_create(thread, NULL, run, opaque), 0);
}

/* ------------------------------------------------------------------ channels and samples */

/* Those of one publisher, or of all (PUBLISHERS). */
static arrakis_channels *make_channels(int publisher)
{
    arrakis_channels *channels;
    PASS(arrakis_channels_new(&channels, err));
    for (int i = 0; i < 2 * PUBLISHERS; i++) {
        if (publisher != PUBLISHERS && i / 2 != publisher)
            continue;
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = names[i];
        info.dtype = ARRAKIS_INT32;
        info.sample_rate = SAMPLES * 100;
        info.publisher = info.partition_id = publishers[i / 2];
        info.partition_index = i % 2;
        info.stride_ns = STRIDE;
        info.max_latency_ns = 10 * SECOND;
        arrakis_channel *channel;
        PASS(arrakis_channel_new(&channel, &info, err));
        PASS(arrakis_channels_add(channels, channel, err));
        arrakis_channel_unref(channel);
    }
    return channels;
}

static int32_t sample(int channel, int64_t time_ns, int k)
{
    return (int32_t)(time_ns / STRIDE % 100000) * 100 + channel * 10 + k;
}

static bool is_whole(const arrakis_block *block)
{
    for (size_t i = 0; i < COUNT(names); i++)
        if (arrakis_series_missing(arrakis_block_series(block, i)))
            return false;
    return true;
}

static void check_samples(const arrakis_block *block)
{
    for (int i = 0; i < (int)COUNT(names); i++) {
        arrakis_series series = arrakis_block_series(block, (size_t)i);
        assert_int_equal(series.length, SAMPLES);
        for (int k = 0; k < SAMPLES; k++)
            if (is_present(series, (size_t)k))
                assert_int_equal(int32_at(series, (size_t)k),
                                 sample(i, arrakis_block_start_ns(block), k));
    }
}

/* ------------------------------------------------------------------ publishing */

static void sleep_until(int64_t gps_ns)
{
    int64_t left_ns;
    while ((left_ns = gps_ns - arrakis_gps_now_ns()) > 0) {
        struct timespec left = {left_ns / SECOND, left_ns % SECOND};
        nanosleep(&left, NULL);
    }
}

static void publish(arrakis_publisher *publisher, arrakis_channels *channels, int number,
                    int64_t time_ns)
{
    int32_t values[2][SAMPLES];
    arrakis_series series[2];
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < SAMPLES; k++)
            values[i][k] = sample(2 * number + i, time_ns, k);
        series[i] = (arrakis_series){values[i], NULL, SAMPLES, ARRAKIS_INT32};
    }
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, time_ns, STRIDE, series, err));
    PASS(arrakis_publisher_publish(publisher, block, WAIT_S * 1000, err));
    arrakis_block_unref(block);
}

/* A block of each stride, as time goes on, until every reader has enough. */
static void *publish_all(void *opaque)
{
    int number = *(const int *)opaque;
    arrakis_channels *channels = make_channels(number);
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    to.kafka_url = arrakis_mock_broker_url(broker);
    options.publisher_id = publishers[number];
    options.channels = channels;
    arrakis_publisher *publisher;
    PASS(arrakis_publisher_open(&publisher, &to, &options, err));
    int64_t time_ns = arrakis_gps_now_ns() / STRIDE * STRIDE;
    for (; atomic_load(&unfinished); time_ns += STRIDE) {
        sleep_until(time_ns + STRIDE);
        publish(publisher, channels, number, time_ns);
    }
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
    return NULL;
}

/* ------------------------------------------------------------------ reading */

static arrakis_client *open_client_of_file(const char *path, arrakis_cancel *cancel)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_client_options options = ARRAKIS_CLIENT_OPTIONS_INIT;
    to.kafka_url = arrakis_mock_broker_url(broker);
    to.cancel = cancel;
    options.metadata_path = path;
    arrakis_client *client;
    PASS(arrakis_client_open(&client, &to, &options, err));
    return client;
}

static arrakis_client *open_client(void)
{
    return open_client_of_file(NULL, NULL);
}

static arrakis_stream *open_stream(arrakis_client *client)
{
    arrakis_stream *stream;
    PASS(arrakis_client_stream(client, &stream, names, COUNT(names), NULL, err));
    return stream;
}

/* Where readers leave their blocks for a thread that reads and frees them too. */
static _Atomic(arrakis_block *) shared;

static void *read_shared(void *opaque)
{
    size_t *count = opaque;
    do {
        arrakis_block *block = atomic_exchange(&shared, NULL);
        if (block) {
            check_samples(block);
            ++*count;
        } else
            sched_yield();
        arrakis_block_unref(block);
    } while (atomic_load(&unfinished) || atomic_load(&shared));
    return NULL;
}

/* Takes a block; returns whether it was whole. */
static bool take_block(arrakis_stream *stream, int64_t *last_ns, uint64_t number)
{
    arrakis_block *block;
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    PASS(arrakis_stream_next(stream, WAIT_S * 1000, &block, err));
    check_samples(block);
    bool whole = is_whole(block);
    int64_t start_ns = arrakis_block_start_ns(block);
    assert_true(*last_ns == UNSET || start_ns == *last_ns + STRIDE);
    *last_ns = start_ns;
    arrakis_stream_stats(stream, &stats);
    assert_int_equal(stats.blocks, number);
    for (size_t i = 0; i < PUBLISHERS; i++)
        assert_true(!whole || arrakis_stream_lag_ns(stream, i) != UNSET);
    arrakis_block_unref(atomic_exchange(&shared, arrakis_block_ref(block)));
    arrakis_block_unref(block);
    return whole;
}

static void *read_blocks(void *opaque)
{
    (void)opaque;
    arrakis_client *client = open_client();
    arrakis_stream *stream = open_stream(client);
    int64_t last_ns = UNSET;
    uint64_t taken = 0;
    for (int whole = 0; whole < BLOCKS;)
        whole += take_block(stream, &last_ns, ++taken);
    atomic_fetch_sub(&unfinished, 1);
    arrakis_stream_close(stream);
    arrakis_client_close(client);
    return NULL;
}

/* ------------------------------------------------------------------ the log */

/* Not atomic: the function runs in one thread at a time, and in none once another one is set. */
typedef struct lines {
    unsigned long count;
    char last[200];
} lines;

static void keep_line(arrakis_log_level level, const char *message, void *opaque)
{
    lines *own = opaque;
    assert_in_range(level, ARRAKIS_LOG_ERROR, ARRAKIS_LOG_DEBUG);
    own->count++;
    snprintf(own->last, sizeof own->last, "%s", message);
}

static void *change_log(void *opaque)
{
    lines *all = opaque;
    while (atomic_load(&unfinished)) {
        lines some = {0, ""};
        arrakis_log_set(ARRAKIS_LOG_DEBUG, keep_line, &some);
        sched_yield();
        arrakis_log_set(ARRAKIS_LOG_WARNING, keep_line, all);
        some.count = 0; /* no thread has it any more */
        sched_yield();
        arrakis_log_set(ARRAKIS_LOG_DEBUG, NULL, NULL);
        all->count++;
    }
    return NULL;
}

static void readers_publishers_and_the_log_do_not_disturb_each_other(void **state)
{
    (void)state;
    pthread_t publishing[PUBLISHERS], reading[READERS], sharing, logging;
    const int numbers[PUBLISHERS] = {0, 1};
    size_t seen = 0;
    lines all = {0, ""};
    atomic_store(&unfinished, READERS);
    start(&logging, change_log, &all);
    for (int i = 0; i < PUBLISHERS; i++)
        start(&publishing[i], publish_all, (void *)(uintptr_t)&numbers[i]);
    for (int i = 0; i < READERS; i++)
        start(&reading[i], read_blocks, NULL);
    start(&sharing, read_shared, &seen);
    for (int i = 0; i < READERS; i++)
        pthread_join(reading[i], NULL);
    for (int i = 0; i < PUBLISHERS; i++)
        pthread_join(publishing[i], NULL);
    pthread_join(sharing, NULL);
    pthread_join(logging, NULL);
    arrakis_block_unref(atomic_exchange(&shared, NULL));
    assert_true(seen > 0);
    assert_true(all.count > 0);
}

/* ------------------------------------------------------------------ cancel */

/* What the signal handler cancels, in whichever thread it runs. */
static _Atomic(arrakis_cancel *) signaled;

static void cancel_signaled(int number)
{
    (void)number;
    arrakis_cancel_set(atomic_load(&signaled));
}

typedef enum manner { BY_THREAD, BY_SIGNAL_THERE, BY_SIGNAL_HERE, MANNERS } manner;

/* A handle that waits for data in a thread of its own; nothing is published. */
typedef struct waiting {
    pthread_t thread;
    bool fetches; /* otherwise a stream waits */
    arrakis_cancel *cancel;
    arrakis_client *client;
    arrakis_stream *stream;
    atomic_bool begun;
    arrakis_status end;
} waiting;

static void *wait_for_data(void *opaque)
{
    waiting *w = opaque;
    arrakis_block *block;
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    request.latency_tolerance_ns = WAIT_S * SECOND;
    atomic_store(&w->begun, true);
    w->end = w->fetches
                 ? arrakis_client_fetch(w->client, &block, names, COUNT(names), &request, NULL)
                 : arrakis_stream_next(w->stream, -1, &block, NULL);
    assert_null(block);
    return NULL;
}

static void *cancel_it(void *opaque)
{
    waiting *w = opaque;
    arrakis_cancel_set(w->cancel);
    return NULL;
}

static void cancel_by(waiting *w, manner how)
{
    pthread_t thread;
    switch (how) {
    case BY_THREAD:
        start(&thread, cancel_it, w);
        cancel_it(w); /* twice at once */
        pthread_join(thread, NULL);
        break;
    case BY_SIGNAL_THERE:
        pthread_kill(w->thread, SIGUSR1);
        break;
    default:
        pthread_kill(pthread_self(), SIGUSR1);
    }
}

static void whoever_waits_is_canceled_from_a_thread_or_a_signal_handler(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = cancel_signaled, .sa_flags = (int)SA_RESTART};
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    for (int round = 0; round < 2 * MANNERS; round++) {
        waiting w = {.fetches = round % 2};
        PASS(arrakis_cancel_new(&w.cancel, err));
        w.client = open_client_of_file(NULL, w.cancel);
        w.stream = w.fetches ? NULL : open_stream(w.client);
        atomic_store(&signaled, w.cancel);
        start(&w.thread, wait_for_data, &w);
        while (!atomic_load(&w.begun))
            sched_yield();
        cancel_by(&w, (manner)(round / 2));
        pthread_join(w.thread, NULL);
        assert_int_equal(w.end, ARRAKIS_ECANCELED);
        atomic_store(&signaled, NULL);
        arrakis_stream_close(w.stream);
        arrakis_client_close(w.client);
        arrakis_cancel_unref(w.cancel);
    }
    signal(SIGUSR1, SIG_DFL);
}

/* ------------------------------------------------------------------ from thread to thread */

static void *make_handles(void *opaque)
{
    waiting *w = opaque;
    w->client = open_client();
    w->stream = open_stream(w->client);
    return NULL;
}

static void *look_for_a_block(void *opaque)
{
    waiting *w = opaque;
    arrakis_block *block;
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    w->end = arrakis_stream_next(w->stream, 10, &block, NULL);
    arrakis_stream_stats(w->stream, &stats);
    assert_int_equal(stats.blocks, 0);
    return NULL;
}

static void *close_handles(void *opaque)
{
    waiting *w = opaque;
    arrakis_client_close(w->client);
    arrakis_stream_close(w->stream);
    return NULL;
}

static void a_handle_may_go_from_thread_to_thread(void **state)
{
    (void)state;
    void *(*const runs[])(void *) = {make_handles, look_for_a_block, close_handles};
    waiting w = {.client = NULL};
    for (size_t i = 0; i < COUNT(runs); i++) {
        pthread_t thread;
        start(&thread, runs[i], &w);
        pthread_join(thread, NULL);
    }
    assert_int_equal(w.end, ARRAKIS_TIMEOUT);
}

/* ------------------------------------------------------------------ the library's own threads */

/* The library asks for topics that are not there from a thread of its own, which begins while the client
 * still opens the stream. */
static void a_topic_is_looked_for_while_a_stream_is_opened(void **state)
{
    (void)state;
    static const char *const missing[] = {"X:NONE"};
    char path[] = "/tmp/arrakis_threads_XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    fprintf(file,
            "{\"name\": \"%s\", \"data_type\": \"int32\", \"sample_rate\": 16, "
            "\"partition_id\": \"none\", \"partition_index\": 0, \"stride\": 62500000}\n",
            missing[0]);
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < 4; i++) {
        arrakis_client *client = open_client_of_file(path, NULL);
        arrakis_stream *stream;
        arrakis_block *block;
        PASS(arrakis_client_stream(client, &stream, missing, 1, NULL, err));
        assert_int_equal(arrakis_stream_next(stream, 0, &block, NULL), ARRAKIS_TIMEOUT);
        arrakis_client_close(client);
        arrakis_stream_close(stream);
    }
    unlink(path);
}

/* ------------------------------------------------------------------ what all threads share */

static arrakis_channels *common;

/* Times, which a first call makes ready; channels' kinds, which are shared; references. */
static void *use_what_is_shared(void *opaque)
{
    (void)opaque;
    char text[17], time[32];
    for (int i = 0; i < 200; i++) {
        int64_t gps_ns = 1400000000 * SECOND, parsed_ns;
        arrakis_channels *channels = make_channels(i % (PUBLISHERS + 1)), *list;
        arrakis_channel *channel = arrakis_channel_ref(arrakis_channels_get(common, 0));
        assert_int_equal(arrakis_unix_to_gps_ns(arrakis_gps_to_unix_ns(gps_ns)), gps_ns);
        PASS(arrakis_time_parse(&parsed_ns, "2024-05-17T16:53:02Z", gps_ns, err));
        arrakis_time_format(time, parsed_ns);
        PASS(arrakis_random_group_id(text, err));
        list = arrakis_channels_ref(common);
        assert_int_equal(arrakis_channels_index(list, names[3]), 3);
        assert_true(arrakis_channel_equal(channel, arrakis_channels_get(list, 0)));
        arrakis_channel_unref(channel);
        arrakis_channels_unref(list);
        arrakis_channels_unref(channels);
    }
    return NULL;
}

static void what_threads_share_is_in_order(void **state)
{
    (void)state;
    pthread_t threads[4];
    common = make_channels(PUBLISHERS);
    for (size_t i = 0; i < COUNT(threads); i++)
        start(&threads[i], use_what_is_shared, NULL);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    arrakis_channels_unref(common);
}

static int open_broker(void **state)
{
    (void)state;
    arrakis_channels *all = make_channels(PUBLISHERS);
    PASS(arrakis_mock_broker_open(&broker, err));
    PASS(arrakis_mock_broker_announce(broker, all, err));
    arrakis_channels_unref(all);
    return 0;
}

static int close_broker(void **state)
{
    (void)state;
    arrakis_mock_broker_close(broker);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_threads_share_is_in_order), /* the first use of what is made once */
        cmocka_unit_test(readers_publishers_and_the_log_do_not_disturb_each_other),
        cmocka_unit_test(whoever_waits_is_canceled_from_a_thread_or_a_signal_handler),
        cmocka_unit_test(a_handle_may_go_from_thread_to_thread),
        cmocka_unit_test(a_topic_is_looked_for_while_a_stream_is_opened),
    };
    return cmocka_run_group_tests(tests, open_broker, close_broker);
}
