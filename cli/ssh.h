/* SPDX-License-Identifier: Apache-2.0 */
/* A server behind the user's own ssh: one ssh process with one forwarded port, as long as the
 * program runs. */
#ifndef CLI_SSH_H
#define CLI_SSH_H

#include "options.h"

#include <signal.h>

/** For an ssh:// URL: forward a port of this machine, and have *url name it instead (it stays
 *  valid). Any other URL is left alone. `bind` is host:port, port 0 for a free one; NULL: any port
 *  of 127.0.0.1. @return 0, or the exit code after a message. */
int ssh_forward(const char **url, const struct options *options, const char *bind);
bool ssh_is_running(void);
/** End the ssh, if there is one. */
void ssh_close(void);

/** In a new process, before exec(): restore how signals are handled. */
void ssh_reset_signals(const sigset_t *mask);

#endif
