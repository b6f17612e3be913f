/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What Python 3.11 gives, whose hash() of bytes is SipHash-1-3 under the key 0 when PYTHONHASHSEED is 0. */
static void a_hash_is_siphash_1_3(void **state)
{
    (void)state;
    static const uint64_t key[2] = {0, 0};
    char long_text[100];
    memset(long_text, 'x', sizeof long_text);
    assert_true(ark_hash_keyed(key, "a", 1) == UINT64_C(0x407448d2b89b1813));
    assert_true(ark_hash_keyed(key, "H1:CAL", 6) == UINT64_C(0x67f6a0118af19bb5));
    assert_true(ark_hash_keyed(key, "12345678", 8) == UINT64_C(0x3489982430560a87));
    assert_true(ark_hash_keyed(key, "H1:GDS-CALIB_STRAIN", 19) == UINT64_C(0x5d83400f0f4b6a4a));
    assert_true(ark_hash_keyed(key, long_text, 100) == UINT64_C(0x12de6d6e12e5750c));
}

/* A publisher that chooses names does not have the key: names that fall on one slot of 4,096 under a key that is known
 * fall on as many slots under another one as any names do. */
static void names_that_collide_under_one_key_do_not_under_another(void **state)
{
    (void)state;
    enum { NAMES = 64, SLOTS = 4096 };
    static const uint64_t known[2] = {1, 2}, other[2] = {1, 3};
    bool taken[SLOTS] = {false};
    size_t found = 0, slots = 0;
    for (unsigned i = 0; found < NAMES; i++) {
        char name[24];
        size_t length = (size_t)snprintf(name, sizeof name, "H1:SUB-%u", i);
        if (ark_hash_keyed(known, name, length) % SLOTS)
            continue;
        found++;
        bool *slot = &taken[ark_hash_keyed(other, name, length) % SLOTS];
        slots += !*slot;
        *slot = true;
    }
    assert_true(slots >= NAMES - 4);
}

static void the_process_has_a_key_and_keeps_it(void **state)
{
    (void)state;
    static const uint64_t none[2] = {0, 0};
    assert_true(ark_hash("H1:CAL", 6) == ark_hash("H1:CAL", 6));
    assert_true(ark_hash("H1:CAL", 6) != ark_hash_keyed(none, "H1:CAL", 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_siphash_1_3),
        cmocka_unit_test(names_that_collide_under_one_key_do_not_under_another),
        cmocka_unit_test(the_process_has_a_key_and_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
