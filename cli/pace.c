/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

#include "interrupt.h"

#include <poll.h>

static int64_t first_time(const struct pace *p, int64_t time_ns, int64_t duration_ns)
{
    if (p->start_ns != ARRAKIS_UNSET)
        return p->start_ns;
    if (!p->live)
        return time_ns;
    int64_t now_ns = arrakis_gps_now_ns();
    return now_ns - now_ns % duration_ns;
}

static int64_t later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

/* A first block that is not within what the names tell belies them. */
static void begin_pace(struct pace *p, int64_t time_ns, int64_t duration_ns)
{
    if (time_ns < p->first_ns || time_ns >= p->last_ns)
        p->first_ns = p->last_ns = time_ns;
    p->shift_ns = first_time(p, p->first_ns, duration_ns) - p->first_ns;
    p->begun = true;
}

int64_t pace_block(struct pace *p, int64_t time_ns, int64_t duration_ns)
{
    if (!p->begun)
        begin_pace(p, time_ns, duration_ns);
    time_ns += p->shift_ns;
    struct pollfd polled = {.fd = arrakis_cancel_fd(interrupt_cancel()), .events = POLLIN};
    while (p->live && !interrupt_seen()) {
        int64_t left_ns = time_ns + duration_ns - arrakis_gps_now_ns();
        if (left_ns <= 0)
            break;
        poll(&polled, 1, left_ns < ARRAKIS_SECOND_NS ? (int)(left_ns / 1000000 + 1) : 1000);
    }
    p->end_ns = later(time_ns + duration_ns, p->last_ns + p->shift_ns);
    return time_ns;
}

void pace_repeat(struct pace *p)
{
    p->start_ns = p->end_ns;
    p->begun = false;
}
