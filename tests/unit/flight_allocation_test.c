/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent to a Flight server, and what is read of its answers, where one allocation fails. jansson,
 * which reads JSON, calls some failures of memory a malformed text. */
#include "allocation.h"
#include "client/client.h"
#include "client/scope_map.h"
#include "flight/hosts.h"
#include "flight/info.h"
#include "flight/proto.h"
#include "flight/request.h"
#include "flight/segments.h"
#include "flight/url.h"

static const channel_spec specs[] = {
    {"X:A", ARRAKIS_INT32, 1, "p", 0, SECOND, UNSET},
    {"X:B", ARRAKIS_INT32, 1, "p", 1, SECOND, UNSET},
};

/* The text, if there is one, must be all of it. */
static arrakis_status whole(arrakis_status rc, char *text, const char *wanted)
{
    assert_true((rc == ARRAKIS_OK) == (text != NULL));
    if (text)
        assert_string_equal(text, wanted);
    free(text);
    return rc;
}

static arrakis_status write_requests(void *opaque)
{
    static const char *const names[] = {"X:A", "X:B"};
    static const arrakis_dtype types[] = {ARRAKIS_INT8, ARRAKIS_FLOAT64};
    arrakis_query query = ARRAKIS_QUERY_INIT;
    const ark_stream_request request = {opaque, 5, UNSET, UNSET, UNSET, NULL};
    char *text;
    query.pattern = "X";
    query.dtypes = types;
    query.dtype_count = COUNT(types);
    query.publishers = names;
    query.publisher_count = COUNT(names);
    arrakis_status rc = ark_request_search(&text, "Find", &query, NULL);
    rc = whole(rc, text,
               "{\"request\":\"Find\",\"args\":{\"pattern\":\"X\",\"data_type\":[\"int8\","
               "\"float64\"],\"min_rate\":0,\"max_rate\":4294967295,\"publisher\":[\"X:A\","
               "\"X:B\"],\"time\":null,\"replay_id\":null},\"version\":\"0.5.0\"}");
    if (rc == ARRAKIS_OK) {
        rc = ark_request_describe(&text, names, COUNT(names), 7, "r", NULL);
        rc = whole(rc, text,
                   "{\"request\":\"Describe\",\"args\":{\"channels\":[\"X:A\",\"X:B\"],"
                   "\"time\":7,\"replay_id\":\"r\"},\"version\":\"0.5.0\"}");
    }
    if (rc == ARRAKIS_OK) {
        rc = ark_request_stream(&text, &request, NULL);
        rc = whole(rc, text,
                   "{\"request\":\"Stream\",\"args\":{\"channels\":[\"X:A\",\"X:B\"],"
                   "\"start\":5,\"end\":null,\"replay_start\":null,\"replay_end\":null,"
                   "\"replay_id\":null},\"version\":\"0.5.0\"}");
    }
    return rc;
}

static void a_request_is_whole_or_memory_has_run_out(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    fail_each_allocation(write_requests, channels, 40, ARRAKIS_ENOMEM);
    arrakis_channels_unref(channels);
}

static arrakis_status list_scope_map(void *opaque)
{
    static const char map[] = "{\"endpoints\": {\"grpc://b:1\": {\"scopes\": {\"H1\": [], "
                              "\"L1\": []}}, \"grpc://a:1\": {\"scopes\": {\"G1\": []}}}}";
    char *json;
    (void)opaque;
    arrakis_status rc = ark_scope_map_list(&json, map, NULL, NULL);
    rc = whole(rc, json, "[\"G1\", \"H1\", \"L1\"]");
    if (rc == ARRAKIS_OK) {
        rc = ark_scope_map_list(&json, map, "grpc://own:1", NULL);
        rc = whole(rc, json, "[\"grpc://a:1\", \"grpc://b:1\"]");
    }
    return rc;
}

static void a_scope_map_s_list_is_whole_or_memory_has_run_out(void **state)
{
    (void)state;
    fail_each_allocation(list_scope_map, NULL, 40, ARRAKIS_EFORMAT);
}

/* An endpoint of a FlightInfo. */
static void put_endpoint(ark_buffer *info, const char *ticket, const char *uri)
{
    ark_buffer endpoint = {0}, inner = {0};
    PASS(ark_proto_put_bytes(&inner, 1, ticket, strlen(ticket), err));
    PASS(ark_proto_put_bytes(&endpoint, 1, inner.data, inner.size, err));
    inner.size = 0;
    PASS(ark_proto_put_bytes(&inner, 1, uri, strlen(uri), err));
    PASS(ark_proto_put_bytes(&endpoint, 2, inner.data, inner.size, err));
    PASS(ark_proto_put_bytes(info, 3, endpoint.data, endpoint.size, err));
    ark_buffer_clear(&inner);
    ark_buffer_clear(&endpoint);
}

typedef struct answer {
    ark_buffer info;
    arrakis_channels *channels;
} answer;

static arrakis_status read_answer(void *opaque)
{
    const answer *a = opaque;
    ark_budget budget = ark_budget_stream("here", 1 << 20);
    ark_flight_info info;
    ark_segments segments;
    arrakis_status rc =
        ark_flight_info_read(&info, a->info.data, a->info.size, 100, &budget, NULL);
    if (rc < 0)
        return rc;
    rc = ark_segments_init(&segments, &info, a->channels, 0, "grpc://here:1", NULL);
    if (rc == ARRAKIS_OK) {
        assert_int_equal(segments.count, 2);
        assert_int_equal(segments.segments[0].relay_count, 1);
        assert_int_equal(segments.segments[1].broker_count, 1);
        assert_int_equal(arrakis_channels_count(segments.segments[1].brokers[0].channels), 2);
    }
    ark_segments_clear(&segments);
    ark_flight_info_clear(&info);
    return rc;
}

static void an_answer_is_taken_or_memory_has_run_out(void **state)
{
    (void)state;
    answer a = {{0}, channels_of(specs, COUNT(specs))};
    put_endpoint(&a.info,
                 "{\"args\":{\"channels\":[\"X:A\",\"X:B\"],\"start\":0,\"end\":5000000000}}",
                 "grpc://here:1");
    put_endpoint(&a.info, "{\"args\":{\"channels\":[\"X:A\",\"X:B\"],\"start\":5000000000}}",
                 "kafka://x:9092");
    fail_each_allocation(read_answer, &a, 20, ARRAKIS_EFORMAT);
    ark_buffer_clear(&a.info);
    arrakis_channels_unref(a.channels);
}

static arrakis_status join_hosts(void *opaque)
{
    static const char *const hosts[] = {"a.example", "b.example"};
    char *joined;
    (void)opaque;
    arrakis_status rc = ark_hosts_join(&joined, hosts, COUNT(hosts), NULL);
    return whole(rc, joined, "a.example,b.example");
}

static void hosts_are_joined_or_memory_has_run_out(void **state)
{
    (void)state;
    fail_each_allocation(join_hosts, NULL, 1, ARRAKIS_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_whole_or_memory_has_run_out),
        cmocka_unit_test(a_scope_map_s_list_is_whole_or_memory_has_run_out),
        cmocka_unit_test(an_answer_is_taken_or_memory_has_run_out),
        cmocka_unit_test(hosts_are_joined_or_memory_has_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
