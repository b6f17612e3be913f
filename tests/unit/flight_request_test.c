/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/request.h"
#include "flight/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static arrakis_error err;

static void expect(char *request, const char *wanted)
{
    assert_string_equal(request, wanted);
    free(request);
}

static void a_search_for_everything(void **state)
{
    (void)state;
    char *request;
    const arrakis_query query = ARRAKIS_QUERY_INIT;
    assert_int_equal(ark_request_search(&request, "Find", &query, &err), ARRAKIS_OK);
    expect(request, "{\"request\":\"Find\",\"args\":{\"pattern\":\".*\",\"data_type\":[],"
                    "\"min_rate\":0,\"max_rate\":4294967295,\"publisher\":[],\"time\":null,"
                    "\"replay_id\":null},\"version\":\"0.5.0\"}");
}

static void a_search_with_every_condition(void **state)
{
    (void)state;
    char *request;
    arrakis_query query = ARRAKIS_QUERY_INIT;
    const arrakis_dtype types[] = {ARRAKIS_FLOAT32, ARRAKIS_INT64};
    const char *const publishers[] = {"A", "B \"quoted\""};
    query.pattern = "H1:\\d+";
    query.dtypes = types;
    query.dtype_count = 2;
    query.min_rate = 15.5;
    query.max_rate = 16.5;
    query.publishers = publishers;
    query.publisher_count = 2;
    query.time_ns = INT64_C(1400000000123456789);
    query.replay_id = "o4";
    assert_int_equal(ark_request_search(&request, "Count", &query, &err), ARRAKIS_OK);
    expect(request,
           "{\"request\":\"Count\",\"args\":{\"pattern\":\"H1:\\\\d+\",\"data_type\":[\"float32\","
           "\"int64\"],\"min_rate\":16,\"max_rate\":16,\"publisher\":[\"A\",\"B "
           "\\\"quoted\\\"\"],\"time\":1400000000123456789,\"replay_id\":\"o4\"},\"version\":"
           "\"0.5.0\"}");
}

static void a_description_and_a_stream(void **state)
{
    (void)state;
    char *request;
    const char *const names[] = {"H1:A", "H1:B"};
    assert_int_equal(ark_request_describe(&request, names, 2, 5, NULL, &err), ARRAKIS_OK);
    expect(request, "{\"request\":\"Describe\",\"args\":{\"channels\":[\"H1:A\",\"H1:B\"],"
                    "\"time\":5,\"replay_id\":null},\"version\":\"0.5.0\"}");
    arrakis_channels *channels;
    arrakis_channel *channel;
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = "H1:A";
    info.dtype = ARRAKIS_INT32;
    info.sample_rate = 16;
    assert_int_equal(arrakis_channels_new(&channels, &err), ARRAKIS_OK);
    assert_int_equal(arrakis_channel_new(&channel, &info, &err), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_add(channels, channel, &err), ARRAKIS_OK);
    const ark_stream_request stream = {.channels = channels,
                                       .start_ns = 1,
                                       .end_ns = ARRAKIS_UNSET,
                                       .replay_start_ns = 2,
                                       .replay_end_ns = 3};
    assert_int_equal(ark_request_stream(&request, &stream, &err), ARRAKIS_OK);
    expect(request, "{\"request\":\"Stream\",\"args\":{\"channels\":[\"H1:A\"],\"start\":1,"
                    "\"end\":null,\"replay_start\":2,\"replay_end\":3,\"replay_id\":null},"
                    "\"version\":\"0.5.0\"}");
    arrakis_channel_unref(channel);
    arrakis_channels_unref(channels);
}

static void a_text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    char *request;
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.pattern = "H1:\xff";
    assert_int_equal(ark_request_search(&request, "Find", &query, &err), ARRAKIS_EINVAL);
    assert_null(request);
    const char *const names[] = {"H1:A", "H1:\xff"};
    assert_int_equal(ark_request_describe(&request, names, 2, 5, NULL, &err), ARRAKIS_EINVAL);
}

static arrakis_status read(ark_ticket *ticket, const char *text)
{
    return ark_ticket_read(ticket, text, strlen(text), &err);
}

static void of_a_ticket_names_and_times_are_read(void **state)
{
    (void)state;
    ark_ticket ticket;
    assert_int_equal(read(&ticket, "{\"request\": \"Stream\", \"args\": {\"channels\": [\"A\", "
                                   "\"B\"], \"start\": 7, \"end\": null, \"new\": {}}}"),
                     ARRAKIS_OK);
    assert_int_equal(ticket.name_count, 2);
    assert_string_equal(ticket.names[1], "B");
    assert_int_equal(ticket.start_ns, 7);
    assert_true(ticket.end_ns == ARRAKIS_UNSET);
    ark_ticket_clear(&ticket);
}

static void a_ticket_may_span_all_of_time(void **state)
{
    (void)state;
    ark_ticket ticket;
    assert_int_equal(read(&ticket, "{\"args\": {\"channels\": [\"A\"], \"start\": 0, "
                                   "\"end\": 2305843009213693951}}"),
                     ARRAKIS_OK);
    assert_int_equal(ticket.start_ns, 0);
    assert_int_equal(ticket.end_ns, ARRAKIS_TIME_MAX_NS);
    ark_ticket_clear(&ticket);
}

static void other_tickets_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"args\": {}}",
        "{\"args\": {\"channels\": []}}",
        "{\"args\": {\"channels\": [1]}}",
        "{\"args\": {\"channels\": [\"A\", null]}}",
        /* invalid times */
        "{\"args\": {\"channels\": [\"A\"], \"start\": -1}}",
        "{\"args\": {\"channels\": [\"A\"], \"start\": -9223372036854775807}}",
        "{\"args\": {\"channels\": [\"A\"], \"start\": -9223372036854775808}}",
        "{\"args\": {\"channels\": [\"A\"], \"start\": 2305843009213693952}}",
        "{\"args\": {\"channels\": [\"A\"], \"end\": -1}}",
        "{\"args\": {\"channels\": [\"A\"], \"end\": 2305843009213693952}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ark_ticket ticket;
        assert_int_equal(read(&ticket, texts[i]), ARRAKIS_EFORMAT);
        assert_null(ticket.names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_for_everything),
        cmocka_unit_test(a_search_with_every_condition),
        cmocka_unit_test(a_description_and_a_stream),
        cmocka_unit_test(a_text_that_is_not_utf8_is_refused),
        cmocka_unit_test(of_a_ticket_names_and_times_are_read),
        cmocka_unit_test(a_ticket_may_span_all_of_time),
        cmocka_unit_test(other_tickets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
