/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C and SIGTERM end what is under way in good order; a second one ends the program. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <arrakis/arrakis.h>

void interrupt_install(void);
bool interrupt_seen(void);
/** What to cancel; NULL before it is closed. Cancels at once when the signal has come already. */
void interrupt_client(arrakis_client *client);
void interrupt_stream(arrakis_stream *stream);
/** Readable once the signal has come; -1 where there are no descriptors left. */
int interrupt_fd(void);
/** Wait until fd is readable or has ended; false: the signal came first. */
bool interrupt_wait(int fd);

#endif
