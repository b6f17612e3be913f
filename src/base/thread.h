/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of the library. */
#ifndef ARK_BASE_THREAD_H
#define ARK_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Start a thread in which all signals are blocked: signals belong to the program, and are handled
 * in its threads. False: the system cannot start a thread. */
bool ark_thread_start(pthread_t *thread, void *(*run)(void *opaque), void *opaque);

#endif
