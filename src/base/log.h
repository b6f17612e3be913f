/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the log: what no return value reports. */
#ifndef ARK_BASE_LOG_H
#define ARK_BASE_LOG_H

#include <arrakis/arrakis.h>

#include <stdatomic.h>

/* Whether messages of this level are logged. To be checked before work that is only needed for a
 * message. */
bool ark_log_enabled(arrakis_log_level level);
/* Log a line. It may quote what a peer sent: control characters are replaced
 * (base/plain_text.h). */
void ark_log(arrakis_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What arrakis_log_set_debug() chooses; log.c has the names. */
typedef enum ark_log_context {
    ARK_LOG_ALIGN = 1 << 0,
    ARK_LOG_KAFKA = 1 << 1,
    ARK_LOG_FLIGHT = 1 << 2,
    ARK_LOG_CONNECT = 1 << 3,
    ARK_LOG_PUBLISH = 1 << 4,
} ark_log_context;

/* The contexts that are logged; none below the level DEBUG. Only log.c writes it. */
extern atomic_uint ark_log_contexts;

static inline bool ark_log_traces(ark_log_context context)
{
    return atomic_load_explicit(&ark_log_contexts, memory_order_relaxed) & (unsigned)context;
}

void ark_log_context_line(ark_log_context context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Log a message that helps to find defects. Its arguments are evaluated only if its context is
 * logged; otherwise it costs one load. Not for what happens per row. */
#define ark_log_trace(context, ...)                                                               \
    do {                                                                                          \
        if (ark_log_traces(context))                                                              \
            ark_log_context_line((context), __VA_ARGS__);                                         \
    } while (0)

#endif
