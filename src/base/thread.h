/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the library's own. */
#ifndef ARK_BASE_THREAD_H
#define ARK_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Start a thread in which every signal is blocked: a signal is the program's, and is handled in a
 * thread of the program's. false: there is no thread to be had. */
bool ark_thread_start(pthread_t *thread, void *(*run)(void *opaque), void *opaque);

#endif
