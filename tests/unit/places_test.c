/* SPDX-License-Identifier: Apache-2.0 */
/* Who has which place at a broker, and where data of a channel may be another one's. */
#include "client/places.h"

#include "support.h"

#define CHANNEL(name, partition, index)                                                           \
    {                                                                                             \
        name, ARRAKIS_INT32, 16, partition, index, SECOND, 0                                      \
    }

static const channel_spec before[] = {CHANNEL("X:A", "p", 0), CHANNEL("X:B", "p", 1),
                                      CHANNEL("X:C", "q", 0), CHANNEL("X:D", "q", 1)};

static int64_t doubt_of(const ark_places *was, const ark_places *is, arrakis_channels *then,
                        arrakis_channels *now, size_t i)
{
    const arrakis_channel *channel = arrakis_channels_get(then, i);
    int64_t index = arrakis_channels_index(now, arrakis_channel_name(channel));
    return ark_places_doubt_ns(was, is, channel,
                               index < 0 ? NULL : arrakis_channels_get(now, (size_t)index));
}

/* `wanted`: per channel of `before`. */
static void expect(const channel_spec *after, size_t count, const bool wanted[4])
{
    arrakis_channels *was = channels_of(before, 4), *is = channels_of(after, count);
    ark_places then, now;
    assert_true(ark_places_make(&then, was) && ark_places_make(&now, is));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(doubt_of(&then, &now, was, is, i), wanted[i] ? UNSET : INT64_MAX);
    ark_places_clear(&then);
    ark_places_clear(&now);
    arrakis_channels_unref(was);
    arrakis_channels_unref(is);
}

static void places_that_stay_are_certain(void **state)
{
    (void)state;
    expect(before, 4, (bool[]){false, false, false, false});
    expect(before, 2, (bool[]){false, false, false, false}); /* nobody has the others' */
}

static void a_partition_that_is_numbered_anew(void **state)
{
    (void)state;
    static const channel_spec swapped[] = {CHANNEL("X:A", "p", 1), CHANNEL("X:B", "p", 0),
                                           CHANNEL("X:C", "q", 0), CHANNEL("X:D", "q", 2)};
    expect(swapped, 4, (bool[]){true, true, false, true});
}

static void a_place_that_another_channel_has(void **state)
{
    (void)state;
    static const channel_spec moved[] = {CHANNEL("X:A", "r", 0), CHANNEL("X:B", "q", 0),
                                         CHANNEL("X:C", "p", 1)};
    expect(moved, 3, (bool[]){false, true, true, false});
    static const channel_spec removed[] = {CHANNEL("X:B", "p", 0)};
    expect(removed, 1, (bool[]){true, true, false, false});
}

static arrakis_channel *channel_at(const char *name, const char *partition, int64_t index,
                                   int64_t time_ns)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = name;
    info.dtype = ARRAKIS_INT32;
    info.sample_rate = 16;
    info.partition_id = partition;
    info.partition_index = index;
    info.time_ns = time_ns;
    arrakis_channel *channel;
    PASS(arrakis_channel_new(&channel, &info, err));
    return channel;
}

static void add(arrakis_channels *channels, arrakis_channel *channel)
{
    PASS(arrakis_channels_add(channels, channel, err));
    arrakis_channel_unref(channel);
}

static arrakis_channels *list_of(arrakis_channel *channel)
{
    arrakis_channels *channels;
    PASS(arrakis_channels_new(&channels, err));
    add(channels, channel);
    return channels;
}

static bool is_taken(ark_places *places, const char *name, const char *partition, int64_t index,
                     int64_t time_ns)
{
    arrakis_channel *channel = channel_at(name, partition, index, time_ns);
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    bool taken = ark_places_is_taken_by(places, &info);
    if (taken)
        ark_places_take(places, channel);
    arrakis_channel_unref(channel);
    return taken;
}

/* The channel is at number 1 of p, described at 100, and goes to q at 200. */
static void a_place_that_a_channel_outside_the_stream_has_taken(void **state)
{
    (void)state;
    arrakis_channels *was = list_of(channel_at("X:A", "p", 1, 100)),
                     *is = list_of(channel_at("X:A", "q", 1, 200));
    ark_places then, now;
    assert_true(ark_places_make(&then, was) && ark_places_make(&now, is));
    assert_false(is_taken(&then, "X:B", "p", 2, 300));
    assert_false(is_taken(&then, "X:B", "q", 1, 300));
    assert_false(is_taken(&then, "X:A", "p", 1, 300));    /* it is itself */
    assert_false(is_taken(&then, "X:ALIAS", "p", 1, 99)); /* it was there before */
    assert_true(doubt_of(&then, &now, was, is, 0) == INT64_MAX);
    assert_true(is_taken(&then, "X:B", "p", 1, 300));
    assert_int_equal(doubt_of(&then, &now, was, is, 0), 300);
    assert_true(is_taken(&then, "X:C", "p", 1, 250));
    assert_true(is_taken(&then, "X:D", "p", 1, 400));
    assert_int_equal(doubt_of(&then, &now, was, is, 0), 250);
    assert_true(is_taken(&then, "X:E", "p", 1, UNSET));
    assert_true(doubt_of(&then, &now, was, is, 0) == UNSET);
    ark_places_drop_takers(&then);
    assert_true(doubt_of(&then, &now, was, is, 0) == INT64_MAX);
    assert_true(is_taken(&then, "X:B", "p", 1,
                         300)); /* a channel that was removed has a place to be taken, too */
    ark_places_clear(&now);
    assert_int_equal(ark_places_doubt_ns(&then, &now, arrakis_channels_get(was, 0), NULL), 300);
    ark_places_clear(&then);
    arrakis_channels_unref(was);
    arrakis_channels_unref(is);
}

/* The channel is at number 1 of p, described at 100, and goes to number 2 of p at 200. */
static void the_first_that_can_have_the_place_makes_it_doubtful(void **state)
{
    (void)state;
    arrakis_channels *was = list_of(channel_at("X:A", "p", 1, 100)),
                     *is = list_of(channel_at("X:A", "p", 2, 200));
    add(was, channel_at("X:OTHER", "r", 0, 100));
    ark_places then, now;
    assert_true(ark_places_make(&then, was) && ark_places_make(&now, is));
    assert_int_equal(doubt_of(&then, &now, was, is, 0), 200);
    assert_true(is_taken(&then, "X:B", "p", 1, 250));
    assert_int_equal(doubt_of(&then, &now, was, is, 0), 200);
    assert_true(is_taken(&then, "X:C", "p", 1, 150));
    assert_int_equal(doubt_of(&then, &now, was, is, 0), 150);
    ark_places_clear(&now);
    add(is, channel_at("X:OTHER", "p", 1, 120)); /* one of the stream has it */
    assert_true(ark_places_make(&now, is));
    assert_int_equal(doubt_of(&then, &now, was, is, 0), 120);
    ark_places_clear(&then);
    ark_places_clear(&now);
    arrakis_channels_unref(was);
    arrakis_channels_unref(is);
}

static void another_name_for_what_is_in_a_place_has_not_taken_it(void **state)
{
    (void)state;
    static const int64_t times[] = {50, 250};
    for (size_t i = 0; i < COUNT(times); i++) {
        arrakis_channels *was = list_of(channel_at("X:A", "p", 1, 100)),
                         *is = list_of(channel_at("X:A", "p", 2, 200));
        add(was, channel_at("X:ALIAS", "p", 1, 50));
        add(is, channel_at("X:ALIAS", "p", 1, times[i]));
        ark_places then, now;
        assert_true(ark_places_make(&then, was) && ark_places_make(&now, is));
        assert_int_equal(doubt_of(&then, &now, was, is, 0), 200);
        assert_true(doubt_of(&then, &now, was, is, 1) == INT64_MAX);
        ark_places_clear(&then);
        ark_places_clear(&now);
        arrakis_channels_unref(was);
        arrakis_channels_unref(is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_that_stay_are_certain),
        cmocka_unit_test(a_partition_that_is_numbered_anew),
        cmocka_unit_test(a_place_that_another_channel_has),
        cmocka_unit_test(a_place_that_a_channel_outside_the_stream_has_taken),
        cmocka_unit_test(the_first_that_can_have_the_place_makes_it_doubtful),
        cmocka_unit_test(another_name_for_what_is_in_a_place_has_not_taken_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
