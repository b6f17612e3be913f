/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C and SIGTERM end the work in good order; a second one ends the program at once. SIGUSR1 asks
 * what the program is doing. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <arrakis/arrakis.h>

/** @return 0, or the exit code after a message: there is no descriptor left. */
int interrupt_install(void);
bool interrupt_seen(void);
/** A cancel that the signal sets; for connections and requests. */
arrakis_cancel *interrupt_cancel(void);
/** Write the state of a stream on stderr if SIGUSR1 has come since the last call: the user wants to see
 *  what the program is doing. */
void interrupt_dump(const arrakis_stream *stream);
/** Wait until fd is readable or has ended, SIGUSR1 has come, or the program is to end. */
void interrupt_wait_or_dump(int fd);
/** Wait until fd is readable or at its end; false: the signal came first. */
bool interrupt_wait(int fd);

#endif
