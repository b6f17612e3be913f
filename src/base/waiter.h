/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that is readable when any of several descriptors is, or from a GPS time on. */
#ifndef ARK_BASE_WAITER_H
#define ARK_BASE_WAITER_H

#include <arrakis/arrakis.h>

typedef struct ark_waiter {
    int fd;    /* epoll: the descriptor to wait for */
    int timer; /* on CLOCK_BOOTTIME, which cannot be set */
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

#endif
