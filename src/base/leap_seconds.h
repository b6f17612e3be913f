/* SPDX-License-Identifier: Apache-2.0 */
/* The leap seconds since GPS 0: those built in, and those of a file that the environment names. */
#ifndef ARK_BASE_LEAP_SECONDS_H
#define ARK_BASE_LEAP_SECONDS_H

#include <arrakis/arrakis.h>

/* More than there have been in 40 years. */
#define ARK_LEAP_SECONDS_MAX 64

typedef struct ark_leap_list {
    size_t count;
    /* the leap seconds themselves: the GPS second that UTC called 23:59:60, ascending */
    int64_t seconds[ARK_LEAP_SECONDS_MAX];
} ark_leap_list;

/* The list that holds in this process. The first call reads the file, if there is one. */
const ark_leap_list *ark_leap_seconds(void);

/* Add what a text in the form of the IERS's leap-seconds.list has beyond the end of `list`: a line is
 * a time in seconds since 1900 and TAI - UTC from then on; `#` begins a comment. EFORMAT names the
 * line: one that is neither, or that does not go on from the one before by a second. */
arrakis_status ark_leap_seconds_add(ark_leap_list *list, const char *text, arrakis_error *err);

#endif
