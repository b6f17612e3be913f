/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wait.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int64_t ark_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * ARRAKIS_SECOND_NS + now.tv_nsec;
}

int64_t ark_wait_deadline(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : ark_monotonic_ns() + timeout_ms * INT64_C(1000000);
}

bool ark_wait_fd(int fd, int64_t deadline_ns)
{
    for (;;) {
        struct timespec left = {0, 0}, *timeout = NULL;
        if (deadline_ns != INT64_MAX) {
            int64_t left_ns = deadline_ns - ark_monotonic_ns();
            if (left_ns > 0) {
                left.tv_sec = left_ns / ARRAKIS_SECOND_NS;
                left.tv_nsec = left_ns % ARRAKIS_SECOND_NS;
            }
            timeout = &left;
        }
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        int n = ppoll(&polled, 1, timeout, NULL);
        if (n >= 0 || errno != EINTR)
            return n > 0;
    }
}

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
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(waiter->fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return ark_fail(err, ARRAKIS_EIO, "cannot wait on a descriptor: %s", strerror(errno));
    return ARRAKIS_OK;
}

void ark_waiter_remove(ark_waiter *waiter, int fd)
{
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

int ark_event_new(void)
{
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void ark_event_clear(int fd)
{
    uint64_t count;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

void ark_event_set(int fd)
{
    int saved = errno;
    const uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}
