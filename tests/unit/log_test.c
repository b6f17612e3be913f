/* SPDX-License-Identifier: Apache-2.0 */
/* What is traced: the contexts that were chosen, and only at the level DEBUG. */
#include "base/log.h"
#include "support.h"

static size_t lines, evaluated;
static char last[2048];

static void hear(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    assert_int_equal(level, ARRAKIS_LOG_DEBUG);
    lines++;
    snprintf(last, sizeof last, "%s", message);
}

static int count_evaluation(void)
{
    return (int)++evaluated;
}

static int begin(void **state)
{
    (void)state;
    lines = evaluated = 0;
    *last = 0;
    arrakis_log_set(ARRAKIS_LOG_DEBUG, hear, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arrakis_log_set(ARRAKIS_LOG_DEBUG, NULL, NULL);
    return arrakis_log_set_debug(NULL, NULL);
}

static void nothing_is_traced_that_was_not_chosen(void **state)
{
    (void)state;
    ark_log_trace(ARK_LOG_KAFKA, "%d", count_evaluation());
    PASS(arrakis_log_set_debug("align,publish", err));
    ark_log_trace(ARK_LOG_KAFKA, "%d", count_evaluation());
    assert_int_equal(lines + evaluated, 0);
    ark_log_trace(ARK_LOG_ALIGN, "waiting %d", count_evaluation());
    assert_string_equal(last, "[align] waiting 1");
    ark_log_trace(ARK_LOG_PUBLISH, "a\nline");
    assert_int_equal(lines, 2);
    assert_null(strchr(last, '\n'));
}

static void nothing_is_traced_below_the_level_debug(void **state)
{
    (void)state;
    PASS(arrakis_log_set_debug("all", err));
    arrakis_log_set(ARRAKIS_LOG_INFO, hear, NULL);
    ark_log_trace(ARK_LOG_KAFKA, "%d", count_evaluation());
    assert_int_equal(lines + evaluated, 0);
    arrakis_log_set(ARRAKIS_LOG_DEBUG, hear, NULL);
    ark_log_trace(ARK_LOG_KAFKA, "%d", count_evaluation());
    assert_int_equal(lines, 1);
}

static void a_context_that_there_is_not_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {"mux", ",align", "align,,kafka", "ALIGN", "align kafka"};
    PASS(arrakis_log_set_debug("flight", err));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FAIL(arrakis_log_set_debug(wrong[i], err), ARRAKIS_EINVAL,
             "expected some of align, kafka, flight");
    }
    ark_log_trace(ARK_LOG_ALIGN, "%d", count_evaluation());
    ark_log_trace(ARK_LOG_FLIGHT, "%d", count_evaluation());
    assert_int_equal(lines, 1);
}

static void a_line_of_any_length_is_cut(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    PASS(arrakis_log_set_debug("connect", err));
    ark_log_trace(ARK_LOG_CONNECT, "%s", text);
    assert_int_equal(strlen(last), 1023);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_traced_that_was_not_chosen, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_traced_below_the_level_debug, begin, end),
        cmocka_unit_test_setup_teardown(a_context_that_there_is_not_is_refused_and_changes_nothing,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_line_of_any_length_is_cut, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
