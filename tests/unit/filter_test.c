/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/channel.h"
#include "channel/filter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static arrakis_channel *make(const char *name, arrakis_dtype type, double rate,
                             const char *publisher, const char *replay_id)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = name;
    info.dtype = type;
    info.sample_rate = rate;
    info.publisher = publisher;
    info.replay_id = replay_id;
    arrakis_channel *channel;
    arrakis_error err;
    if (arrakis_channel_new(&channel, &info, &err) < 0)
        fail_msg("%s", err.message);
    return channel;
}

static ark_filter *compile(const arrakis_query *query)
{
    ark_filter *filter;
    arrakis_error err;
    if (ark_filter_new(&filter, query, &err) < 0)
        fail_msg("%s", err.message);
    return filter;
}

static bool matches(ark_filter *filter, const arrakis_channel *channel)
{
    const arrakis_channel_info info = ark_info(channel);
    return ark_filter_matches(filter, &info);
}

static bool query_matches(const arrakis_query *query, arrakis_channel *channel)
{
    ark_filter *filter = compile(query);
    bool found = matches(filter, channel);
    assert_int_equal(ark_filter_status(filter, NULL), ARRAKIS_OK);
    ark_filter_free(filter);
    arrakis_channel_unref(channel);
    return found;
}

static bool pattern_matches(const char *pattern, const char *name)
{
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.pattern = pattern;
    return query_matches(&query, make(name, ARRAKIS_INT8, 1, NULL, NULL));
}

static void a_pattern_holds_from_the_first_character(void **state)
{
    (void)state;
    assert_true(pattern_matches(NULL, "H1:SUB-A"));
    assert_true(pattern_matches("", "H1:SUB-A"));
    assert_true(pattern_matches("H1", "H1:SUB-A"));
    assert_true(pattern_matches(".*A", "H1:SUB-AB"));
    assert_false(pattern_matches("SUB", "H1:SUB-A"));
    assert_false(pattern_matches("1:SUB-A", "H1:SUB-A"));
    assert_true(pattern_matches("L1|H1", "H1:SUB-A"));
    assert_false(pattern_matches("L1|SUB", "H1:SUB-A"));
}

static void a_pattern_need_not_reach_the_end(void **state)
{
    (void)state;
    assert_true(pattern_matches("H1:SUB", "H1:SUB-A"));
    assert_false(pattern_matches("H1:SUB$", "H1:SUB-A"));
    assert_true(pattern_matches("H1:SUB-A$", "H1:SUB-A"));
}

/* Each with the answer of Python's re.match. */
static void a_pattern_means_what_it_means_to_the_reference(void **state)
{
    (void)state;
    assert_false(pattern_matches("h1:sub", "H1:SUB-A"));
    assert_true(pattern_matches("(?i)h1:sub", "H1:SUB-A"));
    assert_true(pattern_matches("H1:[^_-]*[_-]A", "H1:SUB-A"));
    assert_true(pattern_matches("(?P<d>\\w+):(?P=d)", "AB:AB-C"));
    assert_true(pattern_matches("H1:\\w-", "H1:\xc3\xa9-A"));
    assert_true(pattern_matches("H1:.-", "H1:\xc3\xa9-A"));
    assert_false(pattern_matches("H1:..-", "H1:\xc3\xa9-A"));
    assert_true(pattern_matches("(?!L1)", "H1:A"));
    assert_true(pattern_matches("H1:A$", "H1:A\n"));
    assert_false(pattern_matches("H1:.B", "H1:\nB"));
}

static void rates_are_inclusive(void **state)
{
    (void)state;
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.min_rate = 16;
    query.max_rate = 256;
    assert_true(query_matches(&query, make("a:b", ARRAKIS_INT8, 16, NULL, NULL)));
    assert_true(query_matches(&query, make("a:b", ARRAKIS_INT8, 256, NULL, NULL)));
    assert_false(query_matches(&query, make("a:b", ARRAKIS_INT8, 15.999, NULL, NULL)));
    assert_false(query_matches(&query, make("a:b", ARRAKIS_INT8, 256.5, NULL, NULL)));
}

static void types_and_publishers_are_sets(void **state)
{
    (void)state;
    const arrakis_dtype types[] = {ARRAKIS_FLOAT64, ARRAKIS_INT8};
    const char *const publishers[] = {"H1_P", "L1_P"};
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.dtypes = types;
    query.dtype_count = 2;
    assert_true(query_matches(&query, make("a:b", ARRAKIS_FLOAT64, 1, NULL, NULL)));
    assert_true(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, NULL, NULL)));
    assert_false(query_matches(&query, make("a:b", ARRAKIS_FLOAT32, 1, NULL, NULL)));
    query.publishers = publishers;
    query.publisher_count = 2;
    assert_true(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, "L1_P", NULL)));
    assert_false(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, "V1_P", NULL)));
    assert_false(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, NULL, NULL)));
    assert_false(query_matches(&query, make("a:b", ARRAKIS_UINT8, 1, "L1_P", NULL)));
}

static void no_replay_means_live(void **state)
{
    (void)state;
    arrakis_query query = ARRAKIS_QUERY_INIT;
    assert_true(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, NULL, NULL)));
    assert_false(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, NULL, "o4")));
    query.replay_id = "";
    assert_true(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, NULL, NULL)));
    query.replay_id = "o4";
    assert_true(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, NULL, "o4")));
    assert_false(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, NULL, "o3")));
    assert_false(query_matches(&query, make("a:b", ARRAKIS_INT8, 1, NULL, NULL)));
}

static void refuse(const arrakis_query *query, const char *said)
{
    ark_filter *filter = (ark_filter *)(uintptr_t)query;
    arrakis_error err;
    assert_int_equal(ark_filter_new(&filter, query, &err), ARRAKIS_EINVAL);
    assert_null(filter);
    if (!strstr(err.message, said))
        fail_msg("'%s' does not have '%s'", err.message, said);
}

static void a_bad_query_is_explained(void **state)
{
    (void)state;
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.pattern = "H1:(SUB";
    refuse(&query, "pattern 'H1:(SUB': missing closing parenthesis (at byte 7)");
    query.pattern = "H1:\xff";
    refuse(&query, "at byte 3");
    query.pattern = "H1:\\C";
    refuse(&query, "\\C");
    query = (arrakis_query)ARRAKIS_QUERY_INIT;
    query.min_rate = NAN;
    refuse(&query, "between the rates");
    query = (arrakis_query)ARRAKIS_QUERY_INIT;
    const arrakis_dtype none = ARRAKIS_DTYPE_NONE;
    query.dtypes = &none;
    query.dtype_count = 1;
    refuse(&query, "data type 0");
    query = (arrakis_query)ARRAKIS_QUERY_INIT;
    const char *const nobody = NULL;
    query.publishers = &nobody;
    query.publisher_count = 1;
    refuse(&query, "publisher NULL");
}

static void a_pattern_that_takes_for_ever_is_given_up(void **state)
{
    (void)state;
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.pattern = "H1:(a+)+$";
    ark_filter *filter = compile(&query);
    arrakis_channel *short_name = make("H1:aaa", ARRAKIS_INT8, 1, NULL, NULL);
    arrakis_channel *channel = make("H1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
                                    ARRAKIS_INT8, 1, NULL, NULL);
    assert_true(matches(filter, short_name));
    clock_t begin = clock();
    for (int i = 0; i < 100000; i++)
        assert_false(matches(filter, channel));
    assert_true(clock() - begin < CLOCKS_PER_SEC);
    assert_false(matches(filter, short_name));
    arrakis_error err;
    assert_int_equal(ark_filter_status(filter, &err), ARRAKIS_EINVAL);
    assert_non_null(strstr(err.message, "steps on 'H1:aaaaaa"));
    arrakis_channel_unref(channel);
    arrakis_channel_unref(short_name);
    ark_filter_free(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_holds_from_the_first_character),
        cmocka_unit_test(a_pattern_need_not_reach_the_end),
        cmocka_unit_test(a_pattern_means_what_it_means_to_the_reference),
        cmocka_unit_test(rates_are_inclusive),
        cmocka_unit_test(types_and_publishers_are_sets),
        cmocka_unit_test(no_replay_means_live),
        cmocka_unit_test(a_bad_query_is_explained),
        cmocka_unit_test(a_pattern_that_takes_for_ever_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
