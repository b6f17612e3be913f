/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C and SIGTERM end the work in good order; a second one ends the program at once. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <arrakis/arrakis.h>

/** @return 0, or the exit code after a message: there is no descriptor left. */
int interrupt_install(void);
bool interrupt_seen(void);
/** A cancel that the signal sets; for connections and requests. */
arrakis_cancel *interrupt_cancel(void);
/** Wait until fd is readable or at its end; false: the signal came first. */
bool interrupt_wait(int fd);

#endif
