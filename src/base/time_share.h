/* SPDX-License-Identifier: Apache-2.0 */
/* Limits something that recurs to a share of the time: a twentieth of it, of which up to three
 * seconds, a minute's share, may be taken at once. So what is needed once in a while is never put
 * off, however long it takes, and what is needed all the time does not take more than its share.
 * Nothing has been taken when all bytes are 0. */
#ifndef ARK_BASE_TIME_SHARE_H
#define ARK_BASE_TIME_SHARE_H

#include <arrakis/arrakis.h>

typedef struct ark_time_share {
    int64_t taken_ns; /* and not made up for */
    int64_t as_of_ns; /* monotonic */
} ark_time_share;

enum { ARK_TIME_SHARE = 20 };
#define ARK_TIME_SHARE_AT_ONCE_NS (3 * ARRAKIS_SECOND_NS)

/* It took the time from `began_ns` to `ended_ns`, monotonic. Returns from when on it may take time
 * again. */
static inline int64_t ark_time_share_take(ark_time_share *share, int64_t began_ns,
                                          int64_t ended_ns)
{
    int64_t made_up_ns = (ended_ns - share->as_of_ns) / ARK_TIME_SHARE;
    share->taken_ns = share->taken_ns > made_up_ns ? share->taken_ns - made_up_ns : 0;
    share->taken_ns += ended_ns - began_ns;
    share->as_of_ns = ended_ns;
    int64_t above_ns = share->taken_ns - ARK_TIME_SHARE_AT_ONCE_NS;
    return ended_ns + (above_ns > 0 ? above_ns * ARK_TIME_SHARE : 0);
}

#endif
