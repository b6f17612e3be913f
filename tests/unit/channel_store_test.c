/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/channel.h"
#include "channel/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put(ark_channel_store *store, const char *name, double rate, int64_t index)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = name;
    info.dtype = ARRAKIS_INT8;
    info.sample_rate = rate;
    info.partition_id = "p";
    info.partition_index = index;
    size_t place = ark_channel_store_find(store, name, strlen(name));
    assert_int_equal(ark_channel_store_put(store, place, &info, NULL), ARRAKIS_OK);
}

static void a_store_is_what_a_list_would_be(void **state)
{
    (void)state;
    enum { NAMES = 300 };
    ark_channel_store store = {0};
    bool there[NAMES] = {false};
    uint32_t random = 1;
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
        random = random * 1664525u + 1013904223u;
        size_t i = (random >> 8) % NAMES;
        char name[20];
        size_t length = (size_t)snprintf(name, sizeof name, "H1:%zu", i);
        size_t place = ark_channel_store_find(&store, name, length);
        assert_int_equal(place != ARK_NO_INDEX, there[i]);
        if (there[i]) {
            assert_string_equal(ark_channel_store_name(&store, place), name);
            ark_channel_store_remove(&store, place);
            count--;
        } else {
            put(&store, name, 1, (int64_t)i);
            count++;
        }
        there[i] = !there[i];
        assert_int_equal(store.count, count);
    }
    ark_channel_store_clear(&store);
    assert_int_equal(store.count, 0);
}

static void what_is_put_comes_back(void **state)
{
    (void)state;
    ark_channel_store store = {0};
    put(&store, "H1:A", 16, UINT32_MAX);
    put(&store, "H1:B", 0.5, ARRAKIS_UNSET);
    put(&store, "H1:A", 32, 0);
    assert_int_equal(store.count, 2);
    arrakis_channel_info info = ark_channel_store_info(&store, 0);
    assert_string_equal(info.name, "H1:A");
    assert_true(info.sample_rate == 32);
    assert_int_equal(info.partition_index, 0);
    assert_string_equal(info.partition_id, "p");
    assert_int_equal(info.time_ns, ARRAKIS_UNSET);
    arrakis_channel *channel = ark_channel_store_make(&store, 1);
    ark_channel_store_clear(&store);
    info = ark_info(channel);
    assert_string_equal(info.name, "H1:B");
    assert_int_equal(info.partition_index, ARRAKIS_UNSET);
    arrakis_channel_unref(channel);
}

/* A topic whose channels come and go takes no more than those that there are. */
static void names_of_channels_that_are_gone_take_no_room(void **state)
{
    (void)state;
    enum { LENGTH = 1000, STEPS = 20000 };
    ark_channel_store store = {0};
    char name[LENGTH + 1];
    memset(name, 'x', LENGTH);
    name[LENGTH] = '\0';
    put(&store, "H1:FIRST", 1, 0);
    for (int i = 0; i < STEPS; i++) {
        memcpy(name, "H1:00000", 8);
        for (int k = 7, n = i; n; k--, n /= 10)
            name[k] = (char)('0' + n % 10);
        put(&store, name, 1, 0);
        if (i % 2)
            put(&store, "H1:LAST", 1, 0);
        ark_channel_store_remove(&store, ark_channel_store_find(&store, name, LENGTH));
    }
    assert_int_equal(store.count, 2);
    assert_true(store.text_capacity < 300000);
    assert_int_not_equal(ark_channel_store_find(&store, "H1:FIRST", 8), ARK_NO_INDEX);
    assert_int_not_equal(ark_channel_store_find(&store, "H1:LAST", 7), ARK_NO_INDEX);
    ark_channel_store_clear(&store);
}

/* Slots that are looked at to find each of the channels once. */
static size_t steps_of(const ark_channel_store *store)
{
    size_t steps = 0, mask = store->slot_count - 1;
    for (size_t slot = 0; slot < store->slot_count; slot++)
        if (store->slots[slot].item)
            steps += 1 + ((slot - store->slots[slot].hash) & mask);
    return steps;
}

/* Twice the channels are twice the work, whatever they are called. */
static void looking_up_costs_the_same_however_many_there_are(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    static const char *const patterns[] = {"H1:SUB-%zu", "H1:%zu-SUB_A_LONG_NAME_WITH_ONE_END"};
    for (size_t p = 0; p < 2; p++) {
        ark_channel_store store = {0};
        char name[64];
        for (size_t i = 0; i < MANY; i++) {
            snprintf(name, sizeof name, patterns[p], i);
            put(&store, name, 1, (int64_t)i);
            if (i == MANY / 100 || i == MANY / 10 || i == MANY - 1)
                assert_true(steps_of(&store) < 3 * (i + 1));
        }
        assert_true(store.slot_count <= 4 * MANY);
        ark_channel_store_clear(&store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_is_what_a_list_would_be),
        cmocka_unit_test(what_is_put_comes_back),
        cmocka_unit_test(names_of_channels_that_are_gone_take_no_room),
        cmocka_unit_test(looking_up_costs_the_same_however_many_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
