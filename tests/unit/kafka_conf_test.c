/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/brokers.h"
#include "kafka/conf.h"
#include "kafka/handle.h"
#include "kafka/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void usable_broker_lists_pass(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "localhost:9092",
        "127.0.0.1:1",
        "kafka-0.site_a.example.org:65535",
        "a:1,b:2,c:3",
        "[::1]:9092",
        "[fe80::1%eth0]:9092,other:9093",
        "localhost", /* 9092 to librdkafka */
        "[::1]",
        "PLAINTEXT://localhost:9092",
        "kafka://broker:9092",
        "kafka://a:1,b:2",
        "kafka://a:1,KAFKA://b:2,[::1]:3",
        "kafka://SSL://a:1", /* what is behind it is librdkafka's */
        "sasl_ssl://a:1,SSL://[::1]:2,sasl_plaintext://c:3",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        arrakis_error err = {0};
        if (ark_kafka_brokers_check(urls[i], &err) != ARRAKIS_OK)
            fail_msg("%s: %s", urls[i], err.message);
    }
}

static void an_unusable_broker_list_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *url, *text;
    } cases[] = {
        {NULL, "no broker given"},
        {"", "no broker given"},
        {",", "an entry is empty"},
        {"a:1,", "an entry is empty"},
        {"a:1,,b:2", "an entry is empty"},
        {" ", "letters, digits"},
        {"a:1, b:2", "\" b:2\": a host has letters, digits"},
        {"local host:9092", "letters, digits"},
        {"a\n:1", "letters, digits"},
        {"a/b:1", "letters, digits"},
        {"h\xc3\xa9:1", "letters, digits"},
        {":9092", "letters, digits"},
        {"a:", "port is not in 1 to 65535"},
        {"a:0", "port is not in 1 to 65535"},
        {"a:65536", "port is not in 1 to 65535"},
        {"a:99999999999999999999", "port is not in 1 to 65535"},
        {"a:-1", "port is not a number"},
        {"a:80x", "port is not a number"},
        {"a:9 ", "port is not a number"},
        {"a:1:2", "several colons"},
        {"::1", "several colons"},
        {"fe80::1", "several colons"},
        {"[::1", "brackets do not hold"},
        {"[]:1", "brackets do not hold"},
        {"[:", "brackets do not hold"},
        {"[", "brackets do not hold"},
        {"[::1]9092", "not followed by a port"},
        {"[::1]:", "port is not in 1 to 65535"},
        {"[a b]:1", "brackets do not hold"},
        {"kafka://", "an entry is empty"},
        {"kafka://kafka://a:1", "protocol is not one of"},
        {"kafka://a:1,kafka://b:x", "\"b:x\": its port is not a number"},
        {"http://a:1", "protocol is not one of"},
        {"://a:1", "protocol is not one of"},
        {"PLAINTEXT://", "letters, digits"},
        {"PLAINTEXT://a:1,ssl://b:x", "\"ssl://b:x\": its port is not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrakis_error err = {0};
        arrakis_status rc = ark_kafka_brokers_check(cases[i].url, &err);
        if (rc != ARRAKIS_EINVAL || !strstr(err.message, cases[i].text))
            fail_msg("%s: %d \"%s\", expected \"%s\"", cases[i].url ? cases[i].url : "NULL", rc,
                     err.message, cases[i].text);
        assert_int_equal(err.status, ARRAKIS_EINVAL);
        assert_int_equal(ark_kafka_brokers_check(cases[i].url, NULL), ARRAKIS_EINVAL);
    }
}

static void assert_property(rd_kafka_t *rk, const char *name, const char *wanted)
{
    char value[128];
    size_t size = sizeof value;
    assert_int_equal(rd_kafka_conf_get(rd_kafka_conf(rk), name, value, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(value, wanted);
}

static void every_handle_leaves_a_node_that_hangs_within_seconds(void **state)
{
    (void)state;
    rd_kafka_t *rk;
    assert_int_equal(
        ark_kafka_handle_new(&rk, RD_KAFKA_CONSUMER, "localhost:1", NULL, 0, NULL, 0, NULL),
        ARRAKIS_OK);
    assert_property(rk, "socket.timeout.ms", "6000");
    assert_property(rk, "socket.connection.setup.timeout.ms", "6000");
    assert_property(rk, "reconnect.backoff.max.ms", "1000");
    rd_kafka_destroy(rk);
}

static void the_users_properties_win(void **state)
{
    (void)state;
    static const ark_kafka_property ours[] = {{"client.id", "ours", false},
                                              {"socket.timeout.ms", "7000", false}};
    static const arrakis_property users[] = {{"client.id", "theirs"}};
    rd_kafka_t *rk;
    assert_int_equal(
        ark_kafka_handle_new(&rk, RD_KAFKA_PRODUCER, "127.0.0.1:9", ours, 2, users, 1, NULL),
        ARRAKIS_OK);
    assert_property(rk, "client.id", "theirs");
    assert_property(rk, "socket.timeout.ms", "7000");
    assert_property(rk, "bootstrap.servers", "127.0.0.1:9");
    rd_kafka_destroy(rk);
}

static void brokers_may_be_given_as_kafka_urls(void **state)
{
    (void)state;
    static const char *const lists[][2] = {
        {"kafka://broker:9092", "broker:9092"},     {"kafka://a:1,b:2", "a:1,b:2"},
        {"kafka://a:1,Kafka://b:2", "a:1,b:2"},     {"kafka:1,b:2", "kafka:1,b:2"},
        {"a:1,kafka://SSL://b:2", "a:1,SSL://b:2"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        rd_kafka_conf_t *conf;
        char got[100];
        size_t size = sizeof got;
        assert_int_equal(ark_kafka_conf_new(&conf, lists[i][0], NULL, 0, NULL, 0, NULL),
                         ARRAKIS_OK);
        assert_int_equal(rd_kafka_conf_get(conf, "bootstrap.servers", got, &size),
                         RD_KAFKA_CONF_OK);
        assert_string_equal(got, lists[i][1]);
        rd_kafka_conf_destroy(conf);
    }
}

static void an_unknown_property_is_skipped_only_when_optional(void **state)
{
    (void)state;
    static const ark_kafka_property optional[] = {{"no.such.property", "1", true}};
    static const ark_kafka_property needed[] = {{"no.such.property", "1", false}};
    arrakis_error err;
    rd_kafka_t *rk;
    assert_int_equal(
        ark_kafka_handle_new(&rk, RD_KAFKA_PRODUCER, "127.0.0.1:9", optional, 1, NULL, 0, &err),
        ARRAKIS_OK);
    rd_kafka_destroy(rk);
    assert_int_equal(
        ark_kafka_handle_new(&rk, RD_KAFKA_PRODUCER, "127.0.0.1:9", needed, 1, NULL, 0, &err),
        ARRAKIS_EINVAL);
    assert_null(rk);
    assert_non_null(strstr(err.message, "no.such.property"));
}

/* Starts a consumer with one property of a user, and expects EINVAL with a text. */
static void assert_refused(arrakis_property property, const char *text)
{
    arrakis_error err;
    rd_kafka_t *rk;
    assert_int_equal(
        ark_kafka_handle_new(&rk, RD_KAFKA_CONSUMER, "127.0.0.1:9", NULL, 0, &property, 1, &err),
        ARRAKIS_EINVAL);
    assert_null(rk);
    if (!strstr(err.message, text))
        fail_msg("\"%s\", expected \"%s\"", err.message, text);
}

static void a_refused_property_is_named(void **state)
{
    (void)state;
    assert_refused((arrakis_property){"no.such.property", "1"}, "\"no.such.property\"");
    assert_refused((arrakis_property){"socket.timeout.ms", "soon"}, "\"socket.timeout.ms\"");
    assert_refused((arrakis_property){"socket.timeout.ms", "-5"}, "socket.timeout.ms");
    assert_refused((arrakis_property){NULL, "1"}, "property 0 has no name");
    assert_refused((arrakis_property){"client.id", NULL}, "property 0 has no value");
    /* refused only when the handle is made */
    assert_refused((arrakis_property){"max.poll.interval.ms", "1"}, "max.poll.interval.ms");
}

static void an_unusable_broker_makes_no_handle(void **state)
{
    (void)state;
    rd_kafka_t *rk;
    assert_int_equal(ark_kafka_handle_new(&rk, RD_KAFKA_PRODUCER, "a b", NULL, 0, NULL, 0, NULL),
                     ARRAKIS_EINVAL);
    assert_null(rk);
}

static char heard[1024];
static arrakis_log_level heard_level;

static void hear(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    if (strstr(message, "client.id")) {
        heard_level = level;
        snprintf(heard, sizeof heard, "%s", message);
    }
}

static void librdkafkas_log_comes_to_ours(void **state)
{
    (void)state;
    /* A property that only a consumer has: librdkafka warns a producer of it. */
    static const arrakis_property users[] = {
        {"client.id", "x"}, {"fetch.min.bytes", "2"}, {"debug", "conf"}};
    rd_kafka_t *rk;
    arrakis_log_set(ARRAKIS_LOG_DEBUG, hear, NULL);
    assert_int_equal(
        ark_kafka_handle_new(&rk, RD_KAFKA_PRODUCER, "127.0.0.1:9", NULL, 0, users, 3, NULL),
        ARRAKIS_OK);
    rd_kafka_destroy(rk);
    arrakis_log_set(ARRAKIS_LOG_DEBUG, NULL, NULL);
    assert_non_null(strstr(heard, "librdkafka: "));
    assert_int_equal(heard_level, ARRAKIS_LOG_DEBUG);
}

static void every_error_has_its_status(void **state)
{
    (void)state;
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR_NO_ERROR), ARRAKIS_OK);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR__TRANSPORT), ARRAKIS_ECONNECT);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR__RESOLVE), ARRAKIS_ECONNECT);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN), ARRAKIS_ECONNECT);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR__TIMED_OUT), ARRAKIS_EDEADLINE);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT), ARRAKIS_EDEADLINE);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT), ARRAKIS_EDEADLINE);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR__AUTHENTICATION), ARRAKIS_EAUTH);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED),
                     ARRAKIS_EAUTH);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE), ARRAKIS_EBROKER);
    assert_int_equal(ark_kafka_status(RD_KAFKA_RESP_ERR_UNKNOWN), ARRAKIS_EBROKER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usable_broker_lists_pass),
        cmocka_unit_test(an_unusable_broker_list_says_what_is_wrong),
        cmocka_unit_test(every_handle_leaves_a_node_that_hangs_within_seconds),
        cmocka_unit_test(the_users_properties_win),
        cmocka_unit_test(brokers_may_be_given_as_kafka_urls),
        cmocka_unit_test(an_unknown_property_is_skipped_only_when_optional),
        cmocka_unit_test(a_refused_property_is_named),
        cmocka_unit_test(an_unusable_broker_makes_no_handle),
        cmocka_unit_test(librdkafkas_log_comes_to_ours),
        cmocka_unit_test(every_error_has_its_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
