/* SPDX-License-Identifier: Apache-2.0 */
/* What arrakis_endpoint_reader_new() accepts. That its readers deliver, libarrakis.compat's tests show. */
#include <arrakis/reader.h>

#include "flight/budget.h"
#include "support.h"

static arrakis_client *client;
static arrakis_channels *channels;
static arrakis_error err;

static const char ticket[] = "{\"request\": \"Stream\", \"args\": {\"channels\": [\"H1:A-B\"], "
                             "\"start\": 1, \"end\": null}}";

/* Does not connect. */
static int open_client(void **state)
{
    (void)state;
    arrakis_connection connection = ARRAKIS_CONNECTION_INIT;
    connection.url = "grpc://127.0.0.1:1";
    connection.token = "";
    if (arrakis_client_open(&client, &connection, NULL, &err) == ARRAKIS_EUNSUPPORTED)
        client = NULL; /* built without Flight */
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = "H1:A-B";
    info.dtype = ARRAKIS_FLOAT32;
    info.sample_rate = 16;
    info.stride_ns = ARRAKIS_SECOND_NS;
    arrakis_channel *channel;
    assert_int_equal(arrakis_channel_new(&channel, &info, &err), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_new(&channels, &err), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_add(channels, channel, &err), ARRAKIS_OK);
    arrakis_channel_unref(channel);
    return 0;
}

static int close_client(void **state)
{
    (void)state;
    arrakis_channels_unref(channels);
    arrakis_client_close(client);
    return 0;
}

static arrakis_status make(const arrakis_endpoint *endpoints, size_t count)
{
    arrakis_reader *reader;
    arrakis_status rc = arrakis_endpoint_reader_new(&reader, client, endpoints, count, channels, 1,
                                                    ARRAKIS_UNSET, &err);
    assert_true((rc == ARRAKIS_OK) == (reader != NULL));
    arrakis_reader_close(reader);
    return rc;
}

static void an_endpoint_without_a_location_is_the_server_itself(void **state)
{
    (void)state;
    if (!client)
        skip();
    const char *const locations[] = {"arrow-flight-reuse-connection://?", "grpc://127.0.0.1:2"};
    const arrakis_endpoint one[] = {{ticket, sizeof ticket - 1, NULL, 0}};
    const arrakis_endpoint two[] = {{ticket, sizeof ticket - 1, locations, 2},
                                    {ticket, sizeof ticket - 1, locations + 1, 1}};
    assert_int_equal(make(one, 1), ARRAKIS_OK);
    assert_int_equal(make(two, 2), ARRAKIS_OK);
}

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    if (!client)
        skip();
    const char *const broker[] = {"kafka://127.0.0.1:9092"};
    const arrakis_endpoint at_broker = {ticket, sizeof ticket - 1, broker, 1};
    const arrakis_endpoint torn = {ticket, 20, NULL, 0};
    const arrakis_endpoint empty = {NULL, 0, NULL, 0};
    static const char other[] = "{\"args\": {\"channels\": [\"H1:C-D\"]}}";
    const arrakis_endpoint elsewhere = {other, sizeof other - 1, NULL, 0};
    assert_int_equal(make(&at_broker, 1), ARRAKIS_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "kafka://127.0.0.1:9092"));
    assert_int_equal(make(&torn, 1), ARRAKIS_EFORMAT);
    assert_int_equal(make(&empty, 1), ARRAKIS_EFORMAT);
    assert_int_equal(make(&elsewhere, 1), ARRAKIS_ENOTFOUND);
    assert_int_equal(make(&torn, 0), ARRAKIS_EINVAL);
}

static void there_may_be_so_many_endpoints_and_locations(void **state)
{
    (void)state;
    if (!client)
        skip();
    const char *locations[ARK_LOCATIONS_MAX + 1];
    for (size_t i = 0; i <= ARK_LOCATIONS_MAX; i++)
        locations[i] = "grpc://127.0.0.1:2";
    arrakis_endpoint one = {ticket, sizeof ticket - 1, locations, ARK_LOCATIONS_MAX};
    assert_int_equal(make(&one, 1), ARRAKIS_OK);
    one.location_count++;
    assert_int_equal(make(&one, 1), ARRAKIS_EINVAL);
    arrakis_endpoint *many = calloc(ARK_ENDPOINTS_MAX + 1, sizeof *many);
    assert_non_null(many);
    for (size_t i = 0; i <= ARK_ENDPOINTS_MAX; i++)
        many[i] = (arrakis_endpoint){ticket, sizeof ticket - 1, NULL, 0};
    assert_int_equal(make(many, ARK_ENDPOINTS_MAX), ARRAKIS_OK);
    assert_int_equal(make(many, ARK_ENDPOINTS_MAX + 1), ARRAKIS_EINVAL);
    free(many);
}

static void a_client_without_a_server_has_no_endpoints(void **state)
{
    (void)state;
    arrakis_connection connection = ARRAKIS_CONNECTION_INIT;
    connection.kafka_url = "127.0.0.1:1";
    arrakis_client *before = client;
    assert_int_equal(arrakis_client_open(&client, &connection, NULL, &err), ARRAKIS_OK);
    const arrakis_endpoint one = {ticket, sizeof ticket - 1, NULL, 0};
    assert_int_equal(make(&one, 1), ARRAKIS_EINVAL);
    assert_non_null(strstr(err.message, "expected url"));
    arrakis_client_close(client);
    client = before;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_without_a_location_is_the_server_itself),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(there_may_be_so_many_endpoints_and_locations),
        cmocka_unit_test(a_client_without_a_server_has_no_endpoints),
    };
    return cmocka_run_group_tests(tests, open_client, close_client);
}
