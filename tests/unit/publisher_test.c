/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/ipc.h"
#include "kafka/conf.h"
#include "kafka/handle.h"

#include <arrakis/arrow.h>
#include <dlfcn.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 60000
#define STRIDE_NS INT64_C(62500000)
#define START_NS INT64_C(1400000000000000000)
/* Kafka's numbers of requests. */
#define PRODUCE 0
#define INIT_PRODUCER_ID 22

/* ---- a broker whose answers the test gives */

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;
static arrakis_connection to; /* the broker, for each test anew */

static int start_cluster(void **state)
{
    (void)state;
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", NULL, 0);
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", NULL, 0);
    host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    cluster = rd_kafka_handle_mock_cluster(host);
    to = (arrakis_connection)ARRAKIS_CONNECTION_INIT;
    to.kafka_url = rd_kafka_mock_cluster_bootstraps(cluster);
    rd_kafka_mock_topic_create(cluster, "arrakis-p0", 1, 1);
    rd_kafka_mock_topic_create(cluster, "arrakis-p1", 1, 1);
    return cluster ? 0 : -1;
}

static int stop_cluster(void **state)
{
    (void)state;
    rd_kafka_destroy(host);
    return 0;
}

/* A topic's messages, read from its beginning. */
typedef struct messages {
    rd_kafka_t *rk;
    rd_kafka_message_t *at[16];
    size_t count;
} messages;

static messages read_topic(const char *topic)
{
    messages all = {0};
    static const ark_kafka_property properties[] = {{"group.id", "test", false}};
    assert_int_equal(ark_kafka_handle_new(&all.rk, RD_KAFKA_CONSUMER,
                                          rd_kafka_mock_cluster_bootstraps(cluster), properties, 1,
                                          NULL, 0, NULL),
                     ARRAKIS_OK);
    rd_kafka_poll_set_consumer(all.rk);
    int64_t low = 0, high = 0;
    assert_int_equal(rd_kafka_query_watermark_offsets(all.rk, topic, 0, &low, &high, WAIT_MS), 0);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = low;
    assert_int_equal(rd_kafka_assign(all.rk, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    while ((int64_t)all.count < high - low) {
        assert_true(all.count < 16);
        rd_kafka_message_t *m = rd_kafka_consumer_poll(all.rk, WAIT_MS);
        assert_non_null(m);
        if (m->err)
            rd_kafka_message_destroy(m);
        else
            all.at[all.count++] = m;
    }
    return all;
}

static void free_messages(messages *all)
{
    for (size_t i = 0; i < all->count; i++)
        rd_kafka_message_destroy(all->at[i]);
    rd_kafka_consumer_close(all->rk);
    rd_kafka_destroy(all->rk);
}

static size_t count_messages(const char *topic)
{
    messages all = read_topic(topic);
    size_t count = all.count;
    free_messages(&all);
    return count;
}

/* ---- channels and blocks */

static arrakis_channel_info base_info(void)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = "H1:TST-A";
    info.dtype = ARRAKIS_FLOAT32;
    info.sample_rate = 64;
    info.publisher = "tester";
    info.partition_id = "p0";
    info.partition_index = 0;
    info.stride_ns = STRIDE_NS;
    info.max_latency_ns = 1000000000;
    return info;
}

static void add(arrakis_channels *channels, arrakis_channel_info info)
{
    arrakis_channel *channel;
    arrakis_error err;
    if (arrakis_channel_new(&channel, &info, &err) < 0 ||
        arrakis_channels_add(channels, channel, &err) < 0)
        fail_msg("%s", err.message);
    arrakis_channel_unref(channel);
}

static arrakis_channels *new_list(void)
{
    arrakis_channels *channels;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    return channels;
}

/* A and C in p0 (float32, indices 7 and 3), B in p1 (int64, index 0). */
static arrakis_channels *three_channels(void)
{
    arrakis_channels *channels = new_list();
    arrakis_channel_info info = base_info();
    info.partition_index = 7;
    add(channels, info);
    info.name = "H1:TST-B";
    info.dtype = ARRAKIS_INT64;
    info.sample_rate = 32;
    info.partition_id = "p1";
    info.partition_index = 0;
    add(channels, info);
    info = base_info();
    info.name = "H1:TST-C";
    info.partition_index = 3;
    add(channels, info);
    return channels;
}

static const float floats_a[4] = {1, 2, 3, 4}, floats_c[4] = {-1, -2, -3, -4};
static const int64_t longs_b[2] = {INT64_MIN, INT64_MAX};
static const uint8_t second_missing[] = {0x0d};

/* A block of any of the three, in the list's order. */
static arrakis_block *make_block(arrakis_channels *channels, int64_t start_ns)
{
    arrakis_series series[3] = {{0}};
    size_t count = arrakis_channels_count(channels);
    assert_true(count <= 3);
    for (size_t i = 0; i < count; i++) {
        char letter = arrakis_channel_name(arrakis_channels_get(channels, i))[7];
        series[i] = letter == 'A'   ? (arrakis_series){floats_a, second_missing, 4, 0}
                    : letter == 'B' ? (arrakis_series){longs_b, NULL, 2, 0}
                                    : (arrakis_series){floats_c, NULL, 4, 0};
    }
    arrakis_block *block;
    arrakis_error err;
    if (arrakis_block_new(&block, channels, start_ns, STRIDE_NS, series, &err) < 0)
        fail_msg("%s", err.message);
    return block;
}

static arrakis_publisher_options options_for(arrakis_channels *channels)
{
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    options.publisher_id = "tester";
    options.channels = channels;
    return options;
}

static arrakis_publisher *open_publisher(const arrakis_publisher_options *options)
{
    arrakis_publisher *publisher;
    arrakis_error err;
    if (arrakis_publisher_open(&publisher, &to, options, &err) < 0)
        fail_msg("%s", err.message);
    return publisher;
}

static arrakis_publisher *open_for(arrakis_channels *channels)
{
    arrakis_publisher_options options = options_for(channels);
    return open_publisher(&options);
}

static void publish(arrakis_publisher *publisher, arrakis_channels *channels, int64_t start_ns)
{
    arrakis_block *block = make_block(channels, start_ns);
    arrakis_error err;
    if (arrakis_publisher_publish(publisher, block, WAIT_MS, &err) != ARRAKIS_OK)
        fail_msg("%s", err.message);
    arrakis_block_unref(block);
}

static void assert_unpublished(arrakis_publisher *publisher, arrakis_channels *channels,
                               int64_t start_ns, int timeout_ms, arrakis_status status,
                               const char *text)
{
    arrakis_block *block = make_block(channels, start_ns);
    arrakis_error err = {0};
    arrakis_status rc = arrakis_publisher_publish(publisher, block, timeout_ms, &err);
    if (rc != status || err.status != status || !strstr(err.message, text))
        fail_msg("%d \"%s\", expected %d \"%s\"", rc, err.message, status, text);
    arrakis_block_unref(block);
}

/* A block of four samples of one channel. */
static void assert_unpublished_one(arrakis_publisher *publisher, arrakis_channels *channels,
                                   arrakis_status status, const char *text)
{
    arrakis_series series = {NULL, NULL, 4, ARRAKIS_DTYPE_NONE};
    arrakis_block *block;
    arrakis_error err = {0};
    assert_int_equal(arrakis_block_new(&block, channels, START_NS, STRIDE_NS, &series, &err),
                     ARRAKIS_OK);
    arrakis_status rc = arrakis_publisher_publish(publisher, block, WAIT_MS, &err);
    if (rc != status || !strstr(err.message, text))
        fail_msg("%d \"%s\", expected %d \"%s\"", rc, err.message, status, text);
    arrakis_block_unref(block);
}

static void assert_counts(arrakis_publisher *publisher, uint64_t blocks, uint64_t dropped,
                          uint64_t failures)
{
    arrakis_publisher_stats stats = ARRAKIS_PUBLISHER_STATS_INIT;
    arrakis_publisher_get_stats(publisher, &stats);
    assert_int_equal(stats.blocks, blocks);
    assert_int_equal(stats.dropped, dropped);
    assert_int_equal(stats.failures, failures);
}

/* ---- what is sent */

static void assert_message(const rd_kafka_message_t *m, arrakis_dtype dtype, int64_t time_ns,
                           size_t count, const uint32_t *ids, const arrakis_series *series)
{
    uint8_t wanted[2048];
    size_t size;
    assert_int_equal(arrakis_rows_encode(wanted, sizeof wanted, &size, dtype, time_ns, count, ids,
                                         series, NULL),
                     ARRAKIS_OK);
    assert_int_equal(m->len, size);
    assert_memory_equal(m->payload, wanted, size);
    assert_null(m->key);
    rd_kafka_headers_t *headers;
    assert_int_equal(rd_kafka_message_headers(m, &headers), RD_KAFKA_RESP_ERR__NOENT);
}

static void a_block_goes_as_one_message_a_partition(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher *publisher = open_for(channels);
    publish(publisher, channels, START_NS);
    publish(publisher, channels, START_NS + STRIDE_NS);
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);

    const arrakis_series p0[] = {{floats_a, second_missing, 4, ARRAKIS_FLOAT32},
                                 {floats_c, NULL, 4, ARRAKIS_FLOAT32}};
    const arrakis_series p1[] = {{longs_b, NULL, 2, ARRAKIS_INT64}};
    static const uint32_t p0_ids[] = {7, 3}, p1_ids[] = {0};
    messages all = read_topic("arrakis-p0");
    assert_int_equal(all.count, 2);
    assert_message(all.at[0], ARRAKIS_FLOAT32, START_NS, 2, p0_ids, p0);
    assert_message(all.at[1], ARRAKIS_FLOAT32, START_NS + STRIDE_NS, 2, p0_ids, p0);
    free_messages(&all);
    all = read_topic("arrakis-p1");
    assert_int_equal(all.count, 2);
    assert_message(all.at[0], ARRAKIS_INT64, START_NS, 1, p1_ids, p1);
    free_messages(&all);
}

/* The channels of a list at the places given. */
static arrakis_channels *pick(const arrakis_channels *from, const size_t *places, size_t count)
{
    arrakis_channels *channels = new_list();
    for (size_t i = 0; i < count; i++)
        assert_int_equal(
            arrakis_channels_add(channels, arrakis_channels_get(from, places[i]), NULL),
            ARRAKIS_OK);
    return channels;
}

static void a_block_may_lack_channels_and_have_another_order(void **state)
{
    (void)state;
    static const size_t c_a[] = {2, 0}, c_b_a[] = {2, 1, 0};
    arrakis_channels *registered = three_channels();
    arrakis_channels *some = pick(registered, c_a, 2), *turned = pick(registered, c_b_a, 3);
    arrakis_publisher *publisher = open_for(registered);
    publish(publisher, some, START_NS);
    publish(publisher, registered, START_NS + STRIDE_NS);
    publish(publisher, turned, START_NS + 2 * STRIDE_NS);
    publish(publisher, some, START_NS + 3 * STRIDE_NS);
    arrakis_publisher_close(publisher);

    const arrakis_series rows[] = {{floats_c, NULL, 4, ARRAKIS_FLOAT32},
                                   {floats_a, second_missing, 4, ARRAKIS_FLOAT32},
                                   {floats_c, NULL, 4, ARRAKIS_FLOAT32}};
    static const uint32_t ids[] = {3, 7, 3};
    messages all = read_topic("arrakis-p0");
    assert_int_equal(all.count, 4);
    for (size_t i = 0; i < 4; i++) {
        size_t first = i == 1;
        assert_message(all.at[i], ARRAKIS_FLOAT32, START_NS + (int64_t)i * STRIDE_NS, 2,
                       ids + first, rows + first);
    }
    free_messages(&all);
    assert_int_equal(count_messages("arrakis-p1"), 2);
    arrakis_channels_unref(registered);
    arrakis_channels_unref(turned);
    arrakis_channels_unref(some);
}

static void a_replay_has_topics_of_its_own(void **state)
{
    (void)state;
    rd_kafka_mock_topic_create(cluster, "arrakis-replay-r1-p0", 1, 1);
    arrakis_channels *channels = new_list();
    arrakis_channel_info info = base_info();
    info.replay_id = "r1";
    add(channels, info);
    arrakis_publisher_options options = options_for(channels);
    options.replay_id = "r1";
    arrakis_publisher *publisher = open_publisher(&options);
    publish(publisher, channels, START_NS);
    arrakis_publisher_close(publisher);
    assert_int_equal(count_messages("arrakis-replay-r1-p0"), 1);
    assert_int_equal(count_messages("arrakis-p0"), 0);
    arrakis_channels_unref(channels);
}

/* ---- what is not sent */

static void assert_channel_refused(arrakis_publisher *publisher, arrakis_channel_info info,
                                   const char *text)
{
    static const int32_t zeros[4] = {0};
    arrakis_channels *channels = new_list();
    add(channels, info);
    arrakis_series series = {zeros, NULL, info.sample_rate < 64 ? 2 : 4, ARRAKIS_DTYPE_NONE};
    arrakis_block *block;
    arrakis_error err;
    assert_int_equal(arrakis_block_new(&block, channels, START_NS, STRIDE_NS, &series, &err),
                     ARRAKIS_OK);
    assert_int_equal(arrakis_publisher_publish(publisher, block, WAIT_MS, &err),
                     ARRAKIS_EMISMATCH);
    assert_string_equal(err.message, text);
    arrakis_block_unref(block);
    arrakis_channels_unref(channels);
}

static void a_channel_that_is_not_as_registered_is_refused(void **state)
{
    (void)state;
    arrakis_channels *registered = new_list();
    arrakis_channel_info info = base_info(), x;
    info.time_ns = 5;
    add(registered, info);
    arrakis_publisher *publisher = open_for(registered);
    x = info;
    x.dtype = ARRAKIS_INT32;
    assert_channel_refused(publisher, x,
                           "channel H1:TST-A: data_type is \"int32\", registered is \"float32\"");
    x = info;
    x.sample_rate = 32;
    assert_channel_refused(publisher, x,
                           "channel H1:TST-A: sample_rate is 32 Hz, registered is 64 Hz");
    x = info;
    x.publisher = "other";
    assert_channel_refused(publisher, x,
                           "channel H1:TST-A: publisher is \"other\", registered is \"tester\"");
    x = info;
    x.partition_id = "p9";
    assert_channel_refused(publisher, x,
                           "channel H1:TST-A: partition_id is \"p9\", registered is \"p0\"");
    x = info;
    x.time_ns = 6;
    assert_channel_refused(publisher, x, "channel H1:TST-A: time is 6, registered is 5");
    x = info;
    x.partition_index = 1;
    assert_channel_refused(publisher, x,
                           "channel H1:TST-A: partition_index is 1, registered is 0");
    x = info;
    x.stride_ns = 125000000;
    assert_channel_refused(publisher, x,
                           "channel H1:TST-A: stride is 125000000, registered is 62500000");
    x = info;
    x.max_latency_ns = 1;
    assert_channel_refused(publisher, x,
                           "channel H1:TST-A: max_latency is 1, registered is 1000000000");
    x = info;
    x.name = "H1:TST-D";
    assert_channel_refused(publisher, x, "channel H1:TST-D is not registered");
    arrakis_publisher_close(publisher);
    assert_int_equal(count_messages("arrakis-p0"), 0);
    arrakis_channels_unref(registered);
}

/* Fields that only one side defines do not matter. */
static void a_channel_may_say_less_than_its_registration(void **state)
{
    (void)state;
    arrakis_channels *registered = three_channels(), *bare = new_list();
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = "H1:TST-A";
    info.dtype = ARRAKIS_FLOAT32;
    info.sample_rate = 64;
    add(bare, info);
    arrakis_publisher *publisher = open_for(registered);
    publish(publisher, bare, START_NS);
    arrakis_publisher_close(publisher);
    const arrakis_series row = {floats_a, second_missing, 4, ARRAKIS_FLOAT32};
    static const uint32_t id = 7;
    messages all = read_topic("arrakis-p0");
    assert_int_equal(all.count, 1);
    assert_message(all.at[0], ARRAKIS_FLOAT32, START_NS, 1, &id, &row);
    free_messages(&all);
    arrakis_channels_unref(bare);
    arrakis_channels_unref(registered);
}

static void a_block_of_another_duration_is_refused(void **state)
{
    (void)state;
    arrakis_channels *channels = new_list();
    add(channels, base_info());
    arrakis_publisher *publisher = open_for(channels);
    arrakis_series series = {NULL, NULL, 8, ARRAKIS_DTYPE_NONE};
    arrakis_block *block;
    arrakis_error err;
    assert_int_equal(arrakis_block_new(&block, channels, START_NS, 2 * STRIDE_NS, &series, NULL),
                     ARRAKIS_OK);
    assert_int_equal(arrakis_publisher_publish(publisher, block, WAIT_MS, &err),
                     ARRAKIS_EMISMATCH);
    assert_string_equal(err.message,
                        "the block's duration is 125000000 ns, the publisher's stride 62500000");
    arrakis_block_unref(block);
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

static void time_goes_forward(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher *publisher = open_for(channels);
    publish(publisher, channels, START_NS);
    assert_unpublished(publisher, channels, START_NS, WAIT_MS, ARRAKIS_EINVAL,
                       "the block starts at 1400000000000000000 ns");
    assert_unpublished(publisher, channels, START_NS - STRIDE_NS, WAIT_MS, ARRAKIS_EINVAL,
                       "expected a later one");
    publish(publisher, channels, START_NS + 10 * STRIDE_NS);
    arrakis_publisher_close(publisher);
    assert_int_equal(count_messages("arrakis-p0"), 2);
    arrakis_channels_unref(channels);
}

/* Every reader drops such blocks. */
static void a_block_off_the_stride_is_refused(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher *publisher = open_for(channels);
    assert_unpublished(publisher, channels, START_NS + 1, WAIT_MS, ARRAKIS_EINVAL,
                       "starts at 1400000000000000001 ns, expected a multiple of the stride");
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS - 1, WAIT_MS, ARRAKIS_EINVAL,
                       "62500000 ns");
    publish(publisher, channels, START_NS);
    arrakis_publisher_close(publisher);
    assert_int_equal(count_messages("arrakis-p0"), 1);
    arrakis_channels_unref(channels);
}

static void a_message_over_the_limit_stops_the_whole_block(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    static const arrakis_property small[] = {{"message.max.bytes", "1000"}};
    to.properties = small;
    to.property_count = 1;
    arrakis_publisher *publisher = open_publisher(&options);
    publish(publisher, channels, START_NS);

    arrakis_channels *fast = new_list();
    arrakis_channel_info info = base_info();
    add(fast, info);
    info.name = "H1:TST-Z";
    info.partition_id = "p1";
    info.sample_rate = 16384;
    add(fast, info);
    options.channels = fast;
    arrakis_publisher *other = open_publisher(&options);
    arrakis_series series[2] = {{NULL, NULL, 4, 0}, {NULL, NULL, 1024, 0}};
    arrakis_block *block;
    arrakis_error err;
    assert_int_equal(arrakis_block_new(&block, fast, START_NS, STRIDE_NS, series, NULL),
                     ARRAKIS_OK);
    assert_int_equal(arrakis_publisher_publish(other, block, WAIT_MS, &err), ARRAKIS_EINVAL);
    if (!strstr(err.message, "message to arrakis-p1 would have ") ||
        !strstr(err.message, " bytes, over the limit of 1000"))
        fail_msg("%s", err.message);
    arrakis_block_unref(block);
    arrakis_publisher_close(other);
    arrakis_publisher_close(publisher);
    assert_int_equal(count_messages("arrakis-p0"), 1);
    assert_int_equal(count_messages("arrakis-p1"), 1);
    arrakis_channels_unref(fast);
    arrakis_channels_unref(channels);
}

/* ---- deliveries that fail */

static void a_block_that_failed_may_be_published_again(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher *publisher = open_for(channels);
    publish(publisher, channels, START_NS);
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, WAIT_MS, ARRAKIS_EBROKER,
                       "1 of 2 messages were not delivered; arrakis-p");
    publish(publisher, channels, START_NS + STRIDE_NS);
    arrakis_publisher_close(publisher);
    /* The other partition's message had arrived, and came again. */
    assert_int_equal(count_messages("arrakis-p0") + count_messages("arrakis-p1"), 5);
    arrakis_channels_unref(channels);
}

static void who_may_not_write_is_told_the_topic(void **state)
{
    (void)state;
    arrakis_channels *channels = new_list();
    add(channels, base_info());
    arrakis_publisher *publisher = open_for(channels);
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_unpublished_one(publisher, channels, ARRAKIS_EAUTH,
                           "1 of 1 messages were not delivered; arrakis-p0: Broker: Topic "
                           "authorization failed");
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

static void a_topic_without_a_leader_is_named(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    rd_kafka_mock_partition_set_leader(cluster, "arrakis-p1", 0, -1);
    arrakis_publisher *publisher = open_for(channels);
    assert_unpublished(publisher, channels, START_NS, 4000, ARRAKIS_EDEADLINE,
                       "1 of 2 messages are not confirmed after 4000 ms, and may yet be "
                       "delivered; arrakis-p1 is one of their topics; the last failure: topic "
                       "arrakis-p1: ");
    assert_int_equal(count_messages("arrakis-p0"), 1);
    assert_counts(publisher, 1, 1, 1);
    rd_kafka_mock_partition_set_leader(cluster, "arrakis-p1", 0, 1);
    publish(publisher, channels, START_NS);
    assert_counts(publisher, 1, 0, 0); /* it is the same block */
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

static void *answer_at_once(void *opaque)
{
    (void)opaque;
    usleep(1000000); /* the request is under way, as it must be: there is no event to wait for */
    rd_kafka_mock_broker_set_rtt(cluster, 1, 0);
    return NULL;
}

/* A leader that is frozen, and back after it has been given up. */
static void a_broker_that_does_not_answer_is_given_up_in_time(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher *publisher = open_for(channels);
    publish(publisher, channels, START_NS);
    rd_kafka_mock_broker_set_rtt(cluster, 1, 60000);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_at_once, NULL), 0);
    arrakis_block *block = make_block(channels, START_NS + STRIDE_NS);
    arrakis_error err;
    if (arrakis_publisher_publish(publisher, block, 40000, &err) != ARRAKIS_OK)
        fail_msg("%s", err.message);
    pthread_join(thread, NULL);
    arrakis_block_unref(block);
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

static void an_unconfirmed_delivery_is_told_and_may_still_arrive(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher *publisher = open_for(channels);
    publish(publisher, channels, START_NS);
    rd_kafka_mock_broker_set_down(cluster, 1);
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, 100, ARRAKIS_EDEADLINE,
                       "2 of 2 messages are not confirmed after 100 ms");
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, 0, ARRAKIS_EDEADLINE,
                       "may yet be delivered");
    rd_kafka_mock_broker_set_up(cluster, 1);
    publish(publisher, channels, START_NS + STRIDE_NS);
    arrakis_publisher_close(publisher);
    assert_int_equal(count_messages("arrakis-p0"), 4);
    arrakis_channels_unref(channels);
}

/* All of them: a broker that cannot be reached may be warned of at any moment, too. */
static char heard[4096];

static void keep_warning(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    size_t used = strlen(heard);
    if (level == ARRAKIS_LOG_WARNING)
        snprintf(heard + used, sizeof heard - used, "%s\n", message);
}

static void hear_warnings(void)
{
    *heard = 0;
    arrakis_log_set(ARRAKIS_LOG_WARNING, keep_warning, NULL);
}

static void assert_heard(const char *text)
{
    arrakis_log_set(ARRAKIS_LOG_WARNING, NULL, NULL);
    if (!strstr(heard, text))
        fail_msg("\"%s\", expected \"%s\"", heard, text);
}

static void what_is_lost_after_its_deadline_is_logged(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    /* a newer librdkafka takes half a second for the first message of a producer */
    static const arrakis_property brief[] = {{"message.timeout.ms", "2000"}};
    to.properties = brief;
    to.property_count = 1;
    arrakis_publisher *publisher = open_publisher(&options);
    arrakis_block *block = make_block(channels, START_NS);
    int tries = 0; /* a loaded machine may need longer than a message lasts */
    while (arrakis_publisher_publish(publisher, block, WAIT_MS, NULL) != ARRAKIS_OK)
        assert_true(++tries < 20);
    arrakis_block_unref(block);
    rd_kafka_mock_broker_set_down(cluster, 1);
    hear_warnings();
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, 1, ARRAKIS_EDEADLINE,
                       "2 of 2 messages are not confirmed");
    /* No deadline of its own: librdkafka gives up, first what was given up by us. */
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, -1, ARRAKIS_EBROKER,
                       "2 of 2 messages were not delivered; arrakis-p");
    assert_heard("2 messages of blocks that were not confirmed in time are lost");
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

/* ---- what a publisher makes of failures */

static void a_dropped_block_is_counted_and_the_next_one_is_published(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher *publisher = open_for(channels);
    assert_counts(publisher, 0, 0, 0);
    publish(publisher, channels, START_NS);
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, WAIT_MS, ARRAKIS_EBROKER,
                       "1 of 2 messages were not delivered; arrakis-p");
    assert_counts(publisher, 2, 1, 1);
    assert_unpublished(publisher, channels, START_NS, WAIT_MS, ARRAKIS_EINVAL, "a later one");
    publish(publisher, channels, START_NS + 2 * STRIDE_NS);
    assert_counts(publisher, 3, 1, 0);
    arrakis_publisher_stats old = {.struct_size = offsetof(arrakis_publisher_stats, dropped)};
    arrakis_publisher_get_stats(publisher, &old);
    assert_int_equal(old.blocks, 3);
    assert_int_equal(old.dropped, 0);
    arrakis_publisher_get_stats(publisher, NULL);
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

static void a_publisher_gives_up_after_failures_in_a_row(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    options.max_failures = 2;
    options.close_timeout_ns = 0;
    arrakis_publisher *publisher = open_publisher(&options);
    publish(publisher, channels, START_NS);
    rd_kafka_mock_broker_set_down(cluster, 1);
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, 1, ARRAKIS_EDEADLINE,
                       "2 of 2 messages are not confirmed after 1 ms");
    assert_unpublished(publisher, channels, START_NS + 2 * STRIDE_NS, 1, ARRAKIS_EIO,
                       "2 of 2 messages are not confirmed after 1 ms");
    rd_kafka_mock_broker_set_up(cluster, 1);
    for (int i = 3; i < 5; i++)
        assert_unpublished(publisher, channels, START_NS + i * STRIDE_NS, WAIT_MS, ARRAKIS_EIO,
                           "; the publisher gives up (failures in a row: 2)");
    assert_counts(publisher, 3, 2, 2);
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

/* The block that comes second is 12.5 s older than the first. */
static void a_publisher_that_falls_behind_warns(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher *publisher = open_for(channels);
    rd_kafka_mock_broker_set_down(cluster, 1);
    hear_warnings();
    assert_unpublished(publisher, channels, START_NS + 200 * STRIDE_NS, 0, ARRAKIS_EDEADLINE,
                       "not confirmed");
    rd_kafka_mock_broker_set_up(cluster, 1);
    publish(publisher, channels, START_NS);
    assert_heard("publisher tester: publishing is 1");
    arrakis_publisher_stats stats = ARRAKIS_PUBLISHER_STATS_INIT;
    arrakis_publisher_get_stats(publisher, &stats);
    assert_in_range(stats.behind_ns, 200 * STRIDE_NS, 200 * STRIDE_NS + WAIT_MS * 1000000LL);
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

static void closing_with_messages_under_way_is_safe(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    static const arrakis_property brief[] = {{"message.timeout.ms", "200"}};
    to.properties = brief;
    to.property_count = 1;
    arrakis_publisher *publisher = open_publisher(&options);
    rd_kafka_mock_broker_set_down(cluster, 1);
    for (int i = 0; i < 3; i++)
        assert_unpublished(publisher, channels, START_NS, 1, ARRAKIS_EDEADLINE, "2 of 2");
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void closing_takes_as_long_as_it_may(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    rd_kafka_mock_broker_set_down(cluster, 1);
    for (int64_t wait_ms = 0; wait_ms <= 1500; wait_ms += 1500) {
        options.close_timeout_ns = wait_ms * 1000000;
        arrakis_publisher *publisher = open_publisher(&options);
        assert_unpublished(publisher, channels, START_NS, 1, ARRAKIS_EDEADLINE, "2 of 2");
        hear_warnings();
        int64_t began_ms = now_ms();
        arrakis_publisher_close(publisher);
        /* one that is not whole is cut off from what is left */
        assert_in_range(now_ms() - began_ms, wait_ms ? wait_ms - 1 : 0, wait_ms + 10000);
        assert_heard("closing: 2 messages not delivered are given up");
    }
    arrakis_channels_unref(channels);
}

static void a_cancel_ends_closing(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    rd_kafka_mock_broker_set_down(cluster, 1);
    options.close_timeout_ns = 60 * ARRAKIS_SECOND_NS;
    arrakis_cancel_new(&to.cancel, NULL);
    arrakis_publisher *publisher = open_publisher(&options);
    assert_unpublished(publisher, channels, START_NS, 1, ARRAKIS_EDEADLINE, "2 of 2");
    arrakis_cancel_set(to.cancel);
    hear_warnings();
    int64_t began_ms = now_ms();
    arrakis_publisher_close(publisher);
    assert_in_range(now_ms() - began_ms, 0, 10000);
    assert_heard("closing: 2 messages not delivered are given up");
    arrakis_cancel_unref(to.cancel);
    arrakis_channels_unref(channels);
}

static void *cancel(void *opaque)
{
    arrakis_cancel_set(opaque);
    return NULL;
}

/* The messages that librdkafka has been given, and the cancel that comes with one of them. */
static atomic_int produced;
static int canceled_at;
static arrakis_cancel *canceled;

/* In the place of librdkafka's. */
int rd_kafka_produce(rd_kafka_topic_t *topic, int32_t partition, int flags, void *payload,
                     size_t size, const void *key, size_t key_size, void *opaque)
{
    int (*produce)(rd_kafka_topic_t *, int32_t, int, void *, size_t, const void *, size_t, void *);
    void *found = dlsym(RTLD_NEXT, "rd_kafka_produce");
    assert_non_null(found);
    memcpy(&produce, &found, sizeof produce);
    int rc = produce(topic, partition, flags, payload, size, key, key_size, opaque);
    if (atomic_fetch_add(&produced, 1) + 1 == canceled_at)
        arrakis_cancel_set(canceled);
    return rc;
}

static void a_publisher_is_canceled_by_another_thread(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    arrakis_cancel_new(&to.cancel, NULL);
    arrakis_publisher *publisher = open_publisher(&options);
    publish(publisher, channels, START_NS);
    rd_kafka_mock_broker_set_down(cluster, 1);
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, 100, ARRAKIS_EDEADLINE,
                       "2 of 2 messages are not confirmed");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel, to.cancel), 0);
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, -1, ARRAKIS_ECANCELED,
                       "canceled");
    pthread_join(thread, NULL);
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, -1, ARRAKIS_ECANCELED,
                       "canceled");
    rd_kafka_mock_broker_set_up(cluster, 1);
    arrakis_publisher_close(
        publisher); /* does not wait for what is under way, which may be there */
    assert_in_range(count_messages("arrakis-p0"), 1, 3);
    assert_int_equal(arrakis_publisher_open(&publisher, &to, &options, NULL), ARRAKIS_ECANCELED);
    assert_null(publisher);
    arrakis_cancel_unref(to.cancel);
    arrakis_channels_unref(channels);
}

/* What is under way when the descriptor becomes readable is rather confirmed than cut. */
static void a_canceled_block_may_yet_be_confirmed(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    arrakis_cancel_new(&to.cancel, NULL);
    arrakis_publisher *publisher = open_publisher(&options);
    publish(publisher, channels, START_NS);
    rd_kafka_mock_broker_set_rtt(cluster, 1, 500);
    canceled = to.cancel;
    canceled_at = atomic_load(&produced) + 2; /* the last message of the block */
    publish(publisher, channels, START_NS + STRIDE_NS);
    assert_true(arrakis_cancel_is_set(to.cancel));
    canceled_at = 0;
    assert_unpublished(publisher, channels, START_NS + 2 * STRIDE_NS, -1, ARRAKIS_ECANCELED,
                       "canceled");
    rd_kafka_mock_broker_set_rtt(cluster, 1, 0);
    arrakis_publisher_close(publisher);
    assert_int_equal(count_messages("arrakis-p0"), 2);
    arrakis_cancel_unref(to.cancel);
    arrakis_channels_unref(channels);
}

static void a_canceled_wait_for_room_in_the_queue_ends(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    static const arrakis_property narrow[] = {{"queue.buffering.max.messages", "1"}};
    to.properties = narrow;
    to.property_count = 1;
    arrakis_cancel_new(&to.cancel, NULL);
    arrakis_publisher *publisher = open_publisher(&options);
    publish(publisher, channels, START_NS);
    rd_kafka_mock_broker_set_down(cluster, 1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel, to.cancel), 0);
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, -1, ARRAKIS_ECANCELED,
                       "canceled");
    pthread_join(thread, NULL);
    rd_kafka_mock_broker_set_up(cluster, 1);
    arrakis_publisher_close(publisher);
    arrakis_cancel_unref(to.cancel);
    arrakis_channels_unref(channels);
}

static void a_full_queue_is_waited_for(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    static const arrakis_property narrow[] = {{"queue.buffering.max.messages", "1"}};
    to.properties = narrow;
    to.property_count = 1;
    arrakis_publisher *publisher = open_publisher(&options);
    publish(publisher, channels, START_NS);
    rd_kafka_mock_broker_set_down(cluster, 1);
    assert_unpublished(publisher, channels, START_NS + STRIDE_NS, 100, ARRAKIS_EDEADLINE,
                       "no room to queue it within 100 ms; 1 other messages");
    rd_kafka_mock_broker_set_up(cluster, 1);
    publish(publisher, channels, START_NS + STRIDE_NS);
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

static void a_producer_that_failed_for_good_is_replaced(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    rd_kafka_mock_push_request_errors(cluster, INIT_PRODUCER_ID, 1,
                                      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
    hear_warnings();
    arrakis_publisher *publisher = open_for(channels);
    /* Which block meets the failure depends on when the broker is reached. */
    arrakis_block *block = make_block(channels, START_NS);
    arrakis_error err;
    arrakis_status rc = arrakis_publisher_publish(publisher, block, WAIT_MS, &err);
    if (rc != ARRAKIS_OK) {
        assert_int_equal(rc, ARRAKIS_EAUTH); /* what has failed for good is a right */
        assert_non_null(strstr(err.message, "arrakis-p"));
        assert_int_equal(arrakis_publisher_publish(publisher, block, WAIT_MS, &err), ARRAKIS_OK);
    }
    assert_heard("starting a new producer");
    assert_heard("messages that it had not delivered are given up");
    arrakis_block_unref(block);
    publish(publisher, channels, START_NS + STRIDE_NS);
    arrakis_publisher_close(publisher);
    assert_int_equal(count_messages("arrakis-p0"), 2);
    arrakis_channels_unref(channels);
}

static void reports_of_success_cannot_be_switched_off(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels();
    arrakis_publisher_options options = options_for(channels);
    static const arrakis_property mute[] = {{"delivery.report.only.error", "true"}};
    to.properties = mute;
    to.property_count = 1;
    arrakis_publisher *publisher = open_publisher(&options);
    publish(publisher, channels, START_NS);
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(channels);
}

/* ---- open */

static void assert_not_opened(const arrakis_publisher_options *options, const char *text)
{
    arrakis_publisher *publisher = (arrakis_publisher *)1;
    arrakis_error err = {0};
    arrakis_status rc = arrakis_publisher_open(&publisher, &to, options, &err);
    if (rc != ARRAKIS_EINVAL || !strstr(err.message, text))
        fail_msg("%d \"%s\", expected \"%s\"", rc, err.message, text);
    assert_null(publisher);
}

/* Opens with two channels that differ from base_info() as given. */
static void assert_channels_refused(arrakis_channel_info a, arrakis_channel_info b,
                                    const char *text)
{
    arrakis_channels *channels = new_list();
    add(channels, a);
    b.name = "H1:TST-B";
    add(channels, b);
    arrakis_publisher_options options = options_for(channels);
    assert_not_opened(&options, text);
    arrakis_channels_unref(channels);
}

static void channels_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    arrakis_channel_info base = base_info(), other = base;
    other.partition_index = 1;
    arrakis_channel_info x = other;
    x.partition_id = NULL;
    assert_channels_refused(base, x, "channel H1:TST-B has no partition_id");
    x = other;
    x.partition_index = ARRAKIS_UNSET;
    assert_channels_refused(base, x, "channel H1:TST-B has no partition_index");
    x = other;
    x.stride_ns = ARRAKIS_UNSET;
    assert_channels_refused(base, x, "channel H1:TST-B has no stride");
    assert_channels_refused(x, base, "channel H1:TST-A has no stride");
    x = other;
    for (int64_t ns = 62; ns <= 9999999; ns += 9999937) { /* as of seconds, or a short one */
        x.stride_ns = ns;
        assert_channels_refused(x, base, "expected 10000000 to 86400000000000, ten milliseconds");
    }
    x.stride_ns = INT64_C(86400000000001);
    assert_channels_refused(x, base, "channel H1:TST-A: stride is 86400000000001 ns");
    x = other;
    x.stride_ns *= 2;
    assert_channels_refused(base, x,
                            "channel H1:TST-B: stride is 125000000 ns, expected 62500000");
    x = other;
    x.publisher = "other";
    assert_channels_refused(base, x,
                            "channel H1:TST-B: publisher is \"other\", expected \"tester\"");
    x = other;
    x.replay_id = "r1";
    assert_channels_refused(base, x, "channel H1:TST-B: replay_id is \"r1\"");
    x = other;
    x.dtype = ARRAKIS_INT32;
    assert_channels_refused(base, x, "channel H1:TST-A is float32 and H1:TST-B is int32");
    assert_channels_refused(base, base, "both have index 0 in partition p0");
    x = other;
    x.partition_id = "a b";
    assert_channels_refused(base, x, "the name \"arrakis-a b\"");
    char name[260];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    x.partition_id = name;
    assert_channels_refused(base, x, "no Kafka topic can have the name");
}

static void options_are_checked(void **state)
{
    (void)state;
    arrakis_channels *channels = three_channels(), *none = new_list();
    const arrakis_publisher_options good = options_for(channels);
    arrakis_publisher_options x = good;
    const arrakis_connection broker = to;
    assert_not_opened(NULL, "options is NULL");
    to.struct_size = 0;
    assert_not_opened(&x, "ARRAKIS_CONNECTION_INIT");
    to = broker;
    x.struct_size = 0;
    assert_not_opened(&x, "ARRAKIS_PUBLISHER_OPTIONS_INIT");
    x = good;
    to = broker;
    to.kafka_url = NULL;
    assert_not_opened(&x, "no broker given");
    to.kafka_url = "a b";
    assert_not_opened(&x, "broker \"a b\"");
    x = good;
    to = broker;
    x.publisher_id = "";
    assert_not_opened(&x, "no publisher_id");
    x = good;
    to = broker;
    x.channels = NULL;
    assert_not_opened(&x, "publisher tester has no channels");
    x.channels = none;
    assert_not_opened(&x, "publisher tester has no channels");
    x = good;
    to = broker;
    to.property_count = 1;
    assert_not_opened(&x, "properties is NULL");
    static const arrakis_property unnamed[] = {{NULL, "1"}};
    to.properties = unnamed;
    assert_not_opened(&x, "property 0 has no name");
    static const arrakis_property unknown[] = {{"no.such.property", "1"}};
    to.properties = unknown;
    assert_not_opened(&x, "no.such.property");
    /* refused by librdkafka as a whole */
    static const arrakis_property contrary[] = {{"acks", "0"}};
    to.properties = contrary;
    assert_not_opened(&x, "acks");
    x = good;
    to = broker;
    to.request_timeout_ns = 0; /* also where no server is asked */
    assert_not_opened(&x, "request_timeout_ns is 0");
    to.url = "grpc://127.0.0.1:1";
    assert_not_opened(&x, "request_timeout_ns is 0");
    to.request_timeout_ns = ARRAKIS_UNSET;
    static const char *const patterns[] = {"*"};
    to.allowed_brokers = patterns;
    to.allowed_broker_count = 1;
    assert_not_opened(&x, "allowed broker \"*\"");
    to.allowed_broker_count = 0;
    x.close_timeout_ns = -1;
    assert_not_opened(&x, "close_timeout_ns is -1");
    x.close_timeout_ns = ARRAKIS_UNSET;
    x.max_failures = 0;
    assert_not_opened(&x, "max_failures is 0, expected 1 or more");
    x.max_failures = ARRAKIS_UNSET;
    x.channels = none;
    assert_not_opened(&x, "publisher tester has no channels");
    assert_null(arrakis_publisher_channels(NULL));
    assert_int_equal(arrakis_publisher_open(NULL, &to, &good, NULL), ARRAKIS_EINVAL);
    assert_int_equal(arrakis_publisher_publish(NULL, NULL, 0, NULL), ARRAKIS_EINVAL);
    arrakis_publisher_close(NULL);
    arrakis_channels_unref(none);
    arrakis_channels_unref(channels);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_cluster, stop_cluster)
    const struct CMUnitTest tests[] = {
        TEST(a_block_goes_as_one_message_a_partition),
        TEST(a_block_may_lack_channels_and_have_another_order),
        TEST(a_replay_has_topics_of_its_own),
        TEST(a_channel_that_is_not_as_registered_is_refused),
        TEST(a_channel_may_say_less_than_its_registration),
        TEST(a_block_of_another_duration_is_refused),
        TEST(time_goes_forward),
        TEST(a_block_off_the_stride_is_refused),
        TEST(a_message_over_the_limit_stops_the_whole_block),
        TEST(a_block_that_failed_may_be_published_again),
        TEST(who_may_not_write_is_told_the_topic),
        TEST(a_topic_without_a_leader_is_named),
        TEST(a_broker_that_does_not_answer_is_given_up_in_time),
        TEST(an_unconfirmed_delivery_is_told_and_may_still_arrive),
        TEST(what_is_lost_after_its_deadline_is_logged),
        TEST(a_dropped_block_is_counted_and_the_next_one_is_published),
        TEST(a_publisher_gives_up_after_failures_in_a_row),
        TEST(a_publisher_that_falls_behind_warns),
        TEST(closing_with_messages_under_way_is_safe),
        TEST(closing_takes_as_long_as_it_may),
        TEST(a_cancel_ends_closing),
        TEST(a_publisher_is_canceled_by_another_thread),
        TEST(a_canceled_block_may_yet_be_confirmed),
        TEST(a_canceled_wait_for_room_in_the_queue_ends),
        TEST(a_full_queue_is_waited_for),
        TEST(a_producer_that_failed_for_good_is_replaced),
        TEST(reports_of_success_cannot_be_switched_off),
        TEST(channels_that_do_not_go_together_are_refused),
        TEST(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
