/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/leap_seconds.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* GPS second 0 in Unix time. */
#define GPS_EPOCH INT64_C(315964800)

static int64_t add_saturating(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

int64_t arrakis_gps_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return arrakis_unix_to_gps_ns((int64_t)now.tv_sec * ARRAKIS_SECOND_NS + now.tv_nsec);
}

int64_t arrakis_gps_to_unix_ns(int64_t gps_ns)
{
    const ark_leap_list *leaps = ark_leap_seconds();
    for (size_t i = leaps->count; i-- > 0;) {
        if (gps_ns >= (leaps->seconds[i] + 1) * ARRAKIS_SECOND_NS)
            return add_saturating(gps_ns, (GPS_EPOCH - (int64_t)i - 1) * ARRAKIS_SECOND_NS);
        if (gps_ns >= leaps->seconds[i] * ARRAKIS_SECOND_NS)
            return (leaps->seconds[i] + GPS_EPOCH - (int64_t)i) * ARRAKIS_SECOND_NS;
    }
    return add_saturating(gps_ns, GPS_EPOCH * ARRAKIS_SECOND_NS);
}

int64_t arrakis_unix_to_gps_ns(int64_t unix_ns)
{
    const ark_leap_list *leaps = ark_leap_seconds();
    for (size_t i = leaps->count; i-- > 0;)
        if (unix_ns >= (leaps->seconds[i] + GPS_EPOCH - (int64_t)i) * ARRAKIS_SECOND_NS)
            return add_saturating(unix_ns, ((int64_t)i + 1 - GPS_EPOCH) * ARRAKIS_SECOND_NS);
    return add_saturating(unix_ns, -GPS_EPOCH * ARRAKIS_SECOND_NS);
}

static bool in_leap_second(int64_t gps_ns)
{
    const ark_leap_list *leaps = ark_leap_seconds();
    for (size_t i = leaps->count; i-- > 0;)
        if (gps_ns >= leaps->seconds[i] * ARRAKIS_SECOND_NS)
            return gps_ns < (leaps->seconds[i] + 1) * ARRAKIS_SECOND_NS;
    return false;
}

/* ------------------------------------------------------------------ reading */

/* The take_ functions move `*p` behind what they have read, if it was what they expect. */

static bool take_char(const char **p, char expected)
{
    if (**p != expected)
        return false;
    ++*p;
    return true;
}

static bool take_digits(const char **p, int count, int *value)
{
    int v = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*p)[i]))
            return false;
        v = v * 10 + ((*p)[i] - '0');
    }
    *p += count;
    *value = v;
    return true;
}

/* Any number of digits, at least one; false when they do not fit. */
static bool take_integer(const char **p, int64_t *value)
{
    if (!isdigit((unsigned char)**p))
        return false;
    int64_t v = 0;
    const char *s = *p;
    for (; isdigit((unsigned char)*s); s++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v))
            return false;
    *p = s;
    *value = v;
    return true;
}

/* A "." and digits, or nothing: a number of billionths. Digits after the ninth must be 0. */
static bool take_fraction(const char **p, int64_t *billionths)
{
    *billionths = 0;
    if (**p != '.')
        return true;
    const char *s = *p + 1;
    if (!isdigit((unsigned char)*s))
        return false;
    int64_t unit = ARRAKIS_SECOND_NS;
    for (; isdigit((unsigned char)*s); s++) {
        unit /= 10;
        if (unit == 0 && *s != '0')
            return false;
        *billionths += (*s - '0') * unit;
    }
    *p = s;
    return true;
}

/* A number of units of `unit_ns`. False: it is not a whole number of nanoseconds, or overflows. */
static bool scale_to_ns(int64_t *ns, int64_t integer, int64_t billionths, int64_t unit_ns)
{
    int64_t part;
    if (unit_ns >= ARRAKIS_SECOND_NS) {
        part = billionths * (unit_ns / ARRAKIS_SECOND_NS);
    } else {
        int64_t divisor = ARRAKIS_SECOND_NS / unit_ns;
        if (billionths % divisor != 0)
            return false;
        part = billionths / divisor;
    }
    return !__builtin_mul_overflow(integer, unit_ns, ns) && !__builtin_add_overflow(*ns, part, ns);
}

/* Digits with or without a point and an exponent: the digits up to the last that is not zero, and
 * the power of ten that they are to be multiplied with. */
static bool take_decimal(const char **p, int64_t *digits, int *power)
{
    const char *s = *p;
    int zeros = 0, decimals = 0, exponent = 0;
    bool any = false, point = false;
    *digits = 0;
    for (; isdigit((unsigned char)*s) || (*s == '.' && any && !point); s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        any = true;
        decimals += point;
        zeros++;
        for (; *s != '0' && zeros > 0; zeros--)
            if (__builtin_mul_overflow(*digits, 10, digits))
                return false;
        if (*s != '0' && __builtin_add_overflow(*digits, *s - '0', digits))
            return false;
    }
    if (*s == 'e' || *s == 'E') {
        bool minus = *++s == '-';
        s += minus || *s == '+';
        if (!take_digits(&s, isdigit((unsigned char)s[0]) && isdigit((unsigned char)s[1]) ? 2 : 1,
                         &exponent))
            return false;
        exponent = minus ? -exponent : exponent;
    }
    *p = s;
    *power = exponent + zeros - decimals;
    return any;
}

static bool parse_seconds(int64_t *gps_ns, const char *p)
{
    int power;
    if (!take_decimal(&p, gps_ns, &power) || *p != '\0')
        return false;
    if (*gps_ns == 0)
        return true;
    for (power += 9; power > 0; power--)
        if (__builtin_mul_overflow(*gps_ns, 10, gps_ns))
            return false;
    return power == 0; /* below 0: finer than a nanosecond */
}

static bool parse_now(int64_t *gps_ns, const char *p, int64_t now_ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        {"ms", 1000000},
        {"s", ARRAKIS_SECOND_NS},
        {"m", 60 * ARRAKIS_SECOND_NS},
        {"h", 3600 * ARRAKIS_SECOND_NS},
        {"d", 86400 * ARRAKIS_SECOND_NS},
    };
    p += strlen("now");
    *gps_ns = now_ns;
    if (*p == '\0')
        return true;
    bool minus = *p == '-';
    if (!take_char(&p, '+') && !take_char(&p, '-'))
        return false;
    int64_t integer, billionths, offset;
    if (!take_integer(&p, &integer) || !take_fraction(&p, &billionths))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(p, units[i].name) == 0)
            return scale_to_ns(&offset, integer, billionths, units[i].ns) &&
                   !__builtin_add_overflow(now_ns, minus ? -offset : offset, gps_ns);
    return false;
}

/* "Z", "UTC", "GMT", "+02:00", "+0200", "+02" or nothing: how many seconds the time is ahead of
 * UTC. */
static bool take_offset(const char **p, int *seconds)
{
    *seconds = 0;
    if (**p == '\0' || take_char(p, 'Z') || take_char(p, 'z'))
        return true;
    const char *zone = *p + (**p == ' ');
    if (strcasecmp(zone, "UTC") == 0 || strcasecmp(zone, "GMT") == 0) {
        *p = zone + 3;
        return true;
    }
    int sign = **p == '-' ? -1 : 1, hours, minutes = 0;
    if (!take_char(p, '+') && !take_char(p, '-'))
        return false;
    if (!take_digits(p, 2, &hours))
        return false;
    if (**p != '\0') {
        take_char(p, ':');
        if (!take_digits(p, 2, &minutes))
            return false;
    }
    *seconds = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

/* The time of day and the offset, after the date; `separated`: by colons. */
static bool take_clock(const char **p, bool separated, struct tm *tm, int64_t *nanoseconds,
                       int *offset)
{
    if (!take_char(p, 'T') && !take_char(p, 't') && (!separated || !take_char(p, ' ')))
        return false;
    if (!take_digits(p, 2, &tm->tm_hour) || (separated && !take_char(p, ':')) ||
        !take_digits(p, 2, &tm->tm_min))
        return false;
    bool more = separated ? take_char(p, ':') : isdigit((unsigned char)**p) != 0;
    if (more && (!take_digits(p, 2, &tm->tm_sec) || !take_fraction(p, nanoseconds)))
        return false;
    return take_offset(p, offset) && tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* The extended form, or the basic one, which has neither '-' nor ':' and is a number without a
 * time. */
static bool parse_iso(int64_t *gps_ns, const char *p)
{
    struct tm tm = {0};
    int year, month, day, offset = 0;
    int64_t nanoseconds = 0;
    if (!take_digits(&p, 4, &year))
        return false;
    bool separated = take_char(&p, '-');
    if (!take_digits(&p, 2, &month) || (separated && !take_char(&p, '-')) ||
        !take_digits(&p, 2, &day))
        return false;
    if (*p != '\0' && !take_clock(&p, separated, &tm, &nanoseconds, &offset))
        return false;
    bool leap = tm.tm_sec == 60;
    tm.tm_sec -= leap;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    int64_t seconds = timegm(&tm);
    /* timegm() takes 30 February for 2 March. */
    if (*p != '\0' || month < 1 || month > 12 || tm.tm_mday != day)
        return false;
    int64_t unix_ns;
    if (__builtin_mul_overflow(seconds - offset, ARRAKIS_SECOND_NS, &unix_ns) ||
        __builtin_add_overflow(unix_ns, nanoseconds, &unix_ns))
        return false;
    *gps_ns = arrakis_unix_to_gps_ns(unix_ns);
    if (leap)
        *gps_ns = add_saturating(*gps_ns, ARRAKIS_SECOND_NS);
    return !leap || in_leap_second(*gps_ns);
}

/* The UTC day that holds a time. */
static int64_t day_of(int64_t gps_ns)
{
    const int64_t day_ns = 86400 * ARRAKIS_SECOND_NS;
    int64_t unix_ns = arrakis_gps_to_unix_ns(gps_ns - in_leap_second(gps_ns) * ARRAKIS_SECOND_NS);
    return arrakis_unix_to_gps_ns(unix_ns - unix_ns % day_ns);
}

/* Whether a text has more than nine decimals, which may be all that is wrong with it. */
static bool too_fine(const char *text)
{
    const char *point = strchr(text, '.');
    return point && strspn(point + 1, "0123456789") > 9;
}

arrakis_status arrakis_time_parse(int64_t *gps_ns, const char *text, int64_t now_ns,
                                  arrakis_error *err)
{
    if (!gps_ns || !text)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_time_parse: %s is NULL",
                        gps_ns ? "text" : "gps_ns");
    int64_t parsed = 0;
    bool known;
    if (strncmp(text, "now", 3) == 0)
        known = parse_now(&parsed, text, now_ns);
    else if ((known = strcmp(text, "today") == 0))
        parsed = day_of(now_ns);
    else
        known = parse_seconds(&parsed, text) || parse_iso(&parsed, text);
    if (!known || parsed < 0 || parsed > ARRAKIS_TIME_MAX_NS)
        return ark_fail(
            err, ARRAKIS_EFORMAT,
            "invalid time '%.100s', %s: expected GPS seconds up to %lld (1400000000.0625), a UTC "
            "date and time from 1980-01-06 to 2053-01-29 (2024-05-17T16:53:02Z), "
            "'now', 'today', or an offset from now in ms, s, m, h or d (now-90s)",
            text,
            too_fine(text) ? "finer than a nanosecond"
            : known        ? "out of range"
                           : "not a time",
            (long long)(ARRAKIS_TIME_MAX_NS / ARRAKIS_SECOND_NS));
    *gps_ns = parsed;
    return ARRAKIS_OK;
}

void arrakis_time_format(char buffer[32], int64_t gps_ns)
{
    if (!buffer)
        return;
    int64_t unix_ns = arrakis_gps_to_unix_ns(gps_ns);
    bool leap = in_leap_second(gps_ns);
    if (leap) /* the second before, 23:59:59, printed as :60 */
        unix_ns = arrakis_gps_to_unix_ns(gps_ns - ARRAKIS_SECOND_NS);
    int64_t seconds = unix_ns / ARRAKIS_SECOND_NS, rest = unix_ns % ARRAKIS_SECOND_NS;
    if (rest < 0) {
        rest += ARRAKIS_SECOND_NS;
        seconds--;
    }
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    /* Years of an int64_t have four digits: the remainders show the compiler that the text
     * fits. */
    snprintf(buffer, 32, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (tm.tm_year + 1900) % 10000,
             (tm.tm_mon + 1) % 100, tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100,
             (tm.tm_sec + leap) % 100, (int)(rest / 1000000));
}
