/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/log.h"
#include "base/plain_text.h"
#include "support.h"

static const struct {
    const char *text, *plain;
} cases[] = {
    {"", ""},
    {"H1:A is late", "H1:A is late"},
    {"\x1b]0;owned\x07", "?]0;owned?"},
    {"one\ntwo\r\n\tthree\v\f", "one two   three  "},
    {"\x7f\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "???\?\xc2\xa0"}, /* DEL, C1; a blank that stays */
    {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "???"},
    {"a\xe2\x80\xa8\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9z", "a?????z"},
    {"\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa",
     "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa"},
    /* two, three and four bytes, the first and the last of each */
    {"\xc2\xa1\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
     "\xc2\xa1\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
    {"\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"}, /* around the surrogates */
    /* no UTF-8: alone, too long, surrogates, too large, cut off */
    {"\x80\x9b\xff\xfe", "????"},
    {"\xc0\xaf\xc1\xbf\xe0\x9f\xbf\xf0\x8f\xbf\xbf", "???????????"},
    {"\xed\xa0\x80\xf4\x90\x80\x80\xf5\x80\x80\x80", "???????????"},
    {"x\xc3", "x?"},
    {"x\xe2\x82", "x??"},
    {"x\xf0\x9f\x98", "x???"},
    {"\xe2\x82z", "??z"},
};

static void text_is_made_plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i].text);
        ark_plain_text(text);
        assert_string_equal(text, cases[i].plain);
        ark_plain_text(text);
        assert_string_equal(text, cases[i].plain);
    }
}

static void what_a_peer_sent_is_plain_in_an_error(void **state)
{
    (void)state;
    arrakis_error e;
    for (size_t i = 0; i < COUNT(cases); i++) {
        ark_fail(&e, ARRAKIS_ESERVER, "%s", cases[i].text);
        assert_string_equal(e.message, cases[i].plain);
    }
    ark_fail(&e, ARRAKIS_ESERVER, "no");
    ark_fail_within(&e, ARRAKIS_ESERVER, "%s", "\x1b[2J");
    assert_string_equal(e.message, "?[2J: no");
}

static void a_character_that_an_error_has_no_room_for_is_left_no_half(void **state)
{
    (void)state;
    arrakis_error e;
    char text[600];
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 4);
    ark_fail(&e, ARRAKIS_ESERVER, "%s", text);
    assert_int_equal(strlen(e.message), sizeof e.message - 1);
    assert_memory_equal(e.message + 504, "\xe2\x82\xac", 3);
    ark_fail(&e, ARRAKIS_ESERVER, "a%s", text);
    assert_string_equal(e.message + 505, "??");
}

static void keep_line(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    snprintf(opaque, 64, "%s", message);
}

static void what_a_peer_sent_is_plain_in_the_log(void **state)
{
    (void)state;
    char line[64];
    arrakis_log_set(ARRAKIS_LOG_INFO, keep_line, line);
    for (size_t i = 0; i < COUNT(cases); i++) {
        ark_log(ARRAKIS_LOG_INFO, "%s", cases[i].text);
        assert_string_equal(line, cases[i].plain);
    }
    arrakis_log_set(ARRAKIS_LOG_INFO, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_made_plain),
        cmocka_unit_test(what_a_peer_sent_is_plain_in_an_error),
        cmocka_unit_test(a_character_that_an_error_has_no_room_for_is_left_no_half),
        cmocka_unit_test(what_a_peer_sent_is_plain_in_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
