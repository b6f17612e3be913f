/* SPDX-License-Identifier: Apache-2.0 */
#include "read/grouping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { CHANNELS = 6 };

/* Lists of channels a to f, separated by spaces; what is together is in one group, and the groups stand in
 * the order of their first channels. A channel in no list stands alone behind a '-'. */
static void assert_groups(const char *lists, const char *expected)
{
    ark_grouping grouping;
    char found[64] = "", *to = found;
    assert_int_equal(ark_grouping_init(&grouping, CHANNELS, strlen(lists), NULL), ARRAKIS_OK);
    ark_grouping_begin(&grouping);
    for (const char *c = lists; *c; c++)
        if (*c == ' ')
            ark_grouping_begin(&grouping);
        else
            ark_grouping_add(&grouping, (size_t)(*c - 'a'));
    for (size_t i = 0; i < CHANNELS; i++) {
        bool first = true;
        assert_true(grouping.group_of[i] < grouping.count);
        for (size_t k = 0; k < i; k++)
            first =
                first && (!grouping.group_of[i] || grouping.group_of[k] != grouping.group_of[i]);
        if (!first)
            continue;
        if (to > found)
            *to++ = ' ';
        if (!grouping.group_of[i])
            *to++ = '-';
        for (size_t k = i; k < CHANNELS; k++)
            if (k == i || (grouping.group_of[i] && grouping.group_of[k] == grouping.group_of[i]))
                *to++ = (char)('a' + k);
    }
    *to = '\0';
    assert_string_equal(found, expected);
    ark_grouping_clear(&grouping);
}

static void channels_of_the_same_lists_are_one_group(void **state)
{
    (void)state;
    assert_groups("abcdef", "abcdef");
    assert_groups("abc def", "abc def");
    assert_groups("abc def abcdef", "abc def");
    assert_groups("abcd cdef", "ab cd ef");
    assert_groups("abcdef ace", "ace bdf");
    assert_groups("abc abd abe abf", "ab c d e f");
    assert_groups("fedcba a", "a bcdef");
}

static void a_channel_that_a_list_has_twice_stays_with_the_others(void **state)
{
    (void)state;
    assert_groups("aabcdefa", "abcdef");
    assert_groups("abcdef aba", "ab cdef");
}

static void a_channel_of_no_list_is_in_no_group(void **state)
{
    (void)state;
    assert_groups("", "-a -b -c -d -e -f");
    assert_groups("ab bc", "a b c -d -e -f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_of_the_same_lists_are_one_group),
        cmocka_unit_test(a_channel_that_a_list_has_twice_stays_with_the_others),
        cmocka_unit_test(a_channel_of_no_list_is_in_no_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
