/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/hosts.h"
#include "flight/location.h"
#include "flight/status.h"
#include "flight/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static arrakis_error err;

static void urls_are_filled_in(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *target;
        bool tls;
    } urls[] = {
        {"grpc://example.org:1234", "example.org", "example.org:1234", false},
        {"example.org", "example.org", "example.org:31206", false},
        {"", "localhost", "localhost:31206", false},
        {":99", "localhost", "localhost:99", false},
        {"grpc://", "localhost", "localhost:31206", false},
        {"grpc+tcp://a_b:1/", "a_b", "a_b:1", false},
        {"grpc+tls://example.org", "example.org", "example.org:31206", true},
        {"GRPC+TLS://example.org", "example.org", "example.org:31206", true},
        {"[::1]", "::1", "[::1]:31206", false},
        {"grpc://[2001:db8::1]:7", "2001:db8::1", "[2001:db8::1]:7", false},
        {"10.0.0.1:65535", "10.0.0.1", "10.0.0.1:65535", false},
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        ark_url url;
        if (ark_url_parse(&url, urls[i].text, &err) != ARRAKIS_OK)
            fail_msg("%s", err.message);
        assert_string_equal(url.host, urls[i].host);
        assert_string_equal(url.target, urls[i].target);
        assert_int_equal(url.tls, urls[i].tls);
    }
}

static void other_urls_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "http://example.org",
        "a:b:c",
        "a:0",
        "a:65536",
        "a:x",
        "a:",
        "a b",
        "[::1",
        "[::1]x",
        "[host]",
        "grpc://a/b",
        "a:1 ",
        "grpc://user@host",
        "a:00000001",
        "grpc+unix:///x",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ark_url url;
        if (ark_url_parse(&url, texts[i], &err) != ARRAKIS_EINVAL)
            fail_msg("'%s' was taken as %s", texts[i], url.target);
        assert_non_null(strstr(err.message, texts[i]));
    }
    char longest[400];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ark_url url;
    assert_int_equal(ark_url_parse(&url, longest, &err), ARRAKIS_EINVAL);
}

static void loopback_is_told_from_the_world(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } urls[] = {
        {"localhost", true},     {"127.0.0.1", true},
        {"127.255.1.1:5", true}, {"[::1]", true},
        {"128.0.0.1", false},    {"localhost.example.org", false},
        {"[::2]", false},        {"127.0.0.1.example.org", false},
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        ark_url url;
        assert_int_equal(ark_url_parse(&url, urls[i].text, &err), ARRAKIS_OK);
        assert_int_equal(ark_url_is_loopback(&url), urls[i].loopback);
    }
}

static void locations_say_how_they_are_read(void **state)
{
    (void)state;
    size_t length;
    assert_int_equal(ark_location_of("arrow-flight-reuse-connection://?"), ARK_LOCATION_REUSE);
    assert_int_equal(ark_location_of("grpc://a:1"), ARK_LOCATION_FLIGHT);
    assert_int_equal(ark_location_of("grpc+tls://a:1"), ARK_LOCATION_FLIGHT);
    assert_int_equal(ark_location_of("https://a"), ARK_LOCATION_UNKNOWN);
    assert_int_equal(ark_location_of("kafka://a:9092"), ARK_LOCATION_KAFKA);
    const char *broker = ark_location_broker("kafka://a:9092/x", &length);
    assert_int_equal(length, 6);
    assert_memory_equal(broker, "a:9092", 6);
    assert_null(ark_location_broker("kafka:///", &length));
    assert_null(ark_location_broker("grpc://a:1", &length));
}

static void hosts_are_names_or_addresses(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "A.b-c_d", "1.2.3.4", "::1"};
    static const char *const bad[] = {"", "a:1", "grpc://a", "[::1]", "a,b", "*.a", NULL};
    char *joined;
    assert_int_equal(ark_hosts_join(&joined, good, 4, &err), ARRAKIS_OK);
    assert_string_equal(joined, "a,A.b-c_d,1.2.3.4,::1");
    assert_true(ark_hosts_have(joined, "::1") && ark_hosts_have(joined, "a.B-c_d"));
    assert_false(ark_hosts_have(joined, "") || ark_hosts_have(joined, "1.2.3"));
    assert_false(ark_hosts_have(NULL, "a"));
    free(joined);
    assert_int_equal(ark_hosts_join(&joined, NULL, 0, &err), ARRAKIS_OK);
    assert_null(joined);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ark_hosts_join(&joined, &bad[i], 1, &err), ARRAKIS_EINVAL);
        assert_null(joined);
    }
}

static void check_status(int code, const char *message, const char *arrow, bool local,
                         arrakis_status wanted, const char *text)
{
    const ark_call_status status = {code, message, arrow, local, false};
    assert_int_equal(ark_flight_status(&status, "grpc://h:1", &err), wanted);
    if (wanted < 0)
        assert_string_equal(err.message, text);
}

static void a_call_ends_in_our_words(void **state)
{
    (void)state;
    check_status(0, "", "", false, ARRAKIS_OK, "");
    check_status(16, "who are you?", "", false, ARRAKIS_EAUTH, "grpc://h:1: who are you?");
    check_status(7, "no", "", false, ARRAKIS_EAUTH, "grpc://h:1: no");
    check_status(14, "connection refused", "", true, ARRAKIS_ECONNECT,
                 "grpc://h:1: connection refused");
    check_status(14, "later. Detail: Unavailable", "10", false, ARRAKIS_ESERVER,
                 "grpc://h:1: later");
    check_status(14, "channel(s) {X} are not available on this server", "10", false,
                 ARRAKIS_ENOTFOUND, "grpc://h:1: channel(s) {X} are not available on this server");
    check_status(4, "Deadline Exceeded", "", true, ARRAKIS_EDEADLINE,
                 "grpc://h:1: Deadline Exceeded");
    check_status(2, "it broke", "", false, ARRAKIS_ESERVER, "grpc://h:1: it broke");
    check_status(2, "bad pattern", "4", false, ARRAKIS_EINVAL, "grpc://h:1: bad pattern");
    check_status(13, "", "", false, ARRAKIS_ESERVER, "grpc://h:1: error 13 without a message");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_filled_in),
        cmocka_unit_test(other_urls_are_refused_by_name),
        cmocka_unit_test(loopback_is_told_from_the_world),
        cmocka_unit_test(locations_say_how_they_are_read),
        cmocka_unit_test(hosts_are_names_or_addresses),
        cmocka_unit_test(a_call_ends_in_our_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
