/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/error.h"
#include "base/plain_text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* librdkafka logs from its own threads: the lock guards the sink; the level is read without the
 * lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int max_level = -1;
static arrakis_log_fn sink;
static void *sink_opaque;
static unsigned chosen; /* contexts; guarded by the lock */
atomic_uint ark_log_contexts;

static const struct {
    const char *name;
    unsigned contexts;
} context_names[] = {
    {"align", ARK_LOG_ALIGN},     {"kafka", ARK_LOG_KAFKA},     {"flight", ARK_LOG_FLIGHT},
    {"connect", ARK_LOG_CONNECT}, {"publish", ARK_LOG_PUBLISH}, {"all", ~0U},
};
enum { CONTEXT_NAMES = sizeof context_names / sizeof *context_names };

/* With the lock. */
static void apply_contexts(void)
{
    bool debug = atomic_load(&max_level) >= ARRAKIS_LOG_DEBUG;
    atomic_store(&ark_log_contexts, debug ? chosen : 0);
}

void arrakis_log_set(arrakis_log_level level, arrakis_log_fn fn, void *opaque)
{
    pthread_mutex_lock(&lock);
    sink = fn;
    sink_opaque = opaque;
    atomic_store(&max_level, fn ? (int)level : -1);
    apply_contexts();
    pthread_mutex_unlock(&lock);
}

/* The contexts of the name at *text, which moves past it and its comma; 0: there is no such
 * name. */
static unsigned read_context(const char **text, size_t *length)
{
    const char *name = *text;
    *length = strcspn(name, ",");
    *text += *length + (name[*length] == ',');
    for (size_t i = 0; i < CONTEXT_NAMES; i++)
        if (strlen(context_names[i].name) == *length &&
            !memcmp(context_names[i].name, name, *length))
            return context_names[i].contexts;
    return 0;
}

arrakis_status arrakis_log_set_debug(const char *contexts, arrakis_error *err)
{
    unsigned all = 0;
    for (const char *rest = contexts ? contexts : ""; *rest;) {
        const char *name = rest;
        size_t length;
        unsigned one = read_context(&rest, &length);
        if (!one)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "invalid debug context '%.*s': expected some of align, kafka, flight, "
                            "connect, publish, separated by commas, or all",
                            length < 100 ? (int)length : 100, name);
        all |= one;
    }
    pthread_mutex_lock(&lock);
    chosen = all;
    apply_contexts();
    pthread_mutex_unlock(&lock);
    return ARRAKIS_OK;
}

bool ark_log_enabled(arrakis_log_level level)
{
    return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

static void write_line(arrakis_log_level level, const char *prefix, const char *format,
                       va_list args)
{
    char line[1024];
    int used = snprintf(line, sizeof line, "%s", prefix);
    vsnprintf(line + used, sizeof line - (size_t)used, format, args);
    ark_plain_text(line);
    pthread_mutex_lock(&lock);
    if (sink)
        sink(level, line, sink_opaque);
    pthread_mutex_unlock(&lock);
}

void ark_log(arrakis_log_level level, const char *format, ...)
{
    if (!ark_log_enabled(level))
        return;
    va_list args;
    va_start(args, format);
    write_line(level, "", format, args);
    va_end(args);
}

void ark_log_context_line(ark_log_context context, const char *format, ...)
{
    char prefix[32] = "";
    for (size_t i = 0; i < CONTEXT_NAMES; i++)
        if (context_names[i].contexts == (unsigned)context)
            snprintf(prefix, sizeof prefix, "[%s] ", context_names[i].name);
    va_list args;
    va_start(args, format);
    write_line(ARRAKIS_LOG_DEBUG, prefix, format, args);
    va_end(args);
}
