/* SPDX-License-Identifier: Apache-2.0 */
/* What channels were, and which descriptions and records matter to a stream that has them. */
#include "client/known.h"

#include "support.h"

#define CHANNEL(name, partition, index)                                                           \
    {                                                                                             \
        name, ARRAKIS_INT32, 16, partition, index, SECOND, 0                                      \
    }

static const channel_spec before[] = {CHANNEL("X:A", "p", 0), CHANNEL("X:B", "p", 1)};

static void open_known(ark_known *known, arrakis_channels **channels)
{
    *channels = channels_of(before, 2);
    PASS(ark_known_init(known, *channels, true, err));
    ark_known_set(known, *channels);
}

static void close_known(ark_known *known, arrakis_channels *channels)
{
    ark_known_clear(known);
    arrakis_channels_unref(channels);
}

static void what_differs_is_named_by_the_first_of_them(void **state)
{
    (void)state;
    static const channel_spec after[] = {CHANNEL("X:B", "q", 1)};
    ark_known known;
    ark_change change;
    arrakis_channels *was, *is = channels_of(after, 1);
    open_known(&known, &was);
    for (int follow = 0; follow < 2; follow++) {
        assert_int_equal(ark_known_compare(&known, is, follow, &change), ARRAKIS_OK);
        assert_int_equal(change.what.status, ARRAKIS_ECHANGED);
        assert_string_equal(change.what.message,
                            "channel 'X:A' was removed; so have 1 other channels");
        assert_true(change.gone && change.changed[1] && change.changed[0] == !follow);
        assert_true(change.doubt_ns == INT64_MAX);
        free(change.changed);
    }
    assert_int_equal(ark_known_compare(&known, was, true, &change), ARRAKIS_OK);
    assert_int_equal(change.what.status, ARRAKIS_OK);
    free(change.changed);
    arrakis_channels_unref(is);
    close_known(&known, was);
}

static bool may_change(const ark_known *known, bool noticed, const char *key, const char *value)
{
    return ark_known_may_change(known, noticed, key, strlen(key), value,
                                value ? strlen(value) : 0);
}

#define RECORD(name, index)                                                                       \
    "{\"name\": \"" name "\", \"data_type\": \"int32\", \"sample_rate\": 16, \"stride\": "        \
    "1000000000, \"partition_id\": \"p\", \"partition_index\": " index "}"

static void a_record_matters_when_it_differs(void **state)
{
    (void)state;
    ark_known known;
    arrakis_channels *was;
    open_known(&known, &was);
    assert_false(may_change(&known, false, "X:A", RECORD("X:A", "0")));
    assert_true(may_change(&known, false, "X:A", RECORD("X:A", "2")));
    assert_true(may_change(&known, false, "X:A", NULL));
    assert_false(may_change(&known, false, "X:A", "not a channel"));
    assert_false(may_change(&known, false, "X:C", NULL));
    /* of the channels of a stream that has noticed a change every record may tell that they are as
     * they were */
    assert_true(may_change(&known, true, "X:A", RECORD("X:A", "0")));
    assert_true(may_change(&known, true, "X:A", "not a channel"));
    close_known(&known, was);
}

/* The channel that takes a place may be described after the one that has left it. */
static void a_record_of_another_channel_matters_once_a_change_is_noticed(void **state)
{
    (void)state;
    ark_known known;
    arrakis_channels *was;
    open_known(&known, &was);
    assert_false(may_change(&known, false, "X:C", RECORD("X:C", "1")));
    assert_true(may_change(&known, true, "X:C", RECORD("X:C", "1")));
    assert_false(may_change(&known, true, "X:C", RECORD("X:C", "2")));
    assert_false(may_change(&known, true, "X:C", "not a channel"));
    assert_false(may_change(&known, true, "X:C", NULL));
    close_known(&known, was);
}

static void what_is_not_known_yet_does_not_change(void **state)
{
    (void)state;
    ark_known known;
    arrakis_channels *was = channels_of(before, 2);
    PASS(ark_known_init(&known, was, true, err));
    assert_false(may_change(&known, true, "X:A", NULL));
    close_known(&known, was);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_is_named_by_the_first_of_them),
        cmocka_unit_test(a_record_matters_when_it_differs),
        cmocka_unit_test(a_record_of_another_channel_matters_once_a_change_is_noticed),
        cmocka_unit_test(what_is_not_known_yet_does_not_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
