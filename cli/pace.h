/* SPDX-License-Identifier: Apache-2.0 */
/* When recorded blocks are published again: at their own times, or as if they were new. */
#ifndef CLI_PACE_H
#define CLI_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    bool live; /* each block is published when its span is over */
    int64_t
        start_ns; /* where the first time is moved to; ARRAKIS_UNSET: to the present if `live` */
    int64_t first_ns,
        last_ns; /* what is played, as the names of files tell; 0: only its blocks do */
    bool begun;
    int64_t shift_ns; /* once begun: how far blocks are moved */
    int64_t end_ns;   /* of the last block, or of what is played if that is later */
};

/** The time that a block from `time_ns` on gets. Waits until its span is over, if that is wanted;
 *  the wait ends early when the user interrupts. */
int64_t pace_block(struct pace *pace, int64_t time_ns, int64_t duration_ns);
/** All comes again, moved to the end of what has come. */
void pace_repeat(struct pace *pace);

#endif
