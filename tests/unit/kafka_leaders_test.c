/* SPDX-License-Identifier: Apache-2.0 */
/* Leaders that change while they are asked, on librdkafka's mock cluster of two brokers. */
#include <arrakis/reader.h>

#include "base/clock.h"
#include "kafka/end.h"
#include "kafka/state.h"
#include "kafka/watch.h"
#include "support.h"

#include "mock_cluster.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BLOCKS = 16, FROZEN_MS = 60000 };

static const char *const topics[] = {"arrakis-p1", "arrakis-p2"};
static const int64_t stride_ns = SECOND / BLOCKS;
static int64_t start_ns;

/* How long the machine has slept in a test. */
static _Atomic int64_t slept_s;

/* In place of the C library's, for the library too: the monotonic clock stands still while the machine sleeps. */
int clock_gettime(clockid_t id, struct timespec *now)
{
    int rc = (int)syscall(SYS_clock_gettime, id, now);
    if (id == CLOCK_REALTIME || id == CLOCK_BOOTTIME)
        now->tv_sec += atomic_load(&slept_s);
    return rc;
}

static rd_kafka_t *producer;
static rd_kafka_mock_cluster_t *cluster;

static int open_cluster(void **state)
{
    (void)state;
    start_ns = 1400000000 * SECOND;
    producer = mock_cluster_new("2");
    cluster = producer ? rd_kafka_handle_mock_cluster(producer) : NULL;
    for (size_t i = 0; cluster && i < COUNT(topics); i++)
        if (rd_kafka_mock_topic_create(cluster, topics[i], 1, 2) ||
            rd_kafka_mock_partition_set_leader(cluster, topics[i], 0, (int32_t)i + 1))
            return 1;
    return cluster == NULL;
}

static int close_cluster(void **state)
{
    (void)state;
    rd_kafka_destroy(producer);
    return 0;
}

/* Blocks of a second; each one's sample is its number. */
static void publish(const char *topic, int32_t from, int32_t to)
{
    for (int32_t i = from; i < to; i++) {
        const uint32_t id = 0;
        ark_buffer message = int32_message(start_ns + i * stride_ns, 1, &id, &i, 1);
        assert_int_equal(
            rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_VALUE(message.data, message.size), RD_KAFKA_V_END),
            0);
        ark_buffer_clear(&message);
    }
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
}

static arrakis_stream *open_stream(arrakis_channels *channels)
{
    arrakis_log_set(ARRAKIS_LOG_ERROR, NULL, NULL);
    arrakis_kafka_options kafka = ARRAKIS_KAFKA_OPTIONS_INIT;
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    kafka.start_ns = options.start_ns = start_ns;
    options.end_ns = start_ns + SECOND;
    arrakis_reader *reader;
    arrakis_stream *stream;
    PASS(arrakis_kafka_reader_new(&reader, rd_kafka_mock_cluster_bootstraps(cluster), channels,
                                  &kafka, err));
    PASS(arrakis_stream_open(&stream, reader, &options, err));
    return stream;
}

static void expect_blocks(arrakis_stream *stream, int32_t from, int32_t to)
{
    arrakis_block *block;
    for (int32_t i = from; i < to; i++) {
        PASS(arrakis_stream_next(stream, 30000, &block, err));
        for (size_t k = 0; k < COUNT(topics); k++) {
            arrakis_series series = arrakis_block_series(block, k);
            assert_true(is_present(series, 0));
            assert_int_equal(int32_at(series, 0), i);
        }
        arrakis_block_unref(block);
    }
}

static void expect_wait(arrakis_stream *stream, int timeout_ms)
{
    arrakis_block *block;
    assert_int_equal(arrakis_stream_next(stream, timeout_ms, &block, NULL), ARRAKIS_TIMEOUT);
}

static void expect_end(arrakis_stream *stream)
{
    arrakis_block *block;
    assert_int_equal(arrakis_stream_next(stream, 30000, &block, NULL), ARRAKIS_DONE);
    arrakis_stream_close(stream);
}

static arrakis_channels *make_channels(int64_t latency_ns)
{
    const channel_spec specs[] = {
        {"H1:CAL-A", ARRAKIS_INT32, BLOCKS, "p1", 0, stride_ns, latency_ns},
        {"H1:CAL-B", ARRAKIS_INT32, BLOCKS, "p2", 0, stride_ns, latency_ns},
    };
    return channels_of(specs, COUNT(specs));
}

/* A leader that hung when the reader was opened, and was asked in vain. */
static void what_a_silent_leader_held_is_read_from_the_next_one(void **state)
{
    (void)state;
    arrakis_channels *channels = make_channels(SECOND);
    for (size_t i = 0; i < COUNT(topics); i++)
        publish(topics[i], 0, BLOCKS);
    rd_kafka_mock_broker_set_rtt(cluster, 1, FROZEN_MS);
    arrakis_stream *stream = open_stream(channels);
    expect_wait(stream, 4000);
    assert_int_equal(rd_kafka_mock_partition_set_leader(cluster, topics[0], 0, 2), 0);
    expect_blocks(stream, 0, BLOCKS);
    expect_end(stream);
    arrakis_channels_unref(channels);
}

/* The next leader answers before the producers have come to it, and no question fails. */
static void what_a_new_leader_gets_after_seconds_is_no_gap(void **state)
{
    (void)state;
    arrakis_channels *channels = make_channels(SECOND / 10);
    start_ns = arrakis_gps_now_ns() / stride_ns * stride_ns - 2 * SECOND;
    publish(topics[0], 0, BLOCKS / 2);
    publish(topics[1], 0, BLOCKS);
    arrakis_stream *stream = open_stream(channels);
    expect_blocks(stream, 0, BLOCKS / 2);
    assert_int_equal(rd_kafka_mock_partition_set_leader(cluster, topics[0], 0, 2), 0);
    expect_wait(stream, 1500);
    publish(topics[0], BLOCKS / 2, BLOCKS);
    expect_blocks(stream, BLOCKS / 2, BLOCKS);
    expect_end(stream);
    arrakis_channels_unref(channels);
}

/* A question that fails shows nothing about a partition that is being read. */
static void what_is_handed_out_is_not_silent(void **state)
{
    (void)state;
    ark_kafka_watch watch = {.failed_ns = 0};
    ark_kafka_partition partition = {.topic = NULL};
    ark_kafka_end_lost(&watch, &partition, RD_KAFKA_RESP_ERR__TIMED_OUT, 1000);
    assert_int_equal(partition.end.silent_since_ns, 1000);
    ark_kafka_end_lost(&watch, &partition, RD_KAFKA_RESP_ERR__TIMED_OUT, 2000);
    assert_int_equal(partition.end.silent_since_ns, 1000);
    atomic_store(&partition.position, 5);
    ark_kafka_end_lost(&watch, &partition, RD_KAFKA_RESP_ERR__TIMED_OUT, 3000);
    assert_int_equal(partition.end.silent_since_ns, 3000);
    ark_kafka_end_lost(&watch, &partition, RD_KAFKA_RESP_ERR__TIMED_OUT, 4000);
    assert_int_equal(partition.end.silent_since_ns, 3000);
}

/* What other topics wait for is a failure that has just come, not one that has lasted for hours: neither while its
 * topic is read by connections that last, nor when it is over. */
static void a_lasting_failure_does_not_keep_the_others_waiting(void **state)
{
    (void)state;
    ark_kafka_watch watch = {.failed_ns = 0};
    ark_kafka_partition partition = {.topic = NULL};
    int64_t now_ns = ark_clock_steady_ns();
    ark_kafka_end_lost(&watch, &partition, RD_KAFKA_RESP_ERR__TIMED_OUT, now_ns);
    assert_true(watch.failed_ns >= now_ns);
    watch.failed_ns = 0;
    ark_kafka_end_found(&watch, &partition, ark_clock_steady_ns());
    assert_true(watch.failed_ns >= now_ns);

    partition.end.failing_since_ns = now_ns - 60 * SECOND;
    watch.failed_ns = 0;
    for (int i = 0; i < 3; i++) {
        atomic_store(&partition.position, i);
        ark_kafka_end_lost(&watch, &partition, RD_KAFKA_RESP_ERR__TIMED_OUT,
                           ark_clock_steady_ns());
    }
    ark_kafka_end_found(&watch, &partition, ark_clock_steady_ns());
    assert_int_equal(watch.failed_ns, 0);

    partition.end.failed_ns = now_ns - 60 * SECOND; /* in no row any more */
    ark_kafka_end_lost(&watch, &partition, RD_KAFKA_RESP_ERR__TIMED_OUT, ark_clock_steady_ns());
    assert_true(watch.failed_ns >= now_ns);
}

/* What was due while the machine slept may have been published since that answer. */
static void an_answer_from_before_the_machine_slept_is_old(void **state)
{
    (void)state;
    enum { POSITION = 5, OTHERS = 60, DUE = 40, SLEEP = 120 };
    int64_t now_ns = ark_clock_steady_ns(), again_ns;
    ark_kafka_partition partition = {.position = POSITION, .assigned = true};
    ark_kafka_reader kafka = {.head.input_count = 1, .partitions = &partition};
    ark_kafka_watch_init(&kafka.watch, NULL);
    kafka.watch.running = true;
    partition.log_end = partition.end.offset = partition.end.position = POSITION;
    partition.end.answer = ARK_KAFKA_ANSWERED;
    partition.end.asked_ns = now_ns;
    partition.end.begun_ns = now_ns - OTHERS * SECOND;
    assert_true(ark_kafka_end_exhausted(&kafka, 0, ark_clock_now_ns() - DUE * SECOND, &again_ns) >
                0);
    assert_false(kafka.watch.ends_wanted);
    atomic_store(&slept_s, SLEEP);
    assert_true(ark_kafka_end_exhausted(&kafka, 0, ark_clock_now_ns() - DUE * SECOND, &again_ns) ==
                ARRAKIS_UNSET);
    assert_true(kafka.watch.ends_wanted);
    atomic_store(&slept_s, 0);
    ark_monitor_clear(&kafka.watch.monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_silent_leader_held_is_read_from_the_next_one,
                                        open_cluster, close_cluster),
        cmocka_unit_test_setup_teardown(what_a_new_leader_gets_after_seconds_is_no_gap,
                                        open_cluster, close_cluster),
        cmocka_unit_test(what_is_handed_out_is_not_silent),
        cmocka_unit_test(an_answer_from_before_the_machine_slept_is_old),
        cmocka_unit_test(a_lasting_failure_does_not_keep_the_others_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
