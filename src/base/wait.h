/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for descriptors and a GPS time, all at once. */
#ifndef ARK_BASE_WAIT_H
#define ARK_BASE_WAIT_H

#include <arrakis/arrakis.h>

/* Nanoseconds on the clock of deadlines. */
int64_t ark_monotonic_ns(void);
/* The moment timeout_ms from now on the monotonic clock; INT64_MAX for a negative one. */
int64_t ark_wait_deadline(int timeout_ms);
/* Wait until fd is readable (true) or the deadline has passed (false; always, for a negative fd). */
bool ark_wait_fd(int fd, int64_t deadline_ns);

/* A descriptor that becomes readable with any of several, or at a GPS time. */
typedef struct ark_waiter {
    int fd;    /* epoll: the descriptor to give to users */
    int timer; /* CLOCK_BOOTTIME: nobody sets it */
    int64_t armed_ns;
} ark_waiter;

#define ARK_WAITER_NONE                                                                           \
    {                                                                                             \
        -1, -1, ARRAKIS_UNSET                                                                     \
    }

arrakis_status ark_waiter_open(ark_waiter *waiter, arrakis_error *err);
arrakis_status ark_waiter_add(ark_waiter *waiter, int fd, arrakis_error *err);
void ark_waiter_remove(ark_waiter *waiter, int fd);
/* Become readable at that GPS time by ark_clock_now_ns(); ARRAKIS_UNSET: never. */
void ark_waiter_arm(ark_waiter *waiter, int64_t gps_ns);
void ark_waiter_close(ark_waiter *waiter);

/* An eventfd that does not block, for librdkafka to write to; and its draining. */
int ark_event_new(void);
void ark_event_clear(int fd);
void ark_event_set(int fd);

#endif
