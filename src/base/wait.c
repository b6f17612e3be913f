/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wait.h"

#include "base/monotonic.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

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
