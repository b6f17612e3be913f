/* SPDX-License-Identifier: Apache-2.0 */
/* What a Kafka reader is made of, and what librdkafka calls fatal. */
#include <arrakis/reader.h>
#include <arrakis/mock.h>

#include "base/monotonic.h"
#include "base/wait.h"
#include "kafka/state.h"
#include "support.h"

static const channel_spec specs[] = {
    {"X:B", ARRAKIS_INT32, 16, "p1", 1, 62500000, UNSET},
    {"X:A", ARRAKIS_INT32, 16, "p1", 0, 62500000, UNSET},
    {"X:C", ARRAKIS_INT32, 16, "p0", 0, 62500000, UNSET},
};

/* Passes when a reader of the first two channels cannot be made, with this text. */
static void refuse(const channel_spec *two, const char *url, const arrakis_kafka_options *options,
                   const char *text)
{
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_reader *reader;
    FAIL(arrakis_kafka_reader_new(&reader, url, channels, options, err), ARRAKIS_EINVAL, text);
    assert_null(reader);
    arrakis_channels_unref(channels);
}

/* A reader of both is made; it is closed again. */
static arrakis_status refused_or_made(const channel_spec *two)
{
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_reader *reader;
    arrakis_status rc = arrakis_kafka_reader_new(&reader, "here", channels, NULL, NULL);
    arrakis_channels_unref(channels);
    arrakis_reader_close(reader);
    return rc;
}

static void streams_are_named_by_broker_and_partition(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    arrakis_reader *reader;
    PASS(arrakis_kafka_reader_new(&reader, "here:1,there:2", channels, NULL, err));
    arrakis_channels_unref(channels);
    assert_int_equal(arrakis_reader_input_count(reader), 2);
    assert_string_equal(arrakis_reader_input_id(reader, 0), "here:1,there:2/p0");
    assert_string_equal(arrakis_reader_input_id(reader, 1), "here:1,there:2/p1");
    assert_int_equal(arrakis_channels_index(arrakis_reader_input_channels(reader, 1), "X:B"), 1);
    assert_false(arrakis_reader_done(reader));
    arrakis_reader_close(reader);
}

static void an_opening_is_canceled(void **state)
{
    (void)state;
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    PASS(arrakis_cancel_new(&options.cancel, err));
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    arrakis_reader *reader;
    PASS(arrakis_kafka_reader_new(&reader, arrakis_mock_broker_url(broker), channels, &options,
                                  err));
    arrakis_cancel_set(options.cancel);
    arrakis_cancel_unref(options.cancel);
    FAIL(arrakis_reader_open(reader, err), ARRAKIS_ECANCELED, "cancel");
    arrakis_reader_close(reader);
    arrakis_channels_unref(channels);
    arrakis_mock_broker_close(broker);
}

static void what_a_channel_lacks_is_named(void **state)
{
    (void)state;
    channel_spec two[] = {specs[0], specs[1]};
    two[1].partition = NULL;
    refuse(two, "here", NULL, "channel X:A has no partition_id");
    two[1] = specs[1];
    two[1].index = UNSET;
    refuse(two, "here", NULL, "channel X:A has no partition_index");
    two[1] = specs[1];
    two[1].stride_ns = UNSET;
    refuse(two, "here", NULL, "channel X:A has no stride");
    two[1] = specs[1];
    two[1].index = 1;
    refuse(two, "here", NULL, "X:A");
    two[1] = specs[1];
    two[1].partition = "a/b";
    refuse(two, "here", NULL, "channel X:A: no Kafka topic can have the name \"arrakis-a/b\"");
    char longest[300] = "";
    two[1].partition = memset(longest, 'x', 249 - strlen("arrakis-"));
    PASS(refused_or_made(two));
    longest[strlen(longest)] = 'x';
    refuse(two, "here", NULL, "no Kafka topic can have the name");
    arrakis_channels *none = channels_of(specs, 0);
    arrakis_reader *reader;
    FAIL(arrakis_kafka_reader_new(&reader, "here", none, NULL, err), ARRAKIS_EINVAL,
         "no channels");
    arrakis_channels_unref(none);
}

static void a_topic_belongs_to_one_replay(void **state)
{
    (void)state;
    static const char *const replays[][2] = {{NULL, "r"}, {"r", NULL}, {"r", "s"}};
    for (size_t i = 0; i < COUNT(replays); i++) {
        arrakis_channels *channels;
        arrakis_reader *reader;
        PASS(arrakis_channels_new(&channels, err));
        for (int64_t k = 0; k < 2; k++) {
            arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
            info.name = k ? "X:SECOND" : "X:FIRST";
            info.dtype = ARRAKIS_INT32;
            info.sample_rate = 16;
            info.partition_id = "p";
            info.partition_index = k;
            info.stride_ns = 62500000;
            info.replay_id = replays[i][k];
            arrakis_channel *channel;
            PASS(arrakis_channel_new(&channel, &info, err));
            PASS(arrakis_channels_add(channels, channel, err));
            arrakis_channel_unref(channel);
        }
        FAIL(arrakis_kafka_reader_new(&reader, "here", channels, NULL, err), ARRAKIS_EINVAL,
             "channel X:SECOND has replay_id");
        arrakis_channels_unref(channels);
    }
}

static void unusable_options_are_refused(void **state)
{
    (void)state;
    static const arrakis_property unknown = {"no.such.property", "1"};
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    refuse(specs, "", NULL, "");
    refuse(specs, NULL, NULL, "");
    const struct {
        int64_t start_ns;
        const char *text;
    } starts[] = {{-1, "start -1 ns"},
                  {INT64_MIN + 1, "start -9223372036854775807 ns"},
                  {INT64_MAX, "start 9223372036854775807 ns"}};
    for (size_t i = 0; i < COUNT(starts); i++) {
        options.start_ns = starts[i].start_ns;
        refuse(specs, "here", &options, starts[i].text);
    }
    options.start_ns = 0;
    options.prefetch_bytes = 0;
    refuse(specs, "here", &options, "prefetch of 0 bytes");
    options.prefetch_bytes = INT64_MAX;
    refuse(specs, "here", &options, "prefetch of 9223372036854775807 bytes");
    options.prefetch_bytes = UNSET;
    options.fetch_wait_ns = -1;
    refuse(specs, "here", &options, "fetch wait of -1 ns");
    options.fetch_wait_ns = 0;
    options.request_timeout_ns = 0;
    refuse(specs, "here", &options, "request timeout of 0 ns");
    options.request_timeout_ns = INT64_MAX;
    options.properties = &unknown;
    options.property_count = 1;
    refuse(specs, "here", &options, "no.such.property");
}

static void brokers_that_were_asked_before_have_taken_of_the_time(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, 2);
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    options.request_timeout_ns = 60 * SECOND;
    arrakis_reader *reader;
    PASS(arrakis_kafka_reader_new(&reader, "127.0.0.1:1", channels, &options, err));
    int64_t now_ns = ark_monotonic_ns();
    reader->begun_ns = now_ns - 120 * SECOND;
    FAIL(arrakis_reader_open(reader, err), ARRAKIS_EDEADLINE,
         "127.0.0.1:1: not asked for its topics: the brokers before it have taken 120 s");
    assert_int_equal(reader->begun_ns, 0);
    reader->begun_ns = now_ns - 120 * SECOND + SECOND;
    FAIL(arrakis_reader_open(reader, err), ARRAKIS_ECONNECT, "no broker answers within ");
    assert_true(ark_monotonic_ns() - now_ns < 30 * SECOND);
    arrakis_reader_close(reader);
    arrakis_channels_unref(channels);
}

static void any_declared_latency_will_do(void **state)
{
    (void)state;
    channel_spec absurd = specs[0];
    absurd.latency_ns = INT64_MAX;
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    options.fast_forward = true;
    arrakis_channels *channels = channels_of(&absurd, 1);
    arrakis_reader *reader;
    PASS(arrakis_kafka_reader_new(&reader, "here", channels, &options, err));
    arrakis_channels_unref(channels);
    arrakis_reader_close(reader);
}

/* Publish messages of one int32 row of X:A, a stride after each other. */
static void publish(const char *url, arrakis_channels *channels, int count)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    to.kafka_url = url;
    options.publisher_id = "P";
    options.channels = channels;
    arrakis_publisher *publisher;
    PASS(arrakis_publisher_open(&publisher, &to, &options, err));
    for (int32_t i = 0; i < count; i++) {
        arrakis_block *block;
        const arrakis_series series = {&i, NULL, 1, ARRAKIS_INT32};
        PASS(arrakis_block_new(&block, channels, 1400000000 * SECOND + i * INT64_C(62500000),
                               62500000, &series, err));
        PASS(arrakis_publisher_publish(publisher, block, 10000, err));
        arrakis_block_unref(block);
    }
    arrakis_publisher_close(publisher);
}

/* Whether `count` things wait in the queue of librdkafka, and messages up to `end` have come: the queue
 * has errors of connections, too, and only the offset tells that they are not what is waited for. */
static bool has_fetched(ark_kafka_reader *reader, const char *partition, int64_t end, size_t count)
{
    char topic[300];
    int64_t low = -1, high = -1;
    (void)snprintf(topic, sizeof topic, "arrakis-%s", partition);
    return rd_kafka_get_watermark_offsets(reader->rk, topic, 0, &low, &high) == 0 && high >= end &&
           rd_kafka_queue_length(reader->queue) >= count;
}

static void what_came_before_a_fatal_error_is_handed_out_first(void **state)
{
    (void)state;
    enum { MESSAGES = 4 };
    channel_spec spec = specs[1];
    arrakis_channels *channels = channels_of(&spec, 1);
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    const char *url = arrakis_mock_broker_url(broker);
    publish(url, channels, 1); /* makes the topic */
    arrakis_reader *reader;
    PASS(arrakis_kafka_reader_new(&reader, url, channels, NULL, err));
    PASS(arrakis_reader_open(reader, err));
    size_t stream;
    arrakis_block *block;
    publish(url, channels, 1); /* once it is read, nothing of the beginning is in the queue */
    PASS(arrakis_reader_next(reader, 10000, &stream, &block, err));
    arrakis_block_unref(block);
    publish(url, channels, MESSAGES);
    ark_kafka_reader *kafka = (ark_kafka_reader *)reader;
    int64_t deadline_ns = ark_wait_deadline(20000);
    while (!has_fetched(kafka, spec.partition, 2 + MESSAGES, MESSAGES) &&
           ark_wait_deadline(0) < deadline_ns)
        ark_wait_fd(-1, ark_wait_deadline(10));
    rd_kafka_test_fatal_error(kafka->rk, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "it is a test");
    for (int i = 0; i < MESSAGES; i++) {
        PASS(arrakis_reader_next(reader, 10000, &stream, &block, err));
        assert_int_equal(int32_at(arrakis_block_series(block, 0), 0), i);
        arrakis_block_unref(block);
    }
    FAIL(arrakis_reader_next(reader, 10000, &stream, &block, err), ARRAKIS_EBROKER,
         "it is a test");
    arrakis_reader_close(reader);
    arrakis_mock_broker_close(broker);
    arrakis_channels_unref(channels);
}

static void a_message_that_is_being_read_may_be_skipped(void **state)
{
    (void)state;
    enum { MESSAGES = 50 };
    arrakis_channels *channels = channels_of(&specs[1], 1);
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    const char *url = arrakis_mock_broker_url(broker);
    publish(url, channels, MESSAGES);
    arrakis_kafka_options how = ARRAKIS_KAFKA_OPTIONS_INIT;
    how.start_ns = 1400000000 * SECOND;
    arrakis_reader *reader;
    arrakis_block *block;
    size_t input, moved;
    PASS(arrakis_kafka_reader_new(&reader, url, channels, &how, err));
    PASS(arrakis_reader_open(reader, err));
    PASS(arrakis_reader_next(reader, 20000, &input, &block, err));
    arrakis_block_unref(block);
    PASS(arrakis_reader_fast_forward(reader, UNSET, &moved, err));
    assert_int_equal(moved, 1);
    publish(url, channels, 1);
    PASS(arrakis_reader_next(reader, 20000, &input, &block, err));
    assert_int_equal(int32_at(arrakis_block_series(block, 0), 0), 0);
    arrakis_block_unref(block);
    arrakis_reader_close(reader);
    arrakis_mock_broker_close(broker);
    arrakis_channels_unref(channels);
}

/* Reads the first `strides` that were published, asked for by a start and an end; returns how many have
 * data. */
static int read_past(const char *url, arrakis_channels *channels, int strides, bool *asked)
{
    arrakis_kafka_options how = ARRAKIS_KAFKA_OPTIONS_INIT;
    arrakis_stream_options what = ARRAKIS_STREAM_OPTIONS_INIT;
    how.start_ns = what.start_ns = 1400000000 * SECOND;
    what.end_ns = what.start_ns + strides * INT64_C(62500000);
    arrakis_reader *reader;
    arrakis_stream *stream;
    arrakis_block *block;
    PASS(arrakis_kafka_reader_new(&reader, url, channels, &how, err));
    PASS(arrakis_stream_open(&stream, reader, &what, err));
    int whole = 0;
    arrakis_status rc;
    while ((rc = arrakis_stream_next(stream, 20000, &block, NULL)) == ARRAKIS_OK) {
        whole += is_present(arrakis_block_series(block, 0), 0);
        arrakis_block_unref(block);
    }
    assert_int_equal(rc, ARRAKIS_DONE);
    *asked = ((ark_kafka_reader *)reader)->watch.running;
    arrakis_stream_close(stream);
    return whole;
}

/* A question costs a thread and a connection. */
static void the_log_s_end_is_asked_for_where_data_is_missing_only(void **state)
{
    (void)state;
    enum { MESSAGES = 100 };
    arrakis_channels *channels = channels_of(&specs[1], 1);
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    const char *url = arrakis_mock_broker_url(broker);
    publish(url, channels, MESSAGES);
    bool asked;
    assert_int_equal(read_past(url, channels, MESSAGES + 1, &asked), MESSAGES);
    assert_true(asked);
    for (int tries = 0; asked && tries < 20;
         tries++) /* a pause of the machine's is one of the data */
        assert_int_equal(read_past(url, channels, MESSAGES, &asked), MESSAGES);
    assert_false(asked);
    arrakis_mock_broker_close(broker);
    arrakis_channels_unref(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_named_by_broker_and_partition),
        cmocka_unit_test(an_opening_is_canceled),
        cmocka_unit_test(what_a_channel_lacks_is_named),
        cmocka_unit_test(a_topic_belongs_to_one_replay),
        cmocka_unit_test(unusable_options_are_refused),
        cmocka_unit_test(brokers_that_were_asked_before_have_taken_of_the_time),
        cmocka_unit_test(any_declared_latency_will_do),
        cmocka_unit_test(what_came_before_a_fatal_error_is_handed_out_first),
        cmocka_unit_test(a_message_that_is_being_read_may_be_skipped),
        cmocka_unit_test(the_log_s_end_is_asked_for_where_data_is_missing_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
