/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/arrakis.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S ARRAKIS_SECOND_NS
#define NOW (INT64_C(1400000000) * S)
/* 2016-12-31T23:59:60Z */
#define LEAP INT64_C(1167264017)

static int64_t parse(const char *text)
{
    int64_t gps_ns = -1;
    arrakis_error err;
    if (arrakis_time_parse(&gps_ns, text, NOW, &err) != ARRAKIS_OK)
        fail_msg("%s", err.message);
    return gps_ns;
}

static void refuse(const char *text)
{
    int64_t gps_ns = 17;
    arrakis_error err = {0};
    if (arrakis_time_parse(&gps_ns, text, NOW, &err) != ARRAKIS_EFORMAT)
        fail_msg("'%s' was taken for %lld", text, (long long)gps_ns);
    assert_int_equal(gps_ns, 17);
    assert_int_equal(err.status, ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, "expected GPS seconds"));
}

/* The seconds are those that the reference's gpstime gives. */
static void dates_are_the_reference_s(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t gps_ns;
    } known[] = {
        {"1980-01-06T00:00:00Z", 0},
        {"1981-07-01T00:00:00Z", 46828801 * S},
        {"1990-01-01 00:00:00", 315187206 * S},
        {"1999-01-01T00:00:00Z", 599184013 * S},
        {"2005-12-31T23:59:59Z", 820108812 * S},
        {"2006-01-01", 820108814 * S},
        {"2015-09-14T09:50:45.391Z", INT64_C(1126259462391000000)},
        {"2016-12-31T23:59:59Z", (LEAP - 1) * S},
        {"2017-01-01T00:00:00Z", (LEAP + 1) * S},
        {"2017-08-17T12:41:04.4Z", INT64_C(1187008882400000000)},
        {"2024-02-29T12:00:00Z", 1393243218 * S},
        {"2024-05-17T16:53:02Z", 1400000000 * S},
        {"2024-05-18T01:53:02+09:00", 1400000000 * S},
        {"2024-05-17T09:23:02-0730", 1400000000 * S},
        {"2024-05-17T17:53:02+01", 1400000000 * S},
        {"2026-07-04 00:00", 1467158418 * S},
        {"2024-05-17t16:53:02z", 1400000000 * S},
        {"2024-05-17 16:53:02 UTC", 1400000000 * S},
        {"2024-05-17 16:53:02GMT", 1400000000 * S},
        {"2024-05-17 16:53 utc", 1399999998 * S},
        {"20240517T165302Z", 1400000000 * S},
        {"20240517T165302.25+0000", 1400000000 * S + S / 4},
        {"20240517T1653", 1399999998 * S},
        {"20240517", 20240517 * S}, /* GPS seconds */
        {"2053-01-29T00:00:00Z", INT64_C(2305756818) * S},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(parse(known[i].text), known[i].gps_ns);
}

static void fractions_are_exact(void **state)
{
    (void)state;
    assert_int_equal(parse("1400000000.0625"), NOW + 62500000);
    assert_int_equal(parse("1400000000.123456789"), NOW + 123456789);
    assert_int_equal(parse("1400000000.1234567890000"), NOW + 123456789);
    assert_int_equal(parse("0.000000001"), 1);
    assert_int_equal(parse("1400000000."), NOW);
    assert_int_equal(parse("1400000000.000000000000000000000000000000"), NOW);
    assert_int_equal(parse("00001400000000"), NOW);
    assert_int_equal(parse("1e9"), 1000000000 * S);
    assert_int_equal(parse("1.4E+09"), NOW);
    assert_int_equal(parse("14000000000625e-4"), NOW + 62500000);
    assert_int_equal(parse("0e99"), 0);
    assert_int_equal(parse("1e-9"), 1);
    refuse("1e-10");
    refuse("1e99");
    refuse("99999999999999999999");
}

static void what_is_finer_than_a_nanosecond_is_said(void **state)
{
    (void)state;
    static const char *const texts[] = {"1400000000.0000000001", "2024-05-17T16:53:02.1234567891Z",
                                        "now-0.0000000001s"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t gps_ns;
        arrakis_error err;
        refuse(texts[i]);
        assert_int_equal(arrakis_time_parse(&gps_ns, texts[i], NOW, &err), ARRAKIS_EFORMAT);
        assert_non_null(strstr(err.message, "finer than a nanosecond"));
    }
}

static void there_is_one_latest_time(void **state)
{
    (void)state;
    assert_int_equal(parse("2305843009.213693951"), ARRAKIS_TIME_MAX_NS);
    refuse("2305843009.213693952");
    refuse("2053-01-30");
    refuse("2100-01-01");
    refuse("9999-01-01");
    refuse("9223372036.854775808");
}

static void today_begins_at_midnight_in_utc(void **state)
{
    (void)state;
    int64_t gps_ns;
    assert_int_equal(parse("today"), parse("2024-05-17"));
    assert_int_equal(arrakis_time_parse(&gps_ns, "today", parse("2024-05-17"), NULL), ARRAKIS_OK);
    assert_int_equal(gps_ns, parse("2024-05-17"));
    assert_int_equal(arrakis_time_parse(&gps_ns, "today", LEAP * S + S / 2, NULL), ARRAKIS_OK);
    assert_int_equal(gps_ns, parse("2016-12-31"));
}

static void offsets_from_now_have_units(void **state)
{
    (void)state;
    assert_int_equal(parse("now"), NOW);
    assert_int_equal(parse("now-90s"), NOW - 90 * S);
    assert_int_equal(parse("now+1h"), NOW + 3600 * S);
    assert_int_equal(parse("now-0.5d"), NOW - 43200 * S);
    assert_int_equal(parse("now-2m"), NOW - 120 * S);
    assert_int_equal(parse("now+250ms"), NOW + 250000000);
    assert_int_equal(parse("now+0.000001ms"), NOW + 1);
    assert_int_equal(parse("now-1400000000s"), 0);
    refuse("now-1400000001s");
    refuse("now+9999999999d");
    refuse("now+0.0000001ms");
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        ".5",
        "-1",
        "+1",
        "1e",
        "1e+",
        "1e1.5",
        "1.5.5",
        "1e9 ",
        "today ",
        "todays",
        "Today-1s",
        "20240517T16",
        "20240517 165302",
        "20240517T16:53:02",
        "2024-05-17T165302Z",
        "2024-0517T165302Z",
        "2024-05-17T16:53:02 UT",
        "2024-05-17T16:53:02  UTC",
        "2024-05-17T16:53:02 UTC+1",
        "0x10",
        " 1",
        "1 ",
        "1400000000s",
        "nan",
        "now-",
        "now-1",
        "now+1w",
        "now-1s ",
        "now 1s",
        "nowhere",
        "now--1s",
        "1980-01-05",
        "1979-12-31T23:59:59Z",
        "2024-02-30",
        "2023-02-29",
        "2024-13-01",
        "2024-00-10",
        "2024-01-00",
        "2024-1-1",
        "24-01-01",
        "2024-05-17T",
        "2024-05-17T16",
        "2024-05-17T16:5",
        "2024-05-17T24:00:00Z",
        "2024-05-17T16:60:00Z",
        "2024-05-17T16:53:61Z",
        "2024-05-17T16:53:02.Z",
        "2024-05-17T16:53:02ZZ",
        "2024-05-17T16:53:02+2",
        "2024-05-17T16:53:02+24:00",
        "2024-05-17T16:53:02+02:60",
        "2024-05-17T16:53:02+02:000",
        "2024-05-17Z",
        "2262-04-12",
        "9999-01-01",
        "2024-05-17T16:53:60Z",
        "2016-12-30T23:59:60Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        refuse(texts[i]);
}

static void a_leap_second_is_counted(void **state)
{
    (void)state;
    assert_int_equal(parse("2016-12-31T23:59:60Z"), LEAP * S);
    assert_int_equal(parse("2016-12-31T23:59:60.25Z"), LEAP * S + S / 4);
    assert_int_equal(parse("2017-01-01T08:59:60+09:00"), LEAP * S);
    char text[32];
    arrakis_time_format(text, LEAP * S + S / 4);
    assert_string_equal(text, "2016-12-31T23:59:60.250Z");
    arrakis_time_format(text, (LEAP + 1) * S);
    assert_string_equal(text, "2017-01-01T00:00:00.000Z");
    arrakis_time_format(text, LEAP * S - 1);
    assert_string_equal(text, "2016-12-31T23:59:59.999Z");
}

static void unix_time_stands_still_in_a_leap_second(void **state)
{
    (void)state;
    const int64_t midnight = INT64_C(1483228800) * S;
    assert_int_equal(arrakis_gps_to_unix_ns(LEAP * S - 1), midnight - 1);
    assert_int_equal(arrakis_gps_to_unix_ns(LEAP * S), midnight);
    assert_int_equal(arrakis_gps_to_unix_ns(LEAP * S + S - 1), midnight);
    assert_int_equal(arrakis_gps_to_unix_ns(LEAP * S + S), midnight);
    assert_int_equal(arrakis_gps_to_unix_ns(LEAP * S + S + 1), midnight + 1);
    assert_int_equal(arrakis_unix_to_gps_ns(midnight), (LEAP + 1) * S);
    assert_int_equal(arrakis_unix_to_gps_ns(midnight - 1), LEAP * S - 1);
}

static void unix_and_back_is_the_same(void **state)
{
    (void)state;
    for (int64_t unix_s = 0; unix_s < INT64_C(2000000000); unix_s += 86399) {
        int64_t gps_ns = arrakis_unix_to_gps_ns(unix_s * S);
        assert_int_equal(arrakis_gps_to_unix_ns(gps_ns), unix_s * S);
    }
    assert_int_equal(arrakis_gps_to_unix_ns(NOW), INT64_C(1715964782) * S);
}

static void the_ends_of_time_saturate(void **state)
{
    (void)state;
    assert_int_equal(arrakis_gps_to_unix_ns(INT64_MAX), INT64_MAX);
    assert_int_equal(arrakis_unix_to_gps_ns(INT64_MIN), INT64_MIN);
    char text[32];
    arrakis_time_format(text, INT64_MAX);
    assert_string_equal(text, "2262-04-11T23:47:16.854Z");
    arrakis_time_format(text, INT64_MIN);
    assert_string_equal(text, "1687-09-26T00:12:43.145Z");
    arrakis_time_format(text, -1);
    assert_string_equal(text, "1980-01-05T23:59:59.999Z");
}

static void now_is_after_this_was_written(void **state)
{
    (void)state;
    assert_true(arrakis_gps_now_ns() > NOW);
}

static void missing_arguments_are_named(void **state)
{
    (void)state;
    int64_t gps_ns;
    arrakis_error err;
    assert_int_equal(arrakis_time_parse(&gps_ns, NULL, NOW, &err), ARRAKIS_EINVAL);
    assert_non_null(strstr(err.message, "text"));
    assert_int_equal(arrakis_time_parse(NULL, "now", NOW, NULL), ARRAKIS_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_the_reference_s),
        cmocka_unit_test(fractions_are_exact),
        cmocka_unit_test(what_is_finer_than_a_nanosecond_is_said),
        cmocka_unit_test(there_is_one_latest_time),
        cmocka_unit_test(today_begins_at_midnight_in_utc),
        cmocka_unit_test(offsets_from_now_have_units),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_leap_second_is_counted),
        cmocka_unit_test(unix_time_stands_still_in_a_leap_second),
        cmocka_unit_test(unix_and_back_is_the_same),
        cmocka_unit_test(the_ends_of_time_saturate),
        cmocka_unit_test(now_is_after_this_was_written),
        cmocka_unit_test(missing_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
