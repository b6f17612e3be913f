/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/mock.h>

#include "channel/selection.h"
#include "kafka/conf.h"
#include "kafka/handle.h"
#include "kafka/metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WAIT_MS 10000

static arrakis_channel *make_channel(const char *name, const char *publisher,
                                     const char *partition, int64_t index)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = name;
    info.dtype = ARRAKIS_FLOAT32;
    info.sample_rate = 16;
    info.publisher = publisher;
    info.partition_id = partition;
    info.partition_index = index;
    info.stride_ns = 62500000;
    info.max_latency_ns = 1000000000;
    arrakis_channel *channel;
    arrakis_error err;
    if (arrakis_channel_new(&channel, &info, &err) < 0)
        fail_msg("%s", err.message);
    return channel;
}

static void add(arrakis_channels *channels, const char *name, const char *publisher,
                const char *partition, int64_t index)
{
    arrakis_channel *channel = make_channel(name, publisher, partition, index);
    assert_int_equal(arrakis_channels_add(channels, channel, NULL), ARRAKIS_OK);
    arrakis_channel_unref(channel);
}

static arrakis_mock_broker *open_broker(void)
{
    arrakis_mock_broker *broker;
    arrakis_error err;
    if (arrakis_mock_broker_open(&broker, &err) < 0)
        fail_msg("%s", err.message);
    return broker;
}

static void announce(arrakis_mock_broker *broker, const arrakis_channels *channels)
{
    arrakis_error err;
    if (arrakis_mock_broker_announce(broker, channels, &err) < 0)
        fail_msg("%s", err.message);
}

/* Apply all records of a topic; returns how many there were. The last key goes to `last`. */
static int64_t read_topic(const arrakis_mock_broker *broker, const char *topic,
                          ark_metadata *metadata, char last[64])
{
    rd_kafka_t *rk;
    static const ark_kafka_property properties[] = {{"group.id", "test", false}};
    assert_int_equal(ark_kafka_handle_new(&rk, RD_KAFKA_CONSUMER, arrakis_mock_broker_url(broker),
                                          properties, 1, NULL, 0, NULL),
                     ARRAKIS_OK);
    rd_kafka_poll_set_consumer(rk);
    int64_t low = 0, high = 0;
    assert_int_equal(rd_kafka_query_watermark_offsets(rk, topic, 0, &low, &high, WAIT_MS), 0);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = low;
    assert_int_equal(rd_kafka_assign(rk, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    for (int64_t next = low; next < high;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);
        assert_non_null(m);
        if (!m->err) {
            assert_int_equal(ark_metadata_apply(metadata, m->key, m->key_len, m->payload, m->len,
                                                m->offset, NULL),
                             ARRAKIS_OK);
            snprintf(last, 64, "%.*s", (int)m->key_len, (const char *)m->key);
            next = m->offset + 1;
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return high - low;
}

static ark_choice take_all(const arrakis_channel_info *info, void *opaque)
{
    (void)info;
    (void)opaque;
    return ARK_CHOICE_TAKE;
}

static bool count_one(arrakis_channel *channel, void *opaque)
{
    assert_non_null(channel);
    ++*(size_t *)opaque;
    return true;
}

static void assert_topic_holds(const arrakis_mock_broker *broker, const char *topic,
                               int64_t records, size_t channels)
{
    ark_metadata *metadata;
    char last[64];
    assert_int_equal(ark_metadata_new(&metadata, topic, 0, NULL), ARRAKIS_OK);
    assert_int_equal(read_topic(broker, topic, metadata, last), records);
    assert_string_equal(last, "__digest__");
    assert_true(ark_metadata_check(metadata));
    size_t count = 0;
    const ark_selection selection = {.choose = take_all, .take = count_one, .opaque = &count};
    assert_int_equal(ark_metadata_each(metadata, &selection, NULL), ARRAKIS_OK);
    assert_int_equal(count, channels);
    ark_metadata_free(metadata);
}

static void announced_channels_are_found_and_the_digest_agrees(void **state)
{
    (void)state;
    arrakis_mock_broker *broker = open_broker();
    arrakis_channels *channels;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    add(channels, "H1:TST-A", "one", "p0", 0);
    add(channels, "H1:TST-B", "one", "p0", 1);
    add(channels, "L1:TST-A", "two", "p1", 0);
    announce(broker, channels);
    arrakis_channels_unref(channels);
    assert_topic_holds(broker, "arrakis-metadata-one", 4, 2);
    assert_topic_holds(broker, "arrakis-metadata-two", 3, 1);
    arrakis_mock_broker_close(broker);
}

static void a_second_announcement_adds_to_the_first(void **state)
{
    (void)state;
    arrakis_mock_broker *broker = open_broker();
    arrakis_channels *channels;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    add(channels, "H1:TST-A", "one", "p0", 0);
    announce(broker, channels);
    announce(broker, channels);
    arrakis_channels_unref(channels);
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    add(channels, "H1:TST-B", "one", "p0", 1);
    announce(broker, channels);
    arrakis_channels_unref(channels);
    assert_topic_holds(broker, "arrakis-metadata-one", 3 + 3 + 4, 2);
    arrakis_mock_broker_close(broker);
}

static void every_topic_has_one_partition(void **state)
{
    (void)state;
    arrakis_mock_broker *broker = open_broker();
    arrakis_channels *channels;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    add(channels, "H1:TST-A", "one", "p0", 0);
    announce(broker, channels);
    arrakis_channels_unref(channels);
    rd_kafka_t *rk;
    assert_int_equal(ark_kafka_handle_new(&rk, RD_KAFKA_PRODUCER, arrakis_mock_broker_url(broker),
                                          NULL, 0, NULL, 0, NULL),
                     ARRAKIS_OK);
    const rd_kafka_metadata_t *metadata;
    assert_int_equal(rd_kafka_metadata(rk, 1, NULL, &metadata, WAIT_MS), 0);
    assert_int_equal(metadata->topic_cnt, 2);
    size_t data = 0;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        assert_int_equal(metadata->topics[i].partition_cnt, 1);
        data += strcmp(metadata->topics[i].topic, "arrakis-p0") == 0;
    }
    assert_int_equal(data, 1);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_destroy(rk);
    arrakis_mock_broker_close(broker);
}

static void assert_refused(arrakis_mock_broker *broker, const char *name, const char *publisher,
                           const char *partition, int64_t index, const char *text)
{
    arrakis_channels *channels;
    arrakis_error err;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    add(channels, name, publisher, partition, index);
    assert_int_equal(arrakis_mock_broker_announce(broker, channels, &err), ARRAKIS_EINVAL);
    if (!strstr(err.message, text))
        fail_msg("\"%s\", expected \"%s\"", err.message, text);
    arrakis_channels_unref(channels);
}

static void what_cannot_be_announced_is_named(void **state)
{
    (void)state;
    arrakis_mock_broker *broker = open_broker();
    assert_refused(broker, "H1:TST-A", NULL, "p0", 0, "H1:TST-A has no publisher");
    assert_refused(broker, "H1:TST-A", "one", NULL, 0, "H1:TST-A has no partition_id");
    arrakis_channels *channels;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    add(channels, "H1:TST-A", "one", "p0", 0);
    announce(broker, channels);
    arrakis_channels_unref(channels);
    assert_refused(broker, "H1:TST-A", "one", "p0", 7, "announced before");
    arrakis_error err;
    assert_int_equal(arrakis_mock_broker_announce(broker, NULL, &err), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_mock_broker_announce(NULL, NULL, &err), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_mock_broker_open(NULL, &err), ARRAKIS_EINVAL);
    arrakis_mock_broker_close(broker);
    arrakis_mock_broker_close(NULL);
}

static size_t lines;

static void count_line(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    lines++;
    print_message("%d %s\n", (int)level, message);
}

static void the_mock_broker_is_quiet(void **state)
{
    (void)state;
    arrakis_log_set(ARRAKIS_LOG_INFO, count_line, NULL);
    arrakis_mock_broker *broker = open_broker();
    arrakis_channels *channels;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    add(channels, "H1:TST-A", "one", "p0", 0);
    announce(broker, channels);
    arrakis_channels_unref(channels);
    arrakis_mock_broker_close(broker);
    arrakis_log_set(ARRAKIS_LOG_INFO, NULL, NULL);
    assert_int_equal(lines, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(announced_channels_are_found_and_the_digest_agrees),
        cmocka_unit_test(a_second_announcement_adds_to_the_first),
        cmocka_unit_test(every_topic_has_one_partition),
        cmocka_unit_test(what_cannot_be_announced_is_named),
        cmocka_unit_test(the_mock_broker_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
