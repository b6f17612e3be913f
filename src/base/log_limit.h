/* SPDX-License-Identifier: Apache-2.0 */
/* Limits the log messages about something that recurs: the first time is logged at once, then at
 * most one message per 30 s, with the count since the last. Nothing has happened when all bytes
 * are 0. */
#ifndef ARK_BASE_LOG_LIMIT_H
#define ARK_BASE_LOG_LIMIT_H

#include <arrakis/arrakis.h>

typedef struct ark_log_limit {
    bool open;
    int64_t logged_ns;
    uint64_t unlogged; /* occurrences since the last message, with this one */
} ark_log_limit;

#define ARK_LOG_LIMIT_INTERVAL_NS (30 * ARRAKIS_SECOND_NS)

/* It has happened. Returns 0 when it need not be logged, or how often it has happened since the
 * last message. */
static inline uint64_t ark_log_limit_note(ark_log_limit *limit, int64_t now_ns)
{
    limit->unlogged++;
    int64_t since_ns = now_ns - limit->logged_ns; /* negative when the clock was set back */
    if (limit->open && since_ns < ARK_LOG_LIMIT_INTERVAL_NS &&
        since_ns > -ARK_LOG_LIMIT_INTERVAL_NS)
        return 0;
    uint64_t count = limit->unlogged;
    limit->open = true;
    limit->logged_ns = now_ns;
    limit->unlogged = 0;
    return count;
}

/* It is over. Returns whether it had happened; *unlogged receives how often since the last
 * message. */
static inline bool ark_log_limit_end(ark_log_limit *limit, uint64_t *unlogged)
{
    bool was_open = limit->open;
    *unlogged = limit->unlogged;
    *limit = (ark_log_limit){0};
    return was_open;
}

#endif
