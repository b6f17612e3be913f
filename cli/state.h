/* SPDX-License-Identifier: Apache-2.0 */
/* A file that keeps, from one run of a command to the next, the time at which to start again. */
#ifndef CLI_STATE_H
#define CLI_STATE_H

#include "options.h"

#include <stdbool.h>
#include <stdint.h>

/** Begins with all bytes 0, and is of no effect until state_open(). */
struct state {
    const char *path; /* borrowed; NULL: none */
    char *temporary;  /* beside it: what is written before it takes the place of the file */
    int64_t saved_ns; /* the position in the file */
    int64_t next_ns;  /* monotonic: when the position is saved again */
    bool failing;     /* the last save failed, which has been reported */
    bool lost;        /* what was printed may be lost: no later position is saved for it */
};

/** Refuse what cannot be used with --state. @return 0, or the exit code after a message */
int state_check(const struct options *options);
/** Read the position. `*position_ns` is ARRAKIS_UNSET when there is no such file yet.
 *  @return 0, or the exit code after a message: it is no such file, or cannot be read */
int state_open(struct state *state, const char *path, int64_t *position_ns);
/** Whether a second has passed since the last save, and the position is another one. */
bool state_is_due(const struct state *state, int64_t position_ns);
/** Put the position into the file: it has the former position or this one, whatever happens meanwhile.
 *  A failure is reported once. */
void state_save(struct state *state, int64_t position_ns);
/** The same once what was printed is on the disk, if stdout is a file there.
 *  @return false: what was printed before the position may be lost */
bool state_save_printed(struct state *state, int64_t position_ns);
/** Free the memory. @return `code`; 1 if `code` is 0 and the last save has failed */
int state_close(struct state *state, int code);

#endif
