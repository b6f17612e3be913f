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

#endif
