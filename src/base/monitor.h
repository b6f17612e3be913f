/* SPDX-License-Identifier: Apache-2.0 */
/* A lock, and a condition with deadlines on the monotonic clock. */
#ifndef ARK_BASE_MONITOR_H
#define ARK_BASE_MONITOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct ark_monitor {
    pthread_mutex_t lock;
    pthread_cond_t changed;
} ark_monitor;

void ark_monitor_init(ark_monitor *monitor);
void ark_monitor_clear(ark_monitor *monitor);
void ark_monitor_enter(ark_monitor *monitor);
void ark_monitor_leave(ark_monitor *monitor);
/* Wake all threads that wait. */
void ark_monitor_notify(ark_monitor *monitor);
/* In the lock: wait until another thread notifies (true; sometimes also without that) or
 * ark_monotonic_ns() reaches deadline_ns (false). INT64_MAX: without limit. */
bool ark_monitor_wait(ark_monitor *monitor, int64_t deadline_ns);

#endif
