/* SPDX-License-Identifier: Apache-2.0 */
/* A stream that cannot see for a while whether its channels change, on librdkafka's mock cluster. */
#include <arrakis/arrakis.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "mock_cluster.h"

static const char topic[] = "arrakis-metadata-P";
static rd_kafka_t *producer;
static rd_kafka_mock_cluster_t *cluster;

static sem_t failed, works, changed;
static atomic_int failures;

/* Called in the thread of the stream. */
static void take_log(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    (void)opaque;
    if (strstr(message, "of the stream change is not noticed for now: ")) {
        atomic_fetch_add(&failures, 1);
        if (strstr(message, "authoriz"))
            sem_post(&failed);
    }
    if (strstr(message, "whether the channels of the stream change is noticed again"))
        sem_post(&works);
    if (strstr(message, "'H1:A' has changed"))
        sem_post(&changed);
}

static void open_cluster(void)
{
    producer = mock_cluster_new("1");
    assert_non_null(producer);
    cluster = rd_kafka_handle_mock_cluster(producer);
    assert_int_equal(rd_kafka_mock_topic_create(cluster, topic, 1, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(cluster, "arrakis-p", 1, 1), 0);
}

/* Channel H1:A has this rate from now on. */
static void describe(double rate)
{
    static const char name[] = "H1:A";
    char text[400];
    snprintf(text, sizeof text,
             "{\"name\": \"%s\", \"data_type\": \"int8\", \"sample_rate\": %g, \"publisher\": "
             "\"P\", \"partition_id\": \"p\", \"partition_index\": 0, \"stride\": 62500000}",
             name, rate);
    mock_cluster_put(producer, topic, name, text);
}

static void wait_for(sem_t *sem)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    if (sem_timedwait(sem, &until) != 0)
        fail_msg("it did not come within 60 s");
}

/* A stream of the channel, of a cluster of its own. */
static arrakis_stream *open_stream(arrakis_client **client)
{
    static const char *const name = "H1:A";
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_stream *stream;
    arrakis_error err = {0};
    atomic_store(&failures, 0);
    open_cluster();
    describe(16);
    to.kafka_url = rd_kafka_mock_cluster_bootstraps(cluster);
    assert_int_equal(arrakis_client_open(client, &to, NULL, &err), ARRAKIS_OK);
    if (arrakis_client_stream(*client, &stream, &name, 1, NULL, &err) < 0)
        fail_msg("%s", err.message);
    return stream;
}

static void close_stream(arrakis_client *client, arrakis_stream *stream)
{
    arrakis_stream_close(stream);
    arrakis_client_close(client);
    rd_kafka_destroy(producer);
}

/* The thread of a stream tries again every ten seconds. */
static void a_lasting_failure_is_told_once_and_its_end(void **state)
{
    (void)state;
    arrakis_client *client;
    arrakis_stream *stream = open_stream(&client);
    describe(32);
    wait_for(&changed);
    /* What reads and writes the topic already goes on with it, but a description finds it no more. */
    rd_kafka_mock_topic_set_error(cluster, topic, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    describe(64);
    wait_for(&failed);
    assert_int_equal(atomic_load(&failures), 1);
    rd_kafka_mock_topic_set_error(cluster, topic, RD_KAFKA_RESP_ERR_NO_ERROR);
    wait_for(&works);
    wait_for(&changed);
    assert_int_equal(atomic_load(&failures), 1);
    close_stream(client, stream);
}

/* A topic whose records may not be read any more, although it may be described. */
static void a_topic_that_may_not_be_read_for_a_while_is_told(void **state)
{
    (void)state;
    enum { FETCH = 1, FEW = 8 };
    arrakis_client *client;
    arrakis_stream *stream = open_stream(&client);
    describe(32);
    wait_for(&changed); /* the topic has been read */
    rd_kafka_resp_err_t refused[FEW];
    for (size_t i = 0; i < FEW; i++)
        refused[i] = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    rd_kafka_mock_push_request_errors_array(cluster, FETCH, FEW, refused);
    wait_for(&failed);
    rd_kafka_mock_clear_request_errors(cluster, FETCH);
    describe(64);
    wait_for(&works);
    wait_for(&changed);
    assert_int_equal(atomic_load(&failures), 1);
    close_stream(client, stream);
}

static int set_up(void **state)
{
    (void)state;
    arrakis_log_set(ARRAKIS_LOG_WARNING, take_log, NULL);
    return sem_init(&failed, 0, 0) || sem_init(&works, 0, 0) || sem_init(&changed, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_lasting_failure_is_told_once_and_its_end, set_up),
        cmocka_unit_test_setup(a_topic_that_may_not_be_read_for_a_while_is_told, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
