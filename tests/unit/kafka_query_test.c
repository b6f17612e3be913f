/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to many leaders, on librdkafka's mock cluster, of a handle that has no connection to them yet. */
#include "kafka/query.h"

#include "base/monotonic.h"
#include "support.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FROZEN_MS = 60000, LIST_OFFSETS = 2, METADATA = 3 /* kinds of request */ };

typedef struct site {
    int count; /* of brokers, each of which leads one topic */
    rd_kafka_t *rk, *asking, *reading;
    rd_kafka_mock_cluster_t *cluster;
    rd_kafka_topic_t **topics;
    rd_kafka_topic_partition_list_t *list;
} site;

static rd_kafka_t *watched_handle(rd_kafka_type_t type, const char *name, const char *value,
                                  ark_kafka_outage *outage)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (outage)
        PASS(ark_kafka_outage_watch(outage, conf, true, err));
    assert_int_equal(rd_kafka_conf_set(conf, name, value, text, sizeof text), RD_KAFKA_CONF_OK);
    if (!outage)
        rd_kafka_conf_set(conf, "log_level", "3", NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    assert_non_null(rk);
    return rk;
}

static rd_kafka_t *handle(rd_kafka_type_t type, const char *name, const char *value)
{
    return watched_handle(type, name, value, NULL);
}

/* The handles are given the last broker alone, and find the others through it. */
static site open_site(int count)
{
    char number[16];
    site s = {.count = count};
    snprintf(number, sizeof number, "%d", count);
    s.rk = handle(RD_KAFKA_PRODUCER, "test.mock.num.brokers", number);
    s.cluster = rd_kafka_handle_mock_cluster(s.rk);
    const char *last = strrchr(rd_kafka_mock_cluster_bootstraps(s.cluster), ',') + 1;
    s.asking = handle(RD_KAFKA_CONSUMER, "bootstrap.servers", last);
    s.reading = handle(RD_KAFKA_CONSUMER, "bootstrap.servers", last);
    s.topics = calloc((size_t)count, sizeof *s.topics);
    s.list = rd_kafka_topic_partition_list_new(count);
    assert_non_null(s.topics);
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "topic-%d", i);
        assert_int_equal(rd_kafka_mock_topic_create(s.cluster, name, 1, 1), 0);
        assert_int_equal(rd_kafka_mock_partition_set_leader(s.cluster, name, 0, i + 1), 0);
        s.topics[i] = rd_kafka_topic_new(s.reading, name, NULL);
        rd_kafka_topic_partition_list_add(s.list, name, 0)->offset = RD_KAFKA_OFFSET_END;
    }
    return s;
}

static void close_site(site *s)
{
    for (int i = 0; i < s->count; i++)
        rd_kafka_topic_destroy(s->topics[i]);
    free(s->topics);
    rd_kafka_topic_partition_list_destroy(s->list);
    rd_kafka_destroy_flags(s->asking, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    rd_kafka_destroy_flags(s->reading, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    rd_kafka_destroy(s->rk);
}

/* As the watch of a reader asks. */
static ark_kafka_asker asker_of(const site *s, ark_kafka_heard *heard)
{
    return (ark_kafka_asker){.rk = s->asking,
                             .topics = s->reading,
                             .timeout_ns = 2 * SECOND,
                             .heard = heard,
                             .all_doubtful = true};
}

/* What a login costs the mock cluster has none of: but a connection begins with a question there, too. */
static bool all_answer(int slow_ms, int64_t timeout_ns)
{
    enum { LEADERS = 12 };
    site s = open_site(LEADERS);
    for (int i = 0; i < LEADERS; i++)
        rd_kafka_mock_broker_set_rtt(s.cluster, i + 1, slow_ms);
    ark_kafka_heard heard = {false};
    ark_kafka_asker ask = asker_of(&s, &heard);
    ask.timeout_ns = timeout_ns;
    PASS(ark_kafka_query_offsets(&ask, s.list, err));
    bool all = heard.broker && heard.leader && !heard.silent;
    for (int i = 0; i < LEADERS; i++)
        all = all && s.list->elems[i].err == 0;
    close_site(&s);
    return all;
}

/* A loaded machine may take the time of a question by itself: then all is done again, and takes longer. */
static void each_of_many_leaders_has_the_time_to_log_in(void **state)
{
    (void)state;
    bool all = all_answer(200, 2 * SECOND);
    for (int i = 0; i < 3 && !all; i++)
        all = all_answer(1000, 10 * SECOND);
    assert_true(all);
}

static void many_silent_leaders_do_not_make_the_others_answers_old(void **state)
{
    enum { LEADERS = 40, ANSWERING = 4 };
    (void)state;
    site s = open_site(LEADERS);
    ark_kafka_heard heard = {false};
    ark_kafka_asker ask = asker_of(&s, &heard);
    ask.timeout_ns = 30 * SECOND;
    ask.all_doubtful = false;
    PASS(ark_kafka_query_offsets(&ask, s.list, err));
    assert_true(heard.broker && heard.leader && !heard.silent);
    for (int i = 0; i < LEADERS; i++)
        s.list->elems[i].offset = RD_KAFKA_OFFSET_END;
    for (int i = 0; i < LEADERS - ANSWERING; i++)
        assert_int_equal(
            rd_kafka_mock_broker_push_request_error_rtts(
                s.cluster, i + 1, LIST_OFFSETS, 1, (int)RD_KAFKA_RESP_ERR_NO_ERROR, FROZEN_MS),
            0);
    int64_t when_ns[LEADERS] = {0};
    ask = asker_of(&s, &heard);
    ask.when_ns = when_ns;
    int64_t begun_ns = ark_monotonic_ns();
    PASS(ark_kafka_query_offsets(&ask, s.list, err));
    int64_t now_ns = ark_monotonic_ns();
    assert_true(heard.broker && heard.leader && heard.silent);
    for (int i = 0; i < LEADERS; i++)
        if (i < LEADERS - ANSWERING)
            assert_int_equal(s.list->elems[i].err, RD_KAFKA_RESP_ERR__TIMED_OUT);
        else {
            assert_int_equal(s.list->elems[i].err, 0);
            assert_true(now_ns - when_ns[i] < 20 * SECOND);
        }
    assert_true(now_ns - begun_ns < 20 * SECOND); /* one after another they would take 72 s */
    close_site(&s);
}

static void *close_connections(void *opaque)
{
    for (int connection; (connection = accept(*(int *)opaque, NULL, NULL)) >= 0;)
        close(connection);
    return NULL;
}

/* What asking for topics gives where every connection ends before its first answer. */
static void ask_where_connections_end(bool understood, int64_t timeout_ns, arrakis_status wanted,
                                      const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(listen(listener, 8), 0);
    pthread_t closing;
    assert_int_equal(pthread_create(&closing, NULL, close_connections, &listener), 0);
    char url[32];
    snprintf(url, sizeof url, "127.0.0.1:%d", ntohs(address.sin_port));
    ark_kafka_outage *outage = ark_kafka_outage_new((ark_token_source){NULL, NULL});
    rd_kafka_t *rk = watched_handle(RD_KAFKA_CONSUMER, "bootstrap.servers", url, outage);
    if (understood)
        ark_kafka_outage_understood(outage);
    ark_kafka_asker ask = {.rk = rk, .timeout_ns = timeout_ns, .outage = outage};
    const struct rd_kafka_metadata *list;
    FAIL(ark_kafka_query_topics(&ask, true, &list, err), wanted, text);
    shutdown(listener, SHUT_RDWR);
    pthread_join(closing, NULL);
    close(listener);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    ark_kafka_outage_free(outage);
}

static void connections_that_end_show_a_wrong_protocol_until_a_broker_has_answered(void **state)
{
    (void)state;
    ask_where_connections_end(false, 60 * SECOND, ARRAKIS_EAUTH, "security.protocol");
    ask_where_connections_end(true, 4 * SECOND, ARRAKIS_ECONNECT, "no broker answers");
}

/* Else a node that shuts down right after an answer is taken for one that requires a login. */
static void each_answer_shows_that_the_protocol_is_right(void **state)
{
    (void)state;
    site s = open_site(2);
    ark_kafka_outage *outage = ark_kafka_outage_new((ark_token_source){NULL, NULL});
    const struct rd_kafka_metadata *list;
    ark_kafka_asker ask = {.rk = s.asking, .timeout_ns = 60 * SECOND, .outage = outage};
    PASS(ark_kafka_query_topics(&ask, true, &list, err));
    rd_kafka_metadata_destroy(list);
    assert_true(outage->understood);
    outage->understood = false;
    ask.topics = s.reading;
    PASS(ark_kafka_query_offsets(&ask, s.list, err));
    assert_true(outage->understood);
    ark_kafka_outage_free(outage);
    close_site(&s);
}

/* An answer waits behind that to the Fetch, which may take as long as data may lie at the broker. An attempt that is given
 * up before would lose the connection and all that is fetched. */
static void a_question_waits_as_long_as_the_fetch_before_it(void **state)
{
    enum { FETCH_MS = 2500 }; /* more than an attempt has where no data lies */
    (void)state;
    site s = open_site(2);
    ark_kafka_heard heard = {false};
    ark_kafka_asker ask = asker_of(&s, &heard);
    ask.timeout_ns = 30 * SECOND;
    const struct rd_kafka_metadata *list;
    PASS(ark_kafka_query_topics(&ask, false, &list, err)); /* connects */
    rd_kafka_metadata_destroy(list);
    for (int i = 0; i < 16 * s.count; i++) /* librdkafka asks by itself, too */
        assert_int_equal(rd_kafka_mock_broker_push_request_error_rtts(
                             s.cluster, i % s.count + 1, METADATA, 1,
                             (int)RD_KAFKA_RESP_ERR_NO_ERROR, FETCH_MS),
                         0);
    ask.lies_ns = 2 * SECOND;
    ask.timeout_ns = 4 * SECOND; /* too little for a second attempt */
    PASS(ark_kafka_query_topics(&ask, false, &list, err));
    rd_kafka_metadata_destroy(list);
    close_site(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_many_leaders_has_the_time_to_log_in),
        cmocka_unit_test(many_silent_leaders_do_not_make_the_others_answers_old),
        cmocka_unit_test(connections_that_end_show_a_wrong_protocol_until_a_broker_has_answered),
        cmocka_unit_test(each_answer_shows_that_the_protocol_is_right),
        cmocka_unit_test(a_question_waits_as_long_as_the_fetch_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
