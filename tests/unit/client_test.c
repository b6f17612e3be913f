/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/reader.h>
#include <arrakis/mock.h>

#include "arrow/ipc.h"
#include "arrow/write.h"
#include "base/buffer.h"
#include "client/client.h"
#include "client/fetch.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define STRIDE INT64_C(62500000)
#define START (INT64_C(1400000000) * ARRAKIS_SECOND_NS)

/* ------------------------------------------------------------------ a file of channels */

static const char file_text[] =
    "{\"name\": \"H1:A\", \"data_type\": \"float32\", \"sample_rate\": 16, \"publisher\": \"P\", "
    "\"partition_id\": \"p\", \"partition_index\": 0, \"stride\": 62500000}\n"
    "{\"name\": \"H1:NO_STRIDE\", \"data_type\": \"int32\", \"sample_rate\": 256, "
    "\"partition_id\": \"p\", \"partition_index\": 1}\n"
    "{\"name\": \"H1:NO_PARTITION_AT_ALL\", \"data_type\": \"int32\", \"sample_rate\": 256}\n"
    "{\"name\": \"H1:NO_INDEX\", \"data_type\": \"int32\", \"sample_rate\": 256, "
    "\"partition_id\": \"p\", \"stride\": 62500000}\n"
    "{\"name\": \"H1:OLD\", \"data_type\": \"int32\", \"sample_rate\": 256, \"replay_id\": "
    "\"o4\"}\n";

static char path[40];

static int write_file(void **state)
{
    (void)state;
    strcpy(path, "/tmp/arrakis_client_XXXXXX");
    int fd = mkstemp(path);
    ssize_t size = fd < 0 ? -1 : write(fd, file_text, sizeof file_text - 1);
    return fd < 0 || close(fd) || size < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static arrakis_client *open_cancelable(const char *kafka_url, const char *metadata_path,
                                       arrakis_cancel *cancel)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_client_options options = ARRAKIS_CLIENT_OPTIONS_INIT;
    to.kafka_url = kafka_url;
    to.cancel = cancel;
    options.metadata_path = metadata_path;
    arrakis_client *client;
    arrakis_error err;
    if (arrakis_client_open(&client, &to, &options, &err) < 0)
        fail_msg("%s", err.message);
    return client;
}

static arrakis_client *open_client(const char *kafka_url, const char *metadata_path)
{
    return open_cancelable(kafka_url, metadata_path, NULL);
}

static void refuse_options(const arrakis_connection *to, const arrakis_client_options *options,
                           arrakis_status status, const char *said)
{
    arrakis_client *client = (arrakis_client *)(uintptr_t)options;
    arrakis_error err;
    assert_int_equal(arrakis_client_open(&client, to, options, &err), status);
    assert_null(client);
    if (!strstr(err.message, said))
        fail_msg("'%s' does not have '%s'", err.message, said);
}

static void a_client_needs_a_source(void **state)
{
    (void)state;
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_client_options options = ARRAKIS_CLIENT_OPTIONS_INIT;
    refuse_options(&to, &options, ARRAKIS_EINVAL, "without a source");
    refuse_options(NULL, &options, ARRAKIS_EINVAL, "without a source");
    to.kafka_url = "localhost:port";
    refuse_options(&to, &options, ARRAKIS_EINVAL, "localhost:port");
    to.kafka_url = "localhost:9092";
    to.request_timeout_ns = 0;
    refuse_options(&to, &options, ARRAKIS_EINVAL, "request_timeout_ns is 0");
    const arrakis_property property = {"debug", NULL};
    to.request_timeout_ns = ARRAKIS_UNSET;
    options.stall_timeout_ns = 0;
    refuse_options(&to, &options, ARRAKIS_EINVAL, "stall_timeout_ns is 0, expected over 0");
    options.stall_timeout_ns = ARRAKIS_UNSET;
    options.max_message_bytes = -1;
    refuse_options(&to, &options, ARRAKIS_EINVAL, "max_message_bytes is -1, expected over 0");
    options.max_message_bytes = ARRAKIS_UNSET;
    to.properties = &property;
    to.property_count = 1;
    refuse_options(&to, &options, ARRAKIS_EINVAL, "property 0 has no value");
    to.properties = NULL;
    refuse_options(&to, &options, ARRAKIS_EINVAL, "properties is NULL");
    assert_int_equal(arrakis_client_open(NULL, &to, &options, NULL), ARRAKIS_EINVAL);
    arrakis_client_close(NULL);
}

static bool add_name(arrakis_channel *channel, void *opaque)
{
    char *text = opaque;
    sprintf(text + strlen(text), "%s ", arrakis_channel_name(channel));
    return true;
}

static bool stop_at_once(arrakis_channel *channel, void *opaque)
{
    (void)channel;
    ++*(int *)opaque;
    return false;
}

static void a_file_is_searched(void **state)
{
    (void)state;
    arrakis_client *client = open_client(NULL, path);
    arrakis_query query = ARRAKIS_QUERY_INIT;
    char names[200] = "";
    uint64_t count = 9;
    int calls = 0;
    query.pattern = ".*NO_";
    assert_int_equal(arrakis_client_find(client, &query, add_name, names, NULL), ARRAKIS_OK);
    assert_string_equal(names, "H1:NO_STRIDE H1:NO_PARTITION_AT_ALL H1:NO_INDEX ");
    assert_int_equal(arrakis_client_count(client, &query, &count, NULL), ARRAKIS_OK);
    assert_int_equal(count, 3);
    assert_int_equal(arrakis_client_count(client, NULL, &count, NULL), ARRAKIS_OK);
    assert_int_equal(count, 4);
    assert_int_equal(arrakis_client_find(client, NULL, stop_at_once, &calls, NULL), ARRAKIS_OK);
    assert_int_equal(calls, 1);
    query.pattern = "(";
    assert_int_equal(arrakis_client_count(client, &query, &count, NULL), ARRAKIS_EINVAL);
    arrakis_client_close(client);
}

static void a_pattern_that_is_too_slow_is_an_error(void **state)
{
    (void)state;
    arrakis_client *client = open_client(NULL, path);
    arrakis_query query = ARRAKIS_QUERY_INIT;
    uint64_t count;
    arrakis_error err;
    query.pattern = "(?:[A-Z0-9:_]+)+[!?]";
    assert_int_equal(arrakis_client_count(client, &query, &count, &err), ARRAKIS_EINVAL);
    assert_non_null(strstr(err.message, "steps on 'H1:NO_"));
    arrakis_client_close(client);
}

static void channels_are_described_in_the_order_asked_for(void **state)
{
    (void)state;
    arrakis_client *client = open_client(NULL, path);
    static const char *const names[] = {"H1:NO_INDEX", "H1:A", "H1:NO_STRIDE"};
    arrakis_channels *list;
    assert_int_equal(arrakis_client_describe(client, &list, names, 3, ARRAKIS_UNSET, NULL, NULL),
                     ARRAKIS_OK);
    assert_int_equal(arrakis_channels_count(list), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(arrakis_channel_name(arrakis_channels_get(list, i)), names[i]);
    arrakis_channels_unref(list);
    arrakis_client_close(client);
}

static void refuse_names(const char *const *names, size_t count, const char *replay_id,
                         arrakis_status status, const char *said)
{
    arrakis_client *client = open_client(NULL, path);
    arrakis_channels *list;
    arrakis_error err;
    assert_int_equal(
        arrakis_client_describe(client, &list, names, count, ARRAKIS_UNSET, replay_id, &err),
        status);
    assert_null(list);
    if (!strstr(err.message, said))
        fail_msg("'%s' does not have '%s'", err.message, said);
    arrakis_client_close(client);
}

static void channels_that_do_not_exist_are_named(void **state)
{
    (void)state;
    static const char *const one[] = {"H1:A", "H1:B"};
    static const char *const many[] = {"z:1", "z:2", "z:3", "H1:A", "z:4"};
    static const char *const twice[] = {"H1:A", "H1:OLD", "H1:A"};
    static const char *const null[] = {"H1:A", NULL};
    refuse_names(one, 2, NULL, ARRAKIS_ENOTFOUND, "1 of 2 channels not found: 'H1:B'");
    refuse_names(many, 5, NULL, ARRAKIS_ENOTFOUND,
                 "4 of 5 channels not found: 'z:1', 'z:2', 'z:3', ...");
    refuse_names(one, 1, "o4", ARRAKIS_ENOTFOUND, "1 of 1 channels not found: 'H1:A'");
    refuse_names(twice, 3, NULL, ARRAKIS_EINVAL, "'H1:A' is asked for twice");
    refuse_names(null, 2, NULL, ARRAKIS_EINVAL, "name 1 is NULL");
    refuse_names(one, 0, NULL, ARRAKIS_EINVAL, "no names");
}

static void a_replay_has_channels_of_its_own(void **state)
{
    (void)state;
    arrakis_client *client = open_client(NULL, path);
    static const char *const names[] = {"H1:OLD"};
    arrakis_channels *list;
    assert_int_equal(arrakis_client_describe(client, &list, names, 1, ARRAKIS_UNSET, "o4", NULL),
                     ARRAKIS_OK);
    assert_int_equal(arrakis_channels_count(list), 1);
    arrakis_channels_unref(list);
    refuse_names(names, 1, NULL, ARRAKIS_ENOTFOUND, "H1:OLD");
    arrakis_client_close(client);
}

static void refuse_request(arrakis_client *client, const char *name,
                           const arrakis_request *request, const char *said)
{
    arrakis_block *block;
    arrakis_error err;
    assert_int_equal(arrakis_client_fetch(client, &block, &name, 1, request, &err),
                     ARRAKIS_EINVAL);
    assert_null(block);
    if (!strstr(err.message, said))
        fail_msg("'%s' does not have '%s'", err.message, said);
}

static void what_cannot_be_read_is_named_before_anything_is_opened(void **state)
{
    (void)state;
    arrakis_client *client = open_client("127.0.0.1:1", path);
    refuse_request(client, "H1:NO_STRIDE", NULL, "H1:NO_STRIDE has no stride");
    refuse_request(client, "H1:NO_PARTITION_AT_ALL", NULL,
                   "H1:NO_PARTITION_AT_ALL has no partition_id");
    refuse_request(client, "H1:NO_INDEX", NULL, "H1:NO_INDEX has no partition_index");
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    request.on_gap = ARRAKIS_GAP_SKIP;
    refuse_request(client, "H1:A", &request, "on_gap is skip");
    request = (arrakis_request)ARRAKIS_REQUEST_INIT;
    request.end_ns = START;
    refuse_request(client, "H1:A", &request, "an end and no start");
    arrakis_client_close(client);
    client = open_client(NULL, path);
    refuse_request(client, "H1:A", NULL, "no source of data");
    arrakis_client_close(client);
}

/* ------------------------------------------------------------------ a broker */

static arrakis_channel *make_channel(const char *name, const char *partition, int64_t index,
                                     double rate)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = name;
    info.dtype = ARRAKIS_INT32;
    info.sample_rate = rate;
    info.publisher = "H1_P";
    info.partition_id = partition;
    info.partition_index = index;
    info.stride_ns = STRIDE;
    info.max_latency_ns = 0;
    arrakis_channel *channel;
    arrakis_error err;
    if (arrakis_channel_new(&channel, &info, &err) < 0)
        fail_msg("%s", err.message);
    return channel;
}

static arrakis_channels *two_channels(void)
{
    arrakis_channels *channels;
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    arrakis_channel *fast = make_channel("H1:FAST", "p0", 3, 64);
    arrakis_channel *slow = make_channel("H1:SLOW", "p1", 0, 16);
    assert_int_equal(arrakis_channels_add(channels, fast, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_add(channels, slow, NULL), ARRAKIS_OK);
    arrakis_channel_unref(fast);
    arrakis_channel_unref(slow);
    return channels;
}

static arrakis_mock_broker *open_broker(const arrakis_channels *channels)
{
    arrakis_mock_broker *broker;
    arrakis_error err;
    if (arrakis_mock_broker_open(&broker, &err) < 0 ||
        arrakis_mock_broker_announce(broker, channels, &err) < 0)
        fail_msg("%s", err.message);
    return broker;
}

static void a_broker_s_topics_are_searched(void **state)
{
    (void)state;
    arrakis_channels *channels = two_channels(), *list;
    arrakis_mock_broker *broker = open_broker(channels);
    arrakis_client *client = open_client(arrakis_mock_broker_url(broker), NULL);
    arrakis_query query = ARRAKIS_QUERY_INIT;
    uint64_t count;
    static const char *const names[] = {"H1:SLOW", "H1:FAST"};
    assert_int_equal(arrakis_client_count(client, &query, &count, NULL), ARRAKIS_OK);
    assert_int_equal(count, 2);
    query.min_rate = 17;
    assert_int_equal(arrakis_client_count(client, &query, &count, NULL), ARRAKIS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(arrakis_client_describe(client, &list, names, 2, ARRAKIS_UNSET, NULL, NULL),
                     ARRAKIS_OK);
    assert_true(
        arrakis_channel_equal(arrakis_channels_get(list, 1), arrakis_channels_get(channels, 0)));
    arrakis_channels_unref(list);
    arrakis_client_close(client);
    arrakis_mock_broker_close(broker);
    arrakis_channels_unref(channels);
}

static void publish(arrakis_mock_broker *broker, arrakis_channels *channels, int count)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    to.kafka_url = arrakis_mock_broker_url(broker);
    options.publisher_id = "H1_P";
    options.channels = channels;
    arrakis_publisher *publisher;
    arrakis_error err;
    if (arrakis_publisher_open(&publisher, &to, &options, &err) < 0)
        fail_msg("%s", err.message);
    for (int i = 0; i < count; i++) {
        int32_t fast[] = {4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3};
        arrakis_series series[] = {{fast, NULL, 4, ARRAKIS_INT32}, {&i, NULL, 1, ARRAKIS_INT32}};
        arrakis_block *block;
        if (arrakis_block_new(&block, channels, START + i * STRIDE, STRIDE, series, &err) < 0 ||
            arrakis_publisher_publish(publisher, block, 10000, &err) < 0)
            fail_msg("%s", err.message);
        arrakis_block_unref(block);
    }
    arrakis_publisher_close(publisher);
}

/* The place of a channel in a block, whose order is the streams'. */
static arrakis_series series_of(const arrakis_block *block, const char *name)
{
    int64_t i = arrakis_channels_index(arrakis_block_channels(block), name);
    assert_true(i >= 0);
    return arrakis_block_series(block, (size_t)i);
}

static void a_span_is_fetched_from_a_broker(void **state)
{
    (void)state;
    arrakis_channels *channels = two_channels();
    arrakis_mock_broker *broker = open_broker(channels);
    publish(broker, channels, 16);
    arrakis_client *client = open_client(arrakis_mock_broker_url(broker), NULL);
    static const char *const names[] = {"H1:SLOW", "H1:FAST"};
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    request.start_ns = START + 2 * STRIDE + 1;
    request.end_ns = START + 5 * STRIDE + 1;
    arrakis_block *block;
    arrakis_error err;
    if (arrakis_client_fetch(client, &block, names, 2, &request, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(arrakis_block_start_ns(block), START + 2 * STRIDE);
    assert_int_equal(arrakis_block_duration_ns(block), 4 * STRIDE);
    arrakis_series fast = series_of(block, "H1:FAST"), slow = series_of(block, "H1:SLOW");
    assert_int_equal(fast.length, 16);
    assert_int_equal(slow.length, 4);
    for (int32_t i = 0; i < 16; i++)
        assert_int_equal(((const int32_t *)fast.samples)[i], 8 + i);
    for (int32_t i = 0; i < 4; i++)
        assert_int_equal(((const int32_t *)slow.samples)[i], 2 + i);
    assert_null(fast.valid);
    arrakis_block_unref(block);
    arrakis_client_close(client);
    arrakis_mock_broker_close(broker);
    arrakis_channels_unref(channels);
}

static void a_broker_that_does_not_answer_is_an_error_in_time(void **state)
{
    (void)state;
    static const char *const texts[] = {"0.25 s", "0.5 s", "1 s", "2 s", "4 s", "8 s"};
    bool told = false; /* on a loaded machine the time may be over before anything has failed */
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !told; i++) {
        char text[128];
        snprintf(text, sizeof text,
                 "127.0.0.1:1: no broker answers within %s; the last failure was: "
                 "127.0.0.1:1/bootstrap: Connect to ",
                 texts[i]);
        arrakis_connection to = ARRAKIS_CONNECTION_INIT;
        to.kafka_url = "127.0.0.1:1";
        to.request_timeout_ns = (ARRAKIS_SECOND_NS / 4) << i;
        arrakis_client *client;
        assert_int_equal(arrakis_client_open(&client, &to, NULL, NULL), ARRAKIS_OK);
        uint64_t count;
        arrakis_error err;
        assert_int_equal(arrakis_client_count(client, NULL, &count, &err), ARRAKIS_ECONNECT);
        told = strstr(err.message, text) != NULL;
        arrakis_client_close(client);
    }
    assert_true(told);
}

/* ------------------------------------------------------------------ cancel */

static void *set(void *cancel)
{
    arrakis_cancel_set(cancel);
    return NULL;
}

static arrakis_cancel *new_cancel(void)
{
    arrakis_cancel *cancel;
    assert_int_equal(arrakis_cancel_new(&cancel, NULL), ARRAKIS_OK);
    return cancel;
}

static void a_canceled_client_does_nothing_more(void **state)
{
    (void)state;
    arrakis_cancel *cancel = new_cancel();
    arrakis_client *client = open_cancelable("127.0.0.1:1", path, cancel);
    static const char *const names[] = {"H1:A"};
    arrakis_channels *list;
    arrakis_stream *stream;
    arrakis_block *block;
    uint64_t count;
    assert_false(arrakis_cancel_is_set(cancel));
    arrakis_cancel_set(cancel);
    assert_true(arrakis_cancel_is_set(cancel));
    arrakis_cancel_unref(cancel); /* the client has a reference */
    assert_int_equal(arrakis_client_count(client, NULL, &count, NULL), ARRAKIS_ECANCELED);
    assert_int_equal(arrakis_client_describe(client, &list, names, 1, ARRAKIS_UNSET, NULL, NULL),
                     ARRAKIS_ECANCELED);
    assert_int_equal(arrakis_client_stream(client, &stream, names, 1, NULL, NULL),
                     ARRAKIS_ECANCELED);
    assert_int_equal(arrakis_client_fetch(client, &block, names, 1, NULL, NULL),
                     ARRAKIS_ECANCELED);
    arrakis_client_close(client);
}

/* Without the cancel it would end after a minute by ECONNECT. */
static void a_search_is_canceled_by_another_thread(void **state)
{
    (void)state;
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    to.kafka_url = "127.0.0.1:1";
    to.request_timeout_ns = 60 * ARRAKIS_SECOND_NS;
    to.cancel = new_cancel();
    arrakis_client *client;
    assert_int_equal(arrakis_client_open(&client, &to, NULL, NULL), ARRAKIS_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set, to.cancel), 0);
    uint64_t count;
    assert_int_equal(arrakis_client_count(client, NULL, &count, NULL), ARRAKIS_ECANCELED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    arrakis_client_close(client);
    arrakis_cancel_unref(to.cancel);
}

/* ------------------------------------------------------------------ one block out of a stream */

static void push(arrakis_reader *reader, size_t stream, uint32_t id, int64_t time_ns,
                 arrakis_series series)
{
    ark_buffer message = {0};
    assert_int_equal(ark_write_rows(&message, ARRAKIS_INT32, time_ns, 1, &id, &series, NULL),
                     ARRAKIS_OK);
    assert_int_equal(arrakis_memory_reader_push(reader, stream, message.data, message.size, NULL),
                     ARRAKIS_OK);
    ark_buffer_clear(&message);
}

/* A reader of two_channels() that holds `count` strides; FAST has a sample missing in stride 1,
 * and SLOW is missing in stride 2. */
static arrakis_reader *filled_reader(int count)
{
    arrakis_channels *channels = two_channels();
    arrakis_reader *reader;
    assert_int_equal(arrakis_memory_reader_new(&reader, channels, NULL), ARRAKIS_OK);
    for (int32_t i = 0; i < count; i++) {
        static const uint8_t hole = 0xd;
        int32_t fast[] = {4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3};
        push(reader, 0, 3, START + i * STRIDE,
             (arrakis_series){fast, i == 1 ? &hole : NULL, 4, ARRAKIS_INT32});
        if (i != 2)
            push(reader, 1, 0, START + i * STRIDE, (arrakis_series){&i, NULL, 1, ARRAKIS_INT32});
    }
    arrakis_memory_reader_finish(reader);
    arrakis_channels_unref(channels);
    return reader;
}

static arrakis_status fetch(arrakis_block **block, int strides, const arrakis_stream_options *o,
                            arrakis_error *err)
{
    arrakis_stream *stream;
    assert_int_equal(arrakis_stream_open(&stream, filled_reader(strides), o, err), ARRAKIS_OK);
    arrakis_status rc = ark_fetch(stream, block, o, err);
    arrakis_stream_close(stream);
    return rc;
}

/* Which samples are there: 1 and 0. */
static const char *mask_of(arrakis_series series)
{
    static char text[65];
    assert_true(series.length < sizeof text);
    for (size_t i = 0; i < series.length; i++)
        text[i] = !series.valid || series.valid[i / 8] >> i % 8 & 1 ? '1' : '0';
    text[series.length] = '\0';
    return text;
}

static void blocks_are_put_end_to_end(void **state)
{
    (void)state;
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    o.start_ns = START;
    o.end_ns = START + 4 * STRIDE;
    arrakis_block *block;
    arrakis_error err;
    if (fetch(&block, 8, &o, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(arrakis_block_start_ns(block), START);
    assert_int_equal(arrakis_block_duration_ns(block), 4 * STRIDE);
    arrakis_series fast = series_of(block, "H1:FAST"), slow = series_of(block, "H1:SLOW");
    assert_string_equal(mask_of(fast), "1111101111111111");
    assert_string_equal(mask_of(slow), "1101");
    for (int32_t i = 0; i < 16; i++)
        if (i != 5)
            assert_int_equal(((const int32_t *)fast.samples)[i], i);
    assert_int_equal(((const int32_t *)slow.samples)[3], 3);
    arrakis_block_unref(block);
}

static void a_duration_counts_from_the_start(void **state)
{
    (void)state;
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    o.start_ns = START + STRIDE + 7;
    o.duration_ns = STRIDE;
    arrakis_block *block;
    assert_int_equal(fetch(&block, 8, &o, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_block_start_ns(block), START + STRIDE);
    assert_int_equal(arrakis_block_duration_ns(block), 2 * STRIDE);
    arrakis_block_unref(block);
}

static void one_stride_is_the_stream_s_own_block(void **state)
{
    (void)state;
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    o.start_ns = START + 3 * STRIDE;
    o.duration_ns = 1;
    arrakis_block *block;
    assert_int_equal(fetch(&block, 8, &o, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_block_start_ns(block), START + 3 * STRIDE);
    assert_int_equal(arrakis_block_duration_ns(block), STRIDE);
    assert_int_equal(*(const int32_t *)series_of(block, "H1:SLOW").samples, 3);
    arrakis_block_unref(block);
}

static void a_span_larger_than_a_block_can_be_is_refused(void **state)
{
    (void)state;
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    o.start_ns = START;
    o.end_ns = START + INT64_C(40000000) * ARRAKIS_SECOND_NS;
    arrakis_block *block;
    arrakis_error err;
    assert_int_equal(fetch(&block, 1, &o, &err), ARRAKIS_EINVAL);
    assert_null(block);
    assert_non_null(strstr(err.message, "stream it instead"));
}

static void a_gap_can_be_an_error(void **state)
{
    (void)state;
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    o.start_ns = START - 4 * STRIDE;
    o.end_ns = START + STRIDE;
    o.on_gap = ARRAKIS_GAP_RAISE;
    arrakis_block *block;
    assert_int_equal(fetch(&block, 2, &o, NULL), ARRAKIS_EGAP);
    assert_null(block);
}

/* Whichever comes first, the cancel or the wait. */
static void a_fetch_is_canceled_by_another_thread(void **state)
{
    (void)state;
    arrakis_channels *channels = two_channels();
    arrakis_reader *reader;
    arrakis_stream *stream;
    arrakis_block *block;
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    o.start_ns = INT64_MAX / 4; /* in the year 2053 */
    o.duration_ns = 1;
    o.cancel = new_cancel();
    assert_int_equal(arrakis_memory_reader_new(&reader, channels, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_stream_open(&stream, reader, &o, NULL), ARRAKIS_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set, o.cancel), 0);
    assert_int_equal(ark_fetch(stream, &block, &o, NULL), ARRAKIS_ECANCELED);
    arrakis_stream_close(stream);
    assert_int_equal(pthread_join(thread, NULL), 0);
    arrakis_cancel_unref(o.cancel);
    arrakis_channels_unref(channels);
}

/* A request's own cancel ends the questions that come before its stream, and not the client. */
static void a_request_is_canceled_while_it_is_opened(void **state)
{
    (void)state;
    static const char *const names[] = {"H1:A"};
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    arrakis_client *client;
    arrakis_stream *stream;
    to.kafka_url = "127.0.0.1:1";
    to.request_timeout_ns = 60 * ARRAKIS_SECOND_NS;
    to.cancel = new_cancel();
    request.cancel = new_cancel();
    assert_int_equal(arrakis_client_open(&client, &to, NULL, NULL), ARRAKIS_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set, request.cancel), 0);
    assert_int_equal(arrakis_client_stream(client, &stream, names, 1, &request, NULL),
                     ARRAKIS_ECANCELED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(arrakis_cancel_is_set(to.cancel));
    arrakis_cancel_unref(request.cancel);
    uint64_t count; /* the connection's cancel counts again */
    assert_int_equal(pthread_create(&thread, NULL, set, to.cancel), 0);
    assert_int_equal(arrakis_client_count(client, NULL, &count, NULL), ARRAKIS_ECANCELED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    arrakis_client_close(client);
    arrakis_cancel_unref(to.cancel);
}

/* A signal that reaches a child before it calls exec() is not for the parent. */
static void a_cancel_of_a_child_is_not_the_parent_s(void **state)
{
    (void)state;
    arrakis_cancel *cancel = new_cancel();
    pid_t child = fork();
    if (!child) {
        arrakis_cancel_set(cancel);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct pollfd polled = {.fd = arrakis_cancel_fd(cancel), .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 0), 0);
    assert_false(arrakis_cancel_is_set(cancel));
    arrakis_cancel_unref(cancel);
}

/* One cancel for all: what is opened with it after that does not even begin. */
static void a_cancel_that_is_set_ends_what_is_opened_with_it(void **state)
{
    (void)state;
    arrakis_channels *channels = two_channels();
    arrakis_reader *reader;
    arrakis_stream *stream;
    arrakis_publisher *publisher;
    arrakis_stream_options o = ARRAKIS_STREAM_OPTIONS_INIT;
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_publisher_options p = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    o.cancel = to.cancel = new_cancel();
    to.kafka_url = "127.0.0.1:1";
    p.channels = channels;
    p.publisher_id = "P";
    arrakis_cancel_set(o.cancel);
    arrakis_cancel_set(o.cancel);
    struct pollfd polled = {.fd = arrakis_cancel_fd(o.cancel), .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 0), 1);
    assert_int_equal(arrakis_memory_reader_new(&reader, channels, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_stream_open(&stream, reader, &o, NULL), ARRAKIS_ECANCELED);
    assert_null(stream);
    assert_int_equal(arrakis_publisher_open(&publisher, &to, &p, NULL), ARRAKIS_ECANCELED);
    assert_null(publisher);
    arrakis_cancel_unref(o.cancel);
    arrakis_channels_unref(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_needs_a_source),
        cmocka_unit_test(a_file_is_searched),
        cmocka_unit_test(a_pattern_that_is_too_slow_is_an_error),
        cmocka_unit_test(channels_are_described_in_the_order_asked_for),
        cmocka_unit_test(channels_that_do_not_exist_are_named),
        cmocka_unit_test(a_replay_has_channels_of_its_own),
        cmocka_unit_test(what_cannot_be_read_is_named_before_anything_is_opened),
        cmocka_unit_test(a_broker_s_topics_are_searched),
        cmocka_unit_test(a_span_is_fetched_from_a_broker),
        cmocka_unit_test(a_broker_that_does_not_answer_is_an_error_in_time),
        cmocka_unit_test(a_cancel_that_is_set_ends_what_is_opened_with_it),
        cmocka_unit_test(a_request_is_canceled_while_it_is_opened),
        cmocka_unit_test(a_cancel_of_a_child_is_not_the_parent_s),
        cmocka_unit_test(a_canceled_client_does_nothing_more),
        cmocka_unit_test(a_search_is_canceled_by_another_thread),
        cmocka_unit_test(blocks_are_put_end_to_end),
        cmocka_unit_test(a_duration_counts_from_the_start),
        cmocka_unit_test(one_stride_is_the_stream_s_own_block),
        cmocka_unit_test(a_span_larger_than_a_block_can_be_is_refused),
        cmocka_unit_test(a_gap_can_be_an_error),
        cmocka_unit_test(a_fetch_is_canceled_by_another_thread),
    };
    return cmocka_run_group_tests(tests, write_file, remove_file);
}
