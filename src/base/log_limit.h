/* SPDX-License-Identifier: Apache-2.0 */
/* Saying a thing that happens again and again: at once the first time, then at most every 30 s with
 * the count since. All zero is a fresh one. */
#ifndef ARK_BASE_LOG_LIMIT_H
#define ARK_BASE_LOG_LIMIT_H

#include <arrakis/arrakis.h>

typedef struct ark_log_limit {
    bool open;
    int64_t said_ns;
    uint64_t unsaid; /* occurrences since it was last said, this one included */
} ark_log_limit;

#define ARK_LOG_LIMIT_INTERVAL_NS (30 * ARRAKIS_SECOND_NS)

/* It happened. Returns how often since it was last said if it is to be said now, else 0. */
static inline uint64_t ark_log_limit_note(ark_log_limit *limit, int64_t now_ns)
{
    limit->unsaid++;
    if (limit->open && now_ns - limit->said_ns < ARK_LOG_LIMIT_INTERVAL_NS)
        return 0;
    uint64_t count = limit->unsaid;
    limit->open = true;
    limit->said_ns = now_ns;
    limit->unsaid = 0;
    return count;
}

/* It is over. Returns whether it had begun; *unsaid receives what was not said yet. */
static inline bool ark_log_limit_end(ark_log_limit *limit, uint64_t *unsaid)
{
    bool was_open = limit->open;
    *unsaid = limit->unsaid;
    *limit = (ark_log_limit){0};
    return was_open;
}

#endif
