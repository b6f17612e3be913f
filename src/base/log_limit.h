/* SPDX-License-Identifier: Apache-2.0 */
/* Saying a thing that happens again and again: at once the first time, then at most every 30 s with
 * the count since. All zero is a fresh one. */
#ifndef ARK_BASE_LOG_LIMIT_H
#define ARK_BASE_LOG_LIMIT_H

#include <arrakis/arrakis.h>

typedef struct ark_episode {
    bool open;
    int64_t said_ns;
    uint64_t unsaid; /* occurrences since it was last said, this one included */
} ark_episode;

#define ARK_EPISODE_INTERVAL_NS (30 * ARRAKIS_SECOND_NS)

/* It happened. Returns how often since it was last said if it is to be said now, else 0. */
static inline uint64_t ark_episode_note(ark_episode *episode, int64_t now_ns)
{
    episode->unsaid++;
    if (episode->open && now_ns - episode->said_ns < ARK_EPISODE_INTERVAL_NS)
        return 0;
    uint64_t count = episode->unsaid;
    episode->open = true;
    episode->said_ns = now_ns;
    episode->unsaid = 0;
    return count;
}

/* It is over. Returns whether it had begun; *unsaid receives what was not said yet. */
static inline bool ark_episode_end(ark_episode *episode, uint64_t *unsaid)
{
    bool was_open = episode->open;
    *unsaid = episode->unsaid;
    *episode = (ark_episode){0};
    return was_open;
}

#endif
