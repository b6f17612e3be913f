/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/channel.h"
#include "channel/json.h"
#include "channel/store.h"
#include "channel/selection.h"
#include "kafka/metadata.h"
#include "kafka/metadata_digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What was logged, last line. */
static char logged[1024];
static int log_count;

static void take_log(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    assert_int_equal(level, ARRAKIS_LOG_WARNING);
    snprintf(logged, sizeof logged, "%s", message);
    log_count++;
}

static int hear_log(void **state)
{
    (void)state;
    log_count = 0;
    logged[0] = '\0';
    arrakis_log_set(ARRAKIS_LOG_WARNING, take_log, NULL);
    return 0;
}

#define NOW (INT64_C(1400000000) * ARRAKIS_SECOND_NS)

static int64_t offset;

static void apply(ark_metadata *metadata, const char *key, const char *value)
{
    arrakis_error err;
    if (ark_metadata_apply(metadata, key, key ? strlen(key) : 0, value, value ? strlen(value) : 0,
                           offset++, &err) < 0)
        fail_msg("%s", err.message);
}

static const char *json_of(const char *name, double rate)
{
    static char text[200];
    snprintf(text, sizeof text, "{\"name\": \"%s\", \"data_type\": \"int8\", \"sample_rate\": %g}",
             name, rate);
    return text;
}

static void put(ark_metadata *metadata, const char *name, double rate)
{
    apply(metadata, name, json_of(name, rate));
}

static ark_metadata *start(void)
{
    ark_metadata *metadata;
    offset = 0;
    assert_int_equal(ark_metadata_new(&metadata, "arrakis-metadata-T", NOW, NULL), ARRAKIS_OK);
    return metadata;
}

static bool add_text(arrakis_channel *channel, void *opaque)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    char *text = opaque;
    sprintf(text + strlen(text), "%s@%g ", info.name, info.sample_rate);
    return true;
}

static ark_choice take_all(const arrakis_channel_info *info, void *opaque)
{
    (void)info;
    (void)opaque;
    return ARK_CHOICE_TAKE;
}

static void holds(ark_metadata *metadata, const char *wanted)
{
    char text[1000] = "";
    const ark_selection selection = {.choose = take_all, .take = add_text, .opaque = text};
    assert_int_equal(ark_metadata_each(metadata, &selection, NULL), ARRAKIS_OK);
    assert_string_equal(text, wanted);
}

static void the_last_record_of_a_name_holds(void **state)
{
    (void)state;
    ark_metadata *metadata = start();
    put(metadata, "H1:A", 16);
    put(metadata, "H1:B", 16);
    put(metadata, "H1:A", 256);
    holds(metadata, "H1:A@256 H1:B@16 ");
    assert_true(ark_metadata_check(metadata));
    assert_int_equal(log_count, 0);
    ark_metadata_free(metadata);
}

static ark_choice take_fast(const arrakis_channel_info *info, void *opaque)
{
    (void)opaque;
    return info->sample_rate >= 1000 ? ARK_CHOICE_STOP
           : info->sample_rate >= 10 ? ARK_CHOICE_TAKE
                                     : ARK_CHOICE_SKIP;
}

static bool add_one(arrakis_channel *channel, void *opaque)
{
    add_text(channel, opaque);
    return false;
}

static void selected_channels_are_handed_on_until_the_selection_stops(void **state)
{
    (void)state;
    static const char *const names[] = {"H1:C", "H1:NEVER", "H1:A"};
    char text[100] = "";
    ark_selection selection = {.choose = take_fast, .take = add_text, .opaque = text};
    ark_metadata *metadata = start();
    put(metadata, "H1:A", 1);
    put(metadata, "H1:B", 10);
    put(metadata, "H1:C", 20);
    assert_int_equal(ark_metadata_each(metadata, &selection, NULL), ARRAKIS_OK);
    assert_string_equal(text, "H1:B@10 H1:C@20 ");
    text[0] = '\0';
    selection.take = add_one;
    assert_int_equal(ark_metadata_each(metadata, &selection, NULL), ARRAKIS_DONE);
    assert_string_equal(text, "H1:B@10 ");
    text[0] = '\0';
    selection.choose = take_all;
    selection.take = add_text;
    selection.names = names;
    selection.name_count = 3;
    assert_int_equal(ark_metadata_each(metadata, &selection, NULL), ARRAKIS_OK);
    assert_string_equal(text, "H1:C@20 H1:A@1 ");
    text[0] = '\0';
    selection.name_count = 0;
    selection.choose = take_fast;
    put(metadata, "H1:A", 1000);
    assert_int_equal(ark_metadata_each(metadata, &selection, NULL), ARRAKIS_DONE);
    assert_string_equal(text, "");
    ark_metadata_free(metadata);
}

static void a_tombstone_removes_a_channel(void **state)
{
    (void)state;
    ark_metadata *metadata = start();
    apply(metadata, "H1:NEVER", NULL);
    put(metadata, "H1:A", 1);
    put(metadata, "H1:B", 2);
    put(metadata, "H1:C", 3);
    apply(metadata, "H1:A", NULL);
    holds(metadata, "H1:C@3 H1:B@2 ");
    put(metadata, "H1:A", 4);
    apply(metadata, "H1:B", NULL);
    holds(metadata, "H1:C@3 H1:A@4 ");
    assert_int_equal(log_count, 0);
    ark_metadata_free(metadata);
}

/* Whatever slot such a key falls on, the channel that ends where its zero stands is another. */
static void a_key_with_a_zero_byte_is_no_channel(void **state)
{
    (void)state;
    ark_metadata *metadata = start();
    put(metadata, "H1:A", 1);
    for (int i = 0; i < 1000; i++) {
        char key[64] = "H1:A";
        snprintf(key + 5, sizeof key - 5, "%d", i);
        assert_int_equal(ark_metadata_apply(metadata, key, sizeof key, NULL, 0, i, NULL),
                         ARRAKIS_OK);
    }
    holds(metadata, "H1:A@1 ");
    ark_metadata_free(metadata);
}

static void the_publisher_s_own_record_is_no_channel(void **state)
{
    (void)state;
    ark_metadata *metadata = start();
    apply(metadata, "__publisher_info__", "{\"publisher_id\": \"T\", \"stride\": 62500000}");
    apply(metadata, "__publisher_info__", NULL);
    holds(metadata, "");
    assert_int_equal(log_count, 0);
    ark_metadata_free(metadata);
}

static void what_cannot_be_read_is_skipped_and_logged(void **state)
{
    (void)state;
    ark_metadata *metadata = start();
    put(metadata, "H1:A", 1);
    apply(metadata, "H1:A", "{");
    assert_non_null(
        strstr(logged, "arrakis-metadata-T offset 1: record skipped: a channel is no"));
    apply(metadata, "H1:B", json_of("H1:C", 1));
    assert_non_null(strstr(logged, "its key is not the channel's name"));
    apply(metadata, "H1:", json_of("H1:A", 1));
    assert_non_null(strstr(logged, "its key is not the channel's name"));
    apply(metadata, NULL, json_of("H1:D", 1));
    assert_non_null(strstr(logged, "it has no key"));
    apply(metadata, "H1:E", "");
    apply(metadata, "__digest__", "{\"version\": 1, \"digest\": \"12\"}");
    assert_non_null(strstr(logged, "not a SHA-256"));
    apply(metadata, "__digest__", "x");
    apply(metadata, "__digest__", "[]");
    assert_int_equal(log_count, 7);
    holds(metadata, "H1:A@1 ");
    ark_metadata_free(metadata);
}

static const char *record_of(const char *publisher, int64_t time_ns)
{
    static char text[200];
    snprintf(text, sizeof text,
             "{\"name\": \"H1:A\", \"data_type\": \"int8\", \"sample_rate\": 2, \"publisher\": "
             "\"%s\", \"time\": %lld}",
             publisher, (long long)time_ns);
    return text;
}

static void a_topic_speaks_for_its_own_publisher_alone(void **state)
{
    (void)state;
    ark_metadata *metadata = start();
    put(metadata, "H1:A", 1);
    apply(metadata, "H1:A", record_of("P", 0));
    assert_string_equal(logged,
                        "arrakis-metadata-T offset 1: record skipped: its publisher is not "
                        "the one that the topic is named after");
    apply(metadata, "H1:A", record_of("TT", 0));
    assert_int_equal(log_count, 2);
    holds(metadata, "H1:A@1 ");
    apply(metadata, "H1:A", record_of("T", 0));
    holds(metadata, "H1:A@2 ");
    ark_metadata_free(metadata);
}

static void a_time_more_than_a_minute_ahead_is_refused(void **state)
{
    (void)state;
    ark_metadata *metadata = start();
    put(metadata, "H1:A", 1);
    apply(metadata, "H1:A", record_of("T", NOW + 60 * ARRAKIS_SECOND_NS + 1));
    assert_string_equal(logged,
                        "arrakis-metadata-T offset 1: record skipped: its time is more than "
                        "a minute in the future");
    apply(metadata, "H1:A", record_of("T", INT64_C(4000000000000000000)));
    assert_int_equal(log_count, 2);
    holds(metadata, "H1:A@1 ");
    apply(metadata, "H1:A", record_of("T", NOW + 60 * ARRAKIS_SECOND_NS));
    holds(metadata, "H1:A@2 ");
    ark_metadata_free(metadata);
}

static void of_many_records_that_are_skipped_ten_are_logged_and_the_rest_counted(void **state)
{
    (void)state;
    ark_metadata *metadata = start();
    for (int i = 0; i < 1000; i++)
        apply(metadata, "H1:A", "{");
    assert_int_equal(log_count, 10);
    assert_true(ark_metadata_check(metadata));
    assert_int_equal(log_count, 11);
    assert_string_equal(logged, "arrakis-metadata-T: 1000 records were skipped");
    ark_metadata_free(metadata);
}

/* A channel whose record is nearly as large as one may be. */
static arrakis_status put_large(ark_metadata *metadata, int number, arrakis_error *err)
{
    enum { LENGTH = 1000000 };
    static char text[LENGTH + 100];
    char *name = text + strlen("{\"name\": \"");
    memset(text, 'x', sizeof text);
    memcpy(text, "{\"name\": \"", strlen("{\"name\": \""));
    memcpy(name, "H1:", 3);
    snprintf(name + LENGTH - 8, 60, "%08d\", \"data_type\": \"int8\", \"sample_rate\": 1}",
             number);
    return ark_metadata_apply(metadata, name, LENGTH, text, strlen(text), offset++, err);
}

static void the_channels_of_a_topic_may_take_256_mib(void **state)
{
    (void)state;
    enum { FIT = (256 << 20) / 1000200 };
    ark_metadata *metadata = start();
    arrakis_error err;
    for (int i = 0; i < FIT; i++)
        assert_int_equal(put_large(metadata, i, NULL), ARRAKIS_OK);
    assert_true(ark_metadata_bytes(metadata) <= ARK_METADATA_BYTES_MAX);
    assert_int_equal(put_large(metadata, 0, NULL), ARRAKIS_OK); /* in its own place */
    assert_int_equal(put_large(metadata, FIT, &err), ARRAKIS_EFORMAT);
    assert_string_equal(err.message, "arrakis-metadata-T: its channels take over 256 MiB");
    apply(metadata, "H1:NEVER", NULL);
    assert_int_equal(log_count, 0);
    ark_metadata_free(metadata);
}

/* ------------------------------------------------------------------ digests */

/* The digests of these two, and of none, are the reference's channel_set_digest. */
static const char *const channels[] = {
    "{\"name\": \"H1:B-TWO\", \"data_type\": \"float64\", \"sample_rate\": 16384, \"time\": null, "
    "\"publisher\": \"T\", \"partition_id\": \"H1_P_float64_0000\", \"partition_index\": 7, "
    "\"stride\": 62500000, \"max_latency\": 6000000000, \"replay_id\": null}",
    "{\"name\": \"H1:A-ONE\", \"data_type\": \"int32\", \"sample_rate\": 0.3333333333333333, "
    "\"publisher\": \"T\", \"partition_id\": \"H1_P_int32_0000\", \"partition_index\": 0, "
    "\"stride\": 62500000, \"max_latency\": 0, \"replay_id\": null}",
    "{\"name\": \"H1:C-THREE\", \"data_type\": \"float32\", \"sample_rate\": 123456.789, "
    "\"replay_id\": \"o4-replay\"}",
    "{\"name\": \"H1:\\u00e9-FOUR\", \"data_type\": \"uint8\", \"sample_rate\": 1e-07, "
    "\"partition_id\": \"p\"}",
    "{\"name\": \"H1:A-ON\", \"data_type\": \"int64\", \"sample_rate\": 16.0, "
    "\"partition_index\": 4294967295, \"stride\": 1000000000}",
};
static const char *const keys[] = {"H1:B-TWO", "H1:A-ONE", "H1:C-THREE", "H1:\xc3\xa9-FOUR",
                                   "H1:A-ON"};
#define DIGEST "4736e8c2df5e43b33618744ea6e5ddd1fcefdffe469c94c135e2fb835b0da735"
#define DIGEST_OF_NONE "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void apply_digest(ark_metadata *metadata, int version, const char *digest)
{
    char text[200];
    snprintf(text, sizeof text, "{\"version\": %d, \"digest\": \"%s\", \"count\": 5}", version,
             digest);
    apply(metadata, "__digest__", text);
}

static ark_metadata *start_with_channels(void)
{
    ark_metadata *metadata = start();
    for (size_t i = 0; i < 5; i++)
        apply(metadata, keys[i], channels[i]);
    return metadata;
}

static void store_json(ark_channel_store *store, const char *json)
{
    ark_channel_json text;
    assert_int_equal(ark_channel_json_read(&text, json, strlen(json), NULL), ARRAKIS_OK);
    assert_int_equal(ark_channel_store_put(store, ARK_NO_INDEX, &text.info, NULL), ARRAKIS_OK);
    ark_channel_json_clear(&text);
}

static void assert_digest(const ark_channel_store *store, const char *wanted)
{
    char hex[65];
    assert_int_equal(ark_metadata_digest(hex, store, NULL), ARRAKIS_OK);
    assert_string_equal(hex, wanted);
}

static void a_digest_is_the_reference_s(void **state)
{
    (void)state;
    ark_channel_store store = {0};
    assert_digest(&store, DIGEST_OF_NONE);
    for (size_t i = 0; i < 5; i++)
        store_json(&store, channels[i]);
    assert_digest(&store, DIGEST);
    ark_channel_store_clear(&store);
}

/* A name that is another one's beginning comes first, unless a character below the fields' separator
 * follows, or that separator itself. The digests are the reference's. */
static void entries_are_sorted_as_a_whole(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "H1:A", "H1:A\\u001fzzz", "H1:A\\u001fo4", "H1:A\\u001e", "H1:A ", "H1:A\\u001f",
    };
    ark_channel_store store = {0};
    char text[200];
    for (size_t i = 0; i < 6; i++) {
        snprintf(text, sizeof text,
                 "{\"name\": \"%s\", \"data_type\": \"int8\", \"sample_rate\": 1%s}", odd[i],
                 i ? "" : ", \"replay_id\": \"o4b\"");
        store_json(&store, text);
    }
    assert_digest(&store, "129422b67c5837e4cf87aca1cb650eca545e3a0ff25c6af67d33b2b2a54cc868");
    ark_channel_store_clear(&store);
}

/* Of 100,000 channels, none in its place: 7 and 100,000 have no common divisor. */
static void a_digest_does_not_depend_on_the_order_of_records(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    ark_channel_store store = {0};
    for (size_t k = 0; k < MANY; k++) {
        size_t i = k * 7 % MANY;
        char name[40], partition[20];
        snprintf(name, sizeof name, "H1:C%zu", i);
        snprintf(partition, sizeof partition, "p%zu", i % 5000);
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = name;
        info.dtype = i % 2 ? ARRAKIS_FLOAT32 : ARRAKIS_INT16;
        info.sample_rate = 0.1 * (double)(i % 200 + 1);
        info.partition_id = partition;
        info.partition_index = (int64_t)(i * 40000);
        info.stride_ns = 62500000;
        assert_int_equal(ark_channel_store_put(&store, ARK_NO_INDEX, &info, NULL), ARRAKIS_OK);
    }
    assert_digest(&store, "2dc2c598f1cbeeda2ffd3770a2a55d89ef25fdf381d35effefbba247469560e5");
    ark_channel_store_clear(&store);
}

static void a_digest_that_agrees_is_quiet(void **state)
{
    (void)state;
    ark_metadata *metadata = start_with_channels();
    apply_digest(metadata, 1, DIGEST);
    apply(metadata, "__publisher_info__", "{}");
    assert_true(ark_metadata_check(metadata));
    assert_int_equal(log_count, 0);
    ark_metadata_free(metadata);
}

static void a_digest_that_differs_is_a_warning(void **state)
{
    (void)state;
    ark_metadata *metadata = start_with_channels();
    apply(metadata, keys[0], NULL);
    apply_digest(metadata, 1, DIGEST);
    assert_false(ark_metadata_check(metadata));
    assert_int_equal(log_count, 1);
    assert_non_null(strstr(logged, "arrakis-metadata-T: its 4 channels (0 records skipped)"));
    assert_non_null(strstr(logged, "5 channels and digest " DIGEST));
    ark_metadata_free(metadata);
}

static void only_the_last_digest_counts(void **state)
{
    (void)state;
    ark_metadata *metadata = start_with_channels();
    apply_digest(metadata, 1, DIGEST_OF_NONE);
    apply_digest(metadata, 1, DIGEST);
    assert_true(ark_metadata_check(metadata));
    ark_metadata_free(metadata);
}

static void a_change_after_the_digest_takes_it_away(void **state)
{
    (void)state;
    ark_metadata *metadata = start_with_channels();
    apply_digest(metadata, 1, DIGEST);
    put(metadata, "H1:NEW", 1);
    assert_true(ark_metadata_check(metadata));
    apply_digest(metadata, 1, DIGEST);
    assert_false(ark_metadata_check(metadata));
    apply(metadata, "H1:NEW", NULL);
    apply_digest(metadata, 1, DIGEST);
    assert_true(ark_metadata_check(metadata));
    ark_metadata_free(metadata);
}

static void a_digest_of_another_version_is_left_alone(void **state)
{
    (void)state;
    ark_metadata *metadata = start_with_channels();
    apply_digest(metadata, 2, DIGEST_OF_NONE);
    assert_true(ark_metadata_check(metadata));
    apply_digest(metadata, 1, DIGEST_OF_NONE);
    apply(metadata, "__digest__", NULL);
    assert_true(ark_metadata_check(metadata));
    assert_int_equal(log_count, 0);
    ark_metadata_free(metadata);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_last_record_of_a_name_holds, hear_log),
        cmocka_unit_test_setup(selected_channels_are_handed_on_until_the_selection_stops,
                               hear_log),
        cmocka_unit_test_setup(a_tombstone_removes_a_channel, hear_log),
        cmocka_unit_test_setup(a_key_with_a_zero_byte_is_no_channel, hear_log),
        cmocka_unit_test_setup(the_publisher_s_own_record_is_no_channel, hear_log),
        cmocka_unit_test_setup(what_cannot_be_read_is_skipped_and_logged, hear_log),
        cmocka_unit_test_setup(a_topic_speaks_for_its_own_publisher_alone, hear_log),
        cmocka_unit_test_setup(a_time_more_than_a_minute_ahead_is_refused, hear_log),
        cmocka_unit_test_setup(
            of_many_records_that_are_skipped_ten_are_logged_and_the_rest_counted, hear_log),
        cmocka_unit_test_setup(the_channels_of_a_topic_may_take_256_mib, hear_log),
        cmocka_unit_test(a_digest_is_the_reference_s),
        cmocka_unit_test(entries_are_sorted_as_a_whole),
        cmocka_unit_test(a_digest_does_not_depend_on_the_order_of_records),
        cmocka_unit_test_setup(a_digest_that_agrees_is_quiet, hear_log),
        cmocka_unit_test_setup(a_digest_that_differs_is_a_warning, hear_log),
        cmocka_unit_test_setup(only_the_last_digest_counts, hear_log),
        cmocka_unit_test_setup(a_change_after_the_digest_takes_it_away, hear_log),
        cmocka_unit_test_setup(a_digest_of_another_version_is_left_alone, hear_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
