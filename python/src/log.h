/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's log lines on their way to Python's logging, logger "libarrakis".
 *
 * A line arrives in any thread, whose caller may hold locks that a thread with the GIL waits for. So the callback only
 * queues the line. Lines are handed on by a thread that waits in a call of this module, or at the end of such a call;
 * and what no call has taken soon, by a thread of its own, which is started with the first line. So a handler never runs
 * in the middle of what the program does, which may hold a lock that the handler takes.
 */
#ifndef PYARK_LOG_H
#define PYARK_LOG_H

#include "binding.h"

int pyark_log_start(void);
/* Takes the level from the logger, if logging was imported: called when something is opened. */
void pyark_log_refresh(void);
/* A descriptor that is readable while lines are queued; -1 while a thread hands lines on. Needs the GIL. */
int pyark_log_fd(void);
/* Hands queued lines on. Needs the GIL. Keeps the exception that is set. */
void pyark_log_drain(void);
/* Drops all lines from now on: Python is about to end. */
void pyark_log_stop(void);

#endif
