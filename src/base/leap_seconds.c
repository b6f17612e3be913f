/* SPDX-License-Identifier: Apache-2.0 */
#include "base/leap_seconds.h"

#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "ARRAKIS_LEAP_SECONDS"
/* The list has some 10 kB; larger files are refused. */
#define FILE_SIZE_MAX 65536

/* GPS second 0 in seconds since 1900, and TAI - UTC then. */
#define GPS_SINCE_1900 INT64_C(2524953600)
#define TAI_AT_GPS_0 19
/* Leap seconds are at the end of a month. */
#define LEAST_BETWEEN (28 * 86400)

static ark_leap_list list = {18,
                             {46828800, 78364801, 109900802, 173059203, 252028804, 315187205,
                              346723206, 393984007, 425520008, 457056009, 504489610, 551750411,
                              599184012, 820108813, 914803214, 1025136015, 1119744016,
                              1167264017}};
static pthread_once_t once = PTHREAD_ONCE_INIT;

arrakis_status ark_leap_seconds_add(ark_leap_list *to, const char *text, arrakis_error *err)
{
    size_t number = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        long long since_1900, tai;
        char first;
        number++;
        if (sscanf(line, " %c", &first) != 1 || first == '#' ||
            strspn(line, " \t\r") == strcspn(line, "\n"))
            continue;
        if (sscanf(line, "%lld%*[ \t]%lld", &since_1900, &tai) != 2 || since_1900 < 0 ||
            since_1900 > INT64_C(10000000000) || tai < 0 || tai > 1000)
            return ark_fail(err, ARRAKIS_EFORMAT,
                            "line %zu is '%.*s', expected seconds since 1900 and TAI - UTC",
                            number, (int)(strcspn(line, "\n") < 60 ? strcspn(line, "\n") : 60),
                            line);
        int64_t known = (int64_t)to->count, leaps = tai - TAI_AT_GPS_0;
        int64_t second = since_1900 - GPS_SINCE_1900 + leaps - 1;
        if (leaps <= known)
            continue;
        if (leaps != known + 1 || known == ARK_LEAP_SECONDS_MAX ||
            second < to->seconds[known - 1] + LEAST_BETWEEN)
            return ark_fail(err, ARRAKIS_EFORMAT,
                            "line %zu has TAI - UTC %lld, expected %lld a month or more after the "
                            "leap second before, and %d leap seconds in all",
                            number, tai, (long long)known + 1 + TAI_AT_GPS_0,
                            ARK_LEAP_SECONDS_MAX);
        to->seconds[to->count++] = second;
    }
    return ARRAKIS_OK;
}

static arrakis_status read_file(const char *path, arrakis_error *err)
{
    char *text = calloc(1, FILE_SIZE_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = text && fd >= 0 ? read(fd, text, FILE_SIZE_MAX + 1) : -1;
    ark_leap_list longer = list;
    arrakis_status rc;
    if (!text)
        rc = ark_no_memory(err, "its text");
    else if (size < 0)
        rc = ark_fail(err, ARRAKIS_EIO, "%s", strerror(errno));
    else if (size > FILE_SIZE_MAX)
        rc = ark_fail(err, ARRAKIS_EFORMAT, "it is larger than %d bytes", FILE_SIZE_MAX);
    else
        rc = ark_leap_seconds_add(&longer, text, err);
    if (rc == ARRAKIS_OK)
        list = longer;
    if (fd >= 0)
        close(fd);
    free(text);
    return rc;
}

static void read_named_file(void)
{
    const char *path = secure_getenv(VARIABLE);
    arrakis_error err;
    if (path && *path && read_file(path, &err) < 0)
        ark_log(ARRAKIS_LOG_WARNING, VARIABLE ": %s: %s", path, err.message);
}

const ark_leap_list *ark_leap_seconds(void)
{
    pthread_once(&once, read_named_file);
    return &list;
}
