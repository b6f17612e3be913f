/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/log.h"
#include "base/log_limit.h"

#include <pthread.h>
#include <time.h>

static int64_t distance_ns(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns - b_ns : b_ns - a_ns;
}

int64_t ark_clock_judge(ark_clock *clock, int64_t steady_ns, int64_t system_ns,
                        ark_clock_news *news)
{
    int64_t leap_ns = system_ns - (steady_ns + clock->offset_ns);
    *news = ARK_CLOCK_FINE;
    if (clock->begun && distance_ns(leap_ns, 0) > ARK_CLOCK_LEAP_NS) {
        if (!clock->doubted || distance_ns(leap_ns, clock->leap_ns) > ARK_CLOCK_LEAP_NS) {
            *news = ARK_CLOCK_LEAPT;
            clock->doubted = true;
            clock->doubted_ns = steady_ns;
            clock->leap_ns = leap_ns;
        }
        if (steady_ns - clock->doubted_ns < ARK_CLOCK_DOUBT_NS)
            return steady_ns + clock->offset_ns;
        *news = ARK_CLOCK_FOLLOWED;
    }
    clock->begun = true;
    clock->doubted = false;
    clock->offset_ns = system_ns - steady_ns;
    return system_ns;
}

/* CLOCK_BOOTTIME also counts while the machine sleeps, so that sleeping is not a leap of the
 * system's clock. */
int64_t ark_clock_steady_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * ARRAKIS_SECOND_NS + now.tv_nsec;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ark_clock process;
static ark_log_limit leap_limit;

static void log_leap(ark_clock_news news, int64_t leap_ns)
{
    double seconds = (double)leap_ns * 1e-9;
    if (news == ARK_CLOCK_LEAPT)
        ark_log(ARRAKIS_LOG_WARNING,
                "the system's clock has been set by %+.3f s: deadlines go on without that, and "
                "follow it once it has stood for a minute",
                seconds);
    else
        ark_log(ARRAKIS_LOG_WARNING,
                "deadlines follow the system's clock, which was set by %+.3f s a minute ago",
                seconds);
}

int64_t ark_clock_now_ns(void)
{
    ark_clock_news news;
    pthread_mutex_lock(&lock);
    int64_t steady_ns = ark_clock_steady_ns();
    int64_t now_ns = ark_clock_judge(&process, steady_ns, arrakis_gps_now_ns(), &news);
    int64_t leap_ns = process.leap_ns;
    bool log_it = news == ARK_CLOCK_FOLLOWED ||
                  (news == ARK_CLOCK_LEAPT && ark_log_limit_note(&leap_limit, steady_ns));
    pthread_mutex_unlock(&lock);
    if (log_it)
        log_leap(news, leap_ns);
    return now_ns;
}

int64_t ark_clock_boot_ns(int64_t gps_ns)
{
    int64_t now_ns = ark_clock_now_ns(), left_ns, then_ns;
    bool never = __builtin_sub_overflow(gps_ns, now_ns, &left_ns) ||
                 __builtin_add_overflow(ark_clock_steady_ns(), left_ns, &then_ns);
    return !never ? then_ns : gps_ns > now_ns ? INT64_MAX : 0;
}
