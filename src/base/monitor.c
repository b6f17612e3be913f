/* SPDX-License-Identifier: Apache-2.0 */
#include "base/monitor.h"

#include <arrakis/arrakis.h>

#include <time.h>

void ark_monitor_init(ark_monitor *monitor)
{
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&monitor->lock, NULL);
    pthread_cond_init(&monitor->changed, &steady);
    pthread_condattr_destroy(&steady);
}

void ark_monitor_clear(ark_monitor *monitor)
{
    pthread_cond_destroy(&monitor->changed);
    pthread_mutex_destroy(&monitor->lock);
}

void ark_monitor_enter(ark_monitor *monitor)
{
    pthread_mutex_lock(&monitor->lock);
}

void ark_monitor_leave(ark_monitor *monitor)
{
    pthread_mutex_unlock(&monitor->lock);
}

void ark_monitor_notify(ark_monitor *monitor)
{
    pthread_cond_broadcast(&monitor->changed);
}

bool ark_monitor_wait(ark_monitor *monitor, int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX)
        return pthread_cond_wait(&monitor->changed, &monitor->lock) == 0;
    struct timespec until = {deadline_ns / ARRAKIS_SECOND_NS, deadline_ns % ARRAKIS_SECOND_NS};
    return pthread_cond_timedwait(&monitor->changed, &monitor->lock, &until) == 0;
}
