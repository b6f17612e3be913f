/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/reader.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static void a_group_id_has_sixteen_letters(void **state)
{
    (void)state;
    char id[18];
    memset(id, '?', sizeof id);
    assert_int_equal(arrakis_random_group_id(id, NULL), ARRAKIS_OK);
    assert_int_equal(strlen(id), 16);
    assert_int_equal(strspn(id, LETTERS), 16);
    assert_int_equal(id[17], '?');
}

static void no_two_ids_are_alike(void **state)
{
    (void)state;
    char ids[100][17];
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(arrakis_random_group_id(ids[i], NULL), ARRAKIS_OK);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
}

/* 360,000 letters: each is expected 10,000 times with a deviation of 99. Taking a byte modulo 36
 * would give the first four letters 1,250 more. */
static void every_letter_is_as_likely(void **state)
{
    (void)state;
    enum { N = 360000 };
    char *text = malloc(N + 1);
    assert_non_null(text);
    assert_int_equal(arrakis_random_alphanum(text, N, NULL), ARRAKIS_OK);
    assert_int_equal(strlen(text), N);
    size_t counts[256] = {0};
    for (size_t i = 0; i < N; i++)
        counts[(unsigned char)text[i]]++;
    for (const char *c = LETTERS; *c; c++)
        assert_in_range(counts[(unsigned char)*c], 9400, 10600);
    free(text);
}

static void no_letters_is_an_empty_text(void **state)
{
    (void)state;
    char text[2] = "xx";
    assert_int_equal(arrakis_random_alphanum(text, 0, NULL), ARRAKIS_OK);
    assert_memory_equal(text, "\0x", 2);
    assert_int_equal(arrakis_random_alphanum(NULL, 0, NULL), ARRAKIS_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_id_has_sixteen_letters),
        cmocka_unit_test(no_two_ids_are_alike),
        cmocka_unit_test(every_letter_is_as_likely),
        cmocka_unit_test(no_letters_is_an_empty_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
