/* SPDX-License-Identifier: Apache-2.0 */
#include "base/leap_seconds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* GPS: 2016-12-31T23:59:60, and a leap second that there was none at, 2027-12-31T23:59:60. */
#define LAST INT64_C(1167264017)
#define ADDED INT64_C(1514332818)

static void the_list_holds_what_a_file_adds_to_it(void **state)
{
    (void)state;
    ark_leap_list list = *ark_leap_seconds();
    arrakis_error err;
    assert_int_equal(list.count, 18);
    assert_int_equal(list.seconds[17], LAST);
    const char *text = "# comment 1 2\n\n  \t\r\n2272060800 10 # 1 Jan 1972\n"
                       "3692217600\t37\t# 1 Jan 2017\n4039286400 38\n";
    if (ark_leap_seconds_add(&list, text, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(list.count, 19);
    assert_int_equal(list.seconds[18], ADDED);
    assert_int_equal(ark_leap_seconds_add(&list, text, NULL), ARRAKIS_OK);
    assert_int_equal(list.count, 19);
}

static void refuse(const char *text, const char *said)
{
    ark_leap_list list = *ark_leap_seconds();
    arrakis_error err;
    assert_int_equal(ark_leap_seconds_add(&list, text, &err), ARRAKIS_EFORMAT);
    if (!strstr(err.message, said))
        fail_msg("'%s' lacks '%s'", err.message, said);
}

static void what_does_not_go_on_from_the_list_is_refused(void **state)
{
    (void)state;
    refuse("\n4039286400\n38\n", "line 2 is '4039286400', expected seconds since 1900");
    refuse("<html>", "line 1 is '<html>'");
    refuse("-5 38", "line 1 is '-5 38'");
    refuse("9999999999999999999999999 38", "line 1 is");
    refuse("4039286400 39", "line 1 has TAI - UTC 39, expected 38");
    refuse("3692217600 38",
           "line 1 has TAI - UTC 38, expected 38 a month or more after the leap second");
    char text[100 * 20], *p = text;
    for (int i = 0; i < 50; i++)
        p += sprintf(p, "%lld %d\n", 4039286400 + 10000000LL * i, 38 + i);
    refuse(text,
           "line 47 has TAI - UTC 84, expected 84"); /* 64 leap seconds are all there may be */
}

/* The environment is read once a process: this program runs itself. */
static void the_environment_names_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/arrakis_leap_XXXXXX", command[300];
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs("4039286400 38\n", file);
    fclose(file);
    snprintf(command, sizeof command, "ARRAKIS_LEAP_SECONDS=%s /proc/%d/exe %lld", path,
             (int)getpid(), (long long)ADDED);
    int status = system(command);
    unlink(path);
    assert_int_equal(status, 0);
}

/* leap_seconds GPS: whether that second is the leap second. */
static int check(const char *gps)
{
    int64_t leap_ns = atoll(gps) * ARRAKIS_SECOND_NS;
    char text[32];
    arrakis_time_format(text, leap_ns);
    if (strcmp(text, "2027-12-31T23:59:60.000Z") != 0)
        return 1;
    int64_t midnight_ns = arrakis_gps_to_unix_ns(leap_ns);
    return arrakis_unix_to_gps_ns(midnight_ns) != leap_ns + ARRAKIS_SECOND_NS ||
           arrakis_unix_to_gps_ns(midnight_ns - 1) != leap_ns - 1;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return check(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_holds_what_a_file_adds_to_it),
        cmocka_unit_test(what_does_not_go_on_from_the_list_is_refused),
        cmocka_unit_test(the_environment_names_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
