/* SPDX-License-Identifier: Apache-2.0 */
/* Channels, lists, files and searches of them where one allocation fails. Plain texts: jansson, which reads
 * all others, takes some failures of memory for a malformed text, or for another one. */
#include "allocation.h"
#include <unistd.h>

static const char text[] =
    "{\"name\": \"X:A\", \"data_type\": \"float32\", \"sample_rate\": 16, \"publisher\": \"P\", "
    "\"partition_id\": \"%s\", \"partition_index\": 3, \"stride\": 62500000}";
static long round_number;

/* Not one of those that are shared already. */
static arrakis_channel *take_channel(arrakis_status *rc)
{
    char line[400], partition[40];
    arrakis_channel *channel;
    snprintf(partition, sizeof partition, "p%ld", round_number++);
    snprintf(line, sizeof line, text, partition);
    *rc = arrakis_channel_from_json(&channel, line, strlen(line), NULL);
    assert_true((*rc == ARRAKIS_OK) == (channel != NULL));
    if (channel) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(channel, &info);
        assert_string_equal(info.partition_id, partition);
        assert_int_equal(info.partition_index, 3);
    }
    return channel;
}

static arrakis_status read_and_write_json(void *opaque)
{
    (void)opaque;
    arrakis_status rc;
    arrakis_channel *channel = take_channel(&rc);
    char *json = arrakis_channel_to_json(channel);
    if (json)
        assert_non_null(strstr(json, "\"stride\": 62500000"));
    else if (rc == ARRAKIS_OK)
        rc = ARRAKIS_ENOMEM;
    free(json);
    arrakis_channel_unref(channel);
    return rc;
}

static void a_channel_as_json(void **state)
{
    (void)state;
    fail_each_allocation(read_and_write_json, NULL, 4, ARRAKIS_ENOMEM);
}

static bool count_channel(arrakis_channel *channel, void *opaque)
{
    assert_non_null(channel);
    ++*(size_t *)opaque;
    return true;
}

static arrakis_status load_and_search(void *opaque)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_client_options options = ARRAKIS_CLIENT_OPTIONS_INIT;
    static const arrakis_property property = {"client.id", "x"};
    static const char *const brokers[] = {"a.example", "*.example:9092"};
    arrakis_query query = ARRAKIS_QUERY_INIT;
    arrakis_client *client;
    arrakis_channels *list = NULL;
    static const char *const wanted[] = {"X:N40", "X:N3"};
    size_t found = 0;
    options.metadata_path = opaque;
    to.properties = &property;
    to.property_count = 1;
    to.allowed_brokers = brokers;
    to.allowed_broker_count = COUNT(brokers);
    query.pattern = "X:N[0-4]$";
    arrakis_status rc = arrakis_client_open(&client, &to, &options, NULL);
    assert_true((rc == ARRAKIS_OK) == (client != NULL));
    if (rc == ARRAKIS_OK)
        rc = arrakis_client_find(client, &query, count_channel, &found, NULL);
    if (rc == ARRAKIS_OK) {
        assert_int_equal(found, 5);
        rc = arrakis_client_describe(client, &list, wanted, COUNT(wanted), UNSET, NULL, NULL);
    }
    if (rc == ARRAKIS_OK) {
        assert_int_equal(arrakis_channels_count(list), COUNT(wanted));
        assert_int_equal(arrakis_channels_index(list, "X:N3"), 1);
    }
    arrakis_channels_unref(list);
    arrakis_client_close(client);
    return rc;
}

static void a_client_of_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/arrakis_allocation_XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    for (int i = 0; i < 50; i++)
        fprintf(file,
                "{\"name\": \"X:N%d\", \"data_type\": \"int8\", \"sample_rate\": 16, "
                "\"partition_id\": \"p%d\", \"partition_index\": %d, \"stride\": 62500000}\n",
                i, i / 10, i);
    assert_int_equal(fclose(file), 0);
    fail_each_allocation(load_and_search, path, 100, ARRAKIS_ENOMEM);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_as_json),
        cmocka_unit_test(a_client_of_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
