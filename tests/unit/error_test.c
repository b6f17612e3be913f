/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "support.h"

static void what_may_pass_by_itself_is_retriable(void **state)
{
    (void)state;
    static const arrakis_status retriable[] = {ARRAKIS_TIMEOUT,   ARRAKIS_ENOMEM,
                                               ARRAKIS_ECONNECT,  ARRAKIS_EBROKER,
                                               ARRAKIS_EDEADLINE, ARRAKIS_ECHANGED};
#define EACH(name, value, text) value,
    static const int all[] = {ARRAKIS_STATUS_MAP(EACH)};
    for (size_t i = 0; i < COUNT(all); i++) {
        bool wanted = false;
        for (size_t k = 0; k < COUNT(retriable); k++)
            wanted = wanted || (int)retriable[k] == all[i];
        assert_int_equal(arrakis_status_retriable((arrakis_status)all[i]), wanted);
    }
}

static void a_context_is_put_before_an_error_that_is_there(void **state)
{
    (void)state;
    arrakis_error why;
    assert_int_equal(ark_fail(&why, ARRAKIS_EIO, "%s", "the text"), ARRAKIS_EIO);
    assert_int_equal(ark_fail_within(&why, ARRAKIS_EFORMAT, "line %d", 3), ARRAKIS_EFORMAT);
    assert_int_equal(why.status, ARRAKIS_EFORMAT);
    assert_string_equal(why.message, "line 3: the text");
    assert_int_equal(ark_fail_within(NULL, ARRAKIS_EIO, "line 3"), ARRAKIS_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_pass_by_itself_is_retriable),
        cmocka_unit_test(a_context_is_put_before_an_error_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
