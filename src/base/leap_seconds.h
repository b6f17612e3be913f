/* SPDX-License-Identifier: Apache-2.0 */
/* The leap seconds since GPS time 0: those built in, and those of a file that an environment
 * variable names. */
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

/* The list that this process uses. The first call reads the file, if there is one. */
const ark_leap_list *ark_leap_seconds(void);

/* Add the leap seconds after the end of `list` from a text in the form of the IERS's
 * leap-seconds.list. A line has a time in seconds since 1900, and TAI - UTC from then on; `#`
 * begins a comment. EFORMAT names the line: it is neither of these, or its TAI - UTC is not one
 * second more than before. */
arrakis_status ark_leap_seconds_add(ark_leap_list *list, const char *text, arrakis_error *err);

#endif
