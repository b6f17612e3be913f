/* SPDX-License-Identifier: Apache-2.0 */
#include "base/waiter.h"

#include "base/clock.h"
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

arrakis_status ark_waiter_open(ark_waiter *waiter, arrakis_error *err)
{
    waiter->fd = epoll_create1(EPOLL_CLOEXEC);
    waiter->timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    waiter->armed_ns = ARRAKIS_UNSET;
    if (waiter->fd < 0 || waiter->timer < 0)
        return ark_fail(err, ARRAKIS_EIO, "no descriptors to wait on: %s", strerror(errno));
    return ark_waiter_add(waiter, waiter->timer, err);
}

arrakis_status ark_waiter_add(ark_waiter *waiter, int fd, arrakis_error *err)
{
    assert(waiter->fd >= 0);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(waiter->fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return ark_fail(err, ARRAKIS_EIO, "cannot wait on a descriptor: %s", strerror(errno));
    return ARRAKIS_OK;
}

void ark_waiter_remove(ark_waiter *waiter, int fd)
{
    assert(waiter->fd >= 0);
    epoll_ctl(waiter->fd, EPOLL_CTL_DEL, fd, NULL);
}

void ark_waiter_arm(ark_waiter *waiter, int64_t gps_ns)
{
    if (waiter->armed_ns == gps_ns && gps_ns == ARRAKIS_UNSET)
        return;
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (gps_ns != ARRAKIS_UNSET) {
        int64_t boot_ns = ark_clock_boot_ns(gps_ns);
        if (boot_ns < 1)
            boot_ns = 1; /* zero would disarm it */
        when.it_value.tv_sec = boot_ns / ARRAKIS_SECOND_NS;
        when.it_value.tv_nsec = boot_ns % ARRAKIS_SECOND_NS;
    }
    timerfd_settime(waiter->timer, TFD_TIMER_ABSTIME, &when, NULL);
    waiter->armed_ns = gps_ns;
}

void ark_waiter_close(ark_waiter *waiter)
{
    const int fds[] = {waiter->fd, waiter->timer};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *waiter = (ark_waiter)ARK_WAITER_NONE;
}
