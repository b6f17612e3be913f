/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a call or a cancel, whichever is first. */
#include "flight/session.h"

#include "base/error.h"
#include "base/wait.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

int64_t ark_monotonic_in(int64_t timeout_ns)
{
    int64_t deadline_ns;
    if (timeout_ns == ARRAKIS_UNSET ||
        __builtin_add_overflow(ark_monotonic_ns(), timeout_ns, &deadline_ns))
        return INT64_MAX;
    return deadline_ns;
}

static arrakis_status canceled(arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_ECANCELED, "canceled");
}

static arrakis_status late(const ark_call *call, arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_EDEADLINE, "%.200s: no answer in time", call->session->url);
}

arrakis_status ark_call_check(const ark_call *call, int cancel_fd, int64_t deadline_ns,
                              arrakis_error *err)
{
    struct pollfd polled = {.fd = cancel_fd, .events = POLLIN};
    if (poll(&polled, 1, 0) > 0)
        return canceled(err);
    return ark_monotonic_ns() < deadline_ns ? ARRAKIS_OK : late(call, err);
}

arrakis_status ark_call_poll(const ark_call *call, int cancel_fd, int64_t deadline_ns,
                             arrakis_error *err)
{
    struct pollfd polled[] = {
        {.fd = call->session->transport->fd(call->call), .events = POLLIN},
        {.fd = cancel_fd, .events = POLLIN},
    };
    for (;;) {
        int64_t left_ns = deadline_ns == INT64_MAX ? 0 : deadline_ns - ark_monotonic_ns();
        if (left_ns < 0)
            left_ns = 0;
        const struct timespec left = {left_ns / ARRAKIS_SECOND_NS, left_ns % ARRAKIS_SECOND_NS};
        int n = ppoll(polled, 2, deadline_ns == INT64_MAX ? NULL : &left, NULL);
        if (n < 0 && errno != EINTR)
            return ark_fail(err, ARRAKIS_EIO, "%s: cannot wait", call->session->url);
        if (n > 0 && polled[1].revents)
            return canceled(err);
        if (n > 0)
            return ARRAKIS_OK;
        if (n == 0)
            return late(call, err);
    }
}
