/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata topics as other people leave them, on librdkafka's mock cluster. */
#include "base/event.h"
#include "base/monotonic.h"
#include "base/wait.h"
#include "kafka/metadata_choice.h"
#include "kafka/metadata_tail.h"

#include <arrakis/arrakis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "mock_cluster.h"

static rd_kafka_t *producer;
static rd_kafka_mock_cluster_t *cluster;

static char logged[4096];

static void take_log(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    (void)opaque;
    if (strlen(logged) + strlen(message) + 2 < sizeof logged)
        strcat(strcat(logged, message), "\n");
}

static int open_cluster(void **state)
{
    (void)state;
    producer = mock_cluster_new("1");
    cluster = producer ? rd_kafka_handle_mock_cluster(producer) : NULL;
    logged[0] = '\0';
    arrakis_log_set(ARRAKIS_LOG_WARNING, take_log, NULL);
    return cluster == NULL;
}

static int close_cluster(void **state)
{
    (void)state;
    arrakis_log_set(ARRAKIS_LOG_WARNING, NULL, NULL);
    rd_kafka_destroy(producer);
    return 0;
}

static void create(const char *topic, int partitions)
{
    assert_int_equal(rd_kafka_mock_topic_create(cluster, topic, partitions, 1), 0);
}

static void put(const char *topic, const char *name, const char *publisher, double rate,
                int64_t time_ns)
{
    char text[2400];
    snprintf(text, sizeof text,
             "{\"name\": \"%s\", \"data_type\": \"int8\", \"sample_rate\": %g, \"publisher\": "
             "\"%s\", \"time\": %lld}",
             name, rate, publisher, (long long)time_ns);
    mock_cluster_put(producer, topic, name, text);
}

/* Publisher P with a channel of its own. */
static void create_good(void)
{
    create("arrakis-metadata-P", 1);
    put("arrakis-metadata-P", "H1:GOOD", "P", 16, 1000);
}

static bool add_text(arrakis_channel *channel, void *opaque)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    char *text = opaque;
    sprintf(text + strlen(text), "%s of %s@%g ", info.name, info.publisher, info.sample_rate);
    return true;
}

static arrakis_client *open_client(int64_t timeout_ns)
{
    arrakis_client *client;
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    to.kafka_url = rd_kafka_mock_cluster_bootstraps(cluster);
    to.request_timeout_ns = timeout_ns;
    assert_int_equal(arrakis_client_open(&client, &to, NULL, NULL), ARRAKIS_OK);
    return client;
}

static void finds(arrakis_status status, const char *publisher, const char *wanted,
                  const char *said)
{
    char text[1000] = "";
    arrakis_error err = {0};
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.publishers = &publisher;
    query.publisher_count = publisher != NULL;
    arrakis_client *client = open_client(10 * ARRAKIS_SECOND_NS);
    assert_int_equal(arrakis_client_find(client, &query, add_text, text, &err), status);
    assert_string_equal(text, wanted);
    if (!strstr(err.message, said))
        fail_msg("'%s' lacks '%s'", err.message, said);
    arrakis_client_close(client);
}

static void describes(arrakis_status status, const char *name, const char *said)
{
    char text[1000] = "";
    arrakis_error err = {0};
    arrakis_channels *channels;
    arrakis_client *client = open_client(10 * ARRAKIS_SECOND_NS);
    assert_int_equal(
        arrakis_client_describe(client, &channels, &name, 1, ARRAKIS_UNSET, NULL, &err), status);
    if (status == ARRAKIS_OK)
        add_text(arrakis_channels_get(channels, 0), text);
    else
        strcpy(text, err.message);
    if (!strstr(text, said))
        fail_msg("'%s' lacks '%s'", text, said);
    arrakis_channels_unref(channels);
    arrakis_client_close(client);
}

static void was_logged(const char *line)
{
    if (!strstr(logged, line))
        fail_msg("'%s' lacks '%s'", logged, line);
}

static void a_topic_of_two_partitions_is_passed_over(void **state)
{
    (void)state;
    create_good();
    create("arrakis-metadata-JUNK", 2);
    create("arrakis-metadata-EMPTY", 1);
    finds(ARRAKIS_OK, NULL, "H1:GOOD of P@16 ", "");
    was_logged("ignoring metadata topic arrakis-metadata-JUNK: it has 2 partitions");
    describes(ARRAKIS_OK, "H1:GOOD", "of P");
    describes(
        ARRAKIS_ENOTFOUND, "H1:BAD",
        "1 of 1 channels not found: 'H1:BAD'; metadata topic arrakis-metadata-JUNK: it has 2");
    finds(ARRAKIS_EFORMAT, "JUNK", "", "arrakis-metadata-JUNK: it has 2 partitions, expected 1");
}

static void with_publishers_given_their_topics_alone_are_read(void **state)
{
    (void)state;
    create_good();
    create("arrakis-metadata-JUNK", 2);
    create("arrakis-metadata-PP", 1);
    put("arrakis-metadata-PP", "H1:TOO", "PP", 16, 1000);
    finds(ARRAKIS_OK, "P", "H1:GOOD of P@16 ", "");
    assert_string_equal(logged, "");
    finds(ARRAKIS_OK, "Q", "", "");
    was_logged("has no topic arrakis-metadata-* that is asked for");
}

static void another_publisher_s_topic_takes_no_channel_over(void **state)
{
    (void)state;
    create_good();
    create("arrakis-metadata-EVIL", 1);
    put("arrakis-metadata-EVIL", "H1:GOOD", "P", 32, 4000000000000000000);
    describes(ARRAKIS_OK, "H1:GOOD", "H1:GOOD of P@16");
    was_logged("arrakis-metadata-EVIL offset 0: record skipped: its publisher is not");
    put("arrakis-metadata-EVIL", "H1:GOOD", "EVIL", 32, 4000000000000000000);
    describes(ARRAKIS_OK, "H1:GOOD", "H1:GOOD of P@16");
    was_logged("arrakis-metadata-EVIL offset 1: record skipped: its time is more than a minute");
}

/* A publisher that moves to another name is found under it. */
static void
of_two_publishers_the_later_metadata_holds_and_of_equal_ones_the_first_name(void **state)
{
    (void)state;
    create_good();
    create("arrakis-metadata-N", 1);
    put("arrakis-metadata-N", "H1:GOOD", "N", 32, 999);
    describes(ARRAKIS_OK, "H1:GOOD", "of P");
    was_logged("channel 'H1:GOOD' has two publishers");
    put("arrakis-metadata-N", "H1:GOOD", "N", 32, 1000);
    describes(ARRAKIS_OK, "H1:GOOD", "of N");
    put("arrakis-metadata-P", "H1:GOOD", "P", 16, 1001);
    describes(ARRAKIS_OK, "H1:GOOD", "of P");
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void a_topic_without_a_leader_is_passed_over_and_named(void **state)
{
    (void)state;
    create_good();
    create("arrakis-metadata-AWAY", 1);
    put("arrakis-metadata-AWAY", "H1:AWAY", "AWAY", 16, 1000);
    assert_int_equal(rd_kafka_mock_partition_set_leader(cluster, "arrakis-metadata-AWAY", 0, -1),
                     0);
    int64_t begun_ms = now_ms();
    finds(ARRAKIS_OK, NULL, "H1:GOOD of P@16 ", "");
    if (now_ms() - begun_ms > 8000)
        fail_msg("it took %lld ms, nearly the whole time for a request",
                 (long long)(now_ms() - begun_ms));
    was_logged("ignoring metadata topic arrakis-metadata-AWAY: its end is not reached");
    describes(ARRAKIS_EDEADLINE, "H1:AWAY",
              "channels not found: 'H1:AWAY'; metadata topic arrakis-metadata-AWAY: its end is");
}

static void a_topic_that_may_not_be_read_is_passed_over_and_named(void **state)
{
    (void)state;
    create_good();
    create("arrakis-metadata-SECRET", 1);
    rd_kafka_mock_topic_set_error(cluster, "arrakis-metadata-SECRET",
                                  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    finds(ARRAKIS_OK, NULL, "H1:GOOD of P@16 ", "");
    was_logged("ignoring metadata topic arrakis-metadata-SECRET: Broker: Topic authoriz");
    describes(ARRAKIS_EAUTH, "H1:SECRET",
              "not found: 'H1:SECRET'; metadata topic arrakis-metadata-SECRET: Broker: Topic");
    finds(ARRAKIS_EAUTH, "SECRET", "", "arrakis-metadata-SECRET");
}

static void when_no_topic_can_be_read_that_is_the_error(void **state)
{
    (void)state;
    char text[100] = "";
    arrakis_error err = {0};
    create_good();
    assert_int_equal(rd_kafka_mock_partition_set_leader(cluster, "arrakis-metadata-P", 0, -1), 0);
    arrakis_client *client = open_client(ARRAKIS_SECOND_NS);
    assert_int_equal(arrakis_client_find(client, NULL, add_text, text, &err), ARRAKIS_EDEADLINE);
    assert_non_null(strstr(err.message, "metadata topic arrakis-metadata-P: its end is not"));
    arrakis_client_close(client);
}

/* Of librdkafka's queue only 1 KiB may be used, and each of 20 answers fills it. librdkafka 2.0 by
 * itself looks again after a second: then the time for a request is over. */
static void a_full_queue_does_not_hold_the_reading_up(void **state)
{
    (void)state;
    enum { MANY = 20, LENGTH = 2000 };
    static const arrakis_property properties[] = {{"queued.max.messages.kbytes", "1"}};
    char name[LENGTH + 1];
    memset(name, 'x', LENGTH);
    name[LENGTH] = '\0';
    create("arrakis-metadata-P", 1);
    for (int i = 0; i < MANY; i++) {
        memcpy(name, "H1:", 3);
        name[3] = (char)('a' + i);
        put("arrakis-metadata-P", name, "P", 16, 1000);
    }
    arrakis_client *client;
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    to.kafka_url = rd_kafka_mock_cluster_bootstraps(cluster);
    to.properties = properties;
    to.property_count = 1;
    assert_int_equal(arrakis_client_open(&client, &to, NULL, NULL), ARRAKIS_OK);
    uint64_t count;
    arrakis_error err;
    if (arrakis_client_count(client, NULL, &count, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(count, MANY);
    assert_string_equal(logged, "");
    arrakis_client_close(client);
}

/* ------------------------------------------------------------------ how many topics are read */

enum { FEW = 4 };

static ark_metadata_source source_of_few(void)
{
    return (ark_metadata_source){.url = rd_kafka_mock_cluster_bootstraps(cluster),
                                 .timeout_ns = 30 * ARRAKIS_SECOND_NS,
                                 .topics_max = FEW};
}

/* A topic of publisher TOPIC<number>, with a channel H1:<number>. */
static void create_numbered(int number)
{
    char topic[64], publisher[32], name[32];
    snprintf(publisher, sizeof publisher, "TOPIC%02d", number);
    snprintf(topic, sizeof topic, "arrakis-metadata-%s", publisher);
    snprintf(name, sizeof name, "H1:%02d", number);
    create(topic, 1);
    put(topic, name, publisher, 16, 1000);
}

static ark_choice choose_any(const arrakis_channel_info *info, void *opaque)
{
    (void)info;
    (void)opaque;
    return ARK_CHOICE_TAKE;
}

/* Channels 0 to FEW - 1 are found, and no other. */
static void few_are_found(arrakis_status passed_over)
{
    char text[2000] = "";
    arrakis_error over, err = {0};
    const ark_metadata_source source = source_of_few();
    const ark_selection all = {NULL, 0, choose_any, add_text, text};
    if (ark_metadata_topics_read(&source, &all, &over, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(over.status, passed_over);
    for (int i = 0; i <= FEW; i++) {
        char name[32];
        snprintf(name, sizeof name, "H1:%02d of ", i);
        assert_true((strstr(text, name) != NULL) == (i < FEW));
    }
}

static void note_key(const void *key, size_t key_size, const void *value, size_t value_size,
                     void *opaque)
{
    bool *found = opaque;
    int number;
    char name[32] = "";
    (void)value;
    (void)value_size;
    memcpy(name, key, key_size < sizeof name - 1 ? key_size : sizeof name - 1);
    assert_int_equal(sscanf(name, "H1:%d", &number), 1);
    assert_true(number >= 0 && number < FEW);
    found[number] = true;
}

static void few_are_waited_for(void)
{
    bool found[FEW] = {false};
    arrakis_error err = {0};
    ark_metadata_tail *tail;
    int wake_fd = ark_event_open();
    const ark_metadata_source source = source_of_few();
    if (ark_metadata_tail_open(&tail, &source, wake_fd, &err) < 0)
        fail_msg("%s", err.message);
    for (int i = 0; i < FEW;) {
        if (!found[i] && !ark_metadata_tail_each(tail, note_key, found))
            assert_true(ark_wait_fd(wake_fd, ark_monotonic_ns() + 30 * ARRAKIS_SECOND_NS));
        ark_event_clear(wake_fd);
        i += found[i];
    }
    ark_metadata_tail_close(tail);
    close(wake_fd);
}

static void as_many_topics_are_read_as_are_allowed(void **state)
{
    (void)state;
    create("arrakis-metadata-JUNK", 2); /* it is not one that is read */
    for (int i = FEW - 1; i >= 0; i--)
        create_numbered(i);
    few_are_found(ARRAKIS_EFORMAT);
    few_are_waited_for();
    if (strstr(logged, "TOPIC"))
        fail_msg("%s", logged);
    create_numbered(FEW);
    few_are_found(ARRAKIS_EBROKER);
    few_are_waited_for();
    was_logged("ignoring metadata topic arrakis-metadata-TOPIC04 and 0 others: 5 topics "
               "arrakis-metadata-* can be read, expected up to 4: those from it on, in the order "
               "of names, are not read");
    finds(ARRAKIS_OK, "TOPIC04", "H1:04 of TOPIC04@16 ", "");
}

static void choose(ark_metadata_choice *choice, rd_kafka_metadata_topic_t *topics, int count,
                   const char *const *publishers)
{
    arrakis_error err;
    const struct rd_kafka_metadata list = {.topics = topics, .topic_cnt = count};
    assert_int_equal(
        ark_metadata_choice_make(choice, &list, publishers, publishers != NULL, 0, &err),
        ARRAKIS_OK);
}

/* In the order of names: the second half is listed first. What cannot be read does not count. */
static void of_very_many_topics_1024_are_chosen(void **state)
{
    (void)state;
    enum { MANY = 1025, JUNK = 3000 };
    static char names[MANY + JUNK][40];
    static rd_kafka_metadata_topic_t topics[MANY + JUNK];
    static const char *const last = "1024", *const junk = "!1025";
    ark_metadata_choice choice;
    for (int i = 0; i < MANY + JUNK; i++) {
        int number = i < MANY ? (i + MANY / 2) % MANY : i;
        snprintf(names[i], sizeof names[i], "arrakis-metadata-%s%04d", i < MANY ? "" : "!",
                 number);
        topics[i] = (rd_kafka_metadata_topic_t){.topic = names[i], .partition_cnt = 1};
        if (i >= MANY && i % 2)
            topics[i].partition_cnt = 2;
        else if (i >= MANY)
            topics[i].err = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    }
    choose(&choice, topics, MANY + JUNK, NULL);
    assert_int_equal(choice.count, MANY + JUNK);
    assert_int_equal(choice.readable, MANY);
    assert_int_equal(choice.chosen, 1024);
    for (int i = 0; i < MANY; i++) {
        char name[40];
        snprintf(name, sizeof name, "arrakis-metadata-%04d", i);
        assert_string_equal(choice.wanted[i]->topic, name);
    }
    assert_string_equal(choice.wanted[MANY]->topic, "arrakis-metadata-!1025");
    ark_metadata_choice_clear(&choice);
    choose(&choice, topics, MANY + JUNK, &last); /* of those that are asked for */
    assert_true(choice.count == 1 && choice.chosen == 1);
    ark_metadata_choice_clear(&choice);
    choose(&choice, topics, MANY + JUNK, &junk);
    assert_true(choice.count == 1 && choice.chosen == 0);
    ark_metadata_choice_clear(&choice);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_cluster, close_cluster)
    const struct CMUnitTest tests[] = {
        TEST(a_topic_of_two_partitions_is_passed_over),
        TEST(with_publishers_given_their_topics_alone_are_read),
        TEST(another_publisher_s_topic_takes_no_channel_over),
        TEST(of_two_publishers_the_later_metadata_holds_and_of_equal_ones_the_first_name),
        TEST(a_topic_without_a_leader_is_passed_over_and_named),
        TEST(a_topic_that_may_not_be_read_is_passed_over_and_named),
        TEST(when_no_topic_can_be_read_that_is_the_error),
        TEST(as_many_topics_are_read_as_are_allowed),
        cmocka_unit_test(of_very_many_topics_1024_are_chosen),
        TEST(a_full_queue_does_not_hold_the_reading_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
