/* SPDX-License-Identifier: Apache-2.0 */
/* The time by which deadlines pass: GPS, and steady while somebody sets the system's clock.
 *
 * It is the system's clock until that leaps by more than ARK_CLOCK_LEAP_NS. Then it goes on at its own
 * pace, and follows the system's clock once that has stood where it was set to for ARK_CLOCK_DOUBT_NS.
 * So a clock that is set forward and back makes no deadline pass, and none wait. */
#ifndef ARK_BASE_CLOCK_H
#define ARK_BASE_CLOCK_H

#include <arrakis/arrakis.h>

#define ARK_CLOCK_LEAP_NS (ARRAKIS_SECOND_NS / 4)
#define ARK_CLOCK_DOUBT_NS (60 * ARRAKIS_SECOND_NS)

/* All zero is a fresh one. */
typedef struct ark_clock {
    bool begun, doubted;
    int64_t offset_ns;  /* GPS less the steady clock */
    int64_t leap_ns;    /* the system's clock is off by this, while it is doubted */
    int64_t doubted_ns; /* since when, on the steady clock */
} ark_clock;

typedef enum ark_clock_news {
    ARK_CLOCK_FINE,
    ARK_CLOCK_LEAPT,    /* the system's clock has been set: doubted from now on */
    ARK_CLOCK_FOLLOWED, /* it has stood for long enough */
} ark_clock_news;

/* The GPS time to go by when the system's clock gives system_ns and the steady one steady_ns. No
 * clock is read. */
int64_t ark_clock_judge(ark_clock *clock, int64_t steady_ns, int64_t system_ns,
                        ark_clock_news *news);

/* The same for the whole process, from any thread: now. A clock that is set is logged. */
int64_t ark_clock_now_ns(void);
/* When that clock will show gps_ns, in terms of CLOCK_BOOTTIME; for a timer. */
int64_t ark_clock_boot_ns(int64_t gps_ns);

#endif
