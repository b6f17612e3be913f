/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>

bool ark_thread_start(pthread_t *thread, void *(*run)(void *opaque), void *opaque)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(thread, NULL, run, opaque) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}
