/* SPDX-License-Identifier: Apache-2.0 */
/* A resolver of a test's own in the place of the system's: no test looks names up outside. */
#ifndef ARK_TEST_RESOLVER_H
#define ARK_TEST_RESOLVER_H

#include "base/monitor.h"
#include "base/monotonic.h"
#include "read/closing.h"
#include "support.h"

#include <netdb.h>

/* What closing may take on a loaded machine. Whoever waits for the resolver takes a minute. */
#define IN_TIME_NS (4 * ARK_CLOSING_NS)

/* A resolver that takes as long as it is held up, a minute at most, and finds nothing. */
static ark_monitor resolver;
static bool held;
static int lookups;

__attribute__((visibility("default"))) int getaddrinfo(const char *restrict node,
                                                       const char *restrict service,
                                                       const struct addrinfo *restrict hints,
                                                       struct addrinfo **restrict out)
{
    (void)node;
    (void)service;
    (void)hints;
    (void)out;
    ark_monitor_enter(&resolver);
    int64_t end_ns = ark_monotonic_ns() + 60 * SECOND;
    lookups++;
    ark_monitor_notify(&resolver);
    while (held && ark_monitor_wait(&resolver, end_ns))
        ;
    lookups--;
    ark_monitor_leave(&resolver);
    return EAI_NONAME;
}

static inline void hold_resolver(bool on)
{
    ark_monitor_enter(&resolver);
    held = on;
    ark_monitor_notify(&resolver);
    ark_monitor_leave(&resolver);
}

static inline void expect_lookups(int wanted)
{
    ark_monitor_enter(&resolver);
    while (lookups < wanted)
        assert_true(ark_monitor_wait(&resolver, ark_monotonic_ns() + 30 * SECOND));
    ark_monitor_leave(&resolver);
}

#endif
