/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of deadlines: GPS time, which stays steady when the system's clock is set.
 *
 * It follows the system's clock until that leaps by more than ARK_CLOCK_LEAP_NS. Then it continues
 * without the leap, until the system's clock has kept its new time for ARK_CLOCK_DOUBT_NS; then it
 * follows again. So setting the system's clock forward and back neither makes deadlines pass nor
 * delays them. */
#ifndef ARK_BASE_CLOCK_H
#define ARK_BASE_CLOCK_H

#include <arrakis/arrakis.h>

#define ARK_CLOCK_LEAP_NS (ARRAKIS_SECOND_NS / 4)
#define ARK_CLOCK_DOUBT_NS (60 * ARRAKIS_SECOND_NS)

/* Not begun when all bytes are 0. */
typedef struct ark_clock {
    bool begun, doubted;
    int64_t offset_ns;  /* GPS time minus the steady clock */
    int64_t leap_ns;    /* while doubted: the leap of the system's clock */
    int64_t doubted_ns; /* when the leap was found, on the steady clock */
} ark_clock;

typedef enum ark_clock_news {
    ARK_CLOCK_FINE,
    ARK_CLOCK_LEAPT,    /* the system's clock has leapt, and is not followed from now on */
    ARK_CLOCK_FOLLOWED, /* the system's clock has kept its new time, and is followed again */
} ark_clock_news;

/* The time of the clock of deadlines, when the system's clock shows system_ns and the steady clock
 * steady_ns. Reads no clock. */
int64_t ark_clock_judge(ark_clock *clock, int64_t steady_ns, int64_t system_ns,
                        ark_clock_news *news);

/* The present time of the one clock of the process, in any thread. Leaps are logged. */
int64_t ark_clock_now_ns(void);
/* Nanoseconds of CLOCK_BOOTTIME, by which that clock goes: nobody sets it, and it counts while the machine
 * sleeps. */
int64_t ark_clock_steady_ns(void);
/* The time of CLOCK_BOOTTIME at which that clock will show gps_ns; for a timer. */
int64_t ark_clock_boot_ns(int64_t gps_ns);

#endif
