/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <arrakis/arrakis.h>

#include <signal.h>
#include <time.h>

bool ark_thread_start(pthread_t *thread, void *(*run)(void *opaque), void *opaque)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(thread, NULL, run, opaque) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

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
