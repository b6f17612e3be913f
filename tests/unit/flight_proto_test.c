/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/info.h"
#include "flight/message.h"
#include "flight/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static arrakis_error err;

static void put(ark_buffer *to, uint32_t number, const void *data, size_t size)
{
    assert_int_equal(ark_proto_put_bytes(to, number, data, size, &err), ARRAKIS_OK);
}

/* A message whose only field is number 1. */
static void put_wrapped(ark_buffer *to, uint32_t number, const char *text)
{
    ark_buffer inner = {0};
    put(&inner, 1, text, strlen(text));
    put(to, number, inner.data, inner.size);
    ark_buffer_clear(&inner);
}

static void a_command_is_a_descriptor_of_its_type(void **state)
{
    (void)state;
    ark_buffer buffer = {0};
    assert_int_equal(ark_flight_message_put_command(&buffer, "{}", 2, &err), ARRAKIS_OK);
    static const uint8_t wanted[] = {0x08, 0x02, 0x12, 0x02, '{', '}'};
    assert_int_equal(buffer.size, sizeof wanted);
    assert_memory_equal(buffer.data, wanted, sizeof wanted);
    ark_buffer_clear(&buffer);
}

static void long_fields_have_long_lengths(void **state)
{
    (void)state;
    ark_buffer buffer = {0};
    static const char text[300];
    put(&buffer, 1000, text, sizeof text);
    /* 1000 << 3 | 2 and 300, seven bits at a time */
    static const uint8_t wanted[] = {0xc2, 0x3e, 0xac, 0x02};
    assert_int_equal(buffer.size, sizeof wanted + sizeof text);
    assert_memory_equal(buffer.data, wanted, sizeof wanted);
    ark_flight_data data;
    assert_int_equal(ark_flight_message_read_data(&data, buffer.data, buffer.size, &err),
                     ARRAKIS_OK);
    assert_null(data.header);
    assert_ptr_equal(data.body, buffer.data + sizeof wanted);
    assert_int_equal(data.body_size, sizeof text);
    ark_buffer_clear(&buffer);
}

static void fields_that_are_not_known_are_passed_over(void **state)
{
    (void)state;
    static const uint8_t message[] = {
        0x28, 0x96, 0x01,                       /* 5: a number */
        0x31, 1,    2,    3,   4,   5, 6, 7, 8, /* 6: eight bytes */
        0x3d, 1,    2,    3,   4,               /* 7: four bytes */
        0x12, 0x01, 'h',                        /* 2: the header */
        0xc2, 0x3e, 0x02, 'b', 'c',             /* 1000: the body */
    };
    ark_flight_data data;
    assert_int_equal(ark_flight_message_read_data(&data, message, sizeof message, &err),
                     ARRAKIS_OK);
    assert_int_equal(data.header_size, 1);
    assert_memory_equal(data.header, "h", 1);
    assert_int_equal(data.body_size, 2);
    assert_memory_equal(data.body, "bc", 2);
}

static void what_is_torn_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t size;
    } messages[] = {
        {{0x12, 0x05, 'a'}, 3}, /* shorter than its length field */
        {{0x12}, 1},            /* no length */
        {{0x80}, 1},            /* half a key */
        {{0x00, 0x01}, 2},      /* field 0 */
        {{0x13}, 1},            /* a group */
        {{0x31, 1, 2, 3}, 4},   /* half of eight bytes */
        {{0x3d, 1, 2}, 3},      /* half of four bytes */
        {{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 11},
        {{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, 11},
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        ark_flight_data data;
        assert_int_equal(
            ark_flight_message_read_data(&data, messages[i].bytes, messages[i].size, &err),
            ARRAKIS_EFORMAT);
    }
}

/* The answer to a request of so many bytes. */
static arrakis_status read_answer(ark_flight_info *out, const ark_buffer *info, size_t request)
{
    ark_budget budget = ark_budget_stream("here", INT64_MAX);
    return ark_flight_info_read(out, info->data, info->size, request, &budget, &err);
}

static arrakis_status read_info(ark_flight_info *out, const ark_buffer *info)
{
    return read_answer(out, info, 0);
}

static void endpoints_have_tickets_and_locations(void **state)
{
    (void)state;
    ark_buffer endpoint = {0}, info = {0};
    put_wrapped(&endpoint, 1, "ticket 1");
    put_wrapped(&endpoint, 2, "grpc://a:1");
    put_wrapped(&endpoint, 2, "grpc://b:2");
    put(&info, 1, "schema", 6);
    put(&info, 3, endpoint.data, endpoint.size);
    endpoint.size = 0;
    put_wrapped(&endpoint, 1, "ticket 2");
    put(&info, 3, endpoint.data, endpoint.size);
    assert_int_equal(ark_proto_put_number(&info, 4, UINT64_MAX, &err), ARRAKIS_OK);
    ark_flight_info read;
    assert_int_equal(read_info(&read, &info), ARRAKIS_OK);
    assert_int_equal(read.count, 2);
    assert_int_equal(read.endpoints[0].ticket_size, 8);
    assert_memory_equal(read.endpoints[0].ticket, "ticket 1", 8);
    assert_int_equal(read.endpoints[0].uri_count, 2);
    assert_string_equal(read.endpoints[0].uris[1], "grpc://b:2");
    assert_int_equal(read.endpoints[1].uri_count, 1);
    assert_string_equal(read.endpoints[1].uris[0], "arrow-flight-reuse-connection://?");
    ark_flight_info_clear(&read);
    ark_buffer_clear(&endpoint);
    ark_buffer_clear(&info);
}

static void an_endpoint_needs_a_ticket(void **state)
{
    (void)state;
    ark_buffer endpoint = {0}, info = {0};
    put_wrapped(&endpoint, 2, "grpc://a:1");
    put(&info, 3, endpoint.data, endpoint.size);
    ark_flight_info read;
    assert_int_equal(read_info(&read, &info), ARRAKIS_EFORMAT);
    assert_string_equal(err.message, "an endpoint without a ticket");
    assert_null(read.endpoints);
    ark_buffer_clear(&endpoint);
    ark_buffer_clear(&info);
}

static void a_location_has_no_zero_in_it(void **state)
{
    (void)state;
    ark_buffer location = {0}, endpoint = {0}, info = {0};
    put_wrapped(&endpoint, 1, "ticket");
    put(&location, 1, "a\0b", 3);
    put(&endpoint, 2, location.data, location.size);
    put(&info, 3, endpoint.data, endpoint.size);
    ark_flight_info read;
    assert_int_equal(read_info(&read, &info), ARRAKIS_EFORMAT);
    ark_buffer_clear(&location);
    ark_buffer_clear(&endpoint);
    ark_buffer_clear(&info);
}

static void put_endpoint(ark_buffer *info, const char *ticket, size_t locations)
{
    ark_buffer endpoint = {0};
    put_wrapped(&endpoint, 1, ticket);
    for (size_t i = 0; i < locations; i++)
        put_wrapped(&endpoint, 2, "grpc://a:1");
    put(info, 3, endpoint.data, endpoint.size);
    ark_buffer_clear(&endpoint);
}

static void endpoints_are_limited_in_number(void **state)
{
    (void)state;
    ark_buffer info = {0};
    ark_flight_info read;
    for (size_t i = 0; i < ARK_ENDPOINTS_MAX; i++)
        put_endpoint(&info, "t", 0);
    assert_int_equal(read_info(&read, &info), ARRAKIS_OK);
    assert_int_equal(read.count, ARK_ENDPOINTS_MAX);
    ark_flight_info_clear(&read);
    put_endpoint(&info, "t", 0);
    assert_int_equal(read_info(&read, &info), ARRAKIS_EFORMAT);
    assert_string_equal(err.message, "here: an answer of over 10000 endpoints");
    ark_buffer_clear(&info);
}

static void an_endpoint_s_locations_are_limited_in_number(void **state)
{
    (void)state;
    for (size_t count = ARK_LOCATIONS_MAX; count <= ARK_LOCATIONS_MAX + 1; count++) {
        ark_buffer info = {0};
        ark_flight_info read;
        put_endpoint(&info, "t", count);
        arrakis_status rc = read_info(&read, &info);
        assert_int_equal(rc, count == ARK_LOCATIONS_MAX ? ARRAKIS_OK : ARRAKIS_EFORMAT);
        if (rc < 0)
            assert_string_equal(err.message, "an endpoint of over 16 locations");
        ark_flight_info_clear(&read);
        ark_buffer_clear(&info);
    }
}

/* A server puts into tickets what was asked for: the longer the request, the more. */
static void tickets_are_limited_in_size(void **state)
{
    (void)state;
    for (size_t request = 0; request <= 1000; request += 1000) {
        size_t most = ARK_TICKET_MAX + 2 * request;
        char *ticket = calloc(1, most + 2);
        assert_non_null(ticket);
        memset(ticket, 'x', most + 1);
        ark_buffer info = {0};
        ark_flight_info read;
        put_endpoint(&info, ticket + 1, 0);
        assert_int_equal(read_answer(&read, &info, request), ARRAKIS_OK);
        assert_int_equal(read.endpoints[0].ticket_size, most);
        ark_flight_info_clear(&read);
        put_endpoint(&info, ticket, 0);
        assert_int_equal(read_answer(&read, &info, request), ARRAKIS_EFORMAT);
        assert_non_null(strstr(err.message, "expected up to "));
        ark_buffer_clear(&info);
        free(ticket);
    }
}

static void endpoints_are_limited_in_size(void **state)
{
    (void)state;
    const size_t request = 5, most = ARK_INFO_MAX + 2 * request;
    ark_buffer info = {0};
    ark_flight_info read;
    assert_int_equal(ark_buffer_reserve(&info, most + 1, &err), ARRAKIS_OK);
    memset(info.data, 0, most + 1);
    for (size_t at = 0; at < most; at += 2) /* a field number that is not used */
        info.data[at] = 0x20;
    info.size = most;
    assert_int_equal(read_answer(&read, &info, request), ARRAKIS_OK);
    info.size = most + 1;
    assert_int_equal(read_answer(&read, &info, request), ARRAKIS_EFORMAT);
    assert_string_equal(err.message, "endpoints of 16777227 bytes, expected up to 16777226");
    ark_buffer_clear(&info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_a_descriptor_of_its_type),
        cmocka_unit_test(long_fields_have_long_lengths),
        cmocka_unit_test(fields_that_are_not_known_are_passed_over),
        cmocka_unit_test(what_is_torn_is_refused),
        cmocka_unit_test(endpoints_have_tickets_and_locations),
        cmocka_unit_test(an_endpoint_needs_a_ticket),
        cmocka_unit_test(a_location_has_no_zero_in_it),
        cmocka_unit_test(endpoints_are_limited_in_number),
        cmocka_unit_test(an_endpoint_s_locations_are_limited_in_number),
        cmocka_unit_test(tickets_are_limited_in_size),
        cmocka_unit_test(endpoints_are_limited_in_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
