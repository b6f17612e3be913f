/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/plain_text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

/* librdkafka logs from its own threads: the lock guards the sink; the level is read without the
 * lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int max_level = -1;
static arrakis_log_fn sink;
static void *sink_opaque;

void arrakis_log_set(arrakis_log_level level, arrakis_log_fn fn, void *opaque)
{
    pthread_mutex_lock(&lock);
    sink = fn;
    sink_opaque = opaque;
    atomic_store(&max_level, fn ? (int)level : -1);
    pthread_mutex_unlock(&lock);
}

bool ark_log_enabled(arrakis_log_level level)
{
    return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

void ark_log(arrakis_log_level level, const char *format, ...)
{
    if (!ark_log_enabled(level))
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ark_plain_text(line);
    pthread_mutex_lock(&lock);
    if (sink)
        sink(level, line, sink_opaque);
    pthread_mutex_unlock(&lock);
}
