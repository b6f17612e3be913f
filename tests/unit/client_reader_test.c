/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client.h"
#include "client/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define S ARRAKIS_SECOND_NS

static arrakis_error err;

static int64_t looked_up(int64_t start_ns, int64_t from_ns, int64_t to_ns)
{
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    int64_t time_ns;
    request.start_ns = start_ns;
    request.replay_start_ns = from_ns;
    request.replay_end_ns = to_ns;
    assert_int_equal(ark_client_reader_time(&time_ns, &request, &err), ARRAKIS_OK);
    return time_ns;
}

static void channels_are_looked_up_for_the_start(void **state)
{
    (void)state;
    assert_int_equal(looked_up(5 * S, ARRAKIS_UNSET, ARRAKIS_UNSET), 5 * S);
    assert_true(looked_up(ARRAKIS_UNSET, ARRAKIS_UNSET, ARRAKIS_UNSET) == ARRAKIS_UNSET);
}

static void in_a_replay_for_the_time_in_its_window(void **state)
{
    (void)state;
    assert_int_equal(looked_up(100 * S, 100 * S, 110 * S), 100 * S);
    assert_int_equal(looked_up(110 * S, 100 * S, 110 * S), 100 * S);
    assert_int_equal(looked_up(139 * S, 100 * S, 110 * S), 109 * S);
    assert_int_equal(looked_up(99 * S, 100 * S, 110 * S), 109 * S);
    int64_t now_ns = looked_up(ARRAKIS_UNSET, 100 * S, 110 * S);
    assert_true(now_ns >= 100 * S && now_ns < 110 * S);
}

static void a_window_that_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t from_ns, to_ns;
        const char *replay_id;
    } windows[] = {{5, 5, NULL},
                   {6, 5, NULL},
                   {-1, 5, NULL},
                   {ARRAKIS_UNSET, 5, NULL},
                   {5, ARRAKIS_UNSET, NULL},
                   {5, 6, "o4"}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        arrakis_request request = ARRAKIS_REQUEST_INIT;
        int64_t time_ns;
        request.replay_start_ns = windows[i].from_ns;
        request.replay_end_ns = windows[i].to_ns;
        request.replay_id = windows[i].replay_id;
        assert_int_equal(ark_client_reader_time(&time_ns, &request, &err), ARRAKIS_EINVAL);
        assert_non_null(strstr(err.message, "expected a start, a later end and no replay_id"));
    }
}

static void only_a_server_can_say_what_it_is(void **state)
{
    (void)state;
    arrakis_status (*const calls[])(arrakis_client *, char **, arrakis_error *) = {
        arrakis_client_server_info, arrakis_client_scope_map, arrakis_client_replays,
        arrakis_client_domains, arrakis_client_endpoints};
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_client *client;
    to.kafka_url = "127.0.0.1:1";
    assert_int_equal(arrakis_client_open(&client, &to, NULL, &err), ARRAKIS_OK);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char *json = (char *)"";
        assert_int_equal(calls[i](client, &json, &err), ARRAKIS_EINVAL);
        assert_null(json);
        assert_non_null(strstr(err.message, "has no server, expected url"));
        assert_int_equal(calls[i](client, NULL, &err), ARRAKIS_EINVAL);
        assert_int_equal(calls[i](NULL, &json, &err), ARRAKIS_EINVAL);
    }
    arrakis_client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_are_looked_up_for_the_start),
        cmocka_unit_test(in_a_replay_for_the_time_in_its_window),
        cmocka_unit_test(a_window_that_is_none_is_refused),
        cmocka_unit_test(only_a_server_can_say_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
