/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_load.h"
#include "support.h"

/* "" where the text is taken. */
static const char *refusal(const char *text, size_t size, size_t size_max)
{
    static arrakis_error e;
    e.message[0] = '\0';
    json_t *value = ark_json_load(text, size, size_max, JSON_DECODE_ANY, "a text", &e);
    if (!value)
        assert_int_equal(e.status, ARRAKIS_EFORMAT);
    json_decref(value);
    return e.message;
}

static void a_text_is_limited_in_size(void **state)
{
    (void)state;
    assert_string_equal(refusal("[1]", 3, 3), "");
    assert_string_equal(refusal("[1]", 3, 2), "a text of 3 bytes, expected up to 2");
}

static void values_are_limited_in_depth(void **state)
{
    (void)state;
    char text[2 * ARK_JSON_DEPTH_MAX + 3];
    for (size_t depth = ARK_JSON_DEPTH_MAX; depth <= ARK_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_string_equal(
            refusal(text, 2 * depth, sizeof text),
            depth == ARK_JSON_DEPTH_MAX ? "" : "a text with 65 levels, expected up to 64");
    }
}

static void values_are_limited_in_number(void **state)
{
    (void)state;
    static char text[4 * ARK_JSON_VALUES_MIN];
    /* n values in a list: 2 n + 1 bytes, counted as n + 1 */
    size_t most = 0;
    for (size_t n = 1; 2 * n + 1 <= sizeof text; n++)
        if (n + 1 <= ARK_JSON_VALUES_MIN + (2 * n + 1) / ARK_JSON_BYTES_PER_VALUE)
            most = n;
    for (size_t n = most; n <= most + 1; n++) {
        text[0] = '[';
        for (size_t i = 0; i < n; i++) {
            text[2 * i + 1] = '1';
            text[2 * i + 2] = ',';
        }
        text[2 * n] = ']';
        const char *why = refusal(text, 2 * n + 1, sizeof text);
        if (n == most)
            assert_string_equal(why, "");
        else
            assert_non_null(strstr(why, "values in it, expected up to"));
    }
}

static void what_stands_in_a_string_is_no_value(void **state)
{
    (void)state;
    static char text[100000];
    memset(text, '[', sizeof text);
    text[0] = text[sizeof text - 1] = '"';
    memcpy(text + 1, "\\\"", 2); /* a mark that does not end it */
    memcpy(text + 3, "\\\\", 2);
    assert_string_equal(refusal(text, sizeof text, sizeof text), "");
}

static void what_is_no_json_is_said(void **state)
{
    (void)state;
    assert_non_null(strstr(refusal("]]]]", 4, 9), "a text that is not JSON: "));
    assert_non_null(strstr(refusal("\"\\", 2, 9), "a text that is not JSON: "));
    assert_non_null(strstr(refusal("", 0, 9), "a text that is not JSON: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_limited_in_size),
        cmocka_unit_test(values_are_limited_in_depth),
        cmocka_unit_test(values_are_limited_in_number),
        cmocka_unit_test(what_stands_in_a_string_is_no_value),
        cmocka_unit_test(what_is_no_json_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
