/* SPDX-License-Identifier: Apache-2.0 */
/* Every public function that takes a handle, without one. */
#include <arrakis/reader.h>
#include <arrakis/arrow.h>
#include <arrakis/mock.h>

#include "base/sized_struct.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static arrakis_error err;

/* The call ends in EINVAL and names the argument that is missing. */
#define REFUSED(call)                                                                             \
    do {                                                                                          \
        memset(&err, 0, sizeof err);                                                              \
        assert_int_equal(call, ARRAKIS_EINVAL);                                                   \
        assert_int_equal(err.status, ARRAKIS_EINVAL);                                             \
        if (!strstr(err.message, "NULL"))                                                         \
            fail_msg("%s: '%s'", #call, err.message);                                             \
    } while (0)

static void without_a_handle_a_call_with_a_status_is_refused(void **state)
{
    (void)state;
    size_t size, number;
    const void *data;
    char *json;
    uint64_t count;
    arrakis_block *block;
    arrakis_reader *reader;
    arrakis_stream *stream;
    arrakis_client *client;
    arrakis_channels *channels;
    arrakis_channel *channel;
    arrakis_publisher *publisher;
    arrakis_arrow_writer *writer;
    arrakis_arrow_reader *decoder;
    const arrakis_series series = {0};
    const uint32_t id = 0;

    REFUSED(arrakis_random_alphanum(NULL, 1, &err));
    REFUSED(arrakis_random_group_id(NULL, &err));
    REFUSED(arrakis_channel_new(&channel, NULL, &err));
    REFUSED(arrakis_channel_new(NULL, NULL, &err));
    REFUSED(arrakis_channel_from_json(&channel, NULL, 0, &err));
    REFUSED(arrakis_name_parse(NULL, NULL, &err));
    REFUSED(arrakis_channels_new(NULL, &err));
    REFUSED(arrakis_channels_add(NULL, NULL, &err));
    REFUSED(arrakis_channels_load(&channels, NULL, &err));
    REFUSED(arrakis_channels_load(NULL, "", &err));
    REFUSED(arrakis_block_new(&block, NULL, 0, 1, NULL, &err));
    REFUSED(arrakis_block_new(NULL, NULL, 0, 1, NULL, &err));
    REFUSED(arrakis_kafka_reader_new(&reader, NULL, NULL, NULL, &err));
    REFUSED(arrakis_memory_reader_new(&reader, NULL, &err));
    REFUSED(arrakis_memory_reader_push(NULL, 0, "", 0, &err));
    REFUSED(arrakis_multi_reader_new(&reader, NULL, 1, &err));
    REFUSED(arrakis_endpoint_reader_new(&reader, NULL, NULL, 1, NULL, 0, 0, &err));
    REFUSED(arrakis_endpoint_reader_new(NULL, NULL, NULL, 1, NULL, 0, 0, &err));
    REFUSED(arrakis_reader_open(NULL, &err));
    REFUSED(arrakis_reader_next(NULL, 0, &number, &block, &err));
    REFUSED(arrakis_reader_fast_forward(NULL, 0, &number, &err));
    REFUSED(arrakis_stream_open(&stream, NULL, NULL, &err));
    REFUSED(arrakis_stream_next(NULL, 0, &block, &err));
    REFUSED(arrakis_client_open(&client, NULL, NULL, &err));
    REFUSED(arrakis_client_open(NULL, NULL, NULL, &err));
    REFUSED(arrakis_cancel_new(NULL, &err));
    REFUSED(arrakis_client_find(NULL, NULL, NULL, NULL, &err));
    REFUSED(arrakis_client_count(NULL, NULL, &count, &err));
    REFUSED(arrakis_client_describe(NULL, &channels, NULL, 0, 0, NULL, &err));
    REFUSED(arrakis_client_stream(NULL, &stream, NULL, 0, NULL, &err));
    REFUSED(arrakis_client_fetch(NULL, &block, NULL, 0, NULL, &err));
    REFUSED(arrakis_client_server_info(NULL, &json, &err));
    REFUSED(arrakis_client_scope_map(NULL, &json, &err));
    REFUSED(arrakis_client_replays(NULL, &json, &err));
    REFUSED(arrakis_client_domains(NULL, &json, &err));
    REFUSED(arrakis_client_endpoints(NULL, &json, &err));
    REFUSED(arrakis_publisher_open(&publisher, NULL, NULL, &err));
    REFUSED(arrakis_publisher_publish(NULL, NULL, 0, &err));
    REFUSED(arrakis_rows_encode(NULL, 0, NULL, ARRAKIS_INT8, 0, 0, NULL, NULL, &err));
    REFUSED(arrakis_rows_encode(NULL, 0, &size, ARRAKIS_INT8, 0, 1, NULL, &series, &err));
    REFUSED(arrakis_rows_encode(NULL, 0, &size, ARRAKIS_INT8, 0, 1, &id, NULL, &err));
    REFUSED(arrakis_arrow_writer_new(&writer, NULL, &err));
    REFUSED(arrakis_arrow_writer_schema(NULL, &data, &size, &err));
    REFUSED(arrakis_arrow_writer_block(NULL, NULL, &data, &size, &err));
    REFUSED(arrakis_arrow_reader_new(&decoder, NULL, &err));
    REFUSED(arrakis_arrow_reader_push(NULL, "", 0, &err));
    REFUSED(arrakis_arrow_reader_next(NULL, &block, &err));
    REFUSED(arrakis_mock_broker_open(NULL, &err));
    REFUSED(arrakis_mock_broker_announce(NULL, NULL, &err));
}

static void without_a_handle_there_is_nothing_to_be_asked(void **state)
{
    (void)state;
    const arrakis_series none = {0};
    arrakis_series series = arrakis_block_series(NULL, 0);
    assert_null(series.samples);
    assert_int_equal(series.length, 0);
    assert_int_equal(arrakis_series_missing(none), 0);
    assert_int_equal(arrakis_dtype_parse(NULL), ARRAKIS_DTYPE_NONE);
    assert_null(arrakis_channel_to_json(NULL));
    assert_null(arrakis_channel_ref(NULL));
    assert_null(arrakis_channel_name(NULL));
    assert_true(arrakis_channel_equal(NULL, NULL));
    assert_int_equal(arrakis_channels_count(NULL), 0);
    assert_null(arrakis_channels_get(NULL, 0));
    assert_int_equal(arrakis_channels_index(NULL, "H1:A"), -1);
    assert_null(arrakis_channels_ref(NULL));
    assert_null(arrakis_block_ref(NULL));
    assert_int_equal(arrakis_block_start_ns(NULL), ARRAKIS_UNSET);
    assert_int_equal(arrakis_block_duration_ns(NULL), 0);
    assert_null(arrakis_block_channels(NULL));
    assert_int_equal(arrakis_reader_input_count(NULL), 0);
    assert_null(arrakis_reader_input_id(NULL, 0));
    assert_null(arrakis_reader_input_channels(NULL, 0));
    assert_int_equal(arrakis_reader_fd(NULL), -1);
    assert_true(arrakis_reader_done(NULL));
    assert_true(arrakis_reader_exhausted(NULL, 0));
    assert_int_equal(arrakis_stream_fd(NULL), -1);
    assert_null(arrakis_stream_channels(NULL));
    assert_int_equal(arrakis_stream_stride_ns(NULL), 0);
    assert_int_equal(arrakis_stream_lag_ns(NULL, 0), ARRAKIS_UNSET);
    assert_int_equal(arrakis_stream_position(NULL), ARRAKIS_UNSET);
    assert_null(arrakis_stream_reader(NULL));
    assert_null(arrakis_publisher_channels(NULL));
    assert_null(arrakis_mock_broker_url(NULL));
}

static void without_a_handle_nothing_is_done(void **state)
{
    (void)state;
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    const void *data = "";
    size_t size = 1;
    arrakis_time_format(NULL, 0);
    arrakis_channel_unref(NULL);
    arrakis_channel_get(NULL, &info);
    arrakis_channel_get(NULL, NULL);
    arrakis_channels_unref(NULL);
    arrakis_block_unref(NULL);
    arrakis_memory_reader_finish(NULL);
    arrakis_reader_close(NULL);
    arrakis_cancel_set(NULL);
    arrakis_cancel_unref(NULL);
    assert_null(arrakis_cancel_ref(NULL));
    arrakis_free(NULL);
    arrakis_stream_stats(NULL, &stats);
    arrakis_stream_stats(NULL, NULL);
    arrakis_stream_close(NULL);
    arrakis_client_close(NULL);
    arrakis_publisher_get_stats(NULL, NULL);
    arrakis_publisher_close(NULL);
    arrakis_arrow_writer_end(NULL, &data, &size);
    assert_null(data);
    assert_int_equal(size, 0);
    arrakis_arrow_writer_free(NULL);
    arrakis_arrow_reader_finish(NULL);
    arrakis_arrow_reader_free(NULL);
    arrakis_mock_broker_close(NULL);
}

/* ------------------------------------------------------------------ the size of a struct */

/* Any struct of options: a size, and what is known of them here. */
typedef struct small {
    size_t struct_size;
    int64_t a, b;
} small;

typedef struct large {
    small known;
    int64_t c;
} large;

static void a_struct_of_an_older_header_has_defaults_for_the_rest(void **state)
{
    (void)state;
    small to = {sizeof to, 1, 2};
    const small older = {offsetof(small, b), 7, 8};
    assert_int_equal(ark_sized_struct_take(&to, sizeof to, &older, "query", NULL), ARRAKIS_OK);
    assert_int_equal(to.a, 7);
    assert_int_equal(to.b, 2);
    assert_int_equal(to.struct_size, sizeof to);
    assert_int_equal(ark_sized_struct_take(&to, sizeof to, NULL, "query", NULL), ARRAKIS_OK);
    assert_int_equal(to.a, 7);
}

static void a_struct_of_a_newer_header_is_taken_when_what_is_unknown_is_zero(void **state)
{
    (void)state;
    small to = {sizeof to, 1, 2};
    large newer = {{sizeof newer, 7, 8}, 0};
    assert_int_equal(ark_sized_struct_take(&to, sizeof to, &newer, "query", NULL), ARRAKIS_OK);
    assert_int_equal(to.b, 8);
    assert_int_equal(to.struct_size, sizeof to);
    newer.c = INT64_C(1) << 56;
    newer.known.a = 9;
    assert_int_equal(ark_sized_struct_take(&to, sizeof to, &newer, "query", &err), ARRAKIS_EINVAL);
    assert_non_null(strstr(err.message, "arrakis_query: 32 bytes, of which libarrakis"));
    assert_int_equal(to.a, 7);
}

static void a_size_that_was_never_set_is_refused_with_the_macro_that_sets_it(void **state)
{
    (void)state;
    small to = {sizeof to, 1, 2}, from = {0, 7, 8};
    static const size_t wrong[] = {0, 1, sizeof(size_t), ARK_STRUCT_SIZE_MAX + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        from.struct_size = wrong[i];
        assert_int_equal(ark_sized_struct_take(&to, sizeof to, &from, "kafka_options", &err),
                         ARRAKIS_EINVAL);
        assert_non_null(strstr(err.message, "arrakis_kafka_options: struct_size is "));
        assert_non_null(strstr(err.message, "set it up with ARRAKIS_KAFKA_OPTIONS_INIT"));
        assert_int_equal(to.a, 1);
    }
}

#define UNSIZED(call, macro)                                                                      \
    do {                                                                                          \
        assert_int_equal(call, ARRAKIS_EINVAL);                                                   \
        if (!strstr(err.message, "struct_size is 0: set it up with " macro))                      \
            fail_msg("'%s'", err.message);                                                        \
    } while (0)

static bool never(arrakis_channel *channel, void *opaque)
{
    (void)channel;
    (void)opaque;
    return false;
}

static void no_call_takes_options_without_their_size(void **state)
{
    (void)state;
    static const char *const name = "H1:A";
    arrakis_channel *channel;
    arrakis_channels *channels;
    arrakis_reader *reader;
    arrakis_stream *stream;
    arrakis_client *client;
    arrakis_publisher *publisher;
    arrakis_block *block;
    uint64_t count;
    const arrakis_channel_info info = {.name = name};
    UNSIZED(arrakis_channel_new(&channel, &info, &err), "ARRAKIS_CHANNEL_INFO_INIT");
    static const char json[] =
        "{\"name\": \"H1:A\", \"data_type\": \"int8\", \"sample_rate\": 16, "
        "\"partition_id\": \"p\", \"partition_index\": 0, \"stride\": "
        "1000000000}";
    assert_int_equal(arrakis_channel_from_json(&channel, json, strlen(json), NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_new(&channels, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_add(channels, channel, NULL), ARRAKIS_OK);
    arrakis_channel_unref(channel);
    const arrakis_kafka_options kafka = {.start_ns = 0};
    UNSIZED(arrakis_kafka_reader_new(&reader, "h:1", channels, &kafka, &err),
            "ARRAKIS_KAFKA_OPTIONS_INIT");
    assert_int_equal(arrakis_memory_reader_new(&reader, channels, NULL), ARRAKIS_OK);
    const arrakis_stream_options options = {.start_ns = 0};
    UNSIZED(arrakis_stream_open(&stream, reader, &options, &err), "ARRAKIS_STREAM_OPTIONS_INIT");
    const arrakis_connection nowhere = {.kafka_url = "h:1"};
    UNSIZED(arrakis_client_open(&client, &nowhere, NULL, &err), "ARRAKIS_CONNECTION_INIT");
    arrakis_connection given = ARRAKIS_CONNECTION_INIT;
    given.kafka_url = "127.0.0.1:1";
    const arrakis_client_options nothing = {.metadata_path = "x"};
    UNSIZED(arrakis_client_open(&client, &given, &nothing, &err), "ARRAKIS_CLIENT_OPTIONS_INIT");
    const arrakis_publisher_options publishing = {.publisher_id = "P"};
    UNSIZED(arrakis_publisher_open(&publisher, &given, &publishing, &err),
            "ARRAKIS_PUBLISHER_OPTIONS_INIT");
    assert_int_equal(arrakis_client_open(&client, &given, NULL, NULL), ARRAKIS_OK);
    const arrakis_query query = {.pattern = NULL};
    UNSIZED(arrakis_client_find(client, &query, never, NULL, &err), "ARRAKIS_QUERY_INIT");
    UNSIZED(arrakis_client_count(client, &query, &count, &err), "ARRAKIS_QUERY_INIT");
    const arrakis_request request = {.start_ns = 0};
    UNSIZED(arrakis_client_stream(client, &stream, &name, 1, &request, &err),
            "ARRAKIS_REQUEST_INIT");
    UNSIZED(arrakis_client_fetch(client, &block, &name, 1, &request, &err),
            "ARRAKIS_REQUEST_INIT");
    arrakis_client_close(client);
    arrakis_channels_unref(channels);
}

/* What is added later must not lie in what was padding before, which callers leave as it is. */
static void no_struct_ends_in_padding(void **state)
{
    (void)state;
#define ENDS_WITH(type, last)                                                                     \
    assert_int_equal(offsetof(type, last) + sizeof((type){0}.last), sizeof(type))
    ENDS_WITH(arrakis_channel_info, replay_id);
    ENDS_WITH(arrakis_kafka_options, cancel);
    ENDS_WITH(arrakis_stream_options, retry_tries);
    ENDS_WITH(arrakis_stats, changes);
    ENDS_WITH(arrakis_connection, cancel);
    ENDS_WITH(arrakis_client_options, max_message_bytes);
    ENDS_WITH(arrakis_query, replay_id);
    ENDS_WITH(arrakis_request, fetch_wait_ns);
    ENDS_WITH(arrakis_publisher_options, max_failures);
    ENDS_WITH(arrakis_publisher_stats, behind_ns);
}

/* For who cannot use the macros: as many bytes as the caller has. */
static void what_a_macro_sets_a_function_sets(void **state)
{
    (void)state;
#define SETS(type, MACRO)                                                                         \
    do {                                                                                          \
        static const type wanted = MACRO;                                                         \
        union {                                                                                   \
            type it;                                                                              \
            unsigned char bytes[sizeof(type) + 16];                                               \
        } is;                                                                                     \
        memset(&is, 0x5a, sizeof is);                                                             \
        type##_init(&is.it, sizeof is.it);                                                        \
        assert_memory_equal(&is.it, &wanted, sizeof wanted);                                      \
        assert_int_equal(is.bytes[sizeof wanted], 0x5a);                                          \
        memset(&is, 0x5a, sizeof is);                                                             \
        type##_init(&is.it, sizeof is.it + 8);                                                    \
        assert_int_equal(is.it.struct_size, sizeof is.it + 8);                                    \
        assert_int_equal(is.bytes[sizeof wanted + 7], 0);                                         \
        assert_int_equal(is.bytes[sizeof wanted + 8], 0x5a);                                      \
        type##_init(&is.it, 16);                                                                  \
        assert_int_equal(is.it.struct_size, 16);                                                  \
        type##_init(&is.it, SIZE_MAX);                                                            \
        assert_int_equal(is.it.struct_size, 0);                                                   \
        type##_init(NULL, 16);                                                                    \
    } while (0)
    SETS(arrakis_connection, ARRAKIS_CONNECTION_INIT);
    SETS(arrakis_client_options, ARRAKIS_CLIENT_OPTIONS_INIT);
    SETS(arrakis_query, ARRAKIS_QUERY_INIT);
    SETS(arrakis_request, ARRAKIS_REQUEST_INIT);
    SETS(arrakis_stats, ARRAKIS_STATS_INIT);
    SETS(arrakis_channel_info, ARRAKIS_CHANNEL_INFO_INIT);
    SETS(arrakis_publisher_options, ARRAKIS_PUBLISHER_OPTIONS_INIT);
    SETS(arrakis_publisher_stats, ARRAKIS_PUBLISHER_STATS_INIT);
    SETS(arrakis_kafka_options, ARRAKIS_KAFKA_OPTIONS_INIT);
    SETS(arrakis_stream_options, ARRAKIS_STREAM_OPTIONS_INIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_handle_a_call_with_a_status_is_refused),
        cmocka_unit_test(without_a_handle_there_is_nothing_to_be_asked),
        cmocka_unit_test(without_a_handle_nothing_is_done),
        cmocka_unit_test(what_a_macro_sets_a_function_sets),
        cmocka_unit_test(a_struct_of_an_older_header_has_defaults_for_the_rest),
        cmocka_unit_test(a_struct_of_a_newer_header_is_taken_when_what_is_unknown_is_zero),
        cmocka_unit_test(a_size_that_was_never_set_is_refused_with_the_macro_that_sets_it),
        cmocka_unit_test(no_call_takes_options_without_their_size),
        cmocka_unit_test(no_struct_ends_in_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
